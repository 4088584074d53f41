//! The hub: who is connected, who listens to which room, who is here.
//!
//! One task owns all of it ([`run`]) and the rest of the server talks to it through [`Hub`]. The task awaits nothing
//! but its inbox: not the store, and no socket, so no slow reader and no slow disk can hold up a room. It encodes each
//! event once and hands the same bytes to the [`Outbox`] of every live subscriber, which writes what its socket takes at
//! once and keeps the rest.
//!
//! The promise kept here: a live subscriber gets every event of its room once and in order, or its connection is
//! closed with a code that says to resume. [`room`] and what it is made of are pure.

mod order;
pub mod outbox;
mod people;
mod room;
mod sync;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use protocol::{RoomSlug, Seq, ServerFrame, Shared, api::User};
use tokio::sync::{mpsc, oneshot};

pub use outbox::Outbox;
pub use task::run;

use crate::{
    store::{Committed, RoomId, TokenHash},
    websocket::{Frames, Packing},
};

/// Commands that may wait for the hub; a caller beyond that waits for its turn.
const COMMANDS_MAX: usize = 1024;
/// Repairs that may wait to be made; beyond that a room asks again later.
const REPAIRS_MAX: usize = 64;

/// One connection, for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(u64);

/// Who is in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// At most [`protocol::limits::PRESENCE_MAX_NAMED`] of them, those who came first.
    pub here: Shared<User>,
    /// How many there are.
    pub count: u32,
}

/// The answer to [`Hub::release`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// From here on every event comes through the queue.
    Live,
    /// The room does not remember that far back: read the log on, then ask again.
    Behind,
}

/// A room waits for an event that has not come. Whoever receives this reads the log after `after` and hands what it
/// finds to [`Hub::repaired`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repair {
    /// Which room.
    pub room: RoomId,
    /// The last event that came in order.
    pub after: Seq,
}

/// A frame as it goes to everybody who gets it.
pub(crate) fn encode(frame: &ServerFrame) -> Frames {
    Frames::text_by(|text| frame.encode_into(text))
}

/// What the hub can be asked.
#[derive(Debug)]
pub enum Command {
    #[doc(hidden)]
    Attach {
        user: Arc<User>,
        session: TokenHash,
        queue: Arc<Outbox>,
        packing: Packing,
        reply: oneshot::Sender<ConnId>,
    },
    #[doc(hidden)]
    Detach { conn: ConnId },
    #[doc(hidden)]
    Subscribe { conn: ConnId, room: RoomId, slug: RoomSlug, reply: oneshot::Sender<Present> },
    #[doc(hidden)]
    Release { conn: ConnId, room: RoomId, at: Seq, reply: oneshot::Sender<Released> },
    #[doc(hidden)]
    Unsubscribe { conn: ConnId, room: RoomId },
    #[doc(hidden)]
    Present { room: RoomId, reply: oneshot::Sender<Present> },
    #[doc(hidden)]
    Connections { reply: oneshot::Sender<usize> },
    #[doc(hidden)]
    Repaired { events: Vec<Committed> },
}

/// A handle to the hub, cheap to clone. Every call takes as long as the commands before it: the hub waits for nothing.
/// `None` means that the hub is gone (the server is shutting down) or does not know the connection.
#[derive(Debug, Clone)]
pub struct Hub {
    commands: mpsc::Sender<Command>,
}

/// The two ends that [`run`] needs beside the notices of the bus, and the handle and the repairs for everybody else.
pub struct Ends {
    /// For callers.
    pub hub: Hub,
    /// For [`run`].
    pub commands: mpsc::Receiver<Command>,
    /// For [`run`].
    pub repair: mpsc::Sender<Repair>,
    /// For whoever reads the log.
    pub repairs: mpsc::Receiver<Repair>,
}

/// The channels around a hub that is yet to [`run`].
pub fn channels() -> Ends {
    let (tx, commands) = mpsc::channel(COMMANDS_MAX);
    let (repair, repairs) = mpsc::channel(REPAIRS_MAX);
    Ends { hub: Hub { commands: tx }, commands, repair, repairs }
}

impl Hub {
    /// Makes a connection known; `queue` is where its frames go, and `packing` how it reads events that come together.
    pub async fn attach(
        &self,
        user: Arc<User>,
        session: TokenHash,
        queue: Arc<Outbox>,
        packing: Packing,
    ) -> Option<ConnId> {
        self.ask(|reply| Command::Attach { user, session, queue, packing, reply }).await
    }

    /// Forgets a connection and takes it out of all its rooms.
    pub async fn detach(&self, conn: ConnId) {
        self.tell(Command::Detach { conn }).await;
    }

    /// Subscribes a connection to a room, paused: nothing of the room comes before [`Hub::release`]. A subscriber of
    /// the room becomes paused again.
    pub async fn subscribe(&self, conn: ConnId, room: RoomId, slug: RoomSlug) -> Option<Present> {
        self.ask(|reply| Command::Subscribe { conn, room, slug, reply }).await
    }

    /// The subscriber has everything up to `at`; may it be live?
    pub async fn release(&self, conn: ConnId, room: RoomId, at: Seq) -> Option<Released> {
        self.ask(|reply| Command::Release { conn, room, at, reply }).await
    }

    /// Ends a subscription.
    pub async fn unsubscribe(&self, conn: ConnId, room: RoomId) {
        self.tell(Command::Unsubscribe { conn, room }).await;
    }

    /// Who is in a room now; nobody if the hub is gone.
    pub async fn present(&self, room: RoomId) -> Present {
        self.ask(|reply| Command::Present { room, reply }).await.unwrap_or_default()
    }

    /// How many connections there are.
    pub async fn connections(&self) -> usize {
        self.ask(|reply| Command::Connections { reply }).await.unwrap_or_default()
    }

    /// Hands in what a [`Repair`] asked for. Events that came in the meantime are recognised by their number.
    pub async fn repaired(&self, events: Vec<Committed>) {
        self.tell(Command::Repaired { events }).await;
    }

    async fn tell(&self, command: Command) {
        // An error means that the hub is gone, and with it everything that could be told.
        let _gone = self.commands.send(command).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.ok()?;
        answer.await.ok()
    }
}
