//! A client's session between a driver that keeps to its contract and a server that keeps to nothing: the session never panics, and
//! what it promised its driver holds.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use protocol::{
    ClientFrame, Cursor, ErrorCode, Event, EventKind, Op, OpId, OpKind, RoomSlug, Seq, ServerFrame,
    Timestamp, UserId,
    api::{Role, Room, User, Visibility},
    frame::{Ack, History, Joined, Left, NoReplay, Read, Refusal, Welcome},
    limits::{Limits, PROTOCOL_VERSION},
    session::{Config, Delivery, Input, Millis, Output, Session, Status},
};
use uuid::Uuid;

/// Small bounds, so that the fuzzer reaches them.
const OUTBOX_MAX_OPS: usize = 4;
const REORDER_MAX_EVENTS: usize = 3;
/// Wakings at one time, after which a session does not let its driver rest.
const WAKINGS_MAX: usize = 10;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Unstructured::new(bytes);
    let max_in_flight = input.int_in_range(1..=3).unwrap_or(1);
    let mut driver = Driver::new(Config {
        seed: 7,
        max_in_flight,
        outbox_max: OUTBOX_MAX_OPS,
        reorder_max: REORDER_MAX_EVENTS,
    });
    driver.begin();
    while !input.is_empty() && driver.step(&mut input).is_ok() {}
});

/// Where the driver's socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Socket {
    None,
    Opening,
    Open,
}

/// What a driver knows, from what it was told alone.
struct Driver {
    session: Session,
    config: Config,
    now: Millis,
    socket: Socket,
    /// Every operation that was queued and has not left the outbox.
    outbox: BTreeSet<OpId>,
    /// The operation that is just being tried again.
    retried: Option<OpId>,
    /// Up to where it holds each room; `None` where a snapshot has to come first.
    rooms: BTreeMap<RoomSlug, Option<Seq>>,
}

impl Driver {
    fn new(config: Config) -> Self {
        let session = Session::new(config);
        let (outbox, rooms) = (BTreeSet::new(), BTreeMap::new());
        Self { session, config, now: 0, socket: Socket::None, outbox, retried: None, rooms }
    }

    /// Up to a room that is followed: what comes after it is worth the fuzzer's time.
    fn begin(&mut self) {
        self.give(Input::Tick);
        self.socket = Socket::Open;
        self.give(Input::Connected);
        self.give(Input::Received(welcome(PROTOCOL_VERSION, 30_000)));
        let room: RoomSlug = "a".parse().unwrap();
        self.rooms.insert(room.clone(), Some(Seq::ZERO));
        let cursor = Some(Cursor { epoch: "e1".parse().unwrap(), after: Seq::ZERO });
        self.give(Input::Join { room: room.clone(), cursor });
        let history = History::Replay { events: Vec::new() };
        let joined = joined(room, "e1", Seq::ZERO, history, Seq::ZERO);
        self.give(Input::Received(ServerFrame::Joined(Box::new(joined))));
    }

