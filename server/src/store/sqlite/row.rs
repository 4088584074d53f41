//! Rows to the types of the protocol and back. What cannot be read fails its query: nobody sees half of a message.
//!
//! The columns of a kind of row stand beside what reads them, in the same order; queries select them by these names.

use std::str::FromStr;

use protocol::{
    Content, Event, EventKind, Message, OpId, RoomSlug, Seq, Timestamp, UserId, Username,
    api::{Role, Room, User, Visibility},
    event::Quote,
};
use rusqlite::{Row, types::FromSql};
use uuid::Uuid;

use super::{
    error::{Error, Result},
    seal,
};
use crate::store::{RoomId, RoomRecord, Session, TokenHash};

/// A number that is not what its column holds.
#[derive(Debug, thiserror::Error)]
#[error("the number {0} is out of range")]
struct OutOfRange(i64);

/// A word that is not among those of its column, or is missing.
#[derive(Debug, thiserror::Error)]
#[error("the word is unknown")]
struct UnknownWord;

/// A position as SQLite keeps it. Positions end at 2^53, well below the end of `i64`.
pub(super) fn number(seq: Seq) -> i64 {
    i64::try_from(seq.get()).unwrap_or(i64::MAX)
}

/// A time as SQLite keeps it. Times end with the year 9999.
pub(super) fn ms(time: Timestamp) -> i64 {
    i64::try_from(time.unix_ms()).unwrap_or(i64::MAX)
}

/// Takes the columns of a row from left to right.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) const fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column as SQLite gives it.
    pub(super) fn take<T: FromSql>(&mut self) -> Result<T> {
        let value = self.row.get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn text(&mut self) -> Result<Option<&'r str>> {
        let value = self.row.get_ref(self.next)?;
        self.next += 1;
        value.as_str_or_null().map_err(|error| self.unreadable(error))
    }

    fn word(&mut self) -> Result<&'r str> {
        self.text()?.ok_or_else(|| self.unreadable(UnknownWord))
    }

    fn optional<T>(&mut self) -> Result<Option<T>>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let text = self.text()?;
        text.map(|text| text.parse().map_err(|error| self.unreadable(error))).transpose()
    }

    pub(super) fn parsed<T>(&mut self) -> Result<T>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.optional()?.ok_or_else(|| self.unreadable(UnknownWord))
    }

    pub(super) fn optional_seq(&mut self) -> Result<Option<Seq>> {
        let Some(number) = self.take::<Option<i64>>()? else { return Ok(None) };
        let seq = u64::try_from(number).ok().and_then(Seq::new);
        seq.map(Some).ok_or_else(|| self.unreadable(OutOfRange(number)))
    }

    pub(super) fn seq(&mut self) -> Result<Seq> {
        self.optional_seq()?.ok_or_else(|| self.unreadable(UnknownWord))
    }

    fn optional_time(&mut self) -> Result<Option<Timestamp>> {
        let Some(ms) = self.take::<Option<i64>>()? else { return Ok(None) };
        let ms = u64::try_from(ms).map_err(|_| self.unreadable(OutOfRange(ms)))?;
        Ok(Some(Timestamp::from_unix_ms(ms)))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp> {
        self.optional_time()?.ok_or_else(|| self.unreadable(UnknownWord))
    }

    /// The next column says whether the seal of `what` is whole.
    pub(super) fn sealed(&mut self, what: impl FnOnce() -> String) -> Result<()> {
        if self.take()? { Ok(()) } else { Err(Error::Broken(what())) }
    }

    /// That the column which was taken last holds what it cannot hold.
    fn unreadable(&self, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
        let column = self.next.checked_sub(1).and_then(|last| self.row.as_ref().column_name(last).ok());
        Error::Unreadable { column: column.unwrap_or_default().to_owned(), cause: Box::new(cause) }
    }
}

/// A row of one value.
pub(super) fn value<T: FromSql>(columns: &mut Columns<'_>) -> Result<T> {
    columns.take()
}

