//! Who is compared: how each kind of server is started, joined and spoken to, and how it says that a message has come.

mod hubbub;
mod relay;

use std::{net::SocketAddr, path::Path, process::Command, rc::Rc};

pub(crate) use self::{
    hubbub::{Hubbub, guest, slug},
    relay::Relay,
};

/// What a server needs before connections come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct House {
    /// Rooms, numbered from 0.
    pub(crate) rooms: usize,
    /// Different users, over whom the connections are spread, where the server knows users.
    pub(crate) users: usize,
    /// Messages that are in each room already, where the server keeps any.
    pub(crate) history: usize,
}

/// A kind of server.
pub(crate) trait Peer {
    /// What it is called in the tables.
    fn name(&self) -> &'static str;

    /// Starts it, to listen on `address` and to keep what it keeps in `data`.
    fn command(&self, address: SocketAddr, data: &Path) -> Command;

    /// Makes rooms and users.
    fn prepare(&self, address: SocketAddr, house: House) -> anyhow::Result<Rc<dyn Wire>>;
}

/// How its connections speak. Rooms and connections are numbered from 0.
pub(crate) trait Wire {
    /// The request for the upgrade of the `n`th connection, which is for `room`.
    fn request(&self, n: usize, room: usize) -> String;

    /// The frame that joins a room, where being connected is not enough.
    fn join(&self, room: usize) -> Option<String>;

    /// The frame that says `number` in a room.
    fn message(&self, room: usize, number: u32) -> String;

    /// What a frame of the server says.
    fn read(&self, frame: &[u8]) -> Word;
}

/// What a frame of a server says to somebody who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// The message of this number.
    Message(u32),
    /// The message of this number is on disk.
    Ack(u32),
    /// The connection is in its room.
    Joined,
    /// Answer with this.
    Ping(&'static str),
    /// Something was not allowed: the run is worth nothing.
    Refused,
    /// Something else.
    Other,
}

/// A request for an upgrade, with further header lines. The key is the standard's example: nobody is to be convinced here.
fn upgrade(path: &str, further: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{further}\r\n"
    )
}
