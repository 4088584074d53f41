//! The one task that writes. It takes everything that waits, runs it in one transaction and commits once: under load
//! the cost of reaching the disk is shared, and alone nobody waits for company.
//!
//! A failure of the database (disk full, locked, unreadable) fails every job of its batch and leaves nothing behind;
//! the next batch starts afresh, so the writer heals when the cause is gone.

use std::{
    collections::HashMap,
    fs::File,
    time::{Duration, Instant},
};

use protocol::Seq;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Batch,
    job::{Job, Settle},
    row,
};
use crate::store::{CommitSender, Committed, RoomId, StoreError};

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
}

#[derive(Debug, Clone, Copy)]
struct Head {
    seq: Seq,
    /// The last event that is a message.
    message: Option<Seq>,
    /// Whether the table of rooms does not know it yet.
    moved: bool,
}

impl Batch<'_> {
    /// The last event of a room, those of this transaction included; `None` if there is no such room.
    pub(super) async fn head(&mut self, room: RoomId) -> Result<Option<Seq>, sqlx::Error> {
        if let Some(head) = self.heads.known.get(&room) {
            return Ok(Some(head.seq));
        }
        let row = sqlx::query(
            "SELECT r.head, (SELECT max(m.seq) FROM messages m WHERE m.room = r.id) AS message
             FROM rooms r WHERE r.id = ?1",
        );
        let Some(row) = row.bind(room.0).fetch_optional(&mut *self.connection).await? else {
            return Ok(None);
        };
        let (seq, message) = (row::seq_of(&row, "head")?, row::optional_seq(&row, "message")?);
        self.heads.known.insert(room, Head { seq, message, moved: false });
        Ok(Some(seq))
    }

    /// The last message of a room whose head is known.
    pub(super) fn last_message(&self, room: RoomId) -> Option<Seq> {
        self.heads.known.get(&room).and_then(|head| head.message)
    }

    /// The room's last event is now `seq`; `is_message` says whether it is one.
    pub(super) fn move_head(&mut self, room: RoomId, seq: Seq, is_message: bool) {
        let message = if is_message { Some(seq) } else { self.last_message(room) };
        self.heads.known.insert(room, Head { seq, message, moved: true });
    }

    /// Writes the positions that moved into the table of rooms.
    pub(super) async fn store_heads(&mut self) -> Result<(), sqlx::Error> {
        for (room, head) in self.heads.known.iter_mut().filter(|(_, head)| head.moved) {
            sqlx::query("UPDATE rooms SET head = ?2 WHERE id = ?1")
                .bind(room.0)
                .bind(row::number(head.seq))
                .execute(&mut *self.connection)
                .await?;
            head.moved = false;
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

/// The writer's state.
pub(super) struct Writer {
    /// `None` after a failure that it may not have survived.
    connection: Option<SqliteConnection>,
    reconnect: SqliteConnectOptions,
    heads: Heads,
    committed: CommitSender,
    /// When a batch failed last.
    failed_at: Option<Instant>,
    /// Held as long as the database is written.
    lock: File,
}

impl Writer {
    pub(super) fn new(
        connection: SqliteConnection,
        reconnect: SqliteConnectOptions,
        committed: CommitSender,
        lock: File,
    ) -> Self {
        Self {
            connection: Some(connection),
            reconnect,
            heads: Heads::default(),
            committed,
            failed_at: None,
            lock,
        }
    }

    /// Works until `closing`, then finishes what waits and lets go of the files.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>, closing: CancellationToken) {
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
                    self.write(std::mem::take(&mut batch)).await;
                }
            }
        }
        self.finish().await;
    }

    /// Commits `jobs`, answers them, and publishes what was committed, in this order.
    async fn write(&mut self, jobs: Vec<Job>) {
        let mut jobs = jobs.into_iter();
        let mut settled = Vec::new();
        match self.transaction(&mut jobs, &mut settled).await {
            Ok(committed) => {
                for settle in settled {
                    settle(Ok(()));
                }
                if !committed.is_empty() && self.committed.send(committed).await.is_err() {
                    tracing::error!("nobody publishes what was written; readers see it when they load it");
                }
            }
            Err(error) => {
                tracing::error!(%error, "nothing of this batch was written");
                self.failed_at = Some(Instant::now());
                self.roll_back().await;
                let error = StoreError::from(error);
                for settle in settled {
                    settle(Err(error.clone()));
                }
                for job in jobs {
                    job.refuse(error.clone());
                }
            }
        }
    }

    async fn transaction(
        &mut self,
        jobs: &mut impl Iterator<Item = Job>,
        settled: &mut Vec<Settle>,
    ) -> Result<Vec<Committed>, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.reconnect.connect().await?),
        };
        // Not deferred: the lock is taken before anything is read, so nothing read can be stale.
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let has_failed = self.failed_at.is_some_and(|at| at.elapsed() < FAILURE_REMEMBERED);
        let mut batch = Batch { connection, heads: &mut self.heads, committed: Vec::new(), has_failed };
        for job in jobs {
            let (settle, done) = job.run(&mut batch).await;
            settled.push(settle);
            done?;
        }
        batch.store_heads().await?;
        let Batch { connection, committed, .. } = batch;
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        if self.heads.known.len() > HEADS_MAX {
            self.heads = Heads::default();
        }
        Ok(committed)
    }

    /// Brings the writer back to what is on disk.
    async fn roll_back(&mut self) {
        self.heads = Heads::default();
        let Some(connection) = &mut self.connection else { return };
        // It fails where SQLite has rolled back by itself, or never began; then the connection must still answer.
        let rolled_back = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        if rolled_back.is_err()
            && sqlx::query("SELECT head FROM rooms LIMIT 1").execute(&mut *connection).await.is_err()
        {
            self.connection = None;
        }
    }

    async fn finish(self) {
        let Self { connection, lock, committed, .. } = self;
        if let Some(mut connection) = connection {
            let checkpoint =
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.map(drop);
            if let Err(error) = checkpoint.and(connection.close().await) {
                tracing::warn!(%error, "the database was not tidied up; the next start does it");
            }
        }
        drop(lock);
        // Last, for whoever waits for the end of the store.
        drop(committed);
    }
}
