//! A server that is measured: a process of ours, and what the kernel says it costs.

use std::{
    collections::HashMap,
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

/// How long a server may take until it takes connections.
const START_WAIT: Duration = Duration::from_secs(20);
/// How often that is tried.
const START_POLL: Duration = Duration::from_millis(10);
/// The unit of times in `/proc/PID/stat`: `USER_HZ` is 100 wherever Linux tells it to programs.
const TICK: Duration = Duration::from_millis(10);

/// How many files a process may open here.
pub(crate) fn files_max() -> anyhow::Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    files_max_in(&limits).context("/proc/self/limits is odd")
}

/// The first number in the line is the limit that holds, the second how far it could be raised.
fn files_max_in(limits: &str) -> Option<usize> {
    let mut values = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace();
    match values.next()? {
        "unlimited" => Some(usize::MAX),
        limit => limit.parse().ok(),
    }
}

/// A port of the kernel's choosing. It is free when this returns and stays so in practice, for others are handed out first.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A running server; it ends when this goes.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command`, which listens on `address`, and waits until it takes connections.
    pub(crate) fn start(mut command: Command, address: SocketAddr) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut process = Self { child };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = process.child.try_wait()? {
                anyhow::bail!("{name} ended with {status} instead of listening");
            }
            anyhow::ensure!(began.elapsed() < START_WAIT, "{name} does not listen after {START_WAIT:?}");
            thread::sleep(START_POLL);
        }
        Ok(process)
    }

    /// What it has cost so far.
    pub(crate) fn cost(&self) -> anyhow::Result<Cost> {
        let id = self.child.id();
        let ticks =
            ticks(&fs::read_to_string(format!("/proc/{id}/stat"))?).context("/proc/PID/stat is odd")?;
        let mut threads = HashMap::new();
        for thread in fs::read_dir(format!("/proc/{id}/task"))? {
            let path = thread?.path();
            // A thread that has just ended is in no list the next time either.
            let Ok(stat) = fs::read_to_string(path.join("schedstat")) else { continue };
            let ran = stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).map(Duration::from_nanos);
            threads.insert(path.into_os_string(), ran.context("schedstat is odd")?);
        }
        Ok(Cost { ticks, threads })
    }

    /// Its resident memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to end.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The processor time a process has used.
#[derive(Debug, Clone)]
pub(crate) struct Cost {
    /// User and system, whole process, ended threads included; to 10 ms.
    ticks: Duration,
    /// To the nanosecond, of each thread that is there.
    threads: HashMap<std::ffi::OsString, Duration>,
}

impl Cost {
    /// What was used since `earlier`: to the nanosecond, unless a thread has ended meanwhile and taken its count along.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        if earlier.threads.keys().any(|thread| !self.threads.contains_key(thread)) {
            return self.ticks.saturating_sub(earlier.ticks);
        }
        let before = |thread| earlier.threads.get(thread).copied().unwrap_or_default();
        self.threads.iter().map(|(thread, ran)| ran.saturating_sub(before(thread))).sum()
    }
}

/// `utime` and `stime`, the 14th and 15th field; the second is a name in brackets that may hold anything.
fn ticks(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse);
    let (user, system): (u32, u32) = (times.next()?.ok()?, times.next()?.ok()?);
    Some(TICK * (user + system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_files_is_found() {
        let limits =
            |limit| format!("Max processes  1  2  processes\nMax open files  {limit}  20000  files\n");
        assert_eq!(files_max_in(&limits("1024")), Some(1024));
        assert_eq!(files_max_in(&limits("unlimited")), Some(usize::MAX));
        assert_eq!(files_max_in("nonsense"), None);
    }

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20 0 9 0";
        assert_eq!(ticks(stat), Some(Duration::from_millis(1500)));
        assert_eq!(ticks("nonsense"), None);
    }

    #[test]
    fn threads_count_to_the_nanosecond_and_ticks_where_one_has_ended() {
        let cost = |ticks, threads: &[(&str, u64)]| Cost {
            ticks: Duration::from_millis(ticks),
            threads: threads
                .iter()
                .map(|(name, nanos)| ((*name).into(), Duration::from_nanos(*nanos)))
                .collect(),
        };
        let earlier = cost(100, &[("a", 5), ("b", 7)]);
        assert_eq!(cost(110, &[("a", 6), ("b", 9), ("c", 4)]).since(&earlier), Duration::from_nanos(7));
        assert_eq!(cost(130, &[("a", 6)]).since(&earlier), Duration::from_millis(30));
    }
}
