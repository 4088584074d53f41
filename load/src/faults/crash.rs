//! `kill -9` while clients talk, again and again.

use std::time::Duration;

use tokio::time::sleep;

use super::Run;
use crate::{
    database,
    report::Report,
    server::Server,
    talk::{Plan, Talk},
};

/// How long a server lives before it is killed, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 50..500;
/// How soon it must be ready again.
const READY_MAX: Duration = Duration::from_secs(2);

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?;
    server.start().await?;
    let talk = Talk::begin(&server.address(), &Plan::default(), &mut run.random).await?;
    let kills = run.scale(100, 10);
    let mut slowest = Duration::ZERO;
    for _ in 0..kills {
        sleep(Duration::from_millis(run.random.u64(LIFE_MS))).await;
        server.kill().await?;
        slowest = slowest.max(server.start().await?);
    }
    report.judge(&talk.end().await?);
    report.note(format!("{kills} kills, ready again in at most {} ms", slowest.as_millis()));
    report.demand(slowest <= READY_MAX, format!("a restart took {slowest:?}, {READY_MAX:?} at most"));
    server.kill().await?;
    database::demand_sound(&server.database(), &mut report)?;
    Ok(report)
}
