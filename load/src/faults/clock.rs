//! The server's clock jumps, as it does where somebody sets it or a machine wakes up. Time that only runs (`Instant`) goes
//! on, as the system's own does.

use std::{fs, time::Duration};

use anyhow::Context as _;
use client::protocol::{ErrorCode, RoomSlug};
use tokio::time::{Instant, sleep};

use super::Run;
use crate::{
    report::Report,
    server::Server,
    talk::{Plan, Talk},
    web::Web,
};

/// Where Debian puts libfaketime.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
/// Operations between two jumps.
const TALK: usize = 200;
/// More than anybody may say at once.
const HASTE_MESSAGES: usize = 100;
/// How much longer than it was told somebody may have to wait who has said too much.
const STUCK_MARGIN: Duration = Duration::from_secs(1);
/// At this pace nobody meets the server's own rates, which are on.
const PLAN: Plan = Plan { writers: 20, in_flight: 1, rest: Duration::from_millis(400), readers: 3 };

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    anyhow::ensure!(fs::exists(LIBRARY)?, "libfaketime is missing: install the package faketime");
    let server = Server::new(&run.binary)?;
    let clock = server.folder().join("clock");
    fs::write(&clock, "+0d")?;
    let mut server = server
        .with_flags(&["--log", "error", "--max-replay", "100000000"])
        .with_variable("LD_PRELOAD", LIBRARY)
        .with_variable("FAKETIME_TIMESTAMP_FILE", clock.to_str().context("no Unicode")?)
        .with_variable("FAKETIME_NO_CACHE", "1")
        .with_variable("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    server.start().await?;
    let token = client::create_guest(&server.address(), "regular").await?.token;
    let web = Web::new(&server.address(), &token)?;
    let talk = Talk::begin(&server.address(), &PLAN, &mut run.random).await?;
    let jumps = ["+1d", "-1d", "+1d", "+0d"];
    let mut longest = Duration::ZERO;
    for (n, jump) in jumps.into_iter().enumerate() {
        talk.goes_on(TALK).await?;
        let hasty = Hasty::come(&server.address(), &format!("hasty-{n}")).await?;
        let told = hasty.says_too_much().await?;
        fs::write(&clock, jump)?;
        let waited = hasty.is_heard_again(told + STUCK_MARGIN).await?;
        longest = longest.max(waited.unwrap_or_default());
        report.demand(
            waited.is_some(),
            format!("after {jump} the limit is stuck: still refused {STUCK_MARGIN:?} after the {told:?} that it said"),
        );
        talk.goes_on(PLAN.writers).await?;
        let status = web.post(&"general".parse()?, "still here").await?.status;
        report
            .demand(status == 201, format!("after {jump} a post of somebody who is signed in got {status}"));
    }
    let evidence = talk.end().await?;
    let stamps = evidence.log.iter().map(|event| event.timestamp.unix_ms());
    let jumped =
        stamps.clone().zip(stamps.skip(1)).filter(|(one, next)| one.abs_diff(*next) > 12 * 3_600_000).count();
    report.judge(&evidence);
    report.note(format!("{} jumps, {jumped} of them seen in the timestamps of the log", jumps.len()));
    report.note(format!(
        "whoever met a limit before a jump was heard again at most {} ms after it",
        longest.as_millis()
    ));
    report.demand(jumped >= jumps.len() - 1, "the clock did not jump: the run proves nothing");
    server.kill().await?;
    Ok(report)
}

/// Somebody who says more than they may, where nobody else hears it.
struct Hasty {
    web: Web,
    room: RoomSlug,
}

impl Hasty {
    async fn come(address: &str, name: &str) -> anyhow::Result<Self> {
        let web = Web::new(address, &client::create_guest(address, name).await?.token)?;
        let room = web.create_private_room(name).await?;
        Ok(Self { web, room })
    }

    /// Says something until it is too much; answers how long to wait, as the server says.
    async fn says_too_much(&self) -> anyhow::Result<Duration> {
        for _ in 0..HASTE_MESSAGES {
            let answer = self.web.post(&self.room, "quick").await?;
            if answer.status != 201 {
                let is_limit = answer.is_for_now(429, ErrorCode::RateLimited);
                anyhow::ensure!(is_limit, "whoever says too much got {answer:?}");
                return Ok(Duration::from_millis(answer.retry_after_ms().unwrap_or_default()));
            }
        }
        anyhow::bail!("{HASTE_MESSAGES} messages at once met no limit: the run proves nothing")
    }

    /// Goes by what the server says until it is heard; answers how long that took, and nothing if it is more than `most`.
    async fn is_heard_again(&self, most: Duration) -> anyhow::Result<Option<Duration>> {
        let began = Instant::now();
        loop {
            let answer = self.web.post(&self.room, "now").await?;
            let waited = began.elapsed();
            if waited > most {
                return Ok(None);
            }
            match answer.retry_after_ms() {
                _ if answer.status == 201 => return Ok(Some(waited)),
                Some(ms) if waited + Duration::from_millis(ms) <= most => {
                    sleep(Duration::from_millis(ms)).await;
                }
                _ => return Ok(None),
            }
        }
    }
}
