//! One reader of many takes nothing any more. The others must not notice; it is cut off where its queue is full, and comes
//! back to all that it missed.
//!
//! What fills its queue is work as well, so it is said in both measurements at the same pace: to a reader who takes it, and to
//! one who does not.

use std::{fs, time::Duration};

use anyhow::Context as _;
use client::{
    Client, Options,
    protocol::{Content, Cursor, RoomSlug, Seq, ServerFrame},
};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Run;
use crate::{
    latency::{Audience, median},
    raw::{Came, Raw, TEXT},
    report::Report,
    server::Server,
    web::Web,
};

/// What the stalled reader's socket holds, in bytes: the least that the system gives.
const BUFFER_BYTES: u32 = 2_304;
/// What "too slow" closes with.
const TOO_SLOW: u16 = 4_008;
/// Messages in one measurement, and how far apart.
const MESSAGES: usize = 50;
const EVERY: Duration = Duration::from_millis(200);
/// Measurements with and without it, in turns.
const ROUNDS: usize = 5;
/// How much longer the others may wait, in hundredths.
const GROWTH_MAX: u32 = 110;
/// How much is said to it: more than its queue and the system's own hold.
const NOISE_BYTES: u32 = 12 * 1024 * 1024;
/// Of one message of it.
const NOISE_MESSAGE_BYTES: u32 = 7_999;
/// What the server lets wait for one reader, in bytes: its own default.
const OUTBOX_BYTES: u64 = 1024 * 1024;
/// How much of that may wait without harm, and how much is surely too much, in hundredths. What a frame costs beside its bytes,
/// and the frame that the socket has taken a part of, lie between.
const FITS: u64 = 95;
const TOO_MUCH: u64 = 102;
/// The most that the system holds of a connection, in bytes; so much and no more is said to fill it.
const SYSTEM_MAX_BYTES: u64 = 40_000_000;
/// Bytes of a frame before its payload, at the size of the noise.
const HEADER_BYTES: u64 = 4;
/// How long it may take until it is cut off.
const CUT_WAIT: Duration = Duration::from_mins(1);

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?;
    server.start().await?;
    let address = server.address();
    let quiet: RoomSlug = "general".parse()?;
    let readers = run.scale(5_000, 200);
    let system_bytes = measure_bound(&address, &quiet, &mut report).await?;
    if report.has_held() {
        report.note(format!(
            "{FITS} % of {OUTBOX_BYTES} bytes may wait in the server, beside {system_bytes} in the system, and {TOO_MUCH} % may not"
        ));
    }
    let mut audience = Audience::gather(&address, &quiet, readers).await?;

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let lasts = EVERY * u32::try_from(MESSAGES)?;
    for round in 0..run.scale(ROUNDS, 1) {
        let reader = Neighbour::come(&address, &quiet, &format!("reading-{round}")).await?;
        let (p99, is_whole) = tokio::join!(audience.p99(MESSAGES, EVERY), reader.read_all(lasts));
        alone.push(p99?);
        report.demand(is_whole?, "a reader missed something");
        let stalled = Neighbour::come(&address, &quiet, &format!("stalled-{round}")).await?;
        let (p99, last) = tokio::join!(audience.p99(MESSAGES, EVERY), stalled.stall(lasts));
        beside.push(p99?);
        let (code, is_whole) = stalled.come_back(last?).await?;
        report.demand(code == Some(TOO_SLOW), format!("the stalled reader was closed with {code:?}"));
        report.demand(is_whole, "the stalled reader came back and missed something");
    }
    report.note(format!("cut off with {TOO_SLOW} where its queue was full, came back and read every word"));
    let (alone, beside) = (median(alone), median(beside));
    report.note(format!(
        "p99 of {readers} others: {:.1} ms beside one who reads, {:.1} ms beside one who does not",
        alone.as_secs_f64() * 1e3,
        beside.as_secs_f64() * 1e3
    ));
    // A short run beside other work says nothing about times.
    report.demand(
        run.is_short || beside * 100 <= alone * GROWTH_MAX,
        format!("others' p99 grew from {alone:?} to {beside:?}"),
    );
    server.kill().await?;
    Ok(report)
}

