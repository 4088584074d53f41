//! Rows to the types of the protocol and back. What cannot be read fails its query: nobody sees half of a message.

use std::str::FromStr;

use protocol::{
    Content, Event, EventKind, Message, OpId, RoomSlug, Seq, Timestamp, UserId, Username,
    api::{Role, Room, User, Visibility},
    event::Quote,
};
use sqlx::{Row as _, sqlite::SqliteRow};
use uuid::Uuid;

use super::seal;
use crate::store::{RoomId, RoomRecord, Session, TokenHash};

type Result<T> = std::result::Result<T, sqlx::Error>;

fn unreadable(column: &str, error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source: Box::new(error) }
}

/// A number that is not what its column holds.
#[derive(Debug, thiserror::Error)]
#[error("the number {0} is out of range")]
struct OutOfRange(i64);

/// A word that is not among those of its column.
#[derive(Debug, thiserror::Error)]
#[error("the word is unknown")]
struct UnknownWord;

/// A position as SQLite keeps it. Positions end at 2^53, well below the end of `i64`.
pub(super) fn number(seq: Seq) -> i64 {
    i64::try_from(seq.get()).unwrap_or(i64::MAX)
}

/// A position as SQLite gave it.
pub(super) fn seq(number: i64) -> Result<Seq> {
    u64::try_from(number).ok().and_then(Seq::new).ok_or_else(|| unreadable("seq", OutOfRange(number)))
}

/// A time as SQLite keeps it. Times end with the year 9999.
pub(super) fn ms(time: Timestamp) -> i64 {
    i64::try_from(time.unix_ms()).unwrap_or(i64::MAX)
}

pub(super) fn seq_of(row: &SqliteRow, column: &str) -> Result<Seq> {
    seq(row.try_get(column)?)
}

pub(super) fn optional_seq(row: &SqliteRow, column: &str) -> Result<Option<Seq>> {
    row.try_get::<Option<i64>, _>(column)?.map(seq).transpose()
}

pub(super) fn time_of(row: &SqliteRow, column: &str) -> Result<Timestamp> {
    Ok(optional_time(row, column)?.unwrap_or(Timestamp::from_unix_ms(0)))
}

fn optional_time(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>> {
    let Some(ms) = row.try_get::<Option<i64>, _>(column)? else { return Ok(None) };
    let ms = u64::try_from(ms).map_err(|_| unreadable(column, OutOfRange(ms)))?;
    Ok(Some(Timestamp::from_unix_ms(ms)))
}

fn uuid(row: &SqliteRow, column: &str) -> Result<Uuid> {
    Uuid::from_slice(row.try_get::<&[u8], _>(column)?).map_err(|error| unreadable(column, error))
}

pub(super) fn parsed<T>(row: &SqliteRow, column: &str) -> Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.try_get::<&str, _>(column)?.parse().map_err(|error| unreadable(column, error))
}

fn optional<T>(row: &SqliteRow, column: &str) -> Result<Option<T>>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let Some(text) = row.try_get::<Option<&str>, _>(column)? else { return Ok(None) };
    text.parse().map(Some).map_err(|error| unreadable(column, error))
}

/// The word of an event's kind in its column.
pub(super) const fn kind_word(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Message { .. } => "message",
        EventKind::Edited { .. } => "edited",
        EventKind::Deleted { .. } => "deleted",
        EventKind::Reacted { .. } => "reacted",
    }
}

/// An event, with `quote_author`, `quote_username`, `quote_content` and `quote_words` of the message that it answers. One
/// whose seal is broken is none.
pub(super) fn event(row: &SqliteRow, id: RoomId, room: &RoomSlug) -> Result<Event> {
    let target = || optional_seq(row, "target")?.ok_or_else(|| unreadable("target", UnknownWord));
    let kind = match row.try_get::<&str, _>("kind")? {
        "message" => EventKind::Message {
            id: OpId(uuid(row, "op_id")?),
            content: optional(row, "content")?,
            reply_to: optional_seq(row, "reply_to")?,
            quote: quote(row, id)?,
        },
        "edited" => EventKind::Edited { target: target()?, content: optional(row, "content")? },
        "deleted" => EventKind::Deleted { target: target()? },
        "reacted" => {
            EventKind::Reacted { target: target()?, emoji: parsed(row, "emoji")?, on: row.try_get("is_on")? }
        }
        _ => return Err(unreadable("kind", UnknownWord)),
    };
    let event = Event {
        room: room.clone(),
        seq: seq_of(row, "seq")?,
        user_id: UserId(uuid(row, "author")?),
        username: parsed(row, "username")?,
        timestamp: time_of(row, "at")?,
        kind,
    };
    let words = match &event.kind {
        EventKind::Message { content, .. } | EventKind::Edited { content, .. } => content.as_ref(),
        EventKind::Deleted { .. } | EventKind::Reacted { .. } => None,
    };
    compare(row, "words", words_seal(id, event.seq, event.user_id, &event.username, words))?;
    compare(row, "seal", Some(seal::of_event(id, OpId(uuid(row, "op_id")?), &event)))?;
    Ok(event)
}