/// A row of one position.
pub(super) fn seq(columns: &mut Columns<'_>) -> Result<Seq> {
    columns.seq()
}

/// The columns of an event `e`, and of the message `q` that it answers.
macro_rules! event_columns {
    () => {
        "e.seq, e.author, e.op_id, e.at, e.kind, e.target, e.reply_to, e.emoji, e.is_on, e.username, e.content,
         e.seal, e.words, q.author, q.username, q.content, q.words"
    };
}
pub(super) use event_columns;

/// The columns of a message `m` without what it quotes.
macro_rules! message_columns {
    () => {
        "m.seq, m.version, m.id, m.author, m.at, m.edited_at, m.reply_to, m.username, m.reactions, m.content,
         m.previous, m.words, m.seal"
    };
}
pub(super) use message_columns;

/// The columns of the message `q` that another quotes.
macro_rules! quote_columns {
    () => {
        "q.author, q.username, q.content, q.words"
    };
}
pub(super) use quote_columns;

/// The columns of a room `r`.
macro_rules! room_columns {
    () => {
        "r.id, r.slug, r.name, r.topic, r.visibility, r.invite, r.epoch, r.head,
         r.seal = seal(r.id, r.slug, r.name, r.topic, r.visibility, r.invite, r.epoch)"
    };
}
pub(super) use room_columns;

/// Whether the head of a room `r` is its last event, as it is whenever anybody looks. No seal is over it, for it moves with each event.
macro_rules! is_head_sound {
    () => {
        "r.head = (SELECT coalesce(max(e.seq), 0) FROM events e WHERE e.room = r.id)"
    };
}
pub(super) use is_head_sound;

/// The word of an event's kind in its column.
pub(super) const fn kind_word(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Message { .. } => "message",
        EventKind::Edited { .. } => "edited",
        EventKind::Deleted { .. } => "deleted",
        EventKind::Reacted { .. } => "reacted",
    }
}

