//! Every bound of the protocol, with its unit. Sizes are part of the protocol and never lifted; rates are the server's
//! own settings.

use serde::{Deserialize, Serialize};

/// The version of the protocol, sent in `welcome`. It rises when an old client could misread a new server.
pub const PROTOCOL_VERSION: u32 = 1;

/// Longest content of a message, in Unicode scalar values.
pub const CONTENT_MAX_CHARS: usize = 8_000;
/// Longest username, in Unicode scalar values.
pub const USERNAME_MAX_CHARS: usize = 32;
/// Longest room name, in Unicode scalar values.
pub const ROOM_NAME_MAX_CHARS: usize = 48;
/// Longest room slug, in Unicode scalar values.
pub const ROOM_SLUG_MAX_CHARS: usize = 48;
/// Longest topic of a room, in Unicode scalar values.
pub const TOPIC_MAX_CHARS: usize = 200;
/// Longest emoji, in Unicode scalar values: the longest in Unicode 17 has ten.
pub const EMOJI_MAX_CHARS: usize = 16;
/// Different emoji on one message.
pub const REACTIONS_MAX_PER_MESSAGE: usize = 20;
/// Longest excerpt of a quoted message, in Unicode scalar values.
pub const EXCERPT_MAX_CHARS: usize = 120;

/// Largest frame a client may send, in bytes.
pub const FRAME_MAX_BYTES: usize = 64 * 1024;
/// Messages on a page when the caller does not say.
pub const PAGE_DEFAULT_MESSAGES: u32 = 50;
/// Most messages on one page.
pub const PAGE_MAX_MESSAGES: u32 = 100;
/// Words on one page beyond its first message, in bytes: what is longer is cut off at its far end, and `has_more` says so.
pub const PAGE_MAX_BYTES: usize = 256 * 1024;
/// Most events in one `joined` frame; the rest of a long absence follows as frames of their own.
pub const REPLAY_MAX_EVENTS: u32 = 500;
/// Most people named in one `joined` or `presence` frame; beyond it only the count is exact.
pub const PRESENCE_MAX_NAMED: usize = 200;
/// Most rooms that one connection may have joined.
pub const JOINED_MAX_ROOMS: usize = 200;

/// How often the server sends `ping`, in milliseconds.
pub const PING_INTERVAL_MS: u64 = 20_000;
/// How much longer than the ping interval silence may last before a side calls the other dead, in milliseconds.
pub const PING_GRACE_MS: u64 = 10_000;
/// A client says `typing` at most this often, in milliseconds.
pub const TYPING_INTERVAL_MS: u64 = 3_000;
/// How long `typing` holds without a repeat, in milliseconds.
pub const TYPING_SHOWN_MS: u64 = 6_000;

/// The limits a server tells its clients in `welcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest content, in Unicode scalar values.
    pub content_chars: usize,
    /// Largest frame from a client, in bytes.
    pub frame_bytes: usize,
    /// Most rooms joined on one connection.
    pub joined_rooms: usize,
    /// Most messages on one page.
    pub page_messages: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            content_chars: CONTENT_MAX_CHARS,
            frame_bytes: FRAME_MAX_BYTES,
            joined_rooms: JOINED_MAX_ROOMS,
            page_messages: PAGE_MAX_MESSAGES,
        }
    }
}
