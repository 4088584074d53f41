//! People who talk while something goes wrong, and what they have to say about it afterwards.
//!
//! Writers post, edit, delete and react; readers follow from the first event on. None of them is told of the fault: the
//! session has to bring each of them back by itself.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use client::{
    Client, Options, Update, Updates,
    protocol::{Cursor, ErrorCode, Op, OpId, OpKind, RoomSlug, Seq},
};
use fastrand::Rng;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use crate::{
    oracle::{Acknowledged, Evidence, ReaderLog},
    web::Web,
};

/// How long what was begun may take to be done once the fault is over.
const SETTLE_WAIT: Duration = Duration::from_mins(2);

/// Who talks, and how fast.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How many write.
    pub(crate) writers: usize,
    /// How many operations of one writer may be unanswered.
    pub(crate) in_flight: usize,
    /// How long a writer rests after each operation.
    pub(crate) rest: Duration,
    /// How many follow the talk while it goes on.
    pub(crate) readers: usize,
}

/// Fifty people who write as fast as they are answered, and five who read.
impl Default for Plan {
    fn default() -> Self {
        Self { writers: 50, in_flight: 4, rest: Duration::ZERO, readers: 5 }
    }
}

/// A talk that goes on.
#[derive(Debug)]
pub(crate) struct Talk {
    address: String,
    room: RoomSlug,
    anew: Cursor,
    writers: JoinSet<anyhow::Result<Vec<Acknowledged>>>,
    readers: JoinSet<anyhow::Result<ReaderLog>>,
    stop: watch::Sender<bool>,
    /// The last event that readers wait for, once it is known.
    end: watch::Sender<Option<Seq>>,
    /// How many operations were acknowledged.
    acked: watch::Sender<usize>,
    /// How often each of them got something: writers an answer, then readers an event.
    served: watch::Sender<Vec<usize>>,
}

impl Talk {
    /// Everybody comes in and begins.
    pub(crate) async fn begin(address: &str, plan: &Plan, random: &mut Rng) -> anyhow::Result<Self> {
        Self::begin_in("general".parse()?, address, plan, random).await
    }

    /// The same in another room.
    pub(crate) async fn begin_in(
        room: RoomSlug,
        address: &str,
        plan: &Plan,
        random: &mut Rng,
    ) -> anyhow::Result<Self> {
        let anew = first_position(address, &room).await?;
        let (end, ended) = watch::channel(None);
        let (stop, stopped) = watch::channel(false);
        let acked = watch::Sender::new(0);
        let served = watch::Sender::new(vec![0; plan.writers + plan.readers]);
        let mut readers = JoinSet::new();
        for n in 0..plan.readers {
            let (client, updates) = guest(address, &name("reader", n), 1).await?;
            client.join(room.clone(), Some(anew.clone())).await?;
            let served = Served { who: plan.writers + n, counts: served.clone() };
            readers.spawn(read(format!("reader {n}"), client, updates, ended.clone(), Some(served)));
        }
        let mut writers = JoinSet::new();
        for n in 0..plan.writers {
            let (client, updates) = guest(address, &name("writer", n), plan.in_flight).await?;
            let writer = Writer {
                client: Arc::new(client),
                room: room.clone(),
                random: random.fork(),
                plan: plan.clone(),
                stopped: stopped.clone(),
                acked: acked.clone(),
                served: Served { who: n, counts: served.clone() },
            };
            writers.spawn(writer.write(updates));
        }
        Ok(Self { address: address.to_owned(), room, anew, writers, readers, stop, end, acked, served })
    }

    /// How many operations were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        *self.acked.borrow()
    }

    /// Waits until `more` further operations were acknowledged; answers how long that took.
    pub(crate) async fn goes_on(&self, more: usize) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let mut acked = self.acked.subscribe();
        let goal = *acked.borrow_and_update() + more;
        let enough = timeout(SETTLE_WAIT, acked.wait_for(|&count| count >= goal)).await;
        enough.context("nobody is answered any more")??;
        Ok(began.elapsed())
    }

    /// Waits until every writer was answered and every reader has heard something new; answers how long that took.
    pub(crate) async fn is_with_everybody(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let mut served = self.served.subscribe();
        let before = served.borrow_and_update().clone();
        let is_behind = |now: &[usize]| now.iter().zip(&before).filter(|(now, before)| now <= before).count();
        let all = timeout(SETTLE_WAIT, served.wait_for(|now| is_behind(now) == 0)).await;
        all.with_context(|| format!("{} people get nothing more", is_behind(&self.served.borrow())))??;
        Ok(began.elapsed())
    }

    /// Nobody begins anything more; once everybody is answered, and the readers have read to the end, this is what they
    /// know. The server must be there for that.
    pub(crate) async fn end(mut self) -> anyhow::Result<Evidence> {
        self.stop.send_replace(true);
        let mut acknowledged = Vec::new();
        while let Some(acks) =
            timeout(SETTLE_WAIT, self.writers.join_next()).await.context("a writer hangs")?
        {
            acknowledged.extend(acks??);
        }
        let token = client::create_guest(&self.address, &name("judge", 0)).await?.token;
        let pages = Web::new(&self.address, &token)?.pages(&self.room).await?;
        let head = pages.last().context("no page")?.head;
        let ended = self.end.subscribe();
        self.end.send_replace(Some(head));
        let mut readers = Vec::new();
        while let Some(log) = self.readers.join_next().await {
            readers.push(log??);
        }
        let (client, updates) = guest(&self.address, &name("late", 0), 1).await?;
        client.join(self.room.clone(), Some(self.anew)).await?;
        let log = read("late reader".into(), client, updates, ended, None).await?.events;
        Ok(Evidence { acknowledged, log, readers, pages })
    }
}

