//! What a session may be told at its start, and the bounds that hold for every session.

use super::Millis;

/// Most operations in an outbox, failed ones included.
pub const OUTBOX_MAX_OPS: usize = 500;
/// Most events of one room that wait for an earlier one.
pub const REORDER_MAX_EVENTS: usize = 256;
/// Operations on their way at a time. One keeps a person's messages in order even where one is refused for now.
pub const IN_FLIGHT_DEFAULT_OPS: usize = 1;

/// How long a connection may take to open, in milliseconds.
pub const CONNECT_TIMEOUT_MS: Millis = 15_000;
/// How long the server may take to greet an open connection, in milliseconds.
pub const WELCOME_TIMEOUT_MS: Millis = 10_000;
/// How long joins may stay unanswered while nothing else of them comes in, in milliseconds.
pub const JOIN_TIMEOUT_MS: Millis = 15_000;
/// How long an operation may stay unanswered before it is sent again, in milliseconds.
pub const ACK_TIMEOUT_MS: Millis = 10_000;
/// How long an event may be missing while later ones are here, before the room is joined again, in milliseconds.
pub const HOLE_WAIT_MS: Millis = 2_000;
/// How long the rest of a long replay may pause before the room is joined again, in milliseconds.
pub const REPLAY_WAIT_MS: Millis = 10_000;

/// The first wait between two attempts is random up to this, and each further one up to twice as much, in milliseconds.
pub const BACKOFF_BASE_MS: Millis = 500;
/// While an outage is young, the other side may be back at any moment (a restart, a blip): the wait is random up to no
/// more than this, in milliseconds. It spreads a crowd as [`RESTART_SPREAD_MS`] does.
pub const BACKOFF_YOUNG_CAP_MS: Millis = 2_000;
/// For how many failed attempts an outage counts as young; from then on the wait doubles again.
pub const BACKOFF_YOUNG_TRIES: u32 = 12;
/// The longest wait between two attempts, in milliseconds.
pub const BACKOFF_CAP_MS: Millis = 30_000;
/// After a restart everybody comes back at once: the wait is random up to at least this, in milliseconds.
pub const RESTART_SPREAD_MS: Millis = 3_000;
/// A connection that lasted this long was healthy, and the count of failures starts anew, in milliseconds.
pub const HEALTHY_AFTER_MS: Millis = 5_000;
/// The longest that a server may ask to wait before an operation is tried again, in milliseconds.
pub const RETRY_AFTER_MAX_MS: Millis = 300_000;
/// The longest ping interval that is believed, in milliseconds.
pub const PING_MAX_MS: Millis = 300_000;
/// A read position is sent at most this often for each room, in milliseconds.
pub const READ_INTERVAL_MS: Millis = 1_000;

/// How a session is set up.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Where the random waits come from; give every session another.
    pub seed: u64,
    /// Operations that may be unanswered at a time. With more than one, an operation that is refused for now may be
    /// overtaken by the next.
    pub max_in_flight: usize,
    /// Operations that the outbox holds.
    pub outbox_max: usize,
    /// Events of one room that may wait for an earlier one.
    pub reorder_max: usize,
}

impl Config {
    /// The usual set-up.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            max_in_flight: IN_FLIGHT_DEFAULT_OPS,
            outbox_max: OUTBOX_MAX_OPS,
            reorder_max: REORDER_MAX_EVENTS,
        }
    }
}
