//! Seals: a checksum in every row of the log and of the messages, and in those that say who somebody is, what a room is and who
//! may read it; made when it is written and compared when it is read. SQLite notices where its own structure is damaged; a bit that
//! flips inside a row it would hand on as somebody's words.

use protocol::{Event, EventKind, Message, OpId, Seq, UserId};
use rusqlite::{Connection, functions::FunctionFlags, types::ValueRef};
use xxhash_rust::xxh3::Xxh3Default;

use super::{RoomId, row};

/// Fields in a row, each with its length, so that no two rows of different fields are one.
struct Seal(Xxh3Default);

impl Seal {
    fn new(room: RoomId, seq: Seq) -> Self {
        Self(Xxh3Default::new()).number(room.0).number(row::number(seq))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    fn number(mut self, number: i64) -> Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    /// Of a position that may be missing; there is none below 1.
    fn position(self, seq: Option<Seq>) -> Self {
        self.number(seq.map_or(-1, row::number))
    }

    fn end(self) -> i64 {
        self.0.digest().cast_signed()
    }
}

/// Makes `seal(…)` known to SQL: the seal of a row of few columns, which are given to it.
pub(super) fn teach(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("seal", -1, flags, |row| {
        let columns = (0..row.len()).map(|column| row.get_raw(column));
        let seal = columns.fold(Seal(Xxh3Default::new()), |seal, column| match column {
            // No text is so long.
            ValueRef::Null => seal.number(-1),
            ValueRef::Integer(number) => seal.number(number),
            ValueRef::Real(number) => seal.number(number.to_bits().cast_signed()),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => seal.bytes(bytes),
        });
        Ok(seal.end())
    })
}

/// The seal of what is said, which goes when that is deleted.
pub(super) fn of_words(room: RoomId, seq: Seq, author: UserId, username: &str, words: &str) -> i64 {
    Seal::new(room, seq).bytes(author.0.as_bytes()).bytes(username.as_bytes()).bytes(words.as_bytes()).end()
}

/// The seal of an event, but for what it says.
pub(super) fn of_event(room: RoomId, id: OpId, event: &Event) -> i64 {
    let (reply_to, emoji, on) = match &event.kind {
        EventKind::Message { reply_to, .. } => (*reply_to, "", false),
        EventKind::Reacted { emoji, on, .. } => (None, emoji.as_str(), *on),
        EventKind::Edited { .. } | EventKind::Deleted { .. } => (None, "", false),
    };
    Seal::new(room, event.seq)
        .bytes(event.user_id.0.as_bytes())
        .bytes(event.username.as_str().as_bytes())
        .bytes(id.0.as_bytes())
        .number(row::ms(event.timestamp))
        .bytes(row::kind_word(&event.kind).as_bytes())
        .position(event.kind.target())
        .position(reply_to)
        .bytes(emoji.as_bytes())
        .number(on.into())
        .end()
}

/// The seal of a message, `words` being that of what it says and `previous` the message before it in its room.
pub(super) fn of_message(
    room: RoomId,
    message: &Message,
    reactions: &str,
    words: Option<i64>,
    previous: Option<Seq>,
) -> i64 {
    Seal::new(room, message.seq)
        .position(Some(message.version))
        .bytes(message.user_id.0.as_bytes())
        .bytes(message.username.as_str().as_bytes())
        .bytes(message.id.0.as_bytes())
        .number(row::ms(message.timestamp))
        .number(message.edited_at.map_or(-1, row::ms))
        .position(message.reply_to)
        .bytes(reactions.as_bytes())
        .number(words.is_some().into())
        .number(words.unwrap_or_default())
        .position(previous)
        .end()
}
