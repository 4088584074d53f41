//! `kill -9` while clients talk, again and again, and the oracle at the end.
//!
//! Writers post, edit, delete and react; readers follow from the first event on. None of them is told of the kills: the
//! session has to bring each of them back by itself.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use client::{
    Client, Options, Update, Updates,
    protocol::{Cursor, Op, OpId, OpKind, RoomSlug, Seq},
};
use fastrand::Rng;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{
    oracle::{Acknowledged, Evidence, ReaderLog, judge},
    server::Server,
    web::Web,
};

/// How many follow the talk while it goes on.
const READERS: usize = 5;
/// How long a server lives before it is killed, in milliseconds.
const LIFE_MS: std::ops::Range<u64> = 50..500;
/// How many operations of one writer may be unanswered.
const IN_FLIGHT: usize = 4;
/// How soon it must be ready again.
const READY_MAX: Duration = Duration::from_secs(2);
/// How long what was begun may take to be done once nobody is killed any more.
const SETTLE_WAIT: Duration = Duration::from_mins(1);

/// Kills a server `kills` times while `writers` clients talk.
pub(crate) async fn run(binary: &Path, kills: u32, writers: usize, seed: u64) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(seed);
    let mut server = Server::new(binary)?;
    server.start().await?;
    let address = server.address();
    let room: RoomSlug = "general".parse()?;
    let anew = first_position(&address, &room).await?;

    let mut readers = JoinSet::new();
    let (end, ended) = watch::channel(None);
    for n in 0..READERS {
        let (client, updates) = guest(&address, &format!("reader-{n}"), 1).await?;
        client.join(room.clone(), Some(anew.clone())).await?;
        readers.spawn(read(format!("reader {n}"), client, updates, ended.clone()));
    }
    let (stop, stopped) = watch::channel(false);
    let mut talk = JoinSet::new();
    for n in 0..writers {
        let (client, updates) = guest(&address, &format!("writer-{n}"), IN_FLIGHT).await?;
        let fork = random.fork();
        talk.spawn(write(client, updates, room.clone(), fork, stopped.clone()));
    }

    let mut slowest = Duration::ZERO;
    for _ in 0..kills {
        sleep(Duration::from_millis(random.u64(LIFE_MS))).await;
        server.kill().await?;
        slowest = slowest.max(server.start().await?);
    }
    stop.send_replace(true);

    let mut acknowledged = Vec::new();
    while let Some(acks) = timeout(SETTLE_WAIT, talk.join_next()).await.context("a writer hangs")? {
        acknowledged.extend(acks??);
    }
    let evidence = {
        let token = client::create_guest(&address, "judge").await?.token;
        let pages = Web::new(&address, &token)?.pages(&room).await?;
        let head = pages.last().context("no page")?.head;
        end.send_replace(Some(head));
        let mut logs = Vec::new();
        while let Some(log) = readers.join_next().await {
            logs.push(log??);
        }
        let (client, updates) = guest(&address, "late", 1).await?;
        client.join(room.clone(), Some(anew)).await?;
        let log = read("late reader".into(), client, updates, ended).await?.events;
        Evidence { acknowledged, log, readers: logs, pages }
    };
    server.kill().await?;

    println!(
        "{kills} kills, seed {seed}: {} events, {} acknowledged, {READERS} readers, ready again in at most {} ms",
        evidence.log.len(),
        evidence.acknowledged.len(),
        slowest.as_millis(),
    );
    let mut broken = judge(&evidence);
    if slowest > READY_MAX {
        broken.push(format!("a restart took {slowest:?}, {READY_MAX:?} at most"));
    }
    if evidence.acknowledged.is_empty() {
        broken.push("nothing was acknowledged: the run proves nothing".into());
    }
    for promise in &broken {
        println!("BROKEN: {promise}");
    }
    anyhow::ensure!(
        broken.is_empty(),
        "{} promises broken (data: {})",
        broken.len(),
        server.database().display()
    );
    println!("every promise held");
    Ok(())
}

async fn guest(address: &str, name: &str, in_flight: usize) -> anyhow::Result<(Client, Updates)> {
    let guest = client::create_guest(address, name).await?;
    Ok(Options::new(address, &guest.token)?.max_in_flight(in_flight).start())
}

