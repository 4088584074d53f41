//! A server of our own, as a process that can be killed.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

/// How long a server may take to get ready, or to end, before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked.
const READY_POLL: Duration = Duration::from_millis(5);

/// A server on a port and a data folder that stay the same across restarts.
#[derive(Debug)]
pub(crate) struct Server {
    binary: PathBuf,
    /// What runs the binary in its stead and becomes it, with arguments: `faketime`, `ip netns exec`.
    wrapper: Vec<String>,
    environment: Vec<(String, String)>,
    flags: Vec<String>,
    own_data: TempDir,
    data: PathBuf,
    host: IpAddr,
    port: u16,
    /// Where it tells its own numbers.
    metrics: Option<u16>,
    process: Option<Child>,
}

/// What a server that did not get ready left behind.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Its last words.
    pub(crate) words: String,
    pub(crate) status: ExitStatus,
}

impl Server {
    /// A server that does not run yet. Its rates are lifted, and readers are given every event, however many they missed.
    pub(crate) fn new(binary: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(binary.exists(), "there is no {}: build it with scripts/build.sh", binary.display());
        let port = free_port()?;
        let own_data = tempfile::tempdir()?;
        let flags = ["--rate-limits", "off", "--max-replay", "100000000", "--log", "error"];
        Ok(Self {
            binary: binary.canonicalize()?,
            wrapper: Vec::new(),
            environment: Vec::new(),
            flags: flags.map(str::to_owned).into(),
            data: own_data.path().join("data"),
            own_data,
            host: Ipv4Addr::LOCALHOST.into(),
            port,
            metrics: None,
            process: None,
        })
    }

    /// The same telling [`Self::metric`].
    pub(crate) fn with_metrics(mut self) -> anyhow::Result<Self> {
        self.metrics = Some(free_port()?);
        Ok(self)
    }

    /// The same with other flags than usual.
    pub(crate) fn with_flags(mut self, flags: &[&str]) -> Self {
        self.flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        self
    }

    /// The same with its data in this folder.
    pub(crate) fn on(mut self, data: &Path) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    /// The same listening at this address.
    pub(crate) fn at(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// The same run by another program, which becomes it.
    pub(crate) fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// The same with a variable set.
    pub(crate) fn with_variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Where its data is from the next start on.
    pub(crate) fn move_to(&mut self, data: &Path) {
        data.clone_into(&mut self.data);
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A folder for whatever a run needs; it goes with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.own_data.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.data.join("hubbub.db")
    }

    /// Starts it and waits until it is ready; answers how long that took.
    pub(crate) async fn start(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        match self.try_start().await? {
            Ok(()) => Ok(began.elapsed()),
            Err(Refusal { words, status }) => anyhow::bail!("the server ended with {status}: {words}"),
        }
    }

    /// Starts it and waits until it is ready or has ended.
    pub(crate) async fn try_start(&mut self) -> anyhow::Result<Result<(), Refusal>> {
        let began = Instant::now();
        let words = self.folder().join("words");
        let process = self
            .command()
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&words)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        let (host, port) = (self.host, self.port);
        let process = self.process.insert(process);
        loop {
            if is_ready(host, port).await {
                return Ok(Ok(()));
            }
            if let Some(status) = process.try_wait()? {
                self.process = None;
                return Ok(Err(Refusal { words: std::fs::read_to_string(words)?, status }));
            }
            anyhow::ensure!(began.elapsed() < PATIENCE, "the server is not ready after {PATIENCE:?}");
            sleep(READY_POLL).await;
        }
    }

    fn command(&self) -> Command {
        let mut words = self.wrapper.iter().map(String::as_str).chain(self.binary.to_str());
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .args(["--listen", &format!("{}:{}", self.host, self.port)])
            .args(&self.flags)
            .arg("--data")
            .arg(&self.data)
            .args(self.metrics.map(|port| format!("--metrics=127.0.0.1:{port}")))
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Ends it as a power cut of the process would: at once, without a word (`SIGKILL`).
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Asks it to stop (`SIGTERM`) and waits until it has; answers how long that took.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let pid = self.pid()?.to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().await?;
        anyhow::ensure!(asked.success(), "the server cannot be asked to stop");
        let mut process = self.process.take().context("it does not run")?;
        let status = timeout(PATIENCE, process.wait()).await.context("the server does not stop")??;
        anyhow::ensure!(status.success(), "the server stopped with {status}");
        Ok(began.elapsed())
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> anyhow::Result<bool> {
        let process = self.process.as_mut().context("it was not started")?;
        Ok(process.try_wait()?.is_none())
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.process.as_ref().and_then(Child::id).context("the server does not run")
    }

    /// Memory that is resident, in KB.
    pub(crate) fn resident_kb(&self) -> anyhow::Result<u64> {
        self.status_line("VmRSS:")
    }

    /// The most memory that was ever resident, in KB, or since it was forgotten.
    pub(crate) fn peak_kb(&self) -> anyhow::Result<u64> {
        self.status_line("VmHWM:")
    }

    /// Has the most memory be what it is now.
    pub(crate) fn forget_peak(&self) -> anyhow::Result<()> {
        const PEAK: &str = "5";
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.pid()?), PEAK)?)
    }

    /// How many threads it has.
    pub(crate) fn threads(&self) -> anyhow::Result<u64> {
        self.status_line("Threads:")
    }

    /// A number that it tells of itself.
    pub(crate) async fn metric(&self, name: &str) -> anyhow::Result<u64> {
        let port = self.metrics.context("it was not asked to tell")?;
        let text = reqwest::get(format!("http://127.0.0.1:{port}/metrics"))
            .await?
            .error_for_status()?
            .text()
            .await?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("it does not tell {name}"))?.parse()?)
    }

    fn status_line(&self, name: &str) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line")?;
        Ok(line.split_whitespace().next().context("nothing is said")?.parse()?)
    }

    /// How many files and sockets it has open.
    pub(crate) fn descriptors(&self) -> anyhow::Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.pid()?))?.count())
    }
}

/// A port that was free just now; it stays ours in practice, for the kernel hands out others first.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

async fn is_ready(host: IpAddr, port: u16) -> bool {
    let Ok(stream) = TcpStream::connect((host, port)).await else { return false };
    drop(stream);
    let answer = reqwest::get(format!("http://{host}:{port}/readyz")).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
