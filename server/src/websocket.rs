//! WebSocket (RFC 6455), the server's side of it, straight on tokio's TCP socket.
//!
//! Hidden here: the handshake, how frames lie on the wire, and what the standard demands of whoever speaks it. What is
//! known of a chat stays outside. [`Decoder`] and [`Frames`] are pure; [`Receiver`] reads and [`Sink`] writes.
//!
//! Our own, because of what a connection costs that says nothing: there is no buffer here while nothing comes, a message
//! is one allocation that all of its readers share, and whoever has something to send can write it at once
//! (`docs/adr/0003-websocket.md`). No extension is offered: compression costs each connection a window.

mod decode;
mod frames;
mod handshake;
mod header;
mod receive;
mod send;
mod sink;

pub use decode::{Decoder, Farewell, Message, Violation};
pub use frames::{Frames, Packing};
pub use handshake::{Handshake, Lost};
pub use receive::{Ended, Receiver};
pub use send::Writer;
pub use sink::Sink;

use tokio::net::TcpStream;

/// Both halves of a socket after the handshake. `early` is what was read of it before; a message of the client has at
/// most `message_max_bytes`.
pub fn split(socket: TcpStream, early: &[u8], message_max_bytes: usize) -> (Receiver, Writer) {
    let (read, write) = socket.into_split();
    (Receiver::new(read, early, message_max_bytes), Writer::new(write))
}
