//! What a server says.

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{Refusal, put_json, to_json};
use crate::{
    api::{Room, User},
    event::Event,
    ids::{Epoch, OpId, RoomSlug, Seq, Timestamp, UserId},
    json::{self, read},
    limits::Limits,
    shared::Shared,
    text::Username,
    timeline::{Message, Page},
};

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first frame of every connection.
    Welcome(Welcome),
    /// The answer to `join`.
    Joined(Box<Joined>),
    /// The answer to `leave`; also sent when a right to read was taken away.
    Left(Left),
    /// The operation is committed to disk and has a place in the log.
    Ack(Ack),
    /// Something was refused; the connection lives on.
    Error(Refusal),
    /// Who came to a room and who left it.
    Presence(Presence),
    /// Somebody is writing.
    Typing(Typing),
    /// This user has read a room, here or on another device.
    Read(Read),
    /// A room was made or changed.
    Room(RoomChanged),
    /// Are you there? Answered by `pong`.
    Ping,
    /// Something happened in a room: `message`, `edited`, `deleted` or `reacted`.
    #[serde(untagged)]
    Event(Event),
}

impl ServerFrame {
    /// Reads a frame; `None` for one that this version does not know, which a client ignores.
    ///
    /// The type is read first and then the one struct that it names: a tenth of the code of a decoder that keeps the
    /// fields until it knows what they are, and it is code that every page loads.
    pub fn decode(text: &str) -> Option<Self> {
        match &*json::field(text, "type")? {
            "welcome" => read(text).map(Self::Welcome),
            "joined" => read(text).map(Self::Joined),
            "left" => read(text).map(Self::Left),
            "ack" => read(text).map(Self::Ack),
            "error" => read(text).map(Self::Error),
            "presence" => read(text).map(Self::Presence),
            "typing" => read(text).map(Self::Typing),
            "read" => read(text).map(Self::Read),
            "room" => read(text).map(Self::Room),
            "ping" => read(text).map(|IgnoredAny| Self::Ping),
            _ => read(text).map(Self::Event),
        }
    }

    /// The frame as text.
    pub fn encode(&self) -> String {
        to_json(self)
    }

    /// Puts the frame behind what is in `text` already.
    pub fn encode_into(&self, text: &mut Vec<u8>) {
        put_json(self, text);
    }
}

/// Who one is, and what the server expects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`crate::limits::PROTOCOL_VERSION`].
    pub protocol: u32,
    /// Who the server takes this connection for.
    pub user: User,
    /// How often `ping` comes, in milliseconds.
    pub ping_ms: u64,
    /// What the server accepts.
    pub limits: Limits,
}

/// A room that is not followed any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Which room.
    pub room: RoomSlug,
}

/// The answer to an operation that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Which operation.
    pub id: OpId,
    /// Where.
    pub room: RoomSlug,
    /// Its number in the log.
    pub seq: Seq,
    /// When it was taken in.
    pub timestamp: Timestamp,
}

/// Who came to a room and who left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Which room.
    pub room: RoomSlug,
    /// Who came, at most [`crate::limits::PRESENCE_MAX_NAMED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub here: Vec<User>,
    /// Who left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<UserId>,
    /// How many are here now.
    pub count: u32,
}

/// Somebody is writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// Where.
    pub room: RoomSlug,
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub username: Username,
}

/// How far a user has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Which room.
    pub room: RoomSlug,
    /// Up to which event.
    pub seq: Seq,
}

/// A room as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomChanged {
    /// What it is.
    pub room: Room,
    /// The life of its log.
    pub epoch: Epoch,
    /// Its last event.
    pub head: Seq,
}

/// The answer to `join`: where the room stands, and either what was missed or the newest page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "JoinedFields")]
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
    pub here: Shared<User>,
    /// How many are here now.
    pub here_count: u32,
}

/// The two forms of what `joined` brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
        messages: Shared<Message>,
        /// Whether there are older ones.
        has_more: bool,
    },
}

/// `joined` as it is read: plain fields, of which those of one form of history are there.
#[derive(Deserialize)]
struct JoinedFields {
    room: Room,
    epoch: Epoch,
    head: Seq,
    resumed: bool,
    events: Option<Vec<Event>>,
    reason: Option<NoReplay>,
    messages: Option<Shared<Message>>,
    has_more: Option<bool>,
    read: Seq,
    here: Shared<User>,
    here_count: u32,
}

impl TryFrom<JoinedFields> for Joined {
    type Error = &'static str;

    fn try_from(fields: JoinedFields) -> Result<Self, Self::Error> {
        let JoinedFields { room, epoch, head, resumed, read, here, here_count, .. } = fields;
        let history = match (fields.events, fields.reason, fields.messages, fields.has_more) {
            (Some(events), ..) => History::Replay { events },
            (None, Some(reason), Some(messages), Some(has_more)) => {
                History::Snapshot { reason, messages, has_more }
            }
            _ => return Err("joined has either events, or reason, messages and has_more"),
        };
        Ok(Self { room, epoch, head, resumed, history, read, here, here_count })
    }
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
