//! The use cases: who may do what, and what is told to whom. The only door through which anything changes.
//!
//! Reading and writing are both authorised here. A private room does not exist for those who are no members: they get
//! the same answer as for a room that was never made.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use protocol::{
    ErrorCode, Event, Op, RoomSlug, Seq,
    api::{User, Visibility},
    frame::Refusal,
    limits::JOINED_MAX_ROOMS,
    timeline::Page,
};
use tokio::sync::mpsc;

use crate::{
    auth::unavailable,
    bus::{Bus, Notice},
    clock::Clock,
    store::{AppendError, Appended, Committed, Found, PageAt, RoomId, RoomRecord, Store},
};

mod open;
mod rooms;
#[cfg(test)]
mod tests;

use self::open::OpenRooms;

/// Most rooms in one user's list; a connection can join as many.
pub const ROOMS_MAX_LISTED: u32 = 200;
const _: () = assert!(ROOMS_MAX_LISTED as usize == JOINED_MAX_ROOMS);

/// The bounds that whoever runs the server may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatLimits {
    /// Most rooms on this server.
    pub rooms_total: u64,
}

impl Default for ChatLimits {
    fn default() -> Self {
        Self { rooms_total: 1_000 }
    }
}

/// What becomes of an operation that was begun.
pub type Outcome = BoxFuture<'static, Result<Appended, Refusal>>;

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    clock: Clock,
    limits: ChatLimits,
    open: OpenRooms,
}

impl Chat {
    /// The use cases on `store`, telling `bus` what happens.
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, clock: Clock, limits: ChatLimits) -> Self {
        Self { store, bus, clock, limits, open: OpenRooms::default() }
    }

    /// The room, if `user` may read it: a public one, or one that they are a member of.
    pub async fn room(&self, user: &User, slug: &RoomSlug) -> Result<RoomRecord, Refusal> {
        Ok(self.enter(user, slug).await?.0)
    }

    /// The same, and up to where they have read it.
    pub async fn enter(&self, user: &User, slug: &RoomSlug) -> Result<(RoomRecord, Seq), Refusal> {
        let found = self.store.room(slug, user.id).await.map_err(|error| unavailable(&error))?;
        let Some(Found { record, is_member, read }) = found else { return Err(room_not_found()) };
        match record.room.visibility {
            Visibility::Private if !is_member => Err(room_not_found()),
            Visibility::Public | Visibility::Private => Ok((record, read)),
        }
    }

    /// The number of a room that `user` may read and write in.
    pub async fn room_id(&self, user: &User, slug: &RoomSlug) -> Result<RoomId, Refusal> {
        if let Some(room) = self.open.get(slug) {
            return Ok(room);
        }
        let record = self.room(user, slug).await?;
        if record.room.visibility == Visibility::Public {
            self.open.remember(slug, record.id);
        }
        Ok(record.id)
    }

    /// Does what `op` asks for. When this answers, it is on disk; an operation that was done before gets its first
    /// answer again. The store answers within a bounded time; after `unavailable` the operation may have been done
    /// all the same, so repeat it with the same id.
    pub async fn perform(&self, user: &User, op: Op) -> Result<Appended, Refusal> {
        self.begin(user, op).await?.await
    }

    /// Begins what `op` asks for and answers with the rest of it. Outcomes that are first polled in the order of their
    /// beginnings are appended in that order, so one user's operations can be on their way together.
    pub async fn begin(&self, user: &User, op: Op) -> Result<Outcome, Refusal> {
        let id = op.id;
        let room = self.room_id(user, &op.room).await.map_err(|refusal| refusal.of(Some(id)))?;
        let (store, user, now) = (Arc::clone(&self.store), user.clone(), self.clock.now());
        Ok(Box::pin(async move {
            let appended = store.append(room, &user, op, now).await;
            appended.map_err(|error| refuse_append(&error).of(Some(id)))
        }))
    }

    /// At most `limit` events after `after`, in order. The caller has been let into the room by [`Self::room`].
    pub async fn events(&self, room: RoomId, after: Seq, limit: u32) -> Result<Vec<Event>, Refusal> {
        self.store.events(room, after, limit).await.map_err(|error| unavailable(&error))
    }

    /// At most `limit` neighbouring messages of a room.
    pub async fn page(
        &self,
        user: &User,
        slug: &RoomSlug,
        at: PageAt,
        limit: u32,
    ) -> Result<(RoomRecord, Page), Refusal> {
        let room = self.room(user, slug).await?;
        let page = self.page_of(room.id, at, limit).await?;
        Ok((room, page))
    }

    /// At most `limit` neighbouring messages. The caller has been let into the room by [`Self::room`].
    pub async fn page_of(&self, room: RoomId, at: PageAt, limit: u32) -> Result<Page, Refusal> {
        self.store.page(room, at, limit).await.map_err(|error| unavailable(&error))
    }

    /// `user` has read a room up to `seq`; their other devices hear of it.
    pub async fn mark_read(&self, user: &User, slug: &RoomSlug, seq: Seq) -> Result<(), Refusal> {
        let room = self.room_id(user, slug).await?;
        let seq = self.store.mark_read(room, user.id, seq).await.map_err(|error| unavailable(&error))?;
        self.bus.publish(Notice::Read { slug: slug.clone(), user: user.id, seq }).await;
        Ok(())
    }

    /// `user` is writing in a room.
    pub async fn typing(&self, user: &User, slug: &RoomSlug) -> Result<(), Refusal> {
        let room = self.room_id(user, slug).await?;
        self.bus.publish(Notice::Typing { room, slug: slug.clone(), user: user.clone() }).await;
        Ok(())
    }

    /// Whether the store can write now.
    pub async fn ready(&self) -> Result<(), Refusal> {
        self.store.check().await.map_err(|error| unavailable(&error))
    }
}

/// Moves committed events from the store to the bus until the store closes its channel. So an event is published
/// whether or not the connection that asked for it still lives.
pub async fn publisher(mut committed: mpsc::Receiver<Vec<Committed>>, bus: Arc<dyn Bus>) {
    while let Some(events) = committed.recv().await {
        bus.publish(Notice::Events(events)).await;
    }
}

pub(crate) fn room_not_found() -> Refusal {
    Refusal::new(
        ErrorCode::RoomNotFound,
        "there is no such room, or you are not a member; ask for its invitation link",
    )
}

fn refuse_append(error: &AppendError) -> Refusal {
    let code = match error {
        AppendError::TargetNotFound => ErrorCode::TargetNotFound,
        AppendError::NotAuthor => ErrorCode::Forbidden,
        AppendError::IdConflict => ErrorCode::IdConflict,
        AppendError::TooManyReactions => ErrorCode::LimitReached,
        AppendError::Store(error) => return unavailable(error),
    };
    Refusal::new(code, error.to_string())
}
