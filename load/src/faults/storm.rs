//! Everybody comes back at once, after the server was killed and started again, each from where it was.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use client::{Client, Options, Update, Updates, protocol::RoomSlug};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::Run;
use crate::{report::Report, server::Server};

/// How soon all must be back.
const BACK_MAX: Duration = Duration::from_secs(15);
/// How long they are waited for.
const BACK_WAIT: Duration = Duration::from_mins(1);
/// The most memory that the server may take, in KB.
const MEMORY_MAX_KB: u64 = 400_000;
/// Connections of one user: people have several devices, and ten thousand guests would be the larger part of the run.
const CONNECTIONS_PER_USER: usize = 20;
/// How many come in at a time, before the storm.
const AT_ONCE: usize = 100;

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?;
    server.start().await?;
    let room: RoomSlug = "general".parse()?;
    let count = run.scale(10_000, 1_000);
    let back = watch::Sender::new(0_usize);
    let mut crowd = JoinSet::new();
    let mut tokens = Vec::new();
    for n in 0..count / CONNECTIONS_PER_USER {
        tokens.push(client::create_guest(&server.address(), &format!("member-{n}")).await?.token);
    }
    let mut coming = JoinSet::new();
    let mut here: Vec<(Client, Updates)> = Vec::new();
    for n in 0..count {
        if coming.len() == AT_ONCE {
            here.push(coming.join_next().await.context("nobody comes")???);
        }
        let (address, token, room) =
            (server.address(), tokens[n / CONNECTIONS_PER_USER].clone(), room.clone());
        coming.spawn(async move {
            let (client, updates) = Options::new(&address, &token)?.start();
            client.join(room, None).await?;
            anyhow::Ok((client, updates))
        });
    }
    while let Some(come) = coming.join_next().await {
        here.push(come??);
    }
    let (author, _updates) = Options::new(&server.address(), &tokens[0])?.start();
    for (client, updates) in here {
        crowd.spawn(follow(Arc::new(client), updates, back.clone()));
    }

    server.kill().await?;
    let began = Instant::now();
    server.start().await?;
    let mut all = back.subscribe();
    let waited = timeout(BACK_WAIT, all.wait_for(|&back| back >= count)).await;
    let took = began.elapsed();
    if waited.is_err() {
        report.demand(false, format!("{} of {count} are back after {BACK_WAIT:?}", *back.borrow()));
    }
    let peak = server.peak_kb()?;
    // Whoever is back is there in earnest: what is said now reaches everybody.
    let posted = timeout(BACK_WAIT, author.send(room, "everybody there?".parse()?)).await??;
    let mut heard = 0;
    while let Some(seen) = timeout(BACK_WAIT, crowd.join_next()).await.context("somebody hears nothing")? {
        heard += usize::from(seen?? == posted.seq);
    }
    report.note(format!(
        "{count} connections, all resumed {:.1} s after the kill; at most {} MB of memory; {heard} heard the next message",
        took.as_secs_f64(),
        peak / 1_000
    ));
    report.demand(took <= BACK_MAX, format!("all were back after {took:?}, {BACK_MAX:?} at most"));
    report.demand(peak <= MEMORY_MAX_KB, format!("the server took {peak} KB, {MEMORY_MAX_KB} at most"));
    report.demand(heard == count, format!("{heard} of {count} heard the next message"));
    server.kill().await?;
    Ok(report)
}

/// Counts itself when it has resumed, and ends with the first event it hears.
async fn follow(
    client: Arc<Client>,
    mut updates: Updates,
    back: watch::Sender<usize>,
) -> anyhow::Result<client::protocol::Seq> {
    let mut snapshots = 0;
    while let Some(update) = updates.next().await {
        match update {
            Update::Resumed { .. } => back.send_modify(|count| *count += 1),
            // The first is from the beginning.
            Update::Snapshot(_) => {
                snapshots += 1;
                anyhow::ensure!(snapshots == 1, "somebody was sent a snapshot instead of what it missed");
            }
            Update::Event(event) => {
                client.close().await;
                return Ok(event.seq);
            }
            _ => {}
        }
    }
    anyhow::bail!("somebody was turned away: {:?}", client.status())
}
