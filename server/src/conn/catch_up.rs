//! From a reader's cursor to the live stream, without a hole and without a buffer.
//!
//! The connection is subscribed *paused* before anything is read. So whatever is committed from then on, the hub has
//! heard of it or will; whatever was committed before is in the log. The log is read at the pace of the socket, and
//! the hub makes the subscriber live where its memory of the newest events meets the position that was reached.

use std::io;

use protocol::{
    Content, Cursor, ErrorCode, Event, RoomSlug, Seq, ServerFrame,
    frame::{History, Joined, NoReplay, Refusal},
    limits::{JOINED_MAX_ROOMS, PAGE_DEFAULT_MESSAGES, PAGE_MAX_BYTES, REPLAY_MAX_EVENTS},
};
use serde::Serialize;

use super::Peer;
use crate::{
    hub::{self, Present, Released},
    store::{PageAt, RoomId, RoomRecord},
    websocket::Frames,
};

/// How long a `joined` frame may be, in bytes. In a longer one the history alone is cut to as much, but for one message. The
/// rest of a replay follows in frames of its own, the rest of a page is there to be asked for.
const JOINED_MAX_BYTES: usize = 64 * 1024;
/// What an event or a message takes at least beside what it says, in bytes: its ids and the names of its fields.
const EVENT_LEAST_BYTES: usize = 150;

/// A join that was answered with `joined`.
pub(super) struct Begun {
    /// Which room.
    pub(super) room: RoomSlug,
    /// Its key.
    pub(super) id: RoomId,
    /// How far the reader has been brought.
    pub(super) reached: Reached,
}

/// How far a reader has been brought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    /// The last event that the reader has.
    at: Seq,
    /// Whether the log ended there when it was read, which was after the room was subscribed. Only then may the hub be
    /// asked to go on: it knows of no event that was committed before its first subscriber came.
    is_end: bool,
}

/// Answers a join. `None` if it was refused.
pub(super) async fn join(
    peer: Peer,
    slug: RoomSlug,
    cursor: Option<Cursor>,
    may_join: bool,
) -> Option<Begun> {
    match try_join(&peer, slug, cursor, may_join).await {
        Ok(begun) => Some(begun),
        Err(refusal) => {
            let _closed = peer.answer(&ServerFrame::Error(refusal));
            None
        }
    }
}

async fn try_join(
    peer: &Peer,
    slug: RoomSlug,
    cursor: Option<Cursor>,
    may_join: bool,
) -> Result<Begun, Refusal> {
    if !may_join {
        let message = format!("one connection joins at most {JOINED_MAX_ROOMS} rooms; leave one first");
        return Err(Refusal::new(ErrorCode::LimitReached, message));
    }
    let id = peer.serving.chat.room_id(&peer.user, &slug).await?;
    let present = peer.serving.hub.subscribe(peer.conn, id, slug.clone()).await.ok_or_else(going_down)?;
    match enter(peer, &slug, cursor, present).await {
        Ok((joined, mut reached)) => {
            let joined = encode(joined, &mut reached);
            // Closed: then nobody reads it.
            let _closed = peer.outbox.room_for_history().await;
            let _closed = peer.outbox.queue(joined);
            Ok(Begun { room: slug, id, reached })
        }
        Err(refusal) => {
            peer.serving.hub.unsubscribe(peer.conn, id).await;
            Err(refusal)
        }
    }
}

/// What `joined` says, and how far it brings the reader. To be asked once the connection is subscribed: whatever changes after
/// that, it is told.
async fn enter(
    peer: &Peer,
    slug: &RoomSlug,
    cursor: Option<Cursor>,
    present: Present,
) -> Result<(Joined, Reached), Refusal> {
    let (record, read) = peer.serving.chat.enter(&peer.user, slug).await?;
    let (history, head, reached) = history(peer, &record, cursor).await?;
    let joined = Joined {
        room: record.for_members(),
        epoch: record.epoch,
        head,
        resumed: matches!(history, History::Replay { .. }),
        history,
        read,
        here: present.here,
        here_count: present.count,
    };
    Ok((joined, reached))
}

/// What `joined` tells of the room's past, the last event that there is, and how far the reader is brought.
async fn history(
    peer: &Peer,
    record: &RoomRecord,
    cursor: Option<Cursor>,
) -> Result<(History, Seq, Reached), Refusal> {
    let chat = &peer.serving.chat;
    Ok(match replay_from(record, cursor, peer.serving.settings.max_replay) {
        Ok(after) => {
            let events = chat.events(record.id, after, REPLAY_MAX_EVENTS).await?;
            let at = events.last().map_or(after, |event| event.seq);
            let reached = Reached { at, is_end: is_end_of_log(&events) };
            (History::Replay { events }, record.head.max(at), reached)
        }
        Err(reason) => {
            let page = chat.page_of(record.id, PageAt::Newest, PAGE_DEFAULT_MESSAGES).await?;
            let reached = Reached { at: page.head, is_end: true };
            let history =
                History::Snapshot { reason, messages: page.messages, has_more: page.has_more_before };
            (history, page.head, reached)
        }
    })
}