/// A name that nobody has yet, also where several talks use one server.
fn name(what: &str, n: usize) -> String {
    format!("{what}-{n}-{:08x}", fastrand::u32(..))
}

/// Somebody new, connected.
pub(crate) async fn guest(address: &str, name: &str, in_flight: usize) -> anyhow::Result<(Client, Updates)> {
    let guest = client::create_guest(address, name).await?;
    Ok(Options::new(address, &guest.token)?.max_in_flight(in_flight).start())
}

/// Before the first event of the room's log.
async fn first_position(address: &str, room: &RoomSlug) -> anyhow::Result<Cursor> {
    let token = client::create_guest(address, &name("scout", 0)).await?.token;
    let pages = Web::new(address, &token)?.pages(room).await?;
    let epoch = pages.first().context("no page")?.epoch.clone();
    Ok(Cursor { epoch, after: Seq::ZERO })
}

/// Where one of many counts what it got.
#[derive(Debug)]
struct Served {
    who: usize,
    counts: watch::Sender<Vec<usize>>,
}

impl Served {
    fn count(&self) {
        self.counts.send_modify(|counts| counts[self.who] += 1);
    }
}

/// Follows until it has seen the event that `end` names.
async fn read(
    name: String,
    client: Client,
    mut updates: Updates,
    mut end: watch::Receiver<Option<Seq>>,
    served: Option<Served>,
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
            Ok(Some(Update::Event(event))) => {
                log.events.push(event);
                if let Some(served) = &served {
                    served.count();
                }
            }
            Ok(Some(Update::Snapshot(joined))) => {
                anyhow::bail!("{} was sent a snapshot of {} at {last}", log.name, joined.head);
            }
            Ok(Some(_)) => {}
            Ok(None) => anyhow::bail!("{} was stopped by the server at {last}", log.name),
            Err(_) => anyhow::bail!("{} waits at {last}, connection: {:?}", log.name, client.status()),
        }
    }
}

struct Writer {
    client: Arc<Client>,
    room: RoomSlug,
    random: Rng,
    plan: Plan,
    stopped: watch::Receiver<bool>,
    acked: watch::Sender<usize>,
    served: Served,
}

impl Writer {
    /// Talks until it is told to stop, then waits for every answer that is still owed.
    async fn write(mut self, mut updates: Updates) -> anyhow::Result<Vec<Acknowledged>> {
        // A writer follows nothing, but what it is told must be taken.
        tokio::spawn(async move { while updates.next().await.is_some() {} });
        let author = self.client.online().await?.id;
        let mut acknowledged: Vec<Acknowledged> = Vec::new();
        let mut mine: Vec<Seq> = Vec::new();
        let mut pending = JoinSet::new();
        while !*self.stopped.borrow() || !pending.is_empty() {
            while pending.len() < self.plan.in_flight && !*self.stopped.borrow() {
                let kind = draw(&mut self.random, &mut mine)?;
                let id = OpId(Uuid::from_u128(self.random.u128(..)));
                let op = Op { id, room: self.room.clone(), kind };
                let (client, rest) = (Arc::clone(&self.client), self.plan.rest);
                pending.spawn(async move {
                    sleep(rest).await;
                    (op.id, op.kind.clone(), client.perform(op).await)
                });
            }
            let Some(done) = pending.join_next().await else { break };
            let (id, kind, answer) = done?;
            match answer {
                Ok(posted) => {
                    anyhow::ensure!(posted.id == id, "an answer came to another operation");
                    if matches!(kind, OpKind::Send { .. }) {
                        mine.push(posted.seq);
                    }
                    let (seq, timestamp) = (posted.seq, posted.timestamp);
                    acknowledged.push(Acknowledged { author, id, kind, seq, timestamp });
                    self.acked.send_modify(|count| *count += 1);
                    self.served.count();
                }
                // An edit may meet a message that an operation still in flight has deleted.
                Err(client::Error::Refused(refusal)) if refusal.code == ErrorCode::TargetNotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.client.close().await;
        Ok(acknowledged)
    }
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
