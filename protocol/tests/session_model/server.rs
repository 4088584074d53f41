//! A server in a few lines: a real log per room, idempotent appends, replays and snapshots as the protocol has them, and
//! the faults that a real one may have on the way from the log to a reader.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use protocol::{
    ClientFrame, Cursor, Epoch, ErrorCode, Event, EventKind, Message, OpId, RoomSlug, Seq, ServerFrame,
    Timestamp,
    api::{Room, User, Visibility},
    frame::{Ack, History, Joined, Left, NoReplay, Read, Refusal, Welcome},
    limits::{Limits, PING_INTERVAL_MS, PROTOCOL_VERSION},
};

/// Most events inside a `joined` frame; more follow as frames. Small, so that the second case is common.
const JOINED_MAX_EVENTS: usize = 5;
/// Most events that are replayed at all.
const REPLAY_MAX_EVENTS: usize = 40;
/// Messages in a snapshot.
const PAGE_MESSAGES: usize = 10;

pub(crate) type ConnId = u64;

/// One life of a room's log.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) epoch: Epoch,
    pub(crate) events: Vec<Event>,
    /// Whose operation each event was.
    pub(crate) ops: Vec<(User, OpId)>,
}

impl Log {
    fn new(epoch: u32) -> Self {
        Self { epoch: format!("e{epoch}").parse().unwrap(), events: Vec::new(), ops: Vec::new() }
    }

    pub(crate) fn head(&self) -> Seq {
        Seq::new(self.events.len() as u64).unwrap()
    }

    /// Every message as it stands after the first `head` events.
    pub(crate) fn messages(&self, head: Seq) -> Vec<Message> {
        let mut messages: Vec<Message> = Vec::new();
        for event in self.events.iter().take_while(|event| event.seq <= head) {
            messages.extend(Message::posted(event));
            let target = event.kind.target();
            if let Some(message) = messages.iter_mut().find(|message| Some(message.seq) == target) {
                message.apply(event);
            }
        }
        messages
    }

    /// The events of messages that are not deleted.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|event| matches!(event.kind, EventKind::Message { content: Some(_), .. }))
    }

    fn after(&self, seq: Seq) -> Vec<Event> {
        self.events.iter().filter(|event| event.seq > seq).cloned().collect()
    }

    /// Deleted words are gone from the log too.
    fn scrub(&mut self, deleted: Seq) {
        for event in &mut self.events {
            match &mut event.kind {
                EventKind::Message { content, .. } if event.seq == deleted => *content = None,
                EventKind::Edited { target, content } if *target == deleted => *content = None,
                _ => {}
            }
        }
    }
}

pub(crate) struct Server {
    pub(crate) rooms: BTreeMap<RoomSlug, Log>,
    /// Lives of logs that a restored backup has ended.
    pub(crate) past: Vec<(RoomSlug, Log)>,
    conns: BTreeMap<ConnId, Conn>,
    epochs: u32,
    clock: u64,
    /// What goes wrong, as long as anything may.
    faults: Option<Rng>,
    /// Frames on their way out.
    pub(crate) sent: Vec<(ConnId, ServerFrame)>,
    /// Frames that a lagging part of the server brings after later ones.
    late: Vec<(ConnId, ServerFrame)>,
}

struct Conn {
    user: User,
    rooms: BTreeSet<RoomSlug>,
}

impl Server {
    pub(crate) fn new(rooms: &[RoomSlug], seed: u64) -> Self {
        Self {
            rooms: rooms.iter().map(|room| (room.clone(), Log::new(0))).collect(),
            past: Vec::new(),
            conns: BTreeMap::new(),
            epochs: 0,
            clock: 0,
            faults: Some(Rng::with_seed(seed)),
            sent: Vec::new(),
            late: Vec::new(),
        }
    }

    fn happens(&mut self, percent: u32) -> bool {
        self.faults.as_mut().is_some_and(|rng| rng.u32(0..100) < percent)
    }

    pub(crate) fn end_faults(&mut self) {
        self.faults = None;
        self.sent.append(&mut self.late);
    }

    pub(crate) fn connect(&mut self, conn: ConnId, user: &User) {
        self.conns.insert(conn, Conn { user: user.clone(), rooms: BTreeSet::new() });
        let welcome = ServerFrame::Welcome(Welcome {
            protocol: PROTOCOL_VERSION,
            user: user.clone(),
            ping_ms: PING_INTERVAL_MS,
            limits: Limits::default(),
        });
        self.sent.push((conn, welcome));
    }

