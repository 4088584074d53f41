//! What [`Outbox`](super::Outbox) is synchronised with. A module of its own, for `model/` puts loom's in its place and tries every
//! order in which threads can take them.

pub(super) use std::sync::{Mutex, MutexGuard};
pub(super) use tokio::sync::Notify;
