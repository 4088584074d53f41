//! The store on SQLite, inside the process: one file in the data folder.
//!
//! Hidden here: all SQL. One task has the one connection that writes; it takes everything that waits and commits it
//! at once, with `synchronous=FULL`, so what was answered survives a loss of power. Readers have connections of their
//! own and never wait for the writer. A lock file keeps a second server out of the folder.

use std::{collections::BTreeSet, io, path::Path, time::Duration};

use async_trait::async_trait;
use protocol::{
    Event, Op, OpKind, RoomSlug, Seq, Timestamp, UserId,
    api::{RoomSummary, User},
    timeline::Page,
};
use rusqlite::Connection;
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    job::{Answer, Append, Job},
    newest::Newest,
    readers::Readers,
    sessions::Sessions,
    writer::Pen,
};
use super::{
    AppendError, Appended, CommitSender, CreateError, Found, NewRoom, PageAt, RoomId, RoomRecord, Session,
    Store, StoreError, TokenHash, mentions::mentioned,
};
use crate::crew::Crew;

mod append;
mod backfill;
mod backup;
mod error;
mod job;
mod newest;
mod open;
mod query;
mod read;
mod readers;
mod restore;
mod rooms;
mod row;
mod seal;
mod sessions;
#[cfg(test)]
mod tests;
mod users;
mod writer;

pub use backup::{BackupError, back_up};
pub use open::{DATABASE_FILE, OpenError};
pub use restore::{Existing, RestoreError, Restored, restore};

/// Most changes that wait for the writer; then callers wait.
const WRITE_QUEUE_MAX: usize = 1024;
/// How long a change may take, waiting included, before its caller is told that the store is unavailable.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The store in a data folder.
#[derive(Debug)]
pub struct SqliteStore {
    readers: Readers,
    newest: Newest,
    sessions: Sessions,
    jobs: mpsc::Sender<Job>,
    closing: CancellationToken,
    writer: TaskTracker,
}

impl SqliteStore {
    /// Opens the store in the folder `data`, or makes it. Committed events go to `committed`, which somebody must
    /// drain: the writer waits while it is full. It is closed when the last change is on disk.
    pub async fn open(data: &Path, committed: CommitSender) -> Result<Self, OpenError> {
        let data = data.to_owned();
        let opened = spawn_blocking(move || open::open(&data)).await.map_err(OpenError::Interrupted)??;
        Self::start(opened, committed).map_err(OpenError::NoThread)
    }

