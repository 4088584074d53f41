//! A reader on a link that is slow and steady, and much that waits for it. It takes something all the time, so it is nobody who does
//! not read: it must be served until it has everything.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use client::{
    Options,
    protocol::{Content, Event, RoomSlug, Seq, ServerFrame, frame::History},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    raw::{Came, PONG, Raw, TEXT},
    server::Server,
    web::Web,
};

/// What the link carries, in bytes per second.
const LINK_BYTES_PER_S: u32 = 32 * 1024;
/// What the reader's socket holds, in bytes: a slow link does not end in a large buffer.
const BUFFER_BYTES: u32 = 16 * 1024;
/// What was said before it comes: four megabytes.
const MESSAGES: u64 = 525;
const MESSAGE_BYTES: usize = 7_999;
/// How many of them are on their way at a time.
const AT_ONCE: usize = 16;
/// How long the link is slow: longer than a socket may take nothing, and than a client may say nothing.
const SLOW: Duration = Duration::from_secs(45);

/// Fills a room, and reads it at the pace of the link, and the rest of it at any pace. Answers what was seen, or how the promise was
/// broken.
pub(super) async fn run(binary: &Path) -> anyhow::Result<Result<String, String>> {
    let mut server = Server::new(binary)?;
    server.start().await?;
    let token = client::create_guest(&server.address(), "far-away").await?.token;
    let room: RoomSlug = "general".parse()?;
    let place = Web::new(&server.address(), &token)?.page(&room, "limit=1").await?.cursor();
    fill(&server.address(), &token, &room).await?;

    let mut reader = Reader {
        raw: Raw::connect(&server.address(), &token, Some(BUFFER_BYTES)).await?,
        held: Seq::ZERO,
        read_bytes: 0,
        began: Instant::now(),
    };
    let join = format!(r#"{{"type":"join","room":"{room}","epoch":"{}","after":0}}"#, place.epoch);
    reader.raw.send(TEXT, join.as_bytes()).await?;
    let ended = reader.read_all().await?;
    let took = reader.began.elapsed().as_secs_f64();
    let (held, megabytes) = (reader.held, f64::from(reader.read_bytes) / 1e6);
    server.kill().await?;
    Ok(match ended {
        None => Ok(format!(
            "a reader at {} kB/s for {:.0} s: not cut off, read {held} messages of {megabytes:.1} MB in order in {took:.0} s",
            LINK_BYTES_PER_S / 1024,
            SLOW.as_secs_f64(),
        )),
        Some(came) => Err(format!(
            "a reader who read all the time was cut off after {took:.0} s at message {held} of {MESSAGES}: {came:?}"
        )),
    })
}

/// Says all that the reader will have missed.
async fn fill(address: &str, token: &str, room: &RoomSlug) -> anyhow::Result<()> {
    let content: Content = "x".repeat(MESSAGE_BYTES).parse()?;
    let (author, mut updates) = Options::new(address, token)?.max_in_flight(AT_ONCE).start();
    tokio::spawn(async move { while updates.next().await.is_some() {} });
    let mut sends = JoinSet::new();
    for _ in 0..MESSAGES {
        if sends.len() == AT_ONCE {
            sends.join_next().await.context("nobody sends")???;
        }
        let (author, room, content) = (author.clone(), room.clone(), content.clone());
        sends.spawn(async move { author.send(room, content).await });
    }
    while let Some(sent) = sends.join_next().await {
        sent??;
    }
    author.close().await;
    Ok(())
}

struct Reader {
    raw: Raw,
    /// The last message that it was given.
    held: Seq,
    read_bytes: u32,
    began: Instant,
}

impl Reader {
    /// Reads every message; answers how the connection ended, if it did before.
    async fn read_all(&mut self) -> anyhow::Result<Option<Came>> {
        while self.held.get() < MESSAGES {
            let text = match self.raw.next().await? {
                Came::Text(text) => text,
                ended => return Ok(Some(ended)),
            };
            self.read_bytes += u32::try_from(text.len())?;
            match ServerFrame::decode(&text).context("an unreadable frame came")? {
                ServerFrame::Joined(joined) => {
                    let History::Replay { events } = joined.history else {
                        anyhow::bail!("a snapshot came instead of what was missed")
                    };
                    events.iter().try_for_each(|event| self.take(event))?;
                }
                ServerFrame::Event(event) => self.take(&event)?,
                ServerFrame::Ping => self.raw.send(TEXT, PONG).await?,
                _ => {}
            }
            if self.began.elapsed() < SLOW {
                // The link carries the next frame no sooner.
                sleep_until(self.began + Duration::from_secs(1) * self.read_bytes / LINK_BYTES_PER_S).await;
            }
        }
        Ok(None)
    }

    fn take(&mut self, event: &Event) -> anyhow::Result<()> {
        anyhow::ensure!(event.seq == self.held.next(), "{} came after {}", event.seq, self.held);
        self.held = event.seq;
        Ok(())
    }
}
