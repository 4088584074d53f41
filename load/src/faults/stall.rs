//! One reader of many takes nothing any more. The others must not notice; it is cut off where its queue is full, and comes
//! back to all that it missed.
//!
//! What fills its queue is work as well, so it is said in both measurements at the same pace: to a reader who takes it, and to
//! one who does not.

use std::time::Duration;

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
/// How long it may take until it is cut off.
const CUT_WAIT: Duration = Duration::from_mins(1);

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?;
    server.start().await?;
    let address = server.address();
    let quiet: RoomSlug = "general".parse()?;
    let readers = run.scale(5_000, 200);
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
        let content: Content = "long ".repeat(1_600).trim().parse()?;
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
