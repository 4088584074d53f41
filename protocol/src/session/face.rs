//! What goes into a session and what comes out of it.

use crate::{
    api::{Room, User},
    event::Event,
    frame::{ClientFrame, Joined, Refusal, ServerFrame},
    ids::{Cursor, OpId, RoomSlug, Seq, Timestamp},
    limits::Limits,
    op::Op,
};

/// Milliseconds of a clock that never goes back; its start is the driver's choice.
pub type Millis = u64;

/// What the driver tells the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The socket is open.
    Connected,
    /// A frame came in.
    Received(ServerFrame),
    /// The socket is closed, or could not be opened.
    Disconnected {
        /// The code in the close frame, if there was one.
        code: Option<u16>,
    },
    /// Time has passed. Due at [`Session::wake_at`](super::Session::wake_at), harmless at any other time.
    Tick,
    /// Follow a room, from where the driver left off; without a cursor a snapshot comes. Joining a room again starts
    /// it anew from the cursor given now.
    Join {
        /// Which room.
        room: RoomSlug,
        /// What the driver holds of it.
        cursor: Option<Cursor>,
    },
    /// Follow a room no more.
    Leave {
        /// Which room.
        room: RoomSlug,
    },
    /// Get this done, however long it takes. An id that is in the outbox already changes nothing.
    Submit(Op),
    /// Try a failed operation again, as the last of its room.
    Retry(OpId),
    /// Forget an operation. One that was on its way may have been done all the same.
    Discard(OpId),
    /// The user is writing. Say it as often as keys are pressed.
    Typing {
        /// Where.
        room: RoomSlug,
    },
    /// The user has seen everything up to here. Say it as often as it changes.
    Read {
        /// Which room.
        room: RoomSlug,
        /// Up to which event.
        seq: Seq,
    },
    /// The network is back: do not wait any longer, nor if what is being tried fails.
    Online,
    /// Close the connection and stay away. The outbox is kept for [`Session::restore`](super::Session::restore).
    Stop,
}

/// What the session tells the driver, to be done in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a socket; answer with [`Input::Connected`] or [`Input::Disconnected`].
    Connect,
    /// Drop the socket, or the attempt to open one. Nothing of it may be handed in any more.
    Disconnect,
    /// Send a frame. What cannot be sent may be dropped, as long as [`Input::Disconnected`] follows.
    Transmit(ClientFrame),
    /// The server has greeted this connection.
    Welcomed {
        /// Who the server takes it for.
        user: User,
        /// What the server accepts.
        limits: Limits,
    },
    /// Replace what is held of a room: `joined` brings its newest messages as they stand at `joined.head`.
    Snapshot {
        /// Which room.
        room: RoomSlug,
        /// The frame; its history is a snapshot.
        joined: Box<Joined>,
    },
    /// What is held of a room stays valid; the events that were missed follow, each as an [`Output::Event`].
    Resumed {
        /// Which room.
        room: RoomSlug,
        /// Where it stands.
        standing: Box<Standing>,
    },
    /// The server does not let this user follow a room; it is not tried again.
    JoinRefused {
        /// Which room.
        room: RoomSlug,
        /// Why.
        refusal: Refusal,
    },
    /// The next event of a room: each exactly once, in order of `seq`, after the cursor or the last snapshot.
    Event(Event),
    /// An operation is in the outbox, as the last of its room: store it.
    Queued(Op),
    /// An operation is done and left the outbox: drop what was stored.
    Acked {
        /// Which operation.
        id: OpId,
        /// Where.
        room: RoomSlug,
        /// Its number in the log.
        seq: Seq,
        /// When the server took it in.
        timestamp: Timestamp,
    },
    /// An operation was refused for good. It stays in the outbox, as failed, until it is retried or discarded; only where
    /// the outbox was full (`limit_reached` with no [`Output::Queued`] before) is it not kept.
    Refused {
        /// Which operation.
        id: OpId,
        /// Why.
        refusal: Refusal,
    },
    /// An operation left the outbox because the driver said so: drop what was stored.
    Discarded {
        /// Which operation.
        id: OpId,
    },
    /// What is not in the log: `presence`, `typing`, `read`, `room`, `left`, and an `error` that answers no operation.
    Notice(ServerFrame),
    /// The state of the connection has changed.
    Status(Status),
}

/// Where a room stands when it was resumed: `joined` without its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The room.
    pub room: Room,
    /// Its last event when the answer was made.
    pub head: Seq,
    /// Up to where this user has read it.
    pub read: Seq,
    /// Who is here now, at most [`crate::limits::PRESENCE_MAX_NAMED`].
    pub here: Vec<User>,
    /// How many are here now.
    pub here_count: u32,
}

/// The state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// On the way to the server's greeting.
    Connecting,
    /// The server has greeted this connection.
    Online,
    /// Between two attempts.
    Waiting {
        /// When the next one begins.
        until: Millis,
        /// How many have failed in a row.
        attempt: u32,
    },
    /// No further attempt will be made.
    Stopped(StopReason),
}

/// Why a session does not connect any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The server knows this user no more: sign in again.
    SignedOut,
    /// This user may not be here.
    Forbidden,
    /// The two sides do not understand each other: this program is older or newer than the server.
    ProtocolBroken,
    /// The driver said [`Input::Stop`].
    ByUser,
}

/// How far an operation in the outbox has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It waits for the connection, for its turn, or for the time at which the server will take it.
    Waiting,
    /// It was sent and is not answered.
    Sent,
    /// It was refused for good.
    Failed(Refusal),
}