/// The frame. Where it is not plain that the history is too long, it is looked at afterwards whether it was.
fn encode(mut joined: Joined, reached: &mut Reached) -> Frames {
    if least_bytes(&joined.history) > JOINED_MAX_BYTES {
        shorten(&mut joined.history, reached);
    }
    let mut frame = ServerFrame::Joined(Box::new(joined));
    let encoded = hub::encode(&frame);
    match &mut frame {
        ServerFrame::Joined(joined) if encoded.len() > JOINED_MAX_BYTES => {
            shorten(&mut joined.history, reached);
            hub::encode(&frame)
        }
        _ => encoded,
    }
}

/// What a history takes at least, in bytes.
fn least_bytes(history: &History) -> usize {
    let bytes = |content: Option<&Content>| EVENT_LEAST_BYTES + content.map_or(0, |said| said.as_str().len());
    match history {
        History::Replay { events } => events.iter().map(|event| bytes(event.kind.content())).sum(),
        History::Snapshot { messages, .. } => {
            messages.iter().map(|message| bytes(message.content.as_ref())).sum()
        }
    }
}

/// Leaves so much of the history that one frame is no longer than it may be.
fn shorten(history: &mut History, reached: &mut Reached) {
    match history {
        History::Replay { events } => {
            let fitting = fitting(events.iter());
            reached.is_end &= fitting == events.len();
            events.truncate(fitting);
            reached.at = events.last().map_or(reached.at, |event| event.seq);
        }
        History::Snapshot { messages, has_more, .. } => {
            let cut = messages.len() - fitting(messages.iter().rev());
            if cut > 0 {
                *messages = messages[cut..].to_vec().into();
                *has_more = true;
            }
        }
    }
}

/// Whether nothing came after these, of which [`REPLAY_MAX_EVENTS`] were asked for: the store reads less only at the end.
fn is_end_of_log(events: &[Event]) -> bool {
    let words: usize =
        events.iter().filter_map(|event| event.kind.content()).map(|content| content.as_str().len()).sum();
    events.len() < REPLAY_MAX_EVENTS as usize && words < PAGE_MAX_BYTES
}

/// Where a replay begins, or why there is none.
fn replay_from(record: &RoomRecord, cursor: Option<Cursor>, max_replay: u64) -> Result<Seq, NoReplay> {
    let Cursor { epoch, after } = cursor.ok_or(NoReplay::NoCursor)?;
    if epoch != record.epoch {
        return Err(NoReplay::EpochChanged);
    }
    match record.head.get().checked_sub(after.get()) {
        None => Err(NoReplay::CursorAhead),
        Some(missed) if missed > max_replay => Err(NoReplay::TooFarBehind),
        Some(_) => Ok(after),
    }
}

/// Brings a reader from where they are to the live stream. If the log cannot be read on, the connection is closed with
/// a code that says to resume: what was sent so far has no hole.
pub(super) async fn follow(peer: Peer, room: RoomId, reached: Reached) {
    if try_follow(&peer, room, reached).await.is_err() {
        peer.outbox.close(protocol::CloseCode::Restart);
    }
}

async fn try_follow(peer: &Peer, room: RoomId, mut reached: Reached) -> Result<(), Refusal> {
    loop {
        // So that what the hub remembers fits, too.
        peer.outbox.room_for_history().await.map_err(|_| going_down())?;
        if reached.is_end {
            match peer.serving.hub.release(peer.conn, room, reached.at).await {
                Some(Released::Live) => return Ok(()),
                Some(Released::Behind) => {}
                None => return Err(going_down()),
            }
        }
        let events = peer.serving.chat.events(room, reached.at, REPLAY_MAX_EVENTS).await?;
        if reached.is_end && events.is_empty() {
            return Err(Refusal::new(ErrorCode::Internal, "the log ends before its head"));
        }
        reached.is_end = is_end_of_log(&events);
        for event in events {
            reached.at = event.seq;
            peer.outbox.room_for_history().await.map_err(|_| going_down())?;
            peer.answer(&ServerFrame::Event(event)).map_err(|_| going_down())?;
        }
    }
}

fn going_down() -> Refusal {
    Refusal::for_now(ErrorCode::Unavailable, "the server is restarting; come back in a moment", 1_000)
}

/// How many of `items` fit into one frame; at least one where there is one.
fn fitting<'a, T: Serialize + 'a>(items: impl Iterator<Item = &'a T>) -> usize {
    let mut bytes = Bytes(0);
    items
        .enumerate()
        .take_while(|(index, item)| {
            // Counting bytes cannot fail.
            let _counted = serde_json::to_writer(&mut bytes, item);
            *index == 0 || bytes.0 <= JOINED_MAX_BYTES
        })
        .count()
}

