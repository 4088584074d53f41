//! Events folded into messages: what a reader sees of a room.
//!
//! The server's store, the page and the tests all fold with [`Message::posted`] and [`Message::apply`], so a message
//! that was fetched equals one that was folded from the log. [`Timeline`] is the part of a room that a reader holds; it
//! merges live events with pages that were fetched meanwhile, whichever of the two is newer.

mod message;
mod recent;
#[cfg(test)]
mod tests;
mod window;

pub use message::{Message, Page, Reaction, Reactor};
pub use window::{Applied, Keep, Stale, Timeline};
