//! Restarts by `SIGTERM` while people talk at an even pace.

use std::time::Duration;

use super::Run;
use crate::{
    database,
    report::Report,
    server::Server,
    talk::{Plan, Talk},
};

/// Two hundred messages a second: each writer rests between its operations, of which one is on its way at a time.
const PLAN: Plan = Plan { writers: 50, in_flight: 1, rest: Duration::from_millis(250), readers: 20 };
/// Operations between two restarts.
const TALK: usize = 400;
/// How soon the talk must go on after the stop began.
const BACK_MAX: Duration = Duration::from_secs(5);

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?;
    server.start().await?;
    let talk = Talk::begin(&server.address(), &PLAN, &mut run.random).await?;
    let restarts = run.scale(10, 2);
    let mut slowest = Duration::ZERO;
    for _ in 0..restarts {
        talk.goes_on(TALK).await?;
        let stopped = server.stop().await?;
        let ready = server.start().await?;
        slowest = slowest.max(stopped + ready + talk.is_with_everybody().await?);
    }
    report.judge(&talk.end().await?);
    report.note(format!(
        "{restarts} restarts: within {:.1} s each of {} writers was answered and each of {} readers heard something new",
        slowest.as_secs_f64(),
        PLAN.writers,
        PLAN.readers
    ));
    report.demand(slowest <= BACK_MAX, format!("people were back after {slowest:?}, {BACK_MAX:?} at most"));
    server.kill().await?;
    database::demand_sound(&server.database(), &mut report)?;
    Ok(report)
}
