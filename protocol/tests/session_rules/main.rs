//! The rules of the session, one by one: what it does, and when.
#![expect(clippy::unwrap_used, reason = "what a test is given is right, or the test fails")]

mod connection;
mod outbox;
mod rig;
mod rooms;
