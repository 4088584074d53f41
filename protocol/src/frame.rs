//! The frames of the socket: one JSON object each, tagged by `type`. `docs/PROTOCOL.md` is their reference.

mod client;
mod close;
mod diagnosis;
mod refusal;
mod server;

use serde::Serialize;

pub use client::ClientFrame;
pub use close::CloseCode;
pub use refusal::{ErrorCode, Refusal};
pub use server::{
    Ack, History, Joined, Left, NoReplay, Presence, Read, RoomChanged, ServerFrame, Typing, Welcome,
};

/// Frames are made of strings, numbers, lists and maps with string keys: writing them to memory cannot fail.
fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The same, behind what is in `text` already.
pub(crate) fn put_json<T: Serialize>(value: &T, text: &mut Vec<u8>) {
    let _cannot_fail = serde_json::to_writer(text, value);
}
