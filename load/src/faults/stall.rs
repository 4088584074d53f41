//! One reader of many takes nothing any more. The others must not notice; it is cut off where its queue is full, and comes
//! back to all that it missed.

use std::time::Duration;

use anyhow::Context as _;
use client::{
    Client, Options,
    protocol::{Content, Cursor, RoomSlug, Seq, ServerFrame},
};
use tokio::time::timeout;

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
const ROUNDS: usize = 3;
/// How much longer the others may wait, in hundredths.
const GROWTH_MAX: u32 = 110;
/// How much is said to it: more than its queue and the system's own hold.
const NOISE_BYTES: usize = 12 * 1024 * 1024;
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
    for round in 0..run.scale(ROUNDS, 1) {
        alone.push(audience.p99(MESSAGES, EVERY).await?);
        let stalled = stall(&address, &quiet, round).await?;
        let (p99, code) = tokio::join!(audience.p99(MESSAGES, EVERY), stalled.until_cut_off());
        beside.push(p99?);
        let (code, is_whole) = code?;
        report.demand(code == Some(TOO_SLOW), format!("the stalled reader was closed with {code:?}"));
        report.demand(is_whole, "the stalled reader came back and missed something");
    }
    report.note(format!("cut off with {TOO_SLOW} where its queue was full, came back and read every word"));
    let (alone, beside) = (median(alone), median(beside));
    report.note(format!(
        "p99 of {readers} others: {:.1} ms without it, {:.1} ms with it",
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

/// A reader who joins two rooms and then reads nothing, and somebody who talks to it in the second.
struct Stalled {
    address: String,
    token: String,
    raw: Raw,
    noise: Client,
    room: RoomSlug,
}

async fn stall(address: &str, quiet: &RoomSlug, round: usize) -> anyhow::Result<Stalled> {
    let token = client::create_guest(address, &format!("stalled-{round}")).await?.token;
    // A private room: nobody else hears what fills the queue.
    let room = Web::new(address, &token)?.create_private_room(&format!("noise-{round}")).await?;
    let mut raw = Raw::connect(address, &token, Some(BUFFER_BYTES)).await?;
    for slug in [quiet, &room] {
        raw.send(TEXT, format!(r#"{{"type":"join","room":"{slug}"}}"#).as_bytes()).await?;
    }
    let (noise, mut updates) = Options::new(address, &token)?.max_in_flight(8).start();
    tokio::spawn(async move { while updates.next().await.is_some() {} });
    noise.online().await?;
    Ok(Stalled { address: address.to_owned(), token, raw, noise, room })
}

impl Stalled {
    /// Talks until the server must have had enough; answers with which code it closed, and whether the reader, once it
    /// reads again, gets every word.
    async fn until_cut_off(mut self) -> anyhow::Result<(Option<u16>, bool)> {
        let content: Content = "long ".repeat(1_600).trim().parse()?;
        let mut last = Seq::ZERO;
        for _ in 0..NOISE_BYTES / content.as_str().len() {
            last = self.noise.send(self.room.clone(), content.clone()).await?.seq;
        }
        // It reads again, at last: what the system held for it, and then why nothing more came.
        let (cursor, code) =
            timeout(CUT_WAIT, self.read_what_is_left()).await.context("it is not cut off")??;
        let (client, mut updates) = Options::new(&self.address, &self.token)?.start();
        let mut next = cursor.after.next();
        client.join(self.room.clone(), Some(cursor)).await?;
        while next <= last {
            let event = timeout(CUT_WAIT, updates.next_event()).await.context("it hears nothing")?;
            if event.context("it was turned away")?.seq != next {
                return Ok((code, false));
            }
            next = next.next();
        }
        self.noise.close().await;
        client.close().await;
        Ok((code, true))
    }

    /// Where the reader stands with all that had come, and how the connection ended.
    async fn read_what_is_left(&mut self) -> anyhow::Result<(Cursor, Option<u16>)> {
        let mut cursor: Option<Cursor> = None;
        let code = loop {
            let text = match self.raw.next().await? {
                Came::Text(text) => text,
                Came::Closed(code) => break Some(code),
                Came::Gone => break None,
            };
            match ServerFrame::decode(&text).context("an unreadable frame came")? {
                ServerFrame::Joined(joined) if joined.room.slug == self.room => {
                    cursor = Some(Cursor { epoch: joined.epoch.clone(), after: joined.head });
                }
                ServerFrame::Event(event) if event.room == self.room => {
                    let cursor = cursor.as_mut().context("an event came before the room was joined")?;
                    anyhow::ensure!(event.seq == cursor.after.next(), "a hole before {}", event.seq);
                    cursor.after = event.seq;
                }
                _ => {}
            }
        };
        Ok((cursor.context("it was never in the room")?, code))
    }
}
