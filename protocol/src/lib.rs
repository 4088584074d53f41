//! Both sides of Hubbub's wire, without any I/O.
//!
//! The server and every client (the page, bots, tests, the load generator) compile this crate, so the two sides cannot
//! disagree about what a frame is, how long a message may be, what `*this*` looks like or what to do after a lost
//! connection. It depends on no runtime, socket, database or user interface; time and randomness come in as arguments.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ids`] | the newtypes: parsed once at the edge, trusted inside |
//! | [`text`] | what people type: content, names, emoji, and their validation |
//! | [`limits`] | every bound of the protocol, with its unit |
//! | [`event`] | the log: the four things that can happen in a room |
//! | [`op`] | what somebody wants done: a send, edit, deletion or reaction |
//! | [`frame`] | the frames of the socket and how to read them |
//! | [`api`] | the bodies of the HTTP interface |
//! | [`json`] | JSON to all of these, for what every page loads |
//! | [`markdown`] | content to typed nodes |
//! | [`timeline`] | events folded into messages |
//! | [`shared`] | lists that many are given: the messages of a page, who is here |
//! | [`session`] | the client's state machine: resume, order, outbox, heartbeat |

#![forbid(unsafe_code)]

pub mod api;
pub mod event;
pub mod frame;
pub mod ids;
pub mod json;
pub mod limits;
pub mod markdown;
pub mod op;
pub mod session;
pub mod shared;
pub mod text;
pub mod timeline;

pub use event::{Event, EventKind};
pub use frame::{ClientFrame, CloseCode, ErrorCode, ServerFrame};
pub use ids::{Cursor, Epoch, OpId, RoomSlug, Seq, Timestamp, UserId};
pub use op::{Op, OpKind};
pub use shared::Shared;
pub use text::{Content, Emoji, RoomName, Topic, Username};
pub use timeline::{Message, Timeline};
