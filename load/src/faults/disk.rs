//! The disk takes nothing any more, for a while: full, not writable, or locked by somebody else.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    process::Command,
    time::{Instant, sleep, timeout},
};

use super::{NOTICE_MAX, Run};
use crate::{
    database,
    report::Report,
    server::Server,
    talk::{Plan, Talk},
    web::Web,
};

/// A disk small enough to be filled, in bytes.
const DISK_BYTES: usize = 32 * 1024 * 1024;
/// How long another process holds the lock.
const LOCKED: Duration = Duration::from_secs(30);
/// How long it may take until the fault hinders anybody.
const BITES_MAX: Duration = Duration::from_mins(1);
/// How long a fault lasts otherwise.
const LASTS: Duration = Duration::from_secs(5);
/// Operations before the fault.
const TALK: usize = 1_000;

/// People write all the time; what they are refused for now they try again.
const PLAN: Plan = Plan { writers: 20, in_flight: 2, rest: Duration::from_millis(20), readers: 3 };

/// A file system of its own, gone with this.
struct SmallDisk(PathBuf);

impl SmallDisk {
    async fn mount(at: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&at)?;
        let size = format!("size={DISK_BYTES}");
        demand_done("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", text(&at)?]).await?;
        Ok(Self(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server on it may still be ending.
        let _tried = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Fills the disk to its last byte; makes room again later.
pub(super) async fn full(run: &mut Run) -> anyhow::Result<Report> {
    let server = Server::new(&run.binary)?;
    let disk = SmallDisk::mount(server.folder().join("disk")).await?;
    let filler = disk.0.join("filler");
    let mut server = server.on(&disk.0.join("data"));
    let begin = async || fill(&filler);
    let end = async || Ok(fs::remove_file(&filler)?);
    let report = endure(run, &mut server, LASTS, begin, end).await;
    server.kill().await?;
    drop(disk);
    report
}

/// Writes until nothing more fits.
fn fill(filler: &Path) -> anyhow::Result<()> {
    let mut file = File::create(filler)?;
    for size in [1024 * 1024, 4_096, 1] {
        let some = vec![0; size];
        while file.write_all(&some).is_ok() {}
    }
    Ok(())
}

/// Makes the files immutable, which holds for those that are open too.
pub(super) async fn read_only(run: &mut Run) -> anyhow::Result<Report> {
    let mut server = Server::new(&run.binary)?;
    let (database, log) = (server.database(), server.data().join("hubbub.db-wal"));
    let change =
        async |flag: &'static str| demand_done("chattr", &[flag, text(&database)?, text(&log)?]).await;
    let report =
        endure(run, &mut server, LASTS, async || change("+i").await, async || change("-i").await).await;
    // Where it was endured the log is gone by now; where not, the files must not stay so.
    let _gone = change("-i").await;
    server.kill().await?;
    report
}

/// Another process begins to write and does not end.
pub(super) async fn locked(run: &mut Run) -> anyhow::Result<Report> {
    let mut server = Server::new(&run.binary)?;
    let database = server.database();
    let lasts = run.scale(LOCKED, LASTS);
    let lock = std::cell::RefCell::new(None);
    let begin = async || {
        let held = database::lock(&database)?;
        lock.replace(Some(held));
        Ok(())
    };
    let end = async || {
        drop(lock.take());
        Ok(())
    };
    let report = endure(run, &mut server, lasts, begin, end).await;
    server.kill().await?;
    report
}

/// People talk, the fault begins, lasts and ends. Meanwhile whoever writes is refused for now, whoever reads is served, and
/// the server says how it stands; it heals by itself.
async fn endure(
    run: &mut Run,
    server: &mut Server,
    lasts: Duration,
    begin: impl AsyncFnOnce() -> anyhow::Result<()>,
    end: impl AsyncFnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<Report> {
    let mut report = Report::default();
    server.start().await?;
    let address = server.address();
    let web = Web::new(&address, &client::create_guest(&address, "observer").await?.token)?;
    let room = "general".parse()?;
    let talk = Talk::begin(&address, &PLAN, &mut run.random).await?;
    talk.goes_on(TALK).await?;

    begin().await?;
    // A log that is written over from its beginning needs no room for a while.
    let bites = async {
        while web.post(&room, "does it").await?.0 == 201 {}
        anyhow::Ok(())
    };
    timeout(BITES_MAX, bites).await.context("the fault hinders nobody")??;
    let since = Instant::now();
    let unready = web.until("/readyz", 503, NOTICE_MAX).await?;
    let mut slowest = Duration::ZERO;
    while since.elapsed() < lasts {
        let asked = Instant::now();
        let (status, says_when) = web.post(&room, "is it there").await?;
        slowest = slowest.max(asked.elapsed());
        report.demand(
            status == 503 && says_when,
            format!("a post was answered with {status}, to come back: {says_when}"),
        );
        for path in ["/healthz", "/rooms/general", "/api/v1/rooms/general/messages"] {
            let status = web.status(path).await?;
            report.demand(status == 200, format!("meanwhile {path} answers {status}"));
        }
        if !report.has_held() {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    let acked = talk.acknowledged();
    report.note(format!(
        "/readyz says so after {} ms, a post is refused for now within {} ms, reading goes on",
        unready.as_millis(),
        slowest.as_millis()
    ));
    report.demand(
        slowest <= NOTICE_MAX,
        format!("a post was refused after {slowest:?}, {NOTICE_MAX:?} at most"),
    );

    end().await?;
    let ended = Instant::now();
    web.until("/readyz", 200, NOTICE_MAX).await?;
    let (status, _) = web.post(&room, "it is there").await?;
    report.demand(status == 201, format!("once it was over a post got {status}"));
    report.note(format!("healed {} ms after it was over", ended.elapsed().as_millis()));
    talk.goes_on(PLAN.writers).await?;
    report.demand(talk.acknowledged() > acked, "nobody of those who waited was answered");
    report.judge(&talk.end().await?);
    server.kill().await?;
    database::demand_sound(&server.database(), &mut report)?;
    Ok(report)
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no Unicode")
}

async fn demand_done(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let done = Command::new(program).args(arguments).output().await;
    let done = done.with_context(|| format!("{program} is missing"))?;
    let words = String::from_utf8_lossy(&done.stderr).into_owned();
    anyhow::ensure!(done.status.success(), "{program} {}: {words}", arguments.join(" "));
    Ok(())
}