    /// Something happens.
    fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        match input.int_in_range(0..=19)? {
            0 | 1 => self.pass(1 << input.int_in_range(0..=22)?),
            2 => {
                // As long as the session itself wants to wait.
                if let Some(at) = self.session.wake_at() {
                    self.pass(at.saturating_sub(self.now));
                }
            }
            3 | 4 if self.socket == Socket::Opening => {
                self.socket = Socket::Open;
                self.give(Input::Connected);
            }
            5 if self.socket != Socket::None => {
                self.socket = Socket::None;
                let code = *input.choose(&[None, Some(1006), Some(1012), Some(4001), Some(4008), Some(9)])?;
                self.give(Input::Disconnected { code });
            }
            6 => self.join(input)?,
            7 => {
                let room = room(input)?;
                self.rooms.remove(&room);
                self.give(Input::Leave { room });
            }
            8 | 9 => {
                let op = op(input)?;
                self.give(Input::Submit(op));
            }
            10 => {
                let id = op_id(input)?;
                if input.arbitrary()? {
                    self.retried = Some(id);
                    self.give(Input::Retry(id));
                    self.retried = None;
                } else {
                    self.give(Input::Discard(id));
                }
            }
            11 => {
                let room = room(input)?;
                let seq = seq(input)?;
                self.give(if input.arbitrary()? {
                    Input::Typing { room }
                } else {
                    Input::Read { room, seq }
                });
            }
            12 => match input.int_in_range(0..=15)? {
                0 => self.give(Input::Stop),
                _ => self.give(Input::Online),
            },
            _ if self.socket == Socket::Open => {
                let frame = self.server_frame(input)?;
                self.give(Input::Received(frame));
            }
            _ => {}
        }
        Ok(())
    }

    fn join(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let room = room(input)?;
        let cursor = if input.arbitrary()? {
            Some(Cursor { epoch: epoch(input)?.parse().unwrap(), after: seq(input)? })
        } else {
            None
        };
        self.rooms.insert(room.clone(), cursor.as_ref().map(|cursor| cursor.after));
        self.give(Input::Join { room, cursor });
        Ok(())
    }

    /// Lets time pass, and wakes the session whenever it wants.
    fn pass(&mut self, ms: Millis) {
        let end = self.now.saturating_add(ms);
        let mut wakings = 0;
        while let Some(at) = self.session.wake_at().filter(|&at| at <= end) {
            wakings = if at > self.now { 0 } else { wakings + 1 };
            assert!(wakings < WAKINGS_MAX, "the session wants to be woken again and again");
            self.now = self.now.max(at);
            self.give(Input::Tick);
            if self.socket == Socket::Opening && ms > 1_000_000 {
                // Long outages are made of many attempts; a few of them will do.
                return;
            }
        }
        self.now = end;
    }

    fn give(&mut self, input: Input) {
        for output in self.session.handle(input, self.now) {
            self.take(output);
        }
        self.check();
    }

    /// Something that a server may say, or should not.
    fn server_frame(&self, input: &mut Unstructured<'_>) -> Result<ServerFrame> {
        if input.arbitrary()? {
            return server_frame(input);
        }
        // One of the next events of a room, or one that has been.
        let room = room(input)?;
        let after = self.rooms.get(&room).copied().flatten().unwrap_or_default().get();
        let seq = (after + input.int_in_range(0..=5)?).saturating_sub(1);
        Ok(ServerFrame::Event(event(&room, Seq::new(seq).unwrap_or(Seq::MAX))))
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Connect => {
                assert_eq!(self.socket, Socket::None, "one socket at a time");
                self.socket = Socket::Opening;
            }
            Output::Disconnect => {
                assert_ne!(self.socket, Socket::None, "nothing to drop");
                self.socket = Socket::None;
            }
            Output::Transmit(frame) => {
                assert_eq!(self.socket, Socket::Open, "{frame:?} without a socket");
                assert_eq!(ClientFrame::decode(&frame.encode()), Ok(frame), "what is sent can be read");
            }
            Output::Queued(op) => {
                // One that is tried again moves to the end.
                let is_new = self.outbox.insert(op.id);
                assert_ne!(
                    is_new,
                    self.retried == Some(op.id),
                    "{} is queued twice, or out of the blue",
                    op.id
                );
            }
            Output::Acked { id, .. } => {
                assert!(self.outbox.remove(&id), "{id} is acknowledged twice, or out of the blue");
            }
            Output::Discarded { id } => assert!(self.outbox.remove(&id), "{id} is discarded twice"),
            Output::Refused { id, refusal } => {
                assert!(
                    self.outbox.contains(&id) || refusal.code == ErrorCode::LimitReached,
                    "{id}: {refusal}"
                );
            }
            Output::Snapshot { room, joined } => {
                let held = self.rooms.get_mut(&room).expect("a snapshot of a room that is joined");
                *held = Some(joined.head);
            }
            Output::Resumed { room, .. } => {
                assert!(
                    matches!(self.rooms.get(&room), Some(Some(_))),
                    "nothing is held that could be resumed"
                );
            }
            Output::Event(event) => {
                let held = self.rooms.get_mut(&event.room).expect("an event of a room that is joined");
                let after = held.expect("an event before the snapshot");
                assert!(event.seq > after, "{} comes twice", event.seq);
                assert_eq!(event.seq, after.next(), "a hole");
                *held = Some(event.seq);
            }
            Output::JoinRefused { room, .. } | Output::Notice(ServerFrame::Left(Left { room })) => {
                self.rooms.remove(&room);
            }
            Output::Welcomed { .. } | Output::Notice(_) | Output::Status(_) => {}
        }
    }

    fn check(&self) {
        let outbox: Vec<_> = self.session.outbox().collect();
        assert!(outbox.len() <= OUTBOX_MAX_OPS);
        assert_eq!(outbox.iter().map(|(op, _)| op.id).collect::<BTreeSet<_>>(), self.outbox);
        let sent = outbox.iter().filter(|(_, delivery)| *delivery == Delivery::Sent).count();
        assert!(sent <= self.config.max_in_flight, "{sent} on their way");
        for (room, held) in &self.rooms {
            // A cursor that the server refused is given up; the driver hears of it with the next snapshot.
            let cursor = self.session.cursor(room).map(|cursor| cursor.after);
            assert!(cursor.is_none() || cursor == *held, "{cursor:?} is not {held:?}");
        }
        match self.session.status() {
            Status::Online => assert_eq!(self.socket, Socket::Open),
            Status::Waiting { .. } | Status::Stopped(_) => assert_eq!(self.socket, Socket::None),
            Status::Connecting => {}
        }
        if let Status::Stopped(_) = self.session.status() {
            assert_eq!(self.session.wake_at(), None, "it is over");
        } else {
            assert!(self.session.wake_at().is_some(), "nobody would wake it");
        }
    }
}

