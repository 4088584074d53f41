//! The queue, and what it is synchronised with.

#[path = "../../server/src/hub/outbox.rs"]
pub mod outbox;
pub mod sync;