/// Lets nearly as much wait for a reader as may, and for another a little more: the one goes on as if nothing had been, the other is
/// cut off and comes back. Answers how much the system held of it.
async fn measure_bound(address: &str, quiet: &RoomSlug, report: &mut Report) -> anyhow::Result<u64> {
    let mut nearly = Neighbour::come(address, quiet, "nearly-full").await?;
    let (last, _) = nearly.stall_until(OUTBOX_BYTES * FITS / 100).await?;
    let (cursor, code) = read(&mut nearly.raw, &nearly.talker.room, |cursor| cursor.after >= last).await?;
    report.demand(
        code.is_none() && cursor.after == last,
        format!("closed with {code:?} at {} of {last}, when {FITS} % of what may wait did", cursor.after),
    );
    nearly.talker.client.close().await;

    let over = Neighbour::come(address, quiet, "over-full").await?;
    let (last, system_bytes) = over.stall_until(OUTBOX_BYTES * TOO_MUCH / 100).await?;
    let (code, is_whole) = over.come_back(last).await?;
    report.demand(code == Some(TOO_SLOW), format!("closed with {code:?} when {TOO_MUCH} % waited"));
    report.demand(is_whole, "who was cut off at the bound came back and missed something");
    Ok(system_bytes)
}

/// How much of what was sent to a reader the system of this machine holds, on both sides, in bytes.
fn in_system(raw: &Raw) -> anyhow::Result<u64> {
    let (reader, server) = raw.addresses()?;
    let (reader, server) = (format!(":{:04X}", reader.port()), format!(":{:04X}", server.port()));
    let mut held = 0;
    for line in fs::read_to_string("/proc/net/tcp")?.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, _, queues, ..] = fields[..] else { continue };
        let Some((unsent, unread)) = queues.split_once(':') else { continue };
        if local.ends_with(&server) && remote.ends_with(&reader) {
            held += u64::from_str_radix(unsent, 16)?;
        } else if local.ends_with(&reader) && remote.ends_with(&server) {
            held += u64::from_str_radix(unread, 16)?;
        }
    }
    Ok(held)
}

/// What fills queues.
fn noise() -> anyhow::Result<Content> {
    Ok("long ".repeat(1_600).trim().parse()?)
}

/// Somebody with the smallest buffer there is who has joined two rooms, and whoever talks to them in the second.
struct Neighbour {
    address: String,
    token: String,
    raw: Raw,
    talker: Talker,
}

/// Who talks, and where.
struct Talker {
    client: Client,
    room: RoomSlug,
}

impl Talker {
    /// Says as much as fills any queue, at an even pace; answers with the last message.
    async fn talk(&self, lasts: Duration) -> anyhow::Result<Seq> {
        let content = noise()?;
        let mut last = Seq::ZERO;
        let messages = NOISE_BYTES / NOISE_MESSAGE_BYTES;
        let mut ticks = interval(lasts / messages);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..messages {
            ticks.tick().await;
            last = self.client.send(self.room.clone(), content.clone()).await?.seq;
        }
        Ok(last)
    }
}

