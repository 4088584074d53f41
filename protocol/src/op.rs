//! Operations: what somebody wants done in a room, from the outbox of their client to the server's log.

use serde::{Deserialize, Serialize};

use crate::{
    frame::ClientFrame,
    ids::{OpId, RoomSlug, Seq},
    text::{Content, Emoji},
};

/// An operation that its author wants done, whatever happens to the connection: the outbox holds these until they are
/// answered, in memory or in the browser's storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OpFields")]
pub struct Op {
    /// Its id.
    pub id: OpId,
    /// Where.
    pub room: RoomSlug,
    /// What.
    #[serde(flatten)]
    pub kind: OpKind,
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OpKind {
    /// Posts a message.
    Send {
        /// What to say.
        content: Content,
        /// Which message it answers.
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<Seq>,
    },
    /// Changes a message of one's own.
    Edit {
        /// Which message.
        target: Seq,
        /// What it is to say.
        content: Content,
    },
    /// Takes back a message of one's own.
    Delete {
        /// Which message.
        target: Seq,
    },
    /// Puts an emoji on a message or takes one's own off.
    React {
        /// Which message.
        target: Seq,
        /// Which emoji.
        emoji: Emoji,
        /// On or off.
        on: bool,
    },
}

/// An operation as it is read: plain fields, of which those of its type are there.
#[derive(Deserialize)]
struct OpFields {
    #[serde(rename = "type")]
    kind: Kind,
    id: OpId,
    room: RoomSlug,
    content: Option<Content>,
    reply_to: Option<Seq>,
    target: Option<Seq>,
    emoji: Option<Emoji>,
    on: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Send,
    Edit,
    Delete,
    React,
}

impl TryFrom<OpFields> for Op {
    type Error = &'static str;

    fn try_from(fields: OpFields) -> Result<Self, Self::Error> {
        let OpFields { id, room, content, reply_to, .. } = fields;
        let content = content.ok_or("this operation has content");
        let target = fields.target.ok_or("this operation has a target");
        let kind = match fields.kind {
            Kind::Send => OpKind::Send { content: content?, reply_to },
            Kind::Edit => OpKind::Edit { target: target?, content: content? },
            Kind::Delete => OpKind::Delete { target: target? },
            Kind::React => OpKind::React {
                target: target?,
                emoji: fields.emoji.ok_or("a reaction has an emoji")?,
                on: fields.on.ok_or("a reaction is on or off")?,
            },
        };
        Ok(Self { id, room, kind })
    }
}

impl From<Op> for ClientFrame {
    fn from(Op { id, room, kind }: Op) -> Self {
        match kind {
            OpKind::Send { content, reply_to } => Self::Send { room, id, content, reply_to },
            OpKind::Edit { target, content } => Self::Edit { room, id, target, content },
            OpKind::Delete { target } => Self::Delete { room, id, target },
            OpKind::React { target, emoji, on } => Self::React { room, id, target, emoji, on },
        }
    }
}
