//! The one task that writes. It takes everything that waits, runs it in one transaction and commits once: under load
//! the cost of reaching the disk is shared, and alone nobody waits for company.
//!
//! A failure of the database (disk full, locked, unreadable) fails every job of its batch and leaves nothing behind;
//! the next batch starts afresh, so the writer heals when the cause is gone.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    mem,
    time::{Duration, Instant},
};

use protocol::Seq;
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Batch,
    error::Result,
    job::{Job, Outcome, Settle},
    newest::Newest,
    open::Database,
    query::{execute, first},
    row::{self, is_head_sound},
    sessions::Sessions,
    unknown_room,
};
use crate::{
    crew::Crew,
    store::{CommitSender, Committed, RoomId, StoreError, TokenHash},
};

/// Most jobs in one transaction.
const WRITE_BATCH_MAX: usize = 512;
/// How often others get their turn before a transaction begins: what they are about to hand in is written with it, and each
/// reader is written to once for all of it. Nobody is waited for; a turn in which nothing comes is the last.
const GATHER_TURNS: usize = 3;
/// How long the store does not count as writable after a batch has failed. On a disk that is all but full small batches fit
/// where larger ones do not.
const FAILURE_REMEMBERED: Duration = Duration::from_secs(2);
/// Most rooms whose last position is remembered between transactions.
const HEADS_MAX: usize = 10_000;

/// The last positions of rooms, as of the current transaction.
#[derive(Debug, Default)]
pub(super) struct Heads {
    known: HashMap<RoomId, Head>,
    /// Those that the table of rooms does not know yet.
    moved: HashSet<RoomId>,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    seq: Seq,
    /// The last event that is a message.
    message: Option<Seq>,
}

impl Batch<'_> {
    /// The last event of a room, those of this transaction included; refused where there is no such room, or its head is damaged.
    pub(super) fn head(&mut self, room: RoomId) -> Outcome<Seq> {
        if let Some(head) = self.heads.known.get(&room) {
            return Ok(Ok(head.seq));
        }
        let sql = concat!(
            "SELECT r.head, (SELECT max(m.seq) FROM messages m WHERE m.room = r.id), ",
            is_head_sound!(),
            " FROM rooms r WHERE r.id = ?1"
        );
        let head = first(self.connection, sql, params![room.0], |columns| {
            let head = Head { seq: columns.seq()?, message: columns.optional_seq()? };
            columns.sealed(|| format!("the head of room {}", room.0))?;
            Ok(head)
        });
        let head = match head {
            // Nothing is written yet, so the batch goes on without whoever asks.
            Err(error) if error.is_damage() => return Ok(Err(error.into())),
            head => head?,
        };
        let Some(head) = head else { return Ok(Err(unknown_room(room))) };
        self.heads.known.insert(room, head);
        Ok(Ok(head.seq))
    }

    /// The last message of a room whose head is known.
    pub(super) fn last_message(&self, room: RoomId) -> Option<Seq> {
        self.heads.known.get(&room).and_then(|head| head.message)
    }

    /// The room's last event is now `seq`; `is_message` says whether it is one.
    pub(super) fn move_head(&mut self, room: RoomId, seq: Seq, is_message: bool) {
        let message = if is_message { Some(seq) } else { self.last_message(room) };
        self.heads.known.insert(room, Head { seq, message });
        self.heads.moved.insert(room);
    }

    /// Writes the positions that moved into the table of rooms.
    pub(super) fn store_heads(&mut self) -> Result<()> {
        let Heads { known, moved } = &mut *self.heads;
        for room in moved.drain() {
            let Some(head) = known.get(&room) else { continue };
            let sql = "UPDATE rooms SET head = ?2 WHERE id = ?1";
            execute(self.connection, sql, params![room.0, row::number(head.seq)])?;
        }
        Ok(())
    }
}

/// Adds to `batch` what others hand in at this very moment.
async fn gather(jobs: &mut mpsc::Receiver<Job>, batch: &mut Vec<Job>) {
    for _ in 0..GATHER_TURNS {
        tokio::task::yield_now().await;
        let before = batch.len();
        while batch.len() < WRITE_BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        if batch.len() == before {
            return;
        }
    }
}

/// Works until `closing`, then finishes what waits and lets go of the files.
pub(super) async fn run(
    pen: Crew<Pen>,
    reporter: Reporter,
    mut jobs: mpsc::Receiver<Job>,
    closing: CancellationToken,
) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = closing.cancelled(), if !jobs.is_closed() => jobs.close(),
            taken = jobs.recv_many(&mut batch, WRITE_BATCH_MAX) => {
                if taken == 0 {
                    break;
                }
                gather(&mut jobs, &mut batch).await;
                let jobs = mem::take(&mut batch);
                let Ok(written) = pen.ask(move |pen| pen.write(jobs)).await else {
                    tracing::error!("the writer panicked; nothing is written any more");
                    break;
                };
                reporter.report(written).await;
            }
        }
    }
    pen.go_home().await;
    // Last, for whoever waits for the end of the store.
    drop(reporter);
}

