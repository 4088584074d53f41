//! The client's state machine: what to do when a connection comes, goes, or lies.
//!
//! Hidden here: when to connect again, how to resume every room from its cursor, how to put events in order and drop
//! repeats, which operations to send again. The promise to the driver (the page, or the native client): each event of a
//! joined room comes out exactly once and in order, and each submitted operation is repeated until it is answered.
//!
//! There is no I/O and no clock in here: [`Session::handle`] takes an input and the time and says what to do. A driver
//! calls it with [`Input::Tick`] at the start, and again whenever [`Session::wake_at`] says.

mod config;
mod face;

pub use config::*;
pub use face::*;

use crate::{
    ids::{Cursor, RoomSlug},
    op::Op,
};

/// One user's connection to a server, with everything that outlives a socket.
#[derive(Debug)]
pub struct Session {
    config: Config,
    status: Status,
    outbox: Vec<(Op, Delivery)>,
}

impl Session {
    /// A session with nothing to do but connect.
    pub fn new(config: Config) -> Self {
        Self::restore(config, [])
    }

    /// A session that goes on with the outbox of an earlier one, in its order. Nothing is put out for these.
    pub fn restore(config: Config, ops: impl IntoIterator<Item = Op>) -> Self {
        let outbox = ops.into_iter().take(config.outbox_max).map(|op| (op, Delivery::Waiting)).collect();
        Self { config, status: Status::Connecting, outbox }
    }

    /// Takes in what happened at `now` and says what to do.
    pub fn handle(&mut self, input: Input, now: Millis) -> Vec<Output> {
        let _ = (input, now, &self.config);
        Vec::new()
    }

    /// When to call [`Session::handle`] with [`Input::Tick`] at the latest; `None` if nothing is due.
    pub fn wake_at(&self) -> Option<Millis> {
        None
    }

    /// The operations that are not done, in the order in which they were submitted or last retried.
    pub fn outbox(&self) -> impl Iterator<Item = (&Op, Delivery)> {
        self.outbox.iter().map(|(op, delivery)| (op, delivery.clone()))
    }

    /// The state of the connection.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Up to where the events of a room came out; `None` for a room that is not joined or has no snapshot yet.
    pub fn cursor(&self, room: &RoomSlug) -> Option<&Cursor> {
        let _ = room;
        None
    }
}