/// Counts what is written to it.
struct Bytes(usize);

impl io::Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use protocol::{
        Message,
        api::{Room, Visibility},
    };
    use uuid::Uuid;

    use super::*;

    fn record(head: u64) -> RoomRecord {
        RoomRecord {
            id: RoomId(1),
            room: Room {
                slug: "general".parse().unwrap(),
                name: "general".parse().unwrap(),
                topic: "".parse().unwrap(),
                visibility: Visibility::Public,
                invite: None,
            },
            invite: None,
            epoch: "e1".parse().unwrap(),
            head: Seq::new(head).unwrap(),
        }
    }

    fn cursor(epoch: &str, after: u64) -> Cursor {
        Cursor { epoch: epoch.parse().unwrap(), after: Seq::new(after).unwrap() }
    }

    #[test]
    fn every_hole_has_its_reason() {
        let from = |cursor| replay_from(&record(100), Some(cursor), 60).map(Seq::get);
        assert_eq!(from(cursor("e1", 100)), Ok(100));
        assert_eq!(from(cursor("e1", 40)), Ok(40));
        assert_eq!(from(cursor("e1", 39)), Err(NoReplay::TooFarBehind));
        assert_eq!(from(cursor("e1", 101)), Err(NoReplay::CursorAhead));
        assert_eq!(from(cursor("e2", 100)), Err(NoReplay::EpochChanged));
        assert_eq!(replay_from(&record(100), None, 60), Err(NoReplay::NoCursor));
    }

    fn event(n: u64, words: &str) -> Event {
        let id = protocol::OpId(Uuid::from_u128(n.into()));
        let content = Some(words.parse().unwrap());
        Event {
            room: "general".parse().unwrap(),
            seq: Seq::new(n).unwrap(),
            user_id: protocol::UserId(Uuid::nil()),
            username: "ann".parse().unwrap(),
            timestamp: protocol::Timestamp::from_unix_ms(0),
            kind: protocol::EventKind::Message { id, content, reply_to: None, quote: None },
        }
    }

    /// What goes out of a history, and how far it brings a reader who was to be brought to event 10, the end.
    fn encoded(history: History) -> (History, Reached) {
        let record = record(10);
        let resumed = matches!(history, History::Replay { .. });
        let (room, epoch, head) = (record.for_members(), record.epoch, record.head);
        let joined = Joined {
            room,
            epoch,
            head,
            resumed,
            history,
            read: Seq::ZERO,
            here: Vec::new().into(),
            here_count: 0,
        };
        let mut reached = Reached { at: head, is_end: true };
        let frame = encode(joined, &mut reached);
        let text = Frames::payloads(frame.bytes()).next().unwrap();
        assert!(text.len() < JOINED_MAX_BYTES + 1024, "{}", text.len());
        match ServerFrame::decode(str::from_utf8(text).unwrap()) {
            Some(ServerFrame::Joined(joined)) => (joined.history, reached),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_history_that_is_too_long_is_cut_and_brings_its_reader_less_far() {
        // Plainly too long, and too long only as JSON.
        for (words, fitting) in [("界".repeat(5_000), 4), ("\"".repeat(5_000), 6)] {
            let events: Vec<_> = (1..=10).map(|n| event(n, &words)).collect();
            let messages: Vec<_> = events.iter().map(|event| Message::posted(event).unwrap()).collect();

            let (history, reached) = encoded(History::Replay { events: events.clone() });
            assert_eq!(history, History::Replay { events: events[..fitting].to_vec() });
            assert_eq!((reached.at, reached.is_end), (events[fitting - 1].seq, false));

            let reason = NoReplay::NoCursor;
            let (history, reached) =
                encoded(History::Snapshot { reason, messages: messages.clone().into(), has_more: false });
            let newest = messages[messages.len() - fitting..].to_vec();
            assert_eq!(history, History::Snapshot { reason, messages: newest.into(), has_more: true });
            assert_eq!((reached.at.get(), reached.is_end), (10, true));
        }
        let events: Vec<_> = (1..=10).map(|n| event(n, "short")).collect();
        let (history, reached) = encoded(History::Replay { events: events.clone() });
        assert_eq!(history, History::Replay { events });
        assert_eq!((reached.at.get(), reached.is_end), (10, true));
    }

    #[test]
    fn a_frame_of_history_is_bounded_in_bytes_and_never_empty() {
        let long = "x".repeat(JOINED_MAX_BYTES / 4);
        assert_eq!(fitting([&long; 10].into_iter()), 3);
        let longer = "x".repeat(2 * JOINED_MAX_BYTES);
        assert_eq!(fitting([&longer, &longer].into_iter()), 1);
        assert_eq!(fitting(std::iter::empty::<&String>()), 0);
    }
}