    fn start(opened: open::Opened, committed: CommitSender) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WRITE_QUEUE_MAX);
        let closing = CancellationToken::new();
        let tracker = TaskTracker::new();
        let (newest, sessions) = (Newest::default(), Sessions::default());
        let pen = Crew::new("writes", [Pen::new(opened.database, opened.writer, opened.lock)])?;
        let reporter = writer::Reporter { newest: newest.clone(), sessions: sessions.clone(), committed };
        let readers = Readers::new(opened.readers)?;
        tracker.spawn(writer::run(pen, reporter, waiting, closing.clone()));
        tracker.close();
        Ok(Self { readers, newest, sessions, jobs, closing, writer: tracker })
    }

    /// Gives the writer a change and waits until it is on disk.
    async fn write<T, E: From<StoreError>>(&self, job: impl FnOnce(Answer<T, E>) -> Job) -> Result<T, E> {
        let (answer, answered) = oneshot::channel();
        let job = job(answer);
        let written = async {
            let closed = || StoreError("it is closed".into());
            self.jobs.send(job).await.map_err(|_| closed())?;
            answered.await.map_err(|_| closed())
        };
        match timeout(WRITE_TIMEOUT, written).await {
            Ok(answer) => answer?,
            Err(_) => Err(StoreError("the disk is too slow, or the database is locked".into()).into()),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(
        &self,
        room: RoomId,
        author: &User,
        op: Op,
        now: Timestamp,
    ) -> Result<Appended, AppendError> {
        let mentions = match &op.kind {
            OpKind::Send { content, .. } | OpKind::Edit { content, .. } => {
                mentioned(content, &author.username)
            }
            OpKind::Delete { .. } | OpKind::React { .. } => BTreeSet::new(),
        };
        let append = Box::new(Append { room, author: author.clone(), op, mentions, now });
        self.write(|answer| Job::Append { append, answer }).await
    }

    async fn events(&self, room: RoomId, after: Seq, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.readers.read(move |connection| read::events(connection, room, after, limit)).await
    }

    async fn page(&self, room: RoomId, at: PageAt, limit: u32) -> Result<Page, StoreError> {
        let read = async move || {
            let page = self.readers.read(move |connection| read::page(connection, room, at, limit)).await?;
            page.ok_or_else(|| unknown_room(room))
        };
        match at {
            PageAt::Newest => self.newest.page(room, limit, read).await,
            _ => read().await,
        }
    }

    async fn create_room(&self, room: NewRoom, now: Timestamp) -> Result<RoomRecord, CreateError> {
        let room = Box::new(room);
        self.write(|answer| Job::CreateRoom { room, now, answer }).await
    }

    async fn room(&self, slug: &RoomSlug, user: UserId) -> Result<Option<Found>, StoreError> {
        let slug = slug.clone();
        self.readers.read(move |connection| rooms::by_slug(connection, &slug, user)).await
    }

    async fn room_by_invite(&self, invite: &str) -> Result<Option<RoomRecord>, StoreError> {
        let invite = invite.to_owned();
        self.readers.read(move |connection| rooms::by_invite(connection, &invite)).await
    }

    async fn rooms_of(&self, user: &User, limit: u32) -> Result<Vec<RoomSummary>, StoreError> {
        let user = user.clone();
        self.readers.read(move |connection| rooms::of_user(connection, &user, limit)).await
    }

    async fn room_count(&self) -> Result<u64, StoreError> {
        self.readers.read(|connection| rooms::count(connection)).await
    }

    async fn add_member(&self, room: RoomId, user: UserId, now: Timestamp) -> Result<(), StoreError> {
        self.write(|answer| Job::AddMember { room, user, now, answer }).await
    }

    async fn mark_read(&self, room: RoomId, user: UserId, seq: Seq) -> Result<Seq, StoreError> {
        self.write(|answer| Job::MarkRead { room, user, seq, answer }).await
    }

    async fn create_user(&self, session: &Session, key: &str, now: Timestamp) -> Result<(), CreateError> {
        let (session, key) = (Box::new(session.clone()), key.to_owned());
        self.write(|answer| Job::CreateUser { session, key, now, answer }).await
    }

    async fn session(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let read = async || self.readers.read(move |connection| users::session(connection, token, now)).await;
        self.sessions.get(token, now, read).await
    }

    async fn extend_session(&self, token: TokenHash, expires: Timestamp) -> Result<(), StoreError> {
        self.write(|answer| Job::ExtendSession { token, expires, answer }).await
    }

    async fn delete_session(&self, token: TokenHash) -> Result<(), StoreError> {
        self.write(|answer| Job::DeleteSession { token, answer }).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write(|answer| Job::Check { answer }).await
    }

    async fn close(&self) {
        // The last connection to close tidies up, and one that only reads cannot.
        self.readers.close().await;
        self.closing.cancel();
        self.writer.wait().await;
    }
}

fn unknown_room(room: RoomId) -> StoreError {
    StoreError(format!("it holds no room {}", room.0))
}

/// One transaction of the writer: what happens in it happens together or not at all.
struct Batch<'w> {
    connection: &'w Connection,
    heads: &'w mut writer::Heads,
    committed: Vec<super::Committed>,
    /// Sessions that were changed or ended.
    sessions: Vec<TokenHash>,
    /// Whether an earlier batch failed just now.
    has_failed: bool,
}
