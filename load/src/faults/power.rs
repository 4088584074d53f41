//! Power loss. `kill -9` does not test it: what a killed process has written stays in the system's cache. Here the server runs
//! under `strace`, which writes down every write and every sync of its files; when the power goes, a disk is made from that
//! record as it could have been, and the server starts again on that one.

mod platter;
mod record;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use tokio::time::{sleep, timeout};

use self::{platter::Platter, record::Record};
use super::Run;
use crate::{
    database,
    report::Report,
    server::Server,
    talk::{Plan, Talk},
};

/// How many operations are acknowledged before the power goes.
const TALK: std::ops::Range<usize> = 50..300;
/// How long the record may take to be complete once the server is dead.
const RECORD_WAIT: Duration = Duration::from_secs(10);
/// Tracing slows writing down: fewer people than usual make as much of a crowd.
const PLAN: Plan = Plan { writers: 20, in_flight: 4, rest: Duration::ZERO, readers: 3 };
/// What changes files, or makes changes last.
const CALLS: &str = "trace=write,pwrite64,pwritev,pwritev2,writev,ftruncate,truncate,fallocate,fsync,fdatasync,\
                     sync_file_range,unlink,unlinkat,rename,renameat,renameat2";
/// How long after an acknowledgement the power goes, in microseconds: at any moment of the next commits.
const LATER_US: std::ops::Range<u64> = 0..30_000;
/// The files that hold what must not be lost. What else is there (`-shm`, the lock) is made anew at each start.
const FILES: [&str; 2] = ["hubbub.db", "hubbub.db-wal"];

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?;
    // A database that is there, as the disk has it.
    server.start().await?;
    server.stop().await?;
    let record = server.folder().join("record");
    let record = record.to_str().context("a path that is no Unicode")?.to_owned();
    // Long enough for every write, in hexadecimal; only the calls of the list stop the server.
    let mut server = server.under(&[
        "strace",
        "-D",
        "-f",
        "-q",
        "-y",
        "-xx",
        "-s",
        "1048576",
        "--seccomp-bpf",
        "-e",
        CALLS,
        "-e",
        "signal=kill",
        "-o",
        &record,
    ]);
    let mut platter = Platter::read(server.data(), &FILES)?;
    server.start().await?;
    let talk = Talk::begin(&server.address(), &PLAN, &mut run.random).await?;

    let cuts = run.scale(100, 12);
    let (mut lost, mut torn, mut synced) = (0, 0, 0);
    for cut in 0..cuts {
        talk.goes_on(run.random.usize(TALK)).await?;
        sleep(Duration::from_micros(run.random.u64(LATER_US))).await;
        let pid = server.pid()?;
        server.kill().await?;
        complete(Path::new(&record), pid).await?;
        let folder = server.data().to_owned();
        let mut calls = 0;
        for call in Record::open(Path::new(&record), &folder)? {
            synced += platter.apply(call?)?;
            calls += 1;
        }
        anyhow::ensure!(calls > 0, "nothing was recorded: the run proves nothing");
        let losses = platter.lose_power(&mut run.random);
        lost += losses.lost;
        torn += losses.torn;
        let next = server.folder().join(format!("after-{cut}"));
        platter.write(&next)?;
        server.move_to(&next);
        fs::remove_dir_all(&folder)?;
        server.start().await?;
    }
    report.judge(&talk.end().await?);
    report.note(format!(
        "{cuts} times without power: {synced} writes synced before, {lost} of the others lost whole, {torn} in part"
    ));
    report.demand(lost > 0, "nothing was lost: the run proves nothing");
    server.kill().await?;
    database::demand_sound(&server.database(), &mut report)?;
    Ok(report)
}

/// Waits until the record ends with the end of process `pid`.
async fn complete(record: &Path, pid: u32) -> anyhow::Result<()> {
    let ended = async {
        loop {
            if tail(record)?.lines().any(|line| is_end(line, pid)) {
                return anyhow::Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(RECORD_WAIT, ended).await.context("the record does not end; is strace there?")?
}

/// Whether a line of the record says that process `pid` was killed. Numbers stand in a column as wide as most of them.
fn is_end(line: &str, pid: u32) -> bool {
    line.split_once(' ').is_some_and(|(thread, words)| {
        thread == pid.to_string() && words.trim_start() == "+++ killed by SIGKILL +++"
    })
}

/// The last lines of a file.
fn tail(file: &Path) -> anyhow::Result<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};

    const TAIL_BYTES: u64 = 4_096;
    let mut file = fs::File::open(file)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    Ok(String::from_utf8_lossy(&tail).into_owned())
}

/// A file by its name alone: the folder changes with every cut.
type Name = PathBuf;

#[cfg(test)]
mod tests {
    use super::is_end;

    #[test]
    fn the_end_is_known_however_long_the_number_is() {
        for line in [
            "7     +++ killed by SIGKILL +++",
            "432   +++ killed by SIGKILL +++",
            "4194304 +++ killed by SIGKILL +++",
        ] {
            let pid = line.split(' ').next().unwrap().parse().unwrap();
            assert!(is_end(line, pid), "{line}");
            assert!(!is_end(line, pid + 1), "{line}");
        }
        assert!(!is_end("432   +++ exited with 0 +++", 432));
    }
}