/// Before the first event of the room's log.
async fn first_position(address: &str, room: &RoomSlug) -> anyhow::Result<Cursor> {
    let token = client::create_guest(address, "scout").await?.token;
    let pages = Web::new(address, &token)?.pages(room).await?;
    let epoch = pages.first().context("no page")?.epoch.clone();
    Ok(Cursor { epoch, after: Seq::ZERO })
}

/// Follows until it has seen the event that `end` names.
async fn read(
    name: String,
    client: Client,
    mut updates: Updates,
    mut end: watch::Receiver<Option<Seq>>,
) -> anyhow::Result<ReaderLog> {
    let mut log = ReaderLog { name, events: Vec::new() };
    loop {
        let last = log.events.last().map_or(Seq::ZERO, |event| event.seq);
        if end.borrow_and_update().is_some_and(|end| last >= end) {
            client.close().await;
            return Ok(log);
        }
        let update = tokio::select! {
            update = timeout(SETTLE_WAIT, updates.next()) => update,
            changed = end.changed() => {
                changed?;
                continue;
            }
        };
        match update {
            Ok(Some(Update::Event(event))) => log.events.push(event),
            Ok(Some(Update::Snapshot(joined))) => {
                anyhow::bail!("{} was sent a snapshot of {} at {last}", log.name, joined.head);
            }
            Ok(Some(_)) => {}
            Ok(None) => anyhow::bail!("{} was stopped by the server at {last}", log.name),
            Err(_) => anyhow::bail!("{} waits at {last}, connection: {:?}", log.name, client.status()),
        }
    }
}

/// Talks until it is told to stop, then waits for every answer that is still owed.
async fn write(
    client: Client,
    mut updates: Updates,
    room: RoomSlug,
    mut random: Rng,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<Vec<Acknowledged>> {
    // A writer follows nothing, but what it is told must be taken.
    tokio::spawn(async move { while updates.next().await.is_some() {} });
    let author = client.online().await?.id;
    let client = Arc::new(client);
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    let mut mine: Vec<Seq> = Vec::new();
    let mut pending = JoinSet::new();
    while !*stopped.borrow() || !pending.is_empty() {
        while pending.len() < IN_FLIGHT && !*stopped.borrow() {
            let kind = draw(&mut random, &mut mine)?;
            let op = Op { id: OpId(Uuid::from_u128(random.u128(..))), room: room.clone(), kind };
            let client = Arc::clone(&client);
            pending.spawn(async move {
                let is_message = matches!(op.kind, OpKind::Send { .. });
                (op.id, is_message, client.perform(op).await)
            });
        }
        let Some(done) = pending.join_next().await else { break };
        let (id, is_message, answer) = done?;
        match answer {
            Ok(posted) => {
                anyhow::ensure!(posted.id == id, "an answer came to another operation");
                if is_message {
                    mine.push(posted.seq);
                }
                let (seq, timestamp) = (posted.seq, posted.timestamp);
                acknowledged.push(Acknowledged { author, id, seq, timestamp });
            }
            // An edit may meet a message that an operation still in flight has deleted.
            Err(client::Error::Refused(refusal))
                if refusal.code == client::protocol::ErrorCode::TargetNotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    client.close().await;
    Ok(acknowledged)
}

fn draw(random: &mut Rng, mine: &mut Vec<Seq>) -> anyhow::Result<OpKind> {
    let target = (!mine.is_empty()).then(|| random.usize(..mine.len()));
    Ok(match (random.u8(..10), target) {
        (0, Some(n)) => OpKind::Delete { target: mine.swap_remove(n) },
        (1, Some(n)) => OpKind::Edit { target: mine[n], content: words(random).parse()? },
        (2, Some(n)) => OpKind::React { target: mine[n], emoji: "🎉".parse()?, on: random.bool() },
        (3, Some(n)) => OpKind::Send { content: words(random).parse()?, reply_to: Some(mine[n]) },
        _ => OpKind::Send { content: words(random).parse()?, reply_to: None },
    })
}

fn words(random: &mut Rng) -> String {
    let word = random.choice(["plug", "重启", "😀", "`code`", "reboot", "データ"]).unwrap_or("word");
    format!("{word} {}", random.u32(..))
}