/// An event. One whose seal is broken is none.
pub(super) fn event(columns: &mut Columns<'_>, id: RoomId, room: &RoomSlug) -> Result<Event> {
    let seq = columns.seq()?;
    let user_id = UserId(columns.take()?);
    let op_id = OpId(columns.take()?);
    let timestamp = columns.time()?;
    let word = columns.word()?;
    let unknown = columns.unreadable(UnknownWord);
    let (target, reply_to, emoji, on) =
        (columns.optional_seq()?, columns.optional_seq()?, columns.optional()?, columns.take()?);
    let username: Username = columns.parsed()?;
    let content: Option<Content> = columns.optional()?;
    let (seal, words) = (columns.take::<i64>()?, columns.take()?);
    let quote = quote(columns, id, reply_to)?;
    let said = words_seal(id, seq, user_id, &username, content.as_ref());
    let kind = match (word, target, emoji, on) {
        ("message", None, None, None) => EventKind::Message { id: op_id, content, reply_to, quote },
        ("edited", Some(target), None, None) => EventKind::Edited { target, content },
        ("deleted", Some(target), None, None) => EventKind::Deleted { target },
        ("reacted", Some(target), Some(emoji), Some(on)) => EventKind::Reacted { target, emoji, on },
        _ => return Err(unknown),
    };
    let event = Event { room: room.clone(), seq, user_id, username, timestamp, kind };
    if said == words && seal::of_event(id, op_id, &event) == seal {
        Ok(event)
    } else {
        Err(Error::missing(seq))
    }
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

/// What is quoted: the message at `seq`, as it is now. No message is ever gone, so one that is not there is damaged.
fn quote(columns: &mut Columns<'_>, room: RoomId, seq: Option<Seq>) -> Result<Option<Quote>> {
    let author: Option<Uuid> = columns.take()?;
    let (username, content): (_, Option<Content>) = (columns.optional()?, columns.optional()?);
    let words: Option<i64> = columns.take()?;
    let Some(seq) = seq else { return Ok(None) };
    let (Some(author), Some(username)) = (author, username) else { return Err(Error::missing(seq)) };
    let user_id = UserId(author);
    if words_seal(room, seq, user_id, &username, content.as_ref()) != words {
        return Err(Error::missing(seq));
    }
    Ok(Some(Quote { user_id, username, excerpt: content.map(|content| content.excerpt()) }))
}

/// A message as it is stored.
pub(super) struct Stored {
    pub(super) message: Message,
    /// The one before it in its room.
    pub(super) previous: Option<Seq>,
}

/// A message and, behind it, what it quotes: nothing once it is deleted.
pub(super) fn message(columns: &mut Columns<'_>, room: RoomId) -> Result<Stored> {
    let mut stored = message_alone(columns, room)?;
    let quoted = stored.message.reply_to.filter(|_| stored.message.content.is_some());
    stored.message.quote = quote(columns, room, quoted)?;
    Ok(stored)
}

/// A message without its quote. One whose seal is broken is none.
pub(super) fn message_alone(columns: &mut Columns<'_>, room: RoomId) -> Result<Stored> {
    let seq = columns.seq()?;
    let version = columns.seq()?;
    let (id, user_id) = (OpId(columns.take()?), UserId(columns.take()?));
    let (timestamp, edited_at) = (columns.time()?, columns.optional_time()?);
    let reply_to = columns.optional_seq()?;
    let username = columns.parsed()?;
    let listed = columns.word()?;
    let reactions = match listed {
        NO_REACTIONS => Vec::new(),
        some => serde_json::from_str(some).map_err(|error| columns.unreadable(error))?,
    };
    let content = columns.optional()?;
    let (previous, words, seal) =
        (columns.optional_seq()?, columns.take::<Option<i64>>()?, columns.take::<i64>()?);
    let message = Message {
        seq,
        version,
        id,
        user_id,
        username,
        content,
        timestamp,
        edited_at,
        reply_to,
        quote: None,
        reactions,
    };
    let said = words_seal(room, seq, user_id, &message.username, message.content.as_ref());
    if said == words && seal::of_message(room, &message, listed, words, previous) == seal {
        Ok(Stored { message, previous })
    } else {
        Err(Error::missing(seq))
    }
}

/// The reactions of a message that nobody reacted to, as its row has them.
pub(super) const NO_REACTIONS: &str = "[]";

/// The word of a visibility in its column.
pub(super) const fn visibility_word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Private => "private",
    }
}

/// A room.
pub(super) fn room(columns: &mut Columns<'_>) -> Result<RoomRecord> {
    let id = RoomId(columns.take()?);
    let (slug, name, topic) = (columns.parsed()?, columns.parsed()?, columns.parsed()?);
    let visibility = match columns.word()? {
        "public" => Visibility::Public,
        "private" => Visibility::Private,
        _ => return Err(columns.unreadable(UnknownWord)),
    };
    let (invite, epoch, head) = (columns.take()?, columns.parsed()?, columns.seq()?);
    columns.sealed(|| format!("room {}", id.0))?;
    Ok(RoomRecord { id, room: Room { slug, name, topic, visibility, invite: None }, invite, epoch, head })
}

/// The word of a role in its column.
pub(super) const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Guest => "guest",
    }
}

/// A session with its user: user, name, role, end, whether the user is sealed.
pub(super) fn session(columns: &mut Columns<'_>, token: TokenHash) -> Result<Session> {
    let (id, username) = (UserId(columns.take()?), columns.parsed()?);
    let role = match columns.word()? {
        "guest" => Role::Guest,
        _ => return Err(columns.unreadable(UnknownWord)),
    };
    let expires = columns.time()?;
    columns.sealed(|| format!("user {}", id.0))?;
    Ok(Session { token, user: User { id, username, role }, expires })
}
