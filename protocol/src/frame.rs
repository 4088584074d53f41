//! The frames of the socket: one JSON object each, tagged by `type`. `docs/PROTOCOL.md` is their reference.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    api::{Room, User},
    event::Event,
    ids::{Cursor, Epoch, InvalidId, OpId, RoomSlug, Seq, Timestamp, UserId},
    limits::{CONTENT_MAX_CHARS, FRAME_MAX_BYTES, Limits},
    text::{Content, Emoji, InvalidText, Username},
    timeline::{Message, Page},
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

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first frame of every connection.
    Welcome {
        /// [`crate::limits::PROTOCOL_VERSION`].
        protocol: u32,
        /// Who the server takes this connection for.
        user: User,
        /// How often `ping` comes, in milliseconds.
        ping_ms: u64,
        /// What the server accepts.
        limits: Limits,
    },
    /// The answer to `join`.
    Joined(Box<Joined>),
    /// The answer to `leave`; also sent when a right to read was taken away.
    Left {
        /// Which room.
        room: RoomSlug,
    },
    /// The operation is committed to disk and has a place in the log.
    Ack {
        /// Which operation.
        id: OpId,
        /// Where.
        room: RoomSlug,
        /// Its number in the log.
        seq: Seq,
        /// When it was taken in.
        timestamp: Timestamp,
    },
    /// Something was refused; the connection lives on.
    Error(Refusal),
    /// Who came to a room and who left it.
    Presence {
        /// Which room.
        room: RoomSlug,
        /// Who came, at most [`crate::limits::PRESENCE_MAX_NAMED`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        here: Vec<User>,
        /// Who left.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<UserId>,
        /// How many are here now.
        count: u32,
    },
    /// Somebody is writing.
    Typing {
        /// Where.
        room: RoomSlug,
        /// Who.
        user_id: UserId,
        /// Their name.
        username: Username,
    },
    /// This user has read a room, here or on another device.
    Read {
        /// Which room.
        room: RoomSlug,
        /// Up to which event.
        seq: Seq,
    },
    /// A room was made or changed.
    Room {
        /// What it is now.
        room: Room,
        /// The life of its log.
        epoch: Epoch,
        /// Its last event.
        head: Seq,
    },
    /// Are you there? Answered by `pong`.
    Ping,
    /// Something happened in a room: `message`, `edited`, `deleted` or `reacted`.
    #[serde(untagged)]
    Event(Event),
}

/// The answer to `join`: where the room stands, and either what was missed or the newest page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The room.
    pub room: Room,
    /// The life of its log.
    pub epoch: Epoch,
    /// Its last event when the answer was made.
    pub head: Seq,
    /// Whether the log goes on right after the reader's cursor. If not, what the reader holds is to be replaced.
    pub resumed: bool,
    /// What was missed, or everything anew.
    #[serde(flatten)]
    pub history: History,
    /// Up to where this user has read the room.
    pub read: Seq,
    /// Who is here now, at most [`crate::limits::PRESENCE_MAX_NAMED`].
    pub here: Vec<User>,
    /// How many are here now.
    pub here_count: u32,
}

/// The two forms of what `joined` brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum History {
    /// `resumed` is true: the events after the cursor, in order. At most [`crate::limits::REPLAY_MAX_EVENTS`]; where
    /// the last one is before `head`, the rest follows in frames of their own.
    Replay {
        /// The events.
        events: Vec<Event>,
    },
    /// `resumed` is false: the newest messages as they stand at `head`.
    Snapshot {
        /// Why it is no replay.
        reason: NoReplay,
        /// The newest messages, oldest first.
        messages: Vec<Message>,
        /// Whether there are older ones.
        has_more: bool,
    },
}

/// Why `joined` brings a snapshot and not a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoReplay {
    /// The client gave no cursor.
    NoCursor,
    /// The cursor is of another life of the log: the server was restored, or the room was made anew.
    EpochChanged,
    /// The cursor lies ahead of the log: the server lost what this client has seen.
    CursorAhead,
    /// More was missed than the server replays.
    TooFarBehind,
}

impl Joined {
    /// The snapshot as a page; `None` for a replay.
    pub fn into_page(self) -> Option<Page> {
        match self.history {
            History::Replay { .. } => None,
            History::Snapshot { messages, has_more, .. } => Some(Page {
                epoch: self.epoch,
                head: self.head,
                messages,
                has_more_before: has_more,
                has_more_after: false,
            }),
        }
    }
}

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
            Self::Internal => "internal",
        }
    }

    /// Whether the same operation may succeed later, so that a client should keep and repeat it.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::Internal)
    }
}

