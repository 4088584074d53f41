//! The server's clock jumps, as it does where somebody sets it or a machine wakes up. Time that only runs (`Instant`) goes
//! on, as the system's own does.

use std::{fs, time::Duration};

use anyhow::Context as _;

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
    for jump in jumps {
        talk.goes_on(TALK).await?;
        fs::write(&clock, jump)?;
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
    report.demand(jumped >= jumps.len() - 1, "the clock did not jump: the run proves nothing");
    server.kill().await?;
    Ok(report)
}
