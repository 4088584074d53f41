//! What one part of the server tells the others: a doorbell, not a record.
//!
//! [`Bus`] is the one face; [`local`] is its in-process form. Every form runs the same contract suite (`contract`).
//! Notices reach every subscriber in the order in which one publisher sent them. A form may lose them: what matters
//! (events) is repaired from the log, the rest is only true for a moment.

use async_trait::async_trait;
use protocol::{RoomSlug, Seq, UserId, api::User};
use tokio::sync::mpsc;

use crate::store::{Committed, RoomId, RoomRecord, TokenHash};

#[cfg(test)]
mod contract;
pub mod local;

/// Most notices that wait for one subscriber; then publishing waits.
pub const NOTICES_MAX: usize = 1024;

/// Something that others may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Events that are on disk, in commit order.
    Events(Vec<Committed>),
    /// Somebody is writing.
    Typing {
        /// Where.
        room: RoomId,
        /// Its address.
        slug: RoomSlug,
        /// Who.
        user: User,
    },
    /// A user has read a room; for their own connections.
    Read {
        /// Which room.
        slug: RoomSlug,
        /// Who.
        user: UserId,
        /// Up to which event.
        seq: Seq,
    },
    /// A public room was made; for everybody. The maker of a private one hears of it as its member.
    RoomMade {
        /// The room.
        record: RoomRecord,
    },
    /// A user became a member of a private room; for their own connections.
    MemberAdded {
        /// The room.
        record: RoomRecord,
        /// Who.
        user: UserId,
    },
    /// A session has ended: its connections must close.
    SignedOut {
        /// Which.
        session: TokenHash,
    },
}

/// Where notices go.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Hands `notice` to every subscriber. Waits while a subscriber's queue is full, so subscribers must always drain
    /// theirs. Never fails.
    async fn publish(&self, notice: Notice);

    /// Every notice that is published from now on. Dropping the receiver ends the subscription.
    async fn subscribe(&self) -> mpsc::Receiver<Notice>;
}
