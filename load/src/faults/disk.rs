//! The disk takes nothing any more, for a while: full, not writable, or locked by somebody else.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use client::protocol::{ClientFrame, ErrorCode, OpId, RoomSlug, ServerFrame};
use tokio::{
    process::Command,
    time::{Instant, sleep, timeout},
};

use uuid::Uuid;

use super::{NOTICE_MAX, Run};
use crate::{
    database,
    raw::Raw,
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
/// Messages of a room in which nobody speaks any more, and a page in the middle of it, which is remembered nowhere.
const ARCHIVE_MESSAGES: usize = 120;
const ARCHIVE_PAGE: &str = "before=70&limit=50";

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
    let mut observer = Observer::come(&address).await?;
    let web = observer.web.clone();
    let archive = web.create_private_room("archive").await?;
    for n in 0..ARCHIVE_MESSAGES {
        let status = web.post(&archive, &format!("entry {n}")).await?.status;
        anyhow::ensure!(status == 201, "a post before the fault got {status}");
    }
    let old_page = web.page(&archive, ARCHIVE_PAGE).await?;
    let talk = Talk::begin(&address, &PLAN, &mut run.random).await?;
    talk.goes_on(TALK).await?;

    begin().await?;
    // A log that is written over from its beginning needs no room for a while.
    let bites = async {
        while observer.says(&mut report).await? == 0 {}
        anyhow::Ok(())
    };
    timeout(BITES_MAX, bites).await.context("the fault hinders nobody")??;
    let first = observer.slowest;
    let since = Instant::now();
    let unready = web.until("/readyz", 503, NOTICE_MAX).await?;
    while report.has_held() && since.elapsed() < lasts {
        let refused = observer.says(&mut report).await?;
        report.demand(refused == 2, format!("{refused} of 2 were refused while nothing can be stored"));
        let page = web.page(&archive, ARCHIVE_PAGE).await;
        report.demand(page.is_ok_and(|page| page == old_page), "meanwhile an old page is not what it was");
        for path in ["/healthz", "/rooms/general", "/api/v1/rooms/general/messages"] {
            let status = web.status(path).await?;
            report.demand(status == 200, format!("meanwhile {path} answers {status}"));
        }
        sleep(Duration::from_millis(50)).await;
    }
    let acked = talk.acknowledged();
    report.note(format!(
        "the first refusal for now comes within {} ms and none later than after {} ms, by HTTP and by socket; /readyz says so {} ms \
         after the first; new and old pages are read on",
        first.as_millis(),
        observer.slowest.as_millis(),
        unready.as_millis()
    ));

    end().await?;
    let ended = Instant::now();
    web.until("/readyz", 200, NOTICE_MAX).await?;
    let refused = observer.says(&mut report).await?;
    report.demand(refused == 0, format!("{refused} of 2 were refused once it was over"));
    report.note(format!("healed {} ms after it was over", ended.elapsed().as_millis()));
    talk.goes_on(PLAN.writers).await?;
    report.demand(talk.acknowledged() > acked, "nobody of those who waited was answered");
    report.judge(&talk.end().await?);
    server.kill().await?;
    database::demand_sound(&server.database(), &mut report)?;
    Ok(report)
}

/// Somebody who says something by HTTP and by socket at once, again and again.
struct Observer {
    web: Web,
    raw: Raw,
    room: RoomSlug,
    /// The longest that an answer took.
    slowest: Duration,
}

impl Observer {
    async fn come(address: &str) -> anyhow::Result<Self> {
        let token = client::create_guest(address, "observer").await?.token;
        let (web, raw) = (Web::new(address, &token)?, Raw::connect(address, &token, None).await?);
        Ok(Self { web, raw, room: "general".parse()?, slowest: Duration::ZERO })
    }

    /// Says something both ways; answers how many of the two were refused. Each must be answered in time: that it is stored, or
    /// that it may be sent again later.
    async fn says(&mut self, report: &mut Report) -> anyhow::Result<usize> {
        let content = "is it there".parse()?;
        let op =
            ClientFrame::Send { room: self.room.clone(), id: OpId(Uuid::new_v4()), content, reply_to: None };
        let (posted, sent) =
            tokio::join!(timed(self.web.post(&self.room, "is it there")), timed(self.raw.perform(&op)));
        let ((posted, post_took), (sent, send_took)) = (posted?, sent?);
        let mut refused = 0;
        if posted.status != 201 {
            refused += 1;
            let is_for_now = posted.is_for_now(503, ErrorCode::Unavailable);
            report.demand(is_for_now, format!("a post was answered with {posted:?}"));
        }
        if let ServerFrame::Error(refusal) = sent {
            refused += 1;
            let is_for_now = refusal.code == ErrorCode::Unavailable && refusal.retry_after_ms.is_some();
            report.demand(is_for_now, format!("what was sent by socket was answered with {refusal:?}"));
        }
        for (way, took) in [("HTTP", post_took), ("socket", send_took)] {
            report
                .demand(took <= NOTICE_MAX, format!("{way} answered after {took:?}, {NOTICE_MAX:?} at most"));
            self.slowest = self.slowest.max(took);
        }
        Ok(refused)
    }
}

/// What was done, and how long it took.
async fn timed<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(T, Duration)> {
    let began = Instant::now();
    Ok((work.await?, began.elapsed()))
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
