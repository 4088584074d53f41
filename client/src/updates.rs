//! What a program hears.

use protocol::{
    Event, RoomSlug, ServerFrame,
    api::User,
    frame::Joined,
    session::{Standing, Status},
};
use tokio::sync::mpsc;

/// Most updates that wait to be taken. When so many wait, the socket is not read until some are taken, and a server that
/// has too much to say closes the connection; what was missed comes from the log then.
pub const UPDATES_MAX: usize = 4_096;

/// Something that a program may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// The server has greeted a new connection.
    Welcomed(User),
    /// Replace what is held of the room: these are its newest messages, as they stand at `head`.
    Snapshot(Box<Joined>),
    /// What is held of the room stays valid; what was missed follows.
    Resumed {
        /// Which room.
        room: RoomSlug,
        /// Where it stands.
        standing: Box<Standing>,
    },
    /// The next event of a room.
    Event(Event),
    /// Presence, typing, read positions, new rooms, and errors that answer nothing.
    Notice(ServerFrame),
    /// The connection came or went.
    Status(Status),
}

/// The updates of one client, in order.
#[derive(Debug)]
pub struct Updates {
    pub(crate) receiver: mpsc::Receiver<Update>,
}

impl Updates {
    /// The next update; `None` once the client is closed or stopped for good. May be cancelled without loss.
    pub async fn next(&mut self) -> Option<Update> {
        self.receiver.recv().await
    }

    /// The next event of any room, passing over everything else, snapshots included.
    pub async fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Update::Event(event) = self.next().await? {
                return Some(event);
            }
        }
    }
}