/// Compares a seal with what it should be.
fn compare(row: &SqliteRow, column: &str, expected: Option<i64>) -> Result<()> {
    if row.try_get::<Option<i64>, _>(column)? == expected {
        return Ok(());
    }
    Err(unreadable(column, seal::Broken(row.try_get("seq")?)))
}

/// The seal of what is said, where anything is.
pub(super) fn words_seal(
    room: RoomId,
    seq: Seq,
    author: UserId,
    username: &Username,
    words: Option<&Content>,
) -> Option<i64> {
    words.map(|words| seal::of_words(room, seq, author, username.as_str(), words.as_str()))
}

/// What the row quotes: the message at `reply_to`, as it is now.
fn quote(row: &SqliteRow, room: RoomId) -> Result<Option<Quote>> {
    if row.try_get::<Option<&[u8]>, _>("quote_author")?.is_none() {
        return Ok(None);
    }
    let content: Option<Content> = optional(row, "quote_content")?;
    let (user_id, username) = (UserId(uuid(row, "quote_author")?), parsed(row, "quote_username")?);
    if let Some(seq) = optional_seq(row, "reply_to")? {
        compare(row, "quote_words", words_seal(room, seq, user_id, &username, content.as_ref()))?;
    }
    Ok(Some(Quote { user_id, username, excerpt: content.map(|content| content.excerpt()) }))
}

/// A message as it is stored.
pub(super) struct Stored {
    pub(super) message: Message,
    /// The one before it in its room.
    pub(super) previous: Option<Seq>,
}

/// A message, with the same `quote_` columns as [`event`].
pub(super) fn message(row: &SqliteRow, room: RoomId) -> Result<Stored> {
    let quote = quote(row, room)?;
    let stored = message_alone(row, room)?;
    Ok(Stored { message: Message { quote, ..stored.message }, ..stored })
}

/// A message without its quote. One whose seal is broken is none.
pub(super) fn message_alone(row: &SqliteRow, room: RoomId) -> Result<Stored> {
    let reactions = row.try_get::<&str, _>("reactions")?;
    let message = Message {
        seq: seq_of(row, "seq")?,
        version: seq_of(row, "version")?,
        id: OpId(uuid(row, "id")?),
        user_id: UserId(uuid(row, "author")?),
        username: parsed(row, "username")?,
        content: optional(row, "content")?,
        timestamp: time_of(row, "at")?,
        edited_at: optional_time(row, "edited_at")?,
        reply_to: optional_seq(row, "reply_to")?,
        quote: None,
        reactions: serde_json::from_str(reactions).map_err(|error| unreadable("reactions", error))?,
    };
    let words = words_seal(room, message.seq, message.user_id, &message.username, message.content.as_ref());
    compare(row, "words", words)?;
    let previous = optional_seq(row, "previous")?;
    compare(row, "seal", Some(seal::of_message(room, &message, reactions, words, previous)))?;
    Ok(Stored { message, previous })
}

/// That `seq` is not where it must be.
pub(super) fn missing(seq: Seq) -> sqlx::Error {
    unreadable("seq", seal::Broken(number(seq)))
}

/// The word of a visibility in its column.
pub(super) const fn visibility_word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
    }
}

/// A room.
pub(super) fn room(row: &SqliteRow) -> Result<RoomRecord> {
    let visibility = match row.try_get::<&str, _>("visibility")? {
        "public" => Visibility::Public,
        "private" => Visibility::Private,
        _ => return Err(unreadable("visibility", UnknownWord)),
    };
    Ok(RoomRecord {
        id: RoomId(row.try_get("id")?),
        room: Room {
            slug: parsed(row, "slug")?,
            name: parsed(row, "name")?,
            topic: parsed(row, "topic")?,
            visibility,
            invite: None,
        },
        invite: row.try_get("invite")?,
        epoch: parsed(row, "epoch")?,
        head: seq_of(row, "head")?,
    })
}

/// The word of a role in its column.
pub(super) const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Guest => "guest",
    }
}

/// A session with its user.
pub(super) fn session(row: &SqliteRow, token: TokenHash) -> Result<Session> {
    let role = match row.try_get::<&str, _>("role")? {
        "guest" => Role::Guest,
        _ => return Err(unreadable("role", UnknownWord)),
    };
    Ok(Session {
        token,
        user: User { id: UserId(uuid(row, "user")?), username: parsed(row, "username")?, role },
        expires: time_of(row, "expires_at")?,
    })
}
