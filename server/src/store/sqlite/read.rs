//! The log and the messages, as readers ask for them.

use futures_util::TryStreamExt as _;
use protocol::{
    Event, Message, RoomSlug, Seq,
    limits::{PAGE_MAX_BYTES, PAGE_MAX_MESSAGES},
    timeline::Page,
};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteRow};

use super::{
    PageAt, RoomId,
    row::{self, Stored},
};

/// Most events that one query reads, whatever its caller asks for.
const EVENTS_MAX: u32 = 1_000;
/// Words that one query reads, but for those of the row that is too many, in bytes: whoever asks holds them until they are
/// sent.
const READ_MAX_BYTES: usize = PAGE_MAX_BYTES;

/// At most `limit` events after `after`, in order, and no more than [`READ_MAX_BYTES`] of words; none only where there are
/// none, or of a room that does not exist.
pub(super) async fn events(
    connection: &mut SqliteConnection,
    room: RoomId,
    after: Seq,
    limit: u32,
) -> Result<Vec<Event>, sqlx::Error> {
    let limit = limit.min(EVENTS_MAX);
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut rows = sqlx::query(
        "SELECT e.*, r.slug AS slug, r.head AS head,
                q.author AS quote_author, q.username AS quote_username, q.content AS quote_content,
                q.words AS quote_words
         FROM events e
         JOIN rooms r ON r.id = e.room
         LEFT JOIN messages q ON q.room = e.room AND q.seq = e.reply_to
         WHERE e.room = ?1 AND e.seq > ?2
         ORDER BY e.seq
         LIMIT ?3",
    )
    .bind(room.0)
    .bind(row::number(after))
    .bind(limit)
    .fetch(&mut *connection);
    let (mut events, mut head, mut bytes) = (Vec::new(), Seq::ZERO, 0);
    while let Some(row) = rows.try_next().await? {
        let (slug, next): (RoomSlug, _) =
            (row::parsed(&row, "slug")?, events.last().map_or(after, |event: &Event| event.seq).next());
        head = row::seq_of(&row, "head")?;
        let event = row::event(&row, room, &slug)?;
        // A page of the database may be lost with all its rows.
        if event.seq != next {
            return Err(row::missing(next));
        }
        bytes += event.kind.content().map_or(0, |content| content.as_str().len());
        events.push(event);
        if bytes >= READ_MAX_BYTES {
            return Ok(events);
        }
    }
    drop(rows);
    match events.last() {
        None => nothing_after(connection, room, after).await,
        Some(last) if last.seq < head && events.len() < limit as usize => Err(row::missing(last.seq.next())),
        Some(_) => Ok(events),
    }
}

/// That nothing stands after `after`, if that is so.
async fn nothing_after(
    connection: &mut SqliteConnection,
    room: RoomId,
    after: Seq,
) -> Result<Vec<Event>, sqlx::Error> {
    let head =
        sqlx::query("SELECT head FROM rooms WHERE id = ?1").bind(room.0).fetch_optional(connection).await?;
    match head.map(|row| row::seq_of(&row, "head")).transpose()? {
        Some(head) if head > after => Err(row::missing(after.next())),
        _ => Ok(Vec::new()),
    }
}

/// At most `limit` neighbouring messages and the head of the same moment; `None` for a room that does not exist.
pub(super) async fn page(
    connection: &mut SqliteConnection,
    room: RoomId,
    at: PageAt,
    limit: u32,
) -> Result<Option<Page>, sqlx::Error> {
    let limit = limit.clamp(1, PAGE_MAX_MESSAGES) as usize;
    // One transaction reads one moment.
    let mut moment = connection.begin().await?;
    let Some(room_row) = sqlx::query("SELECT epoch, head FROM rooms WHERE id = ?1")
        .bind(room.0)
        .fetch_optional(&mut *moment)
        .await?
    else {
        return Ok(None);
    };
    let mut cut = match at {
        PageAt::Newest => before(&mut moment, room, Seq::MAX, limit).await?,
        PageAt::Before(seq) => {
            let cut = before(&mut moment, room, seq, limit).await?;
            Cut { more_after: is_any(&after(&mut moment, room, seq, 1).await?), ..cut }
        }
        PageAt::After(seq) => {
            let cut = after(&mut moment, room, seq.next(), limit).await?;
            Cut { more_before: is_any(&before(&mut moment, room, seq.next(), 1).await?), ..cut }
        }
        PageAt::Around(seq) => around(&mut moment, room, seq, limit).await?,
    };
    moment.commit().await?;
    cut.messages.shrink_to_fit();
    Ok(Some(Page {
        epoch: row::parsed(&room_row, "epoch")?,
        head: row::seq_of(&room_row, "head")?,
        messages: cut.messages,
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
            "SELECT m.*, q.author AS quote_author, q.username AS quote_username, q.content AS quote_content,
                    q.words AS quote_words
             FROM messages m
             LEFT JOIN messages q ON q.room = m.room AND q.seq = m.reply_to AND m.content IS NOT NULL
             WHERE m.room = ?1 AND ",
            $condition,
            " LIMIT ?3"
        )
    };
}

/// The newest `limit` messages before `end`.
async fn before(
    connection: &mut SqliteConnection,
    room: RoomId,
    end: Seq,
    limit: usize,
) -> Result<Cut, sqlx::Error> {
    let sql = messages!("m.seq < ?2 ORDER BY m.seq DESC");
    let (mut messages, more_before) = take(connection, sql, room, end, limit).await?;
    messages.reverse();
    Ok(Cut { messages, more_before, more_after: false })
}

/// The oldest `limit` messages from `start` on.
async fn after(
    connection: &mut SqliteConnection,
    room: RoomId,
    start: Seq,
    limit: usize,
) -> Result<Cut, sqlx::Error> {
    let sql = messages!("m.seq >= ?2 ORDER BY m.seq");
    let (messages, more_after) = take(connection, sql, room, start, limit).await?;
    Ok(Cut { messages, more_before: false, more_after })
}

/// At most `limit` rows of `sql`, no more than [`READ_MAX_BYTES`] of words but for the first, and whether there would have been more.
async fn take(
    connection: &mut SqliteConnection,
    sql: &'static str,
    room: RoomId,
    seq: Seq,
    limit: usize,
) -> Result<(Vec<Message>, bool), sqlx::Error> {
    let rows: Vec<SqliteRow> = sqlx::query(sql)
        .bind(room.0)
        .bind(row::number(seq))
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    let stored: Vec<Stored> = rows.iter().map(|row| row::message(row, room)).collect::<Result<_, _>>()?;
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
fn unbroken(stored: &[Stored]) -> Result<(), sqlx::Error> {
    for pair in stored.windows(2) {
        let [one, other] = pair else { continue };
        let (older, newer) = if one.message.seq < other.message.seq { (one, other) } else { (other, one) };
        if newer.previous != Some(older.message.seq) {
            return Err(row::missing(newer.previous.unwrap_or(newer.message.seq)));
        }
    }
    Ok(())
}

/// `limit` messages with `seq` in the middle. Where one side is short, the other gets its share.
async fn around(
    connection: &mut SqliteConnection,
    room: RoomId,
    seq: Seq,
    limit: usize,
) -> Result<Cut, sqlx::Error> {
    let mut older = before(connection, room, seq, limit).await?;
    let mut newer = after(connection, room, seq, limit).await?;
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