/// Why a connection was closed, and so whether to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 1001: this side goes away; resume elsewhere or later.
    GoingAway,
    /// 1002: frames are not as WebSocket lays them out.
    BadFraming,
    /// 1007: a frame of text is not in UTF-8.
    NotUtf8,
    /// 1009: a frame was larger than [`FRAME_MAX_BYTES`].
    TooBig,
    /// 1012: the server restarts; resume after a random wait.
    Restart,
    /// 4001: the session is over; sign in again.
    SignedOut,
    /// 4003: this user may not be here.
    Forbidden,
    /// 4008: this reader was too slow; resume.
    TooSlow,
    /// 4009: this client does not keep to the protocol.
    ProtocolBroken,
}

impl CloseCode {
    const ALL: [Self; 9] = [
        Self::GoingAway,
        Self::BadFraming,
        Self::NotUtf8,
        Self::TooBig,
        Self::Restart,
        Self::SignedOut,
        Self::Forbidden,
        Self::TooSlow,
        Self::ProtocolBroken,
    ];

    /// The number in the close frame.
    pub const fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::BadFraming => 1002,
            Self::NotUtf8 => 1007,
            Self::TooBig => 1009,
            Self::Restart => 1012,
            Self::SignedOut => 4001,
            Self::Forbidden => 4003,
            Self::TooSlow => 4008,
            Self::ProtocolBroken => 4009,
        }
    }

    /// The reason in the close frame, for people who debug.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::GoingAway => "going away",
            Self::BadFraming => "this is not WebSocket",
            Self::NotUtf8 => "text must be UTF-8",
            Self::TooBig => "frame too big",
            Self::Restart => "restarting, come back soon",
            Self::SignedOut => "signed out",
            Self::Forbidden => "not allowed here",
            Self::TooSlow => "too slow, resume",
            Self::ProtocolBroken => "protocol broken",
        }
    }

    /// The meaning of a number, where it has one here.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// Whether a client should connect again by itself.
    pub const fn may_return(self) -> bool {
        matches!(self, Self::GoingAway | Self::Restart | Self::TooSlow)
    }
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
}

impl ServerFrame {
    /// Reads a frame; `None` for one that this version does not know, which a client ignores.
    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The frame as text.
    pub fn encode(&self) -> String {
        to_json(self)
    }
}

/// Frames are made of strings, numbers, lists and maps with string keys: writing them to memory cannot fail.
fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Finds out what is wrong with a frame that could not be read. Slow and careful: this is the unusual path.
fn diagnose(text: &str, error: &serde_json::Error) -> Refusal {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return Refusal::new(ErrorCode::BadFrame, "a frame is one JSON object with a type");
    };
    let id = fields.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let Some(Value::String(kind)) = fields.get("type") else {
        return Refusal::new(ErrorCode::BadFrame, "a frame has a type, which is a string").of(id);
    };
    if !["join", "leave", "send", "edit", "delete", "react", "typing", "read", "pong"]
        .contains(&kind.as_str())
    {
        return Refusal::new(ErrorCode::UnknownType, "this server does not know that type of frame").of(id);
    }
    diagnose_fields(&fields)
        .unwrap_or_else(|| Refusal::new(ErrorCode::BadField, format!("a field is wrong: {error}")))
        .of(id)
}

fn diagnose_fields(fields: &Map<String, Value>) -> Option<Refusal> {
    fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
        fields.get(name).and_then(Value::as_str)
    }
    let bad_field = |name: &str, error: &dyn std::fmt::Display| {
        Refusal::new(ErrorCode::BadField, format!("{name}: {error}"))
    };
    if let Some(Err(error)) = text(fields, "content").map(str::parse::<Content>) {
        return Some(Refusal::from(error));
    }
    if let Some(Err(error)) = text(fields, "room").map(str::parse::<RoomSlug>) {
        return Some(bad_field("room", &error));
    }
    if let Some(Err(error)) = text(fields, "emoji").map(str::parse::<Emoji>) {
        return Some(bad_field("emoji", &error));
    }
    if let Some(Err(error)) = text(fields, "epoch").map(str::parse::<Epoch>) {
        return Some(Refusal::new(ErrorCode::BadCursor, format!("epoch: {error}")));
    }
    if let Some(Err(_)) = text(fields, "id").map(str::parse::<OpId>) {
        return Some(bad_field("id", &"an id is a UUID"));
    }
    for name in ["after", "target", "reply_to", "seq"] {
        if fields
            .get(name)
            .is_some_and(|value| !value.is_null() && value.as_u64().and_then(Seq::new).is_none())
        {
            let code = if name == "after" { ErrorCode::BadCursor } else { ErrorCode::BadField };
            return Some(Refusal::new(code, format!("{name}: {}", InvalidId::Seq)));
        }
    }
    None
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

/// Where a reader stands, from the two fields of a `join`.
impl ClientFrame {
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
