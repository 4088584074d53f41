//! The queue before a socket, as the server has it, with loom's locks in place of the real ones. `tests/` says what holds.

pub mod hub;

#[path = "../../server/src/websocket"]
pub mod websocket {
    //! What the queue knows of WebSocket: frames, and something to write them to.
    #![allow(dead_code, reason = "the server uses all of it")]

    mod decode;
    mod frames;
    mod header;
    mod sink;

    pub use decode::{Farewell, Violation};
    pub use frames::{Frames, Packing};
    pub use sink::Sink;
}