fn server_frame(input: &mut Unstructured<'_>) -> Result<ServerFrame> {
    Ok(match input.int_in_range(0..=15)? {
        0..=2 => {
            let protocol = if input.ratio(1, 20)? { 99 } else { PROTOCOL_VERSION };
            welcome(protocol, *input.choose(&[30_000, 0, u64::MAX])?)
        }
        3..=5 => ServerFrame::Joined(Box::new(any_joined(input)?)),
        6..=9 => ServerFrame::Event(event(&room(input)?, seq(input)?)),
        10 | 11 => ServerFrame::Ack(Ack {
            id: op_id(input)?,
            room: room(input)?,
            seq: seq(input)?,
            timestamp: Timestamp::from_unix_ms(0),
        }),
        12 | 13 => {
            let code = *input.choose(&[
                ErrorCode::RateLimited,
                ErrorCode::Unavailable,
                ErrorCode::RoomNotFound,
                ErrorCode::BadCursor,
                ErrorCode::LimitReached,
                ErrorCode::BadFrame,
            ])?;
            let id = if input.arbitrary()? { Some(op_id(input)?) } else { None };
            let retry_after_ms = *input.choose(&[None, Some(0), Some(700), Some(u64::MAX)])?;
            ServerFrame::Error(Refusal { retry_after_ms, ..Refusal::new(code, "no").of(id) })
        }
        14 if input.arbitrary()? => ServerFrame::Left(Left { room: room(input)? }),
        14 => ServerFrame::Read(Read { room: room(input)?, seq: seq(input)? }),
        _ => ServerFrame::Ping,
    })
}

fn welcome(protocol: u32, ping_ms: u64) -> ServerFrame {
    ServerFrame::Welcome(Welcome { protocol, user: user(), ping_ms, limits: Limits::default() })
}

fn any_joined(input: &mut Unstructured<'_>) -> Result<Joined> {
    let slug = room(input)?;
    let history = if input.arbitrary()? {
        let count = input.int_in_range(0..=4)?;
        let events = (0..count).map(|_| Ok(event(&slug, seq(input)?))).collect::<Result<_>>()?;
        History::Replay { events }
    } else {
        let reasons =
            [NoReplay::NoCursor, NoReplay::EpochChanged, NoReplay::CursorAhead, NoReplay::TooFarBehind];
        History::Snapshot { reason: *input.choose(&reasons)?, messages: Vec::new().into(), has_more: false }
    };
    Ok(joined(slug, epoch(input)?, seq(input)?, history, seq(input)?))
}

fn joined(slug: RoomSlug, epoch: &str, head: Seq, history: History, read: Seq) -> Joined {
    Joined {
        room: Room {
            slug,
            name: "Room".parse().unwrap(),
            topic: "".parse().unwrap(),
            visibility: Visibility::Public,
            invite: None,
        },
        epoch: epoch.parse().unwrap(),
        head,
        resumed: matches!(history, History::Replay { .. }),
        history,
        read,
        here: Vec::new().into(),
        here_count: 0,
    }
}

fn event(room: &RoomSlug, seq: Seq) -> Event {
    let id = OpId(Uuid::from_u128(100));
    Event {
        room: room.clone(),
        seq,
        user_id: user().id,
        username: user().username,
        timestamp: Timestamp::from_unix_ms(0),
        kind: EventKind::Message { id, content: None, reply_to: None, quote: None },
    }
}

fn op(input: &mut Unstructured<'_>) -> Result<Op> {
    let kind = OpKind::Send { content: "words".parse().unwrap(), reply_to: None };
    Ok(Op { id: op_id(input)?, room: room(input)?, kind })
}

fn op_id(input: &mut Unstructured<'_>) -> Result<OpId> {
    Ok(OpId(Uuid::from_u128(input.int_in_range(1..=6)?)))
}

fn room(input: &mut Unstructured<'_>) -> Result<RoomSlug> {
    Ok(input.choose(&["a", "b"])?.parse().unwrap())
}

fn epoch(input: &mut Unstructured<'_>) -> Result<&'static str> {
    input.choose(&["e1", "e1", "e1", "e2"]).copied()
}

/// Mostly a small number, for the fuzzer to meet the same one again.
fn seq(input: &mut Unstructured<'_>) -> Result<Seq> {
    match input.int_in_range(0..=40)? {
        40 => Ok(Seq::MAX),
        n => Ok(Seq::new(n % 10).unwrap()),
    }
}

fn user() -> User {
    User { id: UserId(Uuid::from_u128(1)), username: "alice".parse().unwrap(), role: Role::Guest }
}
