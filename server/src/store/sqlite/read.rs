//! The log and the messages, as readers ask for them.

use protocol::{
    Event, Message, Seq,
    limits::{PAGE_MAX_BYTES, PAGE_MAX_MESSAGES},
    timeline::Page,
};
use rusqlite::{Connection, params};

use super::{
    PageAt, RoomId,
    error::{Error, Result},
    query::{all, first},
    row::{self, Columns, Stored, event_columns, is_head_sound, message_columns, quote_columns},
};

/// Most events that one query reads, whatever its caller asks for.
const EVENTS_MAX: u32 = 1_000;
/// Words that one query reads, but for those of the row that is too many, in bytes: whoever asks holds them until they are
/// sent.
const READ_MAX_BYTES: usize = PAGE_MAX_BYTES;

/// At most `limit` events after `after`, in order, and no more than [`READ_MAX_BYTES`] of words; none only where there are
/// none, or of a room that does not exist.
pub(super) fn events(
    connection: &mut Connection,
    room: RoomId,
    after: Seq,
    limit: u32,
) -> Result<Vec<Event>> {
    let limit = limit.min(EVENTS_MAX) as usize;
    let mut events = Vec::new();
    // One transaction reads one moment.
    let moment = connection.transaction()?;
    let sql = concat!("SELECT r.slug, r.head, ", is_head_sound!(), " FROM rooms r WHERE r.id = ?1");
    let found = first(&moment, sql, params![room.0], |columns| {
        let found = (columns.parsed()?, columns.seq()?);
        columns.sealed(|| format!("the head of room {}", room.0))?;
        Ok(found)
    })?;
    let Some((slug, head)) = found else { return Ok(events) };
    let mut statement = moment.prepare_cached(concat!(
        "SELECT ",
        event_columns!(),
        " FROM events e
         LEFT JOIN messages q ON q.room = e.room AND q.seq = e.reply_to
         WHERE e.room = ?1 AND e.seq > ?2
         ORDER BY e.seq"
    ))?;
    let mut rows = statement.query(params![room.0, row::number(after)])?;
    let (mut next, mut bytes) = (after.next(), 0);
    while events.len() < limit && bytes < READ_MAX_BYTES && next <= head {
        let Some(row) = rows.next()? else { return Err(Error::missing(next)) };
        let event = row::event(&mut Columns::of(row), room, &slug)?;
        // A page of the database may be lost with all its rows.
        if event.seq != next {
            return Err(Error::missing(next));
        }
        bytes += event.kind.content().map_or(0, |content| content.as_str().len());
        next = event.seq.next();
        events.push(event);
    }
    Ok(events)
}

/// At most `limit` neighbouring messages and the head of the same moment; `None` for a room that does not exist.
pub(super) fn page(
    connection: &mut Connection,
    room: RoomId,
    at: PageAt,
    limit: u32,
) -> Result<Option<Page>> {
    let limit = limit.clamp(1, PAGE_MAX_MESSAGES) as usize;
    // One transaction reads one moment.
    let moment = connection.transaction()?;
    let sql = concat!("SELECT r.epoch, r.head, ", is_head_sound!(), " FROM rooms r WHERE r.id = ?1");
    let found = first(&moment, sql, params![room.0], |columns| {
        let found = (columns.parsed()?, columns.seq()?);
        columns.sealed(|| format!("the head of room {}", room.0))?;
        Ok(found)
    })?;
    let Some((epoch, head)) = found else { return Ok(None) };
    let cut = match at {
        PageAt::Newest => before(&moment, room, Seq::MAX, limit)?,
        PageAt::Before(seq) => {
            let cut = before(&moment, room, seq, limit)?;
            Cut { more_after: is_any(&after(&moment, room, seq, 1)?), ..cut }
        }
        PageAt::After(seq) => {
            let cut = after(&moment, room, seq.next(), limit)?;
            Cut { more_before: is_any(&before(&moment, room, seq.next(), 1)?), ..cut }
        }
        PageAt::Around(seq) => around(&moment, room, seq, limit)?,
    };
    Ok(Some(Page {
        epoch,
        head,
        messages: cut.messages.into(),
        has_more_before: cut.more_before,
        has_more_after: cut.more_after,
    }))
}