    pub(crate) fn disconnect(&mut self, conn: ConnId) {
        self.conns.remove(&conn);
    }

    pub(crate) fn ping(&mut self) {
        self.sent.extend(self.conns.keys().map(|&conn| (conn, ServerFrame::Ping)));
    }

    /// A backup is restored: the end of every log is gone, and what is left begins a new life.
    pub(crate) fn restore(&mut self, rng: &mut Rng) {
        self.epochs += 1;
        for (room, log) in &mut self.rooms {
            self.past.push((room.clone(), log.clone()));
            let kept = rng.usize(log.events.len() / 2..=log.events.len());
            log.events.truncate(kept);
            log.ops.truncate(kept);
            log.epoch = Log::new(self.epochs).epoch;
        }
    }

    /// Takes in a frame. `conn` is gone already when a frame arrives after its connection broke: what it asks for is
    /// done, and nobody hears of it.
    pub(crate) fn receive(&mut self, conn: ConnId, user: &User, frame: &ClientFrame) {
        match frame {
            ClientFrame::Join { room, .. } => self.join(conn, room, frame.cursor()),
            ClientFrame::Leave { room } => {
                if let Some(conn) = self.conns.get_mut(&conn) {
                    conn.rooms.remove(room);
                }
                self.answer(conn, ServerFrame::Left(Left { room: room.clone() }));
            }
            ClientFrame::Read { room, seq } => {
                self.answer(conn, ServerFrame::Read(Read { room: room.clone(), seq: *seq }));
            }
            ClientFrame::Typing { .. } | ClientFrame::Pong => {}
            op => self.operate(conn, user, op),
        }
    }

    fn answer(&mut self, conn: ConnId, frame: ServerFrame) {
        if self.conns.contains_key(&conn) {
            // What answers by its place alone cannot come twice.
            let by_place = match &frame {
                ServerFrame::Left(_) => true,
                ServerFrame::Error(refusal) => refusal.id.is_none(),
                _ => false,
            };
            let twice = self.happens(3) && !by_place;
            self.sent.extend(twice.then(|| (conn, frame.clone())));
            self.sent.push((conn, frame));
        }
    }

    fn join(&mut self, conn: ConnId, room: &RoomSlug, cursor: Option<Cursor>) {
        if self.happens(3) {
            let refusal = Refusal::for_now(ErrorCode::Unavailable, "busy", 500);
            return self.answer(conn, ServerFrame::Error(refusal));
        }
        let lag = if self.happens(30) { 3 } else { 0 };
        let Some(state) = self.conns.get_mut(&conn) else { return };
        state.rooms.insert(room.clone());
        let log = &self.rooms[room];
        let reason = match &cursor {
            None => Some(NoReplay::NoCursor),
            Some(cursor) if cursor.epoch != log.epoch => Some(NoReplay::EpochChanged),
            Some(cursor) if cursor.after > log.head() => Some(NoReplay::CursorAhead),
            Some(cursor) if log.after(cursor.after).len() > REPLAY_MAX_EVENTS => Some(NoReplay::TooFarBehind),
            Some(_) => None,
        };
        let (head, history, rest) = match (reason, cursor) {
            (None, Some(cursor)) => {
                let mut events = log.after(cursor.after);
                let rest = events.split_off(events.len().min(JOINED_MAX_EVENTS));
                (log.head(), History::Replay { events }, rest)
            }
            (reason, _) => {
                // The page may be a little older than the log; what is newer follows.
                let head = Seq::new(log.head().get().saturating_sub(lag)).unwrap();
                let mut messages = log.messages(head);
                let older = messages.len().saturating_sub(PAGE_MESSAGES);
                messages.drain(..older);
                let reason = reason.unwrap_or(NoReplay::NoCursor);
                (
                    head,
                    History::Snapshot { reason, messages: messages.into(), has_more: older > 0 },
                    log.after(head),
                )
            }
        };
        let joined = Joined {
            room: room_named(room),
            epoch: log.epoch.clone(),
            head,
            resumed: matches!(history, History::Replay { .. }),
            history,
            read: Seq::ZERO,
            here: Vec::new().into(),
            here_count: 0,
        };
        self.answer(conn, ServerFrame::Joined(Box::new(joined)));
        for event in rest {
            self.answer(conn, ServerFrame::Event(event));
        }
    }

