//! Why something was refused, on the socket and in HTTP alike.

use serde::{Deserialize, Serialize};

use crate::{ids::OpId, limits::CONTENT_MAX_CHARS, text::InvalidText};

/// Why something was refused, on the socket and in HTTP alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The operation it answers, where it was readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<OpId>,
    /// For programs.
    pub code: ErrorCode,
    /// For people, in English: what is wrong and what to do.
    pub message: String,
    /// When to try again, for what may be tried again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal of something that is not worth repeating as it is.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { id: None, code, message: message.into(), retry_after_ms: None }
    }

    /// A refusal for now: the same again after `retry_after_ms` may succeed.
    pub fn for_now(code: ErrorCode, message: impl Into<String>, retry_after_ms: u64) -> Self {
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(code, message) }
    }

    /// The same, as the answer to operation `id`.
    #[must_use]
    pub fn of(self, id: Option<OpId>) -> Self {
        Self { id, ..self }
    }
}

/// Every reason to refuse something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not a JSON object with a `type`.
    BadFrame,
    /// A `type` that this server does not know.
    UnknownType,
    /// A field is missing, of another type, or not what it must be.
    BadField,
    /// A cursor that cannot be read: `epoch` without `after`, or the other way round.
    BadCursor,
    /// Content with nothing to see in it.
    ContentEmpty,
    /// Content of more than 8,000 characters.
    ContentTooLong,
    /// A frame or body that is too large.
    TooLarge,
    /// A username, room name or topic that is not allowed.
    BadName,
    /// The username belongs to somebody.
    NameTaken,
    /// A room of that address exists.
    RoomExists,
    /// No such room, or none that this user may see.
    RoomNotFound,
    /// No such message in this room, or it is deleted.
    TargetNotFound,
    /// Something else was done with this id before.
    IdConflict,
    /// Too many rooms, connections, reactions or the like; the message says which.
    LimitReached,
    /// Too much in a short time; try again later.
    RateLimited,
    /// The server cannot do it now; try again later.
    Unavailable,
    /// Who is asking is not known.
    Unauthorized,
    /// Known, but not allowed.
    Forbidden,
    /// The request came from another site's page.
    ForeignOrigin,
    /// This server lets no guests in.
    GuestsOff,
    /// No such address.
    NotFound,
    /// An address that does not take this method.
    MethodNotAllowed,
    /// A body of another kind than the address takes.
    UnsupportedMediaType,
    /// The server made a mistake; its log says which.
    Internal,
}

impl ErrorCode {
    /// The code as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadFrame => "bad_frame",
            Self::UnknownType => "unknown_type",
            Self::BadField => "bad_field",
            Self::BadCursor => "bad_cursor",
            Self::ContentEmpty => "content_empty",
            Self::ContentTooLong => "content_too_long",
            Self::TooLarge => "too_large",
            Self::BadName => "bad_name",
            Self::NameTaken => "name_taken",
            Self::RoomExists => "room_exists",
            Self::RoomNotFound => "room_not_found",
            Self::TargetNotFound => "target_not_found",
            Self::IdConflict => "id_conflict",
            Self::LimitReached => "limit_reached",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::ForeignOrigin => "foreign_origin",
            Self::GuestsOff => "guests_off",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Internal => "internal",
        }
    }

    /// Whether the same operation may succeed later, so that a client should keep and repeat it.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::Internal)
    }
}

/// A refused content.
impl From<InvalidText> for Refusal {
    fn from(error: InvalidText) -> Self {
        match error {
            InvalidText::Empty => {
                Self::new(ErrorCode::ContentEmpty, "there is nothing to see in this message")
            }
            InvalidText::TooLong { chars, .. } => Self::new(
                ErrorCode::ContentTooLong,
                format!("a message has at most {CONTENT_MAX_CHARS} characters, this one {chars}; shorten it"),
            ),
            _ => Self::new(ErrorCode::BadField, error.to_string()),
        }
    }
}
