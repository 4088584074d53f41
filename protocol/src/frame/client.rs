//! What a client says.

use serde::{Deserialize, Serialize};

use super::{ErrorCode, Refusal, diagnosis::diagnose, to_json};
use crate::{
    ids::{Cursor, Epoch, OpId, RoomSlug, Seq},
    limits::FRAME_MAX_BYTES,
    text::{Content, Emoji},
};

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// Show me this room, from where I left off if I say where. Answered by `joined`.
    Join {
        /// Which room.
        room: RoomSlug,
        /// The life of the log that `after` belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<Epoch>,
        /// The last event held.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Seq>,
    },
    /// No more of this room. Answered by `left`.
    Leave {
        /// Which room.
        room: RoomSlug,
    },
    /// Post a message. Answered by `ack` or `error` with this `id`, as are the next three.
    Send {
        /// Where.
        room: RoomSlug,
        /// The id of this operation.
        id: OpId,
        /// What to say.
        content: Content,
        /// Which message it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<Seq>,
    },
    /// Change what a message of mine says.
    Edit {
        /// Where.
        room: RoomSlug,
        /// The id of this operation.
        id: OpId,
        /// Which message.
        target: Seq,
        /// What it is to say.
        content: Content,
    },
    /// Take back a message of mine.
    Delete {
        /// Where.
        room: RoomSlug,
        /// The id of this operation.
        id: OpId,
        /// Which message.
        target: Seq,
    },
    /// Put an emoji on a message, or take mine off.
    React {
        /// Where.
        room: RoomSlug,
        /// The id of this operation.
        id: OpId,
        /// Which message.
        target: Seq,
        /// Which emoji.
        emoji: Emoji,
        /// On or off.
        on: bool,
    },
    /// I am writing.
    Typing {
        /// Where.
        room: RoomSlug,
    },
    /// I have seen everything up to here.
    Read {
        /// Where.
        room: RoomSlug,
        /// Up to which event.
        seq: Seq,
    },
    /// I am still here.
    Pong,
}

impl ClientFrame {
    /// Reads a frame. What cannot be read is refused with the most telling code, and with the operation's id where
    /// that can be made out, so that its sender can tell which of its operations failed.
    pub fn decode(text: &str) -> Result<Self, Refusal> {
        if text.len() > FRAME_MAX_BYTES {
            return Err(Refusal::new(
                ErrorCode::TooLarge,
                format!("a frame has at most {FRAME_MAX_BYTES} bytes"),
            ));
        }
        let frame = serde_json::from_str(text).map_err(|error| diagnose(text, &error))?;
        if let Self::Join { epoch, after, .. } = &frame
            && epoch.is_some() != after.is_some()
        {
            return Err(Refusal::new(
                ErrorCode::BadCursor,
                "to resume, send both epoch and after; to start anew, neither",
            ));
        }
        Ok(frame)
    }

    /// The frame as text.
    pub fn encode(&self) -> String {
        to_json(self)
    }

    /// The operation this frame asks for, if it asks for one.
    pub const fn op_id(&self) -> Option<OpId> {
        match self {
            Self::Send { id, .. }
            | Self::Edit { id, .. }
            | Self::Delete { id, .. }
            | Self::React { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The cursor of a `join` that has one.
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            Self::Join { epoch: Some(epoch), after: Some(after), .. } => {
                Some(Cursor { epoch: epoch.clone(), after: *after })
            }
            _ => None,
        }
    }
}
