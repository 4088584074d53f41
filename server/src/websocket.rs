//! WebSocket (RFC 6455), the server's side of it, straight on tokio's TCP socket.
//!
//! Hidden here: the handshake, how frames lie on the wire, and what the standard demands of whoever speaks it. What is
//! known of a chat stays outside. [`Decoder`] and [`Frames`] are pure; [`Receiver`] reads from a
//! [`Socket`], and whatever writes writes to a [`Sink`], or to many of them by a [`Volley`].
//!
//! Our own, because of what a connection costs that says nothing: there is no buffer here while nothing comes, a message
//! is one allocation that all of its readers share, and whoever has something to send can write it at once
//! (`docs/adr/0003-websocket.md`). No extension is offered: compression costs each connection a window.

mod decode;
mod frames;
mod handshake;
mod header;
mod receive;
mod sink;
mod socket;
mod volley;

pub use decode::{Decoder, Farewell, Message, Violation};
pub use frames::{Frames, Packing};
pub use handshake::{Handshake, Lost};
pub use receive::{Ended, Receiver};
pub use sink::Sink;
pub use socket::Socket;
pub use volley::Volley;

use tokio::net::TcpStream;

/// A socket after the handshake, and who reads from it. `early` is what was read of it before; a message of the client has
/// at most `message_max_bytes`.
pub fn open(stream: TcpStream, early: &[u8], message_max_bytes: usize) -> (Socket, Receiver) {
    (Socket::new(stream), Receiver::new(early, message_max_bytes))
}