impl Neighbour {
    async fn come(address: &str, quiet: &RoomSlug, name: &str) -> anyhow::Result<Self> {
        let token = client::create_guest(address, name).await?.token;
        // A private room: nobody else hears what fills the queue.
        let room = Web::new(address, &token)?.create_private_room(&format!("room of {name}")).await?;
        let mut raw = Raw::connect(address, &token, Some(BUFFER_BYTES)).await?;
        for slug in [quiet, &room] {
            raw.send(TEXT, format!(r#"{{"type":"join","room":"{slug}"}}"#).as_bytes()).await?;
        }
        let (client, mut updates) = Options::new(address, &token)?.max_in_flight(8).start();
        tokio::spawn(async move { while updates.next().await.is_some() {} });
        // They stay in the room on this device: that somebody leaves is told to everybody, whoever it is.
        client.join(quiet.clone(), None).await?;
        let talker = Talker { client, room };
        Ok(Self { address: address.to_owned(), token, raw, talker })
    }

    /// Reads all that is said for so long; answers whether that was all of it.
    async fn read_all(mut self, lasts: Duration) -> anyhow::Result<bool> {
        let room = self.talker.room.clone();
        let messages = u64::from(NOISE_BYTES / NOISE_MESSAGE_BYTES);
        let all = |cursor: &Cursor| cursor.after.get() >= messages;
        let (last, read) = tokio::join!(self.talker.talk(lasts), read(&mut self.raw, &room, all));
        let (last, (cursor, _)) = (last?, read?);
        self.talker.client.close().await;
        Ok(cursor.after == last)
    }

    /// Reads nothing while so much is said that the server must have had enough; answers with the last message.
    async fn stall(&self, lasts: Duration) -> anyhow::Result<Seq> {
        self.talker.talk(lasts).await
    }

    /// Reads nothing until so much waits for it in the server; answers with the last message, and how much the system holds.
    async fn stall_until(&self, waiting_bytes: u64) -> anyhow::Result<(Seq, u64)> {
        let room = &self.talker.room;
        // Another device of theirs, which is sent the same frames and takes them.
        let mut witness = Raw::connect(&self.address, &self.token, None).await?;
        witness.send(TEXT, format!(r#"{{"type":"join","room":"{room}"}}"#).as_bytes()).await?;
        sees(&mut witness, |frame| matches!(frame, ServerFrame::Joined(_))).await?;
        let (mut said, mut held) = (0, 0);
        while said < SYSTEM_MAX_BYTES {
            let last = self.talker.client.send(room.clone(), noise()?).await?.seq;
            let is_it = |frame: &ServerFrame| matches!(frame, ServerFrame::Event(event) if event.seq == last);
            said += sees(&mut witness, is_it).await? + HEADER_BYTES;
            // While nothing is read the system holds ever more, so it need not be asked before.
            if said.saturating_sub(held) >= waiting_bytes {
                held = in_system(&self.raw)?;
                if said.saturating_sub(held) >= waiting_bytes {
                    return Ok((last, held));
                }
            }
        }
        anyhow::bail!("the system takes more than {SYSTEM_MAX_BYTES} bytes for one who reads nothing")
    }

    /// Reads again, at last; answers with which code the server had closed, and whether every word up to `last` comes, then or
    /// over a new connection.
    async fn come_back(mut self, last: Seq) -> anyhow::Result<(Option<u16>, bool)> {
        let room = self.talker.room;
        // What the system held for it, and then why nothing more came.
        let left = read(&mut self.raw, &room, |_| false);
        let (cursor, code) = timeout(CUT_WAIT, left).await.context("it is not cut off")??;
        let (client, mut updates) = Options::new(&self.address, &self.token)?.start();
        let mut next = cursor.after.next();
        client.join(room, Some(cursor)).await?;
        while next <= last {
            let event = timeout(CUT_WAIT, updates.next_event()).await.context("it hears nothing")?;
            if event.context("it was turned away")?.seq != next {
                return Ok((code, false));
            }
            next = next.next();
        }
        self.talker.client.close().await;
        client.close().await;
        Ok((code, true))
    }
}

/// Reads until a frame comes that is meant; answers how long it is, in bytes.
async fn sees(raw: &mut Raw, is_meant: impl Fn(&ServerFrame) -> bool) -> anyhow::Result<u64> {
    loop {
        let Came::Text(text) = raw.next().await? else {
            anyhow::bail!("the connection ended before it came")
        };
        if ServerFrame::decode(&text).as_ref().is_some_and(&is_meant) {
            return Ok(text.len().try_into()?);
        }
    }
}

/// Reads what comes of a room until the reader stands where it is `done`, or the connection ends; answers where that is, and
/// how it ended.
async fn read(
    raw: &mut Raw,
    room: &RoomSlug,
    done: impl Fn(&Cursor) -> bool,
) -> anyhow::Result<(Cursor, Option<u16>)> {
    let mut cursor: Option<Cursor> = None;
    while !cursor.as_ref().is_some_and(&done) {
        let text = match raw.next().await? {
            Came::Text(text) => text,
            Came::Closed(code) => return Ok((cursor.context("it was never in the room")?, Some(code))),
            Came::Gone => break,
        };
        match ServerFrame::decode(&text).context("an unreadable frame came")? {
            ServerFrame::Joined(joined) if joined.room.slug == *room => {
                cursor = Some(Cursor { epoch: joined.epoch.clone(), after: joined.head });
            }
            ServerFrame::Event(event) if event.room == *room => {
                let cursor = cursor.as_mut().context("an event came before the room was joined")?;
                anyhow::ensure!(event.seq == cursor.after.next(), "a hole before {}", event.seq);
                cursor.after = event.seq;
            }
            _ => {}
        }
    }
    Ok((cursor.context("it was never in the room")?, None))
}
