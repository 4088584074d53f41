//! Everybody comes back at once, after the server was killed and started again, each from where it was: one half has heard
//! all that was said before, the other nothing of it.

use std::time::Duration;

use anyhow::Context as _;
use client::{
    Client, Options, Update, Updates,
    protocol::{Cursor, RoomSlug, Seq, ServerFrame},
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::Run;
use crate::{report::Report, server::Server, web::Web};

/// How soon all must be back.
const BACK_MAX: Duration = Duration::from_secs(15);
/// How long they are waited for.
const BACK_WAIT: Duration = Duration::from_mins(1);
/// How many messages are said before the kill, which half of them miss.
const MISSED: u64 = 300;
const MISSED_SHORT: u64 = 100;
/// The most memory that the server may take, in KB.
const MEMORY_MAX_KB: u64 = 400_000;
/// Connections of one user: people have several devices, and ten thousand guests would be the larger part of the run.
const CONNECTIONS_PER_USER: usize = 20;

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?;
    server.start().await?;
    let address = server.address();
    let room: RoomSlug = "general".parse()?;
    let count = run.scale(10_000, 1_000);
    let mut tokens = Vec::new();
    for n in 0..count / CONNECTIONS_PER_USER {
        tokens.push(client::create_guest(&address, &format!("member-{n}")).await?.token);
    }
    // Everybody's place is the beginning: nothing was said before they came.
    let place = Web::new(&address, &tokens[0])?.page(&room, "limit=1").await?.cursor();
    let storm = watch::Sender::new(Storm::default());
    let mut crowd = Crowd { room: room.clone(), place, storm: storm.clone(), members: JoinSet::new() };
    // Those who are there.
    for token in tokens.iter().cycle().take(count / 2) {
        crowd.come(&address, token)?;
    }
    let mut seen = storm.subscribe();
    let joined = timeout(BACK_WAIT, seen.wait_for(|storm| storm.joined >= count / 2)).await;
    joined.context("not everybody comes in")??;
    let last = say(&address, &tokens[0], &room, run.scale(MISSED, MISSED_SHORT)).await?;

    server.kill().await?;
    storm.send_modify(|storm| storm.last = Some(last));
    // Those who were not: they come back together with the others, from where they were.
    for token in tokens.iter().cycle().take(count - count / 2) {
        crowd.come(&address, token)?;
    }
    let began = Instant::now();
    server.start().await?;
    let waited = timeout(BACK_WAIT, seen.wait_for(|storm| storm.back >= count)).await;
    let took = began.elapsed();
    if waited.is_err() {
        report.demand(false, format!("{} of {count} are back after {BACK_WAIT:?}", storm.borrow().back));
    }
    let peak = server.peak_kb()?;
    // Whoever is back is there in earnest: what is said now reaches everybody.
    let next = say(&address, &tokens[0], &room, 1).await?;
    let mut heard = 0;
    while let Some(seen) =
        timeout(BACK_WAIT, crowd.members.join_next()).await.context("somebody hears nothing")?
    {
        heard += usize::from(seen?? == next);
    }
    let behind = storm.borrow().behind;
    report.note(format!(
        "{count} connections, all resumed and with all that they missed {:.1} s after the kill: {behind} of them had missed {last} \
         messages; at most {} MB of memory; {heard} heard the next message",
        took.as_secs_f64(),
        peak / 1_000
    ));
    report.demand(took <= BACK_MAX, format!("all were back after {took:?}, {BACK_MAX:?} at most"));
    report.demand(peak <= MEMORY_MAX_KB, format!("the server took {peak} KB, {MEMORY_MAX_KB} at most"));
    report.demand(heard == count, format!("{heard} of {count} heard the next message"));
    report.demand(behind >= count / 2, format!("only {behind} had missed anything: the run proves nothing"));
    server.kill().await?;
    Ok(report)
}

/// Says so many messages, and answers where the last one stands.
async fn say(address: &str, token: &str, room: &RoomSlug, messages: u64) -> anyhow::Result<Seq> {
    let (author, mut updates) = Options::new(address, token)?.start();
    tokio::spawn(async move { while updates.next().await.is_some() {} });
    let mut last = Seq::ZERO;
    for n in 0..messages {
        let posted = author.send(room.clone(), format!("message {n}").parse()?);
        last = timeout(BACK_WAIT, posted).await.context("nobody answers the author")??.seq;
    }
    author.close().await;
    Ok(last)
}

/// How far the storm is.
#[derive(Debug, Default)]
struct Storm {
    /// How many are in the room, before the kill.
    joined: usize,
    /// The last message before the kill, once that has come.
    last: Option<Seq>,
    /// How many have resumed after the kill and heard everything up to it.
    back: usize,
    /// How many of them had heard nothing when they resumed.
    behind: usize,
}

/// Those who come back.
struct Crowd {
    room: RoomSlug,
    /// Where each of them begins.
    place: Cursor,
    storm: watch::Sender<Storm>,
    members: JoinSet<anyhow::Result<Seq>>,
}

impl Crowd {
    fn come(&mut self, address: &str, token: &str) -> anyhow::Result<()> {
        let (client, updates) = Options::new(address, token)?.start();
        let (room, place, storm) = (self.room.clone(), self.place.clone(), self.storm.clone());
        self.members.spawn(async move {
            client.join(room, Some(place)).await?;
            follow(client, updates, storm).await
        });
        Ok(())
    }
}

/// Hears everything from the first message on, each once and in order, and ends with the first one after the storm. Counts
/// itself when it is back.
async fn follow(client: Client, mut updates: Updates, storm: watch::Sender<Storm>) -> anyhow::Result<Seq> {
    let (mut held, mut has_resumed, mut is_back) = (Seq::ZERO, false, false);
    while let Some(update) = updates.next().await {
        match update {
            Update::Resumed { .. } if storm.borrow().last.is_none() => {
                storm.send_modify(|storm| storm.joined += 1);
            }
            Update::Resumed { .. } => {
                anyhow::ensure!(!has_resumed, "somebody had to resume again");
                has_resumed = true;
                if held == Seq::ZERO {
                    storm.send_modify(|storm| storm.behind += 1);
                }
            }
            Update::Event(event) => {
                anyhow::ensure!(event.seq == held.next(), "{} came after {held}", event.seq);
                held = event.seq;
            }
            Update::Snapshot(_) => anyhow::bail!("somebody was sent a snapshot instead of what it missed"),
            Update::Notice(ServerFrame::Error(refusal)) => anyhow::bail!("somebody was refused: {refusal}"),
            _ => {}
        }
        let last = storm.borrow().last;
        if has_resumed && !is_back && last == Some(held) {
            is_back = true;
            storm.send_modify(|storm| storm.back += 1);
        }
        if is_back && last < Some(held) {
            client.close().await;
            return Ok(held);
        }
    }
    anyhow::bail!("somebody was turned away: {:?}", client.status())
}