    fn operate(&mut self, conn: ConnId, user: &User, frame: &ClientFrame) {
        let (room, id) = match frame {
            ClientFrame::Send { room, id, .. }
            | ClientFrame::Edit { room, id, .. }
            | ClientFrame::Delete { room, id, .. }
            | ClientFrame::React { room, id, .. } => (room, *id),
            _ => return,
        };
        let code = match self.faults.as_mut().map(|rng| rng.u32(0..100)) {
            Some(0..6) => Some(ErrorCode::RateLimited),
            Some(6..9) => Some(ErrorCode::Internal),
            Some(9..11) => Some(ErrorCode::Forbidden),
            // The answer is lost inside the server, and the operation with it.
            Some(11..13) => return,
            _ => None,
        };
        if let Some(code) = code {
            let wait = (code == ErrorCode::RateLimited).then_some(700);
            let refusal = Refusal { retry_after_ms: wait, ..Refusal::new(code, "no") }.of(Some(id));
            return self.answer(conn, ServerFrame::Error(refusal));
        }
        let seq = self.append(user, room, id, frame);
        let answer = match seq {
            Some(seq) => {
                ServerFrame::Ack(Ack { id, room: room.clone(), seq, timestamp: Timestamp::from_unix_ms(0) })
            }
            None => ServerFrame::Error(Refusal::new(ErrorCode::TargetNotFound, "gone").of(Some(id))),
        };
        self.answer(conn, answer);
    }

    /// Gives the operation its place in the log, the same one every time.
    pub(crate) fn append(
        &mut self,
        user: &User,
        room: &RoomSlug,
        id: OpId,
        frame: &ClientFrame,
    ) -> Option<Seq> {
        let log = self.rooms.get_mut(room)?;
        let done = log.ops.iter().position(|(author, op)| author.id == user.id && *op == id);
        if let Some(index) = done {
            return Some(log.events[index].seq);
        }
        let kind = match frame.clone() {
            ClientFrame::Send { id, content, reply_to, .. } => {
                EventKind::Message { id, content: Some(content), reply_to, quote: None }
            }
            ClientFrame::Edit { target, content, .. } => EventKind::Edited { target, content: Some(content) },
            ClientFrame::Delete { target, .. } => EventKind::Deleted { target },
            ClientFrame::React { target, emoji, on, .. } => EventKind::Reacted { target, emoji, on },
            _ => return None,
        };
        if let Some(target) = kind.target() {
            log.standing().find(|message| message.seq == target)?;
        }
        self.clock += 1;
        let event = Event {
            room: room.clone(),
            seq: log.head().next(),
            user_id: user.id,
            username: user.username.clone(),
            timestamp: Timestamp::from_unix_ms(self.clock),
            kind,
        };
        let seq = event.seq;
        if let EventKind::Deleted { target } = event.kind {
            log.scrub(target);
        }
        log.events.push(event.clone());
        log.ops.push((user.clone(), id));
        self.publish(&event);
        Some(seq)
    }

    fn publish(&mut self, event: &Event) {
        let readers: Vec<ConnId> = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.rooms.contains(&event.room))
            .map(|(&id, _)| id)
            .collect();
        for conn in readers {
            let frame = ServerFrame::Event(event.clone());
            match self.faults.as_mut().map(|rng| rng.u32(0..100)) {
                Some(0..3) => {} // lost on the way
                Some(3..7) => self.late.push((conn, frame)),
                Some(7..10) => self.sent.extend([(conn, frame.clone()), (conn, frame)]),
                _ => self.sent.push((conn, frame)),
            }
        }
        if self.happens(50) {
            self.sent.append(&mut self.late);
        }
    }

    /// Who is connected as `conn`.
    pub(crate) fn user(&self, conn: ConnId) -> Option<User> {
        self.conns.get(&conn).map(|conn| conn.user.clone())
    }
}

fn room_named(slug: &RoomSlug) -> Room {
    Room {
        slug: slug.clone(),
        name: "Room".parse().unwrap(),
        topic: "".parse().unwrap(),
        visibility: Visibility::Public,
        invite: None,
    }
}