/// What became of a batch.
struct Written {
    /// The answers to the jobs that were run, each yet to hear whether the batch was committed.
    settled: Vec<Settle>,
    /// The jobs that were not run, for an earlier one failed.
    left: Vec<Job>,
    outcome: std::result::Result<Done, StoreError>,
}

/// What a batch changed that others must hear of.
struct Done {
    events: Vec<Committed>,
    sessions: Vec<TokenHash>,
}

/// Who hears of what was written.
pub(super) struct Reporter {
    pub(super) newest: Newest,
    pub(super) sessions: Sessions,
    /// Whoever publishes it.
    pub(super) committed: CommitSender,
}

impl Reporter {
    /// Answers the jobs of a batch and publishes what was committed, in this order.
    async fn report(&self, written: Written) {
        let Written { settled, left, outcome } = written;
        if let Ok(Done { events, sessions }) = &outcome {
            self.newest.note(events.iter().map(|committed| (committed.room, committed.event.seq)));
            for &token in sessions {
                self.sessions.forget(token);
            }
        }
        for settle in settled {
            settle(outcome.as_ref().map(drop).map_err(StoreError::clone));
        }
        match outcome {
            Ok(Done { events, .. }) => {
                if !events.is_empty() && self.committed.send(events).await.is_err() {
                    tracing::error!("nobody publishes what was written; readers see it when they load it");
                }
            }
            Err(error) => left.into_iter().for_each(|job| job.refuse(error.clone())),
        }
    }
}

/// What is written with. It waits for the disk, so it has a thread of its own.
pub(super) struct Pen {
    database: Database,
    /// `None` after a failure that it may not have survived.
    connection: Option<Connection>,
    heads: Heads,
    /// When a batch failed last.
    failed_at: Option<Instant>,
    /// Held as long as the database is written.
    _lock: File,
}

impl Pen {
    /// Writes over `connection`, and over a new one to `database` where that is lost.
    pub(super) fn new(database: Database, connection: Connection, lock: File) -> Self {
        Self { database, connection: Some(connection), heads: Heads::default(), failed_at: None, _lock: lock }
    }

    /// Runs `jobs` in one transaction.
    fn write(&mut self, jobs: Vec<Job>) -> Written {
        let mut jobs = jobs.into_iter();
        let mut settled = Vec::with_capacity(jobs.len());
        let outcome = self.transaction(&mut jobs, &mut settled);
        if let Err(error) = &outcome {
            tracing::error!(%error, "nothing of this batch was written");
            self.failed_at = Some(Instant::now());
            self.recover();
        }
        Written { settled, left: jobs.collect(), outcome: outcome.map_err(StoreError::from) }
    }

    fn transaction(
        &mut self,
        jobs: &mut impl Iterator<Item = Job>,
        settled: &mut Vec<Settle>,
    ) -> Result<Done> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.writer()?),
        };
        // Not deferred: the lock is taken before anything is read, so nothing read can be stale.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let has_failed = self.failed_at.is_some_and(|at| at.elapsed() < FAILURE_REMEMBERED);
        let mut batch = Batch {
            connection: &transaction,
            heads: &mut self.heads,
            committed: Vec::new(),
            sessions: Vec::new(),
            has_failed,
        };
        for job in jobs {
            let (settle, done) = job.run(&mut batch);
            settled.push(settle);
            done?;
        }
        batch.store_heads()?;
        let done = Done { events: batch.committed, sessions: batch.sessions };
        transaction.commit()?;
        if self.heads.known.len() > HEADS_MAX {
            self.heads = Heads::default();
        }
        Ok(done)
    }

    /// Brings the writer back to what is on disk, after a transaction that was rolled back.
    fn recover(&mut self) {
        self.heads = Heads::default();
        self.connection.take_if(|connection| {
            let probe = first(connection, "SELECT head FROM rooms LIMIT 1", [], |_| Ok(()));
            !connection.is_autocommit() || probe.is_err()
        });
    }
}

impl Drop for Pen {
    /// Lets go of the files.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let checkpoint = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            let closed = checkpoint.and(connection.close().map_err(|(_, error)| error));
            if let Err(error) = closed {
                tracing::warn!(%error, "the database was not tidied up; the next start does it");
            }
        }
    }
}