/// A stretch of messages, oldest first, and whether there are more on either side.
struct Cut {
    messages: Vec<Message>,
    more_before: bool,
    more_after: bool,
}

fn is_any(cut: &Cut) -> bool {
    !cut.messages.is_empty()
}

/// The messages of `$condition`, each with what it quotes: the quoted message as it is now. A deleted one quotes nothing.
macro_rules! messages {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            message_columns!(),
            ", ",
            quote_columns!(),
            " FROM messages m
             LEFT JOIN messages q ON q.room = m.room AND q.seq = m.reply_to AND m.content IS NOT NULL
             WHERE m.room = ?1 AND ",
            $condition,
            " LIMIT ?3"
        )
    };
}

/// The newest `limit` messages before `end`.
fn before(connection: &Connection, room: RoomId, end: Seq, limit: usize) -> Result<Cut> {
    let sql = messages!("m.seq < ?2 ORDER BY m.seq DESC");
    let (mut messages, more_before) = take(connection, sql, room, end, limit)?;
    messages.reverse();
    Ok(Cut { messages, more_before, more_after: false })
}

/// The oldest `limit` messages from `start` on.
fn after(connection: &Connection, room: RoomId, start: Seq, limit: usize) -> Result<Cut> {
    let sql = messages!("m.seq >= ?2 ORDER BY m.seq");
    let (messages, more_after) = take(connection, sql, room, start, limit)?;
    Ok(Cut { messages, more_before: false, more_after })
}

/// At most `limit` rows of `sql`, no more than [`READ_MAX_BYTES`] of words but for the first, and whether there would have been more.
fn take(
    connection: &Connection,
    sql: &'static str,
    room: RoomId,
    seq: Seq,
    limit: usize,
) -> Result<(Vec<Message>, bool)> {
    let params = params![room.0, row::number(seq), limit + 1];
    let stored = all(connection, sql, params, |columns| row::message(columns, room))?;
    unbroken(&stored)?;
    let count = stored.len();
    let mut bytes = 0;
    let fits = |stored: &Stored| {
        let is_first = bytes == 0;
        bytes += stored.message.content.as_ref().map_or(1, |content| content.as_str().len());
        is_first || bytes <= READ_MAX_BYTES
    };
    let fitting = stored.into_iter().take(limit).take_while(fits);
    let messages: Vec<Message> = fitting.map(|stored| stored.message).collect();
    let has_more = count > messages.len();
    Ok((messages, has_more))
}

/// That no message is missing between neighbours, whichever way they stand.
fn unbroken(stored: &[Stored]) -> Result<()> {
    for pair in stored.windows(2) {
        let [one, other] = pair else { continue };
        let (older, newer) = if one.message.seq < other.message.seq { (one, other) } else { (other, one) };
        if newer.previous != Some(older.message.seq) {
            return Err(Error::missing(newer.previous.unwrap_or(newer.message.seq)));
        }
    }
    Ok(())
}

/// `limit` messages with `seq` in the middle. Where one side is short, the other gets its share.
fn around(connection: &Connection, room: RoomId, seq: Seq, limit: usize) -> Result<Cut> {
    let mut older = before(connection, room, seq, limit)?;
    let mut newer = after(connection, room, seq, limit)?;
    let half = limit / 2;
    let older_share = older.messages.len().min(half.max(limit.saturating_sub(newer.messages.len())));
    let newer_share = newer.messages.len().min(limit - older_share);

    let more_before = older.more_before || older_share < older.messages.len();
    let more_after = newer.more_after || newer_share < newer.messages.len();
    let mut messages = older.messages.split_off(older.messages.len() - older_share);
    newer.messages.truncate(newer_share);
    messages.append(&mut newer.messages);
    Ok(Cut { messages, more_before, more_after })
}
