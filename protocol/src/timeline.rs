//! Events folded into messages: what a reader sees of a room.

use serde::{Deserialize, Serialize};

use crate::{
    event::{Event, Quote},
    ids::{Cursor, Epoch, OpId, Seq, Timestamp, UserId},
    text::{Content, Emoji, Username},
};

/// A message as it stands after every event up to some position of its room's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its own event's number.
    pub seq: Seq,
    /// The last event that changed it; its own at first.
    pub version: Seq,
    /// The id its author's client gave it.
    pub id: OpId,
    /// Its author.
    pub user_id: UserId,
    /// Their name.
    pub username: Username,
    /// What it says now; `null` once it is deleted.
    pub content: Option<Content>,
    /// When the server took it in.
    pub timestamp: Timestamp,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// The message it answers.
    #[serde(default)]
    pub reply_to: Option<Seq>,
    /// What that message is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The emoji on it, in the order in which they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

/// One emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Which.
    pub emoji: Emoji,
    /// Who put it there, in the order in which they did; never empty.
    pub users: Vec<Reactor>,
}

/// One who reacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reactor {
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub username: Username,
}

/// Neighbouring messages of a room, oldest first, as they stood when `head` was its last event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The life of the log.
    pub epoch: Epoch,
    /// The last event folded in.
    pub head: Seq,
    /// The messages.
    pub messages: Vec<Message>,
    /// Whether there are older messages.
    pub has_more_before: bool,
    /// Whether there are newer messages.
    pub has_more_after: bool,
}

impl Page {
    /// Where to resume from to miss nothing after this page.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch.clone(), after: self.head }
    }
}

/// The part of a room's messages that a reader holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    events: Vec<Event>,
}
