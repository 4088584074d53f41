//! The log and everything else that must outlive the process.
//!
//! [`Store`] is the one face; [`sqlite`] is its embedded form. Every form runs the same contract suite
//! (`contract`). Two promises live here: what `append` has answered is on disk, and a room's events are numbered
//! without a hole in the order in which they were committed.
//!
//! Committed events also leave through the channel given to the store when it is opened, in commit order, whether or
//! not the caller of `append` is still there to hear of it: a message that is stored is always published.

use std::sync::Arc;

use async_trait::async_trait;
use protocol::{
    Epoch, Event, Op, RoomSlug, Seq, Timestamp, UserId,
    api::{Room, RoomSummary, User, Visibility},
    text::{RoomName, Topic},
    timeline::Page,
};
use tokio::sync::mpsc;

#[cfg(test)]
mod contract;
mod mentions;
pub mod sqlite;

/// A room's key inside one database; the outside knows rooms by slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub i64);

/// An event that is on disk, with the room it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Whose log.
    pub room: RoomId,
    /// What happened.
    pub event: Arc<Event>,
}

/// Where committed events go, batch by batch, in commit order.
pub type CommitSender = mpsc::Sender<Vec<Committed>>;

/// A room as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRecord {
    /// Its key.
    pub id: RoomId,
    /// What readers see of it, `invite` left out.
    pub room: Room,
    /// The token of its invitation link, if it is private.
    pub invite: Option<String>,
    /// The life of its log.
    pub epoch: Epoch,
    /// Its last event.
    pub head: Seq,
}

impl RoomRecord {
    /// What its members see of it: with the path of its invitation link.
    pub fn for_members(&self) -> Room {
        Room { invite: self.invite.as_deref().map(invite_path), ..self.room.clone() }
    }
}

/// The path of an invitation link.
pub fn invite_path(invite: &str) -> String {
    format!("/join/{invite}")
}

/// A room as one user finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The room.
    pub record: RoomRecord,
    /// Whether they were made a member of it.
    pub is_member: bool,
    /// Up to where they have read it.
    pub read: Seq,
}

/// A room to be made.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// Its address.
    pub slug: RoomSlug,
    /// Its name.
    pub name: RoomName,
    /// What it is about.
    pub topic: Topic,
    /// Who may find it.
    pub visibility: Visibility,
    /// The token of its invitation link, if it is private.
    pub invite: Option<String>,
    /// The life of its log.
    pub epoch: Epoch,
    /// Who makes it, and becomes its first member; nobody for the first room of an instance.
    pub creator: Option<UserId>,
}

/// The first answer to an operation, and the answer to every repeat of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its number in the log.
    pub seq: Seq,
    /// When it was taken in.
    pub timestamp: Timestamp,
}

/// Which messages of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAt {
    /// The newest.
    Newest,
    /// The newest before this one.
    Before(Seq),
    /// The oldest after this one.
    After(Seq),
    /// This one in the middle; if there is no such message, its place.
    Around(Seq),
}

/// The hash of a session's token (SHA-256); the token itself is never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// A signed-in user's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub token: TokenHash,
    /// Whose.
    pub user: User,
    /// When it ends unless it is used.
    pub expires: Timestamp,
}

/// The store cannot answer now: the disk is full, the database locked or the folder not writable. The same call may
/// succeed later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store is unavailable: {0}")]
pub struct StoreError(pub String);

/// Why an operation was not appended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// There is no message `target` (or `reply_to`) in this room, or it is deleted.
    #[error("there is no such message in this room, or it was deleted")]
    TargetNotFound,
    /// The target is somebody else's.
    #[error("only its author can change a message")]
    NotAuthor,
    /// Its author used this id for another room's operation.
    #[error("this id was used before, for something else; make a new one")]
    IdConflict,
    /// The message has as many reactions as it may.
    #[error("this message has as many reactions as it can hold")]
    TooManyReactions,
    /// The store cannot answer now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why somebody or something was not made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CreateError {
    /// The name or address is taken.
    #[error("taken")]
    Taken,
    /// The store cannot answer now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the server keeps. Every method that changes something answers only when the change is on disk.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Gives `op` the next number of its room's log and folds it into the messages, in one transaction. An operation
    /// that this author has sent before gets its first answer again and changes nothing.
    async fn append(
        &self,
        room: RoomId,
        author: &User,
        op: Op,
        now: Timestamp,
    ) -> Result<Appended, AppendError>;

    /// At most `limit` events after `after`, in order. Fewer are read only where the log ends, or where those that are read
    /// hold [`PAGE_MAX_BYTES`](protocol::limits::PAGE_MAX_BYTES) of words or more.
    async fn events(&self, room: RoomId, after: Seq, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// At most `limit` neighbouring messages, and on each side no more than
    /// [`PAGE_MAX_BYTES`](protocol::limits::PAGE_MAX_BYTES) of words but for one message. `head` and the messages are of one moment.
    async fn page(&self, room: RoomId, at: PageAt, limit: u32) -> Result<Page, StoreError>;

    /// Makes a room, if its address is free.
    async fn create_room(&self, room: NewRoom, now: Timestamp) -> Result<RoomRecord, CreateError>;

    /// The room of that address, as `user` finds it.
    async fn room(&self, slug: &RoomSlug, user: UserId) -> Result<Option<Found>, StoreError>;

    /// The room of that invitation.
    async fn room_by_invite(&self, invite: &str) -> Result<Option<RoomRecord>, StoreError>;

    /// The rooms that `user` may read, public ones and those they are a member of, by name; at most `limit`.
    async fn rooms_of(&self, user: &User, limit: u32) -> Result<Vec<RoomSummary>, StoreError>;

    /// How many rooms there are.
    async fn room_count(&self) -> Result<u64, StoreError>;

    /// Makes `user` a member; no change if they are one.
    async fn add_member(&self, room: RoomId, user: UserId, now: Timestamp) -> Result<(), StoreError>;

    /// `user` has read a room up to `seq`; never moves back, never beyond the head. Answers the position that holds.
    async fn mark_read(&self, room: RoomId, user: UserId, seq: Seq) -> Result<Seq, StoreError>;

    /// Makes the user of `session` and begins that session, if nobody has a name with the same `key` (see
    /// [`crate::auth::username_key`]). Both or neither: no name is taken by somebody who never came in.
    async fn create_user(&self, session: &Session, key: &str, now: Timestamp) -> Result<(), CreateError>;

    /// The session of a token, if it has not ended at `now`.
    async fn session(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Puts off the end of a session.
    async fn extend_session(&self, token: TokenHash, expires: Timestamp) -> Result<(), StoreError>;

    /// Ends a session.
    async fn delete_session(&self, token: TokenHash) -> Result<(), StoreError>;

    /// Whether the store can write now; what `/readyz` asks.
    async fn check(&self) -> Result<(), StoreError>;

    /// Finishes what was begun and lets go of the files. Later calls fail.
    async fn close(&self);
}
