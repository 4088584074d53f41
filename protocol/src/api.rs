//! The bodies of the HTTP interface, and the nouns it shares with the socket.

use serde::{Deserialize, Serialize};

use crate::{
    frame::Refusal,
    ids::{Epoch, OpId, RoomSlug, Seq, Timestamp, UserId},
    text::{RoomName, Topic, Username},
};

/// Somebody, as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub username: Username,
    /// What they may do.
    pub role: Role,
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Picked a name and came in.
    Guest,
}

/// Who may find and read a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody who is signed in.
    Public,
    /// Those who followed its invitation link.
    Private,
}

/// A room, as its readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its address.
    pub slug: RoomSlug,
    /// What it is called.
    pub name: RoomName,
    /// What it is about; may be empty.
    pub topic: Topic,
    /// Who may find it.
    pub visibility: Visibility,
    /// The path of its invitation link; only on private rooms, which only members see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<String>,
}

/// A room in somebody's list: what it is and what is new in it for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RoomSummaryFields")]
pub struct RoomSummary {
    /// The room.
    #[serde(flatten)]
    pub room: Room,
    /// The life of its log.
    pub epoch: Epoch,
    /// Its last event.
    pub head: Seq,
    /// Up to where this user has read it.
    pub read: Seq,
    /// Messages of others after that; counted up to [`UNREAD_MAX`].
    pub unread: u32,
    /// Those of them that mention this user.
    pub mentions: u32,
}

/// A summary as it is read: plain fields. A flattened one is derived into code that keeps all of them aside first.
#[derive(Deserialize)]
struct RoomSummaryFields {
    slug: RoomSlug,
    name: RoomName,
    topic: Topic,
    visibility: Visibility,
    invite: Option<String>,
    epoch: Epoch,
    head: Seq,
    read: Seq,
    unread: u32,
    mentions: u32,
}

impl From<RoomSummaryFields> for RoomSummary {
    fn from(fields: RoomSummaryFields) -> Self {
        let RoomSummaryFields { slug, name, topic, visibility, invite, epoch, head, read, unread, mentions } =
            fields;
        Self { room: Room { slug, name, topic, visibility, invite }, epoch, head, read, unread, mentions }
    }
}

/// Where counting unread messages stops.
pub const UNREAD_MAX: u32 = 100;

/// The body of `POST /api/v1/guests`, as sent: names are checked by the handler so that a bad one gets its own answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewGuest {
    /// The wished name.
    pub username: String,
}

/// The answer to `POST /api/v1/guests`.
#[derive(Clone, Serialize, Deserialize)]
pub struct GuestCreated {
    /// For `Authorization: Bearer`; shown this once.
    pub token: String,
    /// Who they are now.
    pub user: User,
}

/// The body of `POST /api/v1/rooms`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewRoom {
    /// Its name; the address is made from it.
    pub name: String,
    /// What it is about.
    #[serde(default)]
    pub topic: String,
    /// Who may find it; everybody unless said otherwise.
    #[serde(default = "public")]
    pub visibility: Visibility,
}

fn public() -> Visibility {
    Visibility::Public
}

/// The answer to `GET /api/v1/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomList {
    /// The rooms that the caller may read.
    pub rooms: Vec<RoomSummary>,
}

/// The body of `POST /api/v1/rooms/{slug}/messages`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewMessage {
    /// The id of this operation; without one, a repeat makes a second message.
    #[serde(default)]
    pub id: Option<OpId>,
    /// What to say.
    pub content: String,
    /// Which message it answers.
    #[serde(default)]
    pub reply_to: Option<Seq>,
}

/// The answer to a post: the same as the socket's `ack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// The id of the operation.
    pub id: OpId,
    /// Its number in the room's log.
    pub seq: Seq,
    /// When it was taken in.
    pub timestamp: Timestamp,
}

/// The body of every refusal: `{"error": {"code", "message", …}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What is wrong.
    pub error: Refusal,
}
