//! The log. A room is a list of numbered events, and these four kinds are all that can happen in it; what a reader sees
//! is these folded together (see [`crate::timeline`]).

use serde::{Deserialize, Serialize};

use crate::{
    frame::put_json,
    ids::{OpId, RoomSlug, Seq, Timestamp, UserId},
    text::{Content, Emoji, Username},
};

/// One event of a room's log. On the wire it is a frame of its own: `message`, `edited`, `deleted` or `reacted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EventFields")]
pub struct Event {
    /// Whose log.
    pub room: RoomSlug,
    /// Its number in that log.
    pub seq: Seq,
    /// Who did it.
    pub user_id: UserId,
    /// What they were called then.
    pub username: Username,
    /// When the server took it in. For people to read: order is `seq`.
    pub timestamp: Timestamp,
    /// What they did.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// Puts the event, as a frame, behind what is in `text` already.
    pub fn encode_into(&self, text: &mut Vec<u8>) {
        put_json(self, text);
    }
}

/// What can happen in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// Somebody said something.
    Message {
        /// The id its author's client gave it.
        id: OpId,
        /// What was said; `null` in a replay when it has been deleted since, for deleted words are gone from the log too.
        content: Option<Content>,
        /// The message it answers.
        reply_to: Option<Seq>,
        /// What that message was when this was sent; there if, and only if, `reply_to` is.
        #[serde(skip_serializing_if = "Option::is_none")]
        quote: Option<Quote>,
    },
    /// An author changed a message.
    Edited {
        /// Which message.
        target: Seq,
        /// What it says now; `null` as in `message`.
        content: Option<Content>,
    },
    /// An author took a message back.
    Deleted {
        /// Which message.
        target: Seq,
    },
    /// Somebody put an emoji on a message or took theirs off.
    Reacted {
        /// Which message.
        target: Seq,
        /// Which emoji.
        emoji: Emoji,
        /// On or off.
        on: bool,
    },
}

/// Enough of an answered message to show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Its author.
    pub user_id: UserId,
    /// Their name.
    pub username: Username,
    /// Its beginning on one line (see [`Content::excerpt`]); `null` once it is deleted.
    pub excerpt: Option<String>,
}

impl EventKind {
    /// What is said with it, unless it was deleted since.
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::Message { content, .. } | Self::Edited { content, .. } => content.as_ref(),
            Self::Deleted { .. } | Self::Reacted { .. } => None,
        }
    }

    /// The message that this event changes; a message of its own changes none.
    pub const fn target(&self) -> Option<Seq> {
        match self {
            Self::Message { .. } => None,
            Self::Edited { target, .. } | Self::Deleted { target } | Self::Reacted { target, .. } => {
                Some(*target)
            }
        }
    }
}

/// An event as it is read: plain fields, of which those of its type are there.
#[derive(Deserialize)]
struct EventFields {
    #[serde(rename = "type")]
    kind: Kind,
    room: RoomSlug,
    seq: Seq,
    user_id: UserId,
    username: Username,
    timestamp: Timestamp,
    id: Option<OpId>,
    content: Option<Content>,
    reply_to: Option<Seq>,
    quote: Option<Quote>,
    target: Option<Seq>,
    emoji: Option<Emoji>,
    on: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Message,
    Edited,
    Deleted,
    Reacted,
}

impl TryFrom<EventFields> for Event {
    type Error = &'static str;

    fn try_from(fields: EventFields) -> Result<Self, Self::Error> {
        let EventFields { room, seq, user_id, username, timestamp, content, reply_to, quote, .. } = fields;
        let target = || fields.target.ok_or("this event has a target");
        let kind = match fields.kind {
            Kind::Message => {
                EventKind::Message { id: fields.id.ok_or("a message has an id")?, content, reply_to, quote }
            }
            Kind::Edited => EventKind::Edited { target: target()?, content },
            Kind::Deleted => EventKind::Deleted { target: target()? },
            Kind::Reacted => EventKind::Reacted {
                target: target()?,
                emoji: fields.emoji.ok_or("a reaction has an emoji")?,
                on: fields.on.ok_or("a reaction is on or off")?,
            },
        };
        Ok(Self { room, seq, user_id, username, timestamp, kind })
    }
}
