//! How long messages take from their author to each of many readers.

use std::time::Duration;

use anyhow::Context as _;
use client::{
    Client, Options,
    protocol::{EventKind, RoomSlug},
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use crate::talk::guest;

/// How many readers come in at a time.
const AT_ONCE: usize = 100;
/// Authors, who take turns: nobody writes faster than a person may.
const AUTHORS: usize = 10;
/// How long a message may take to reach everybody.
const DELIVERY_WAIT: Duration = Duration::from_secs(30);

/// The authors and the readers of a room.
#[derive(Debug)]
pub(crate) struct Audience {
    authors: Vec<Client>,
    room: RoomSlug,
    /// From each reader: which message it heard, by when that was sent in microseconds, and when it was heard.
    heard: mpsc::UnboundedReceiver<(u64, Instant)>,
    readers: usize,
    began: Instant,
    _listening: JoinSet<()>,
}

impl Audience {
    /// Has `readers` connections join a room, all of one user.
    pub(crate) async fn gather(address: &str, room: &RoomSlug, readers: usize) -> anyhow::Result<Self> {
        let mut authors = Vec::with_capacity(AUTHORS);
        for n in 0..AUTHORS {
            let (author, mut updates) =
                guest(address, &format!("author-{n}-{:08x}", fastrand::u32(..)), 64).await?;
            tokio::spawn(async move { while updates.next().await.is_some() {} });
            author.online().await?;
            authors.push(author);
        }
        let token =
            client::create_guest(address, &format!("audience-{:08x}", fastrand::u32(..))).await?.token;
        let began = Instant::now();
        // Bounded by what is asked for: messages times readers.
        let (tell, heard) = mpsc::unbounded_channel();
        let mut listening = JoinSet::new();
        let mut coming = JoinSet::new();
        for _ in 0..readers {
            if coming.len() == AT_ONCE {
                coming.join_next().await.context("nobody comes")???;
            }
            let (client, mut updates) = Options::new(address, &token)?.start();
            let tell = tell.clone();
            let joined = client.clone();
            let room = room.clone();
            listening.spawn(async move {
                let _stays = client;
                while let Some(event) = updates.next_event().await {
                    if let EventKind::Message { content: Some(content), .. } = &event.kind
                        && let Some(sent) = content.as_str().strip_prefix("at ")
                        && let Some(sent) = sent.split(' ').next().and_then(|sent| sent.parse().ok())
                    {
                        let _gone = tell.send((sent, Instant::now()));
                    }
                }
            });
            coming.spawn(async move { anyhow::Ok(joined.join(room, None).await?) });
        }
        while let Some(come) = coming.join_next().await {
            come??;
        }
        Ok(Self { authors, room: room.clone(), heard, readers, began, _listening: listening })
    }

    /// Posts `messages` at an even pace; answers how long the slowest hundredth of the deliveries took at least.
    pub(crate) async fn p99(&mut self, messages: usize, every: Duration) -> anyhow::Result<Duration> {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sends = JoinSet::new();
        for author in self.authors.iter().cycle().take(messages) {
            ticks.tick().await;
            let content = format!("at {} {}", self.began.elapsed().as_micros(), "x".repeat(100));
            let (author, room) = (author.clone(), self.room.clone());
            sends.spawn(async move { anyhow::Ok(author.send(room, content.parse()?).await?) });
        }
        let mut took = Vec::with_capacity(messages * self.readers);
        while took.len() < messages * self.readers {
            let heard = timeout(DELIVERY_WAIT, self.heard.recv()).await.context("somebody hears nothing")?;
            let (sent, heard) = heard.context("nobody listens")?;
            took.push((heard - self.began).saturating_sub(Duration::from_micros(sent)));
        }
        while let Some(sent) = sends.join_next().await {
            sent??;
        }
        took.sort_unstable();
        Ok(took[took.len() * 99 / 100])
    }
}

/// The median of some measurements.
pub(crate) fn median(mut some: Vec<Duration>) -> Duration {
    some.sort_unstable();
    some.get(some.len() / 2).copied().unwrap_or_default()
}
