//! A session, a clock, and frames made with few words.

use protocol::{
    ClientFrame, Cursor, ErrorCode, Event, EventKind, Op, OpId, OpKind, RoomSlug, Seq, ServerFrame,
    Timestamp, UserId,
    api::{Role, Room, User, Visibility},
    frame::{Ack, History, Joined, NoReplay, Refusal, Welcome},
    limits::{Limits, PING_INTERVAL_MS, PROTOCOL_VERSION},
    session::{Config, Input, Millis, Output, Session, Status},
};
use uuid::Uuid;

pub(crate) struct Rig {
    pub(crate) session: Session,
    pub(crate) now: Millis,
}

impl Rig {
    /// A session that has not begun.
    pub(crate) fn new(config: Config) -> Self {
        Self { session: Session::new(config), now: 0 }
    }

    /// A session whose connection was greeted.
    pub(crate) fn online() -> Self {
        Self::online_with(Config::new(7))
    }

    pub(crate) fn online_with(config: Config) -> Self {
        let mut rig = Self::new(config);
        rig.give(Input::Tick);
        rig.greet();
        rig
    }

    /// A greeted session whose room `a` is joined up to event `after`.
    pub(crate) fn joined(after: u64) -> Self {
        let mut rig = Self::online();
        rig.join("a", None);
        rig.hear(snapshot("a", "e1", after));
        rig
    }

    pub(crate) fn give(&mut self, input: Input) -> Vec<Output> {
        self.session.handle(input, self.now)
    }

    pub(crate) fn hear(&mut self, frame: ServerFrame) -> Vec<Output> {
        self.give(Input::Received(frame))
    }

    /// Opens the socket and greets.
    pub(crate) fn greet(&mut self) -> Vec<Output> {
        self.give(Input::Connected);
        self.hear(welcome())
    }

    pub(crate) fn join(&mut self, slug: &str, cursor: Option<Cursor>) -> Vec<Output> {
        self.give(Input::Join { room: room(slug), cursor })
    }

    pub(crate) fn submit(&mut self, op: Op) -> Vec<Output> {
        self.give(Input::Submit(op))
    }

    pub(crate) fn lose(&mut self, code: Option<u16>) -> Vec<Output> {
        self.give(Input::Disconnected { code })
    }

    /// Lets `ms` pass, waking the session whenever it wants.
    pub(crate) fn pass(&mut self, ms: Millis) -> Vec<Output> {
        let end = self.now + ms;
        let mut outputs = Vec::new();
        while let Some(at) = self.session.wake_at().filter(|&at| at <= end) {
            self.now = at;
            outputs.extend(self.give(Input::Tick));
        }
        self.now = end;
        outputs
    }

    /// Loses the connection, waits for the next attempt and lets it succeed.
    pub(crate) fn reconnect(&mut self) -> Vec<Output> {
        self.lose(None);
        if let Status::Waiting { until, .. } = self.session.status() {
            self.pass(until - self.now);
        }
        self.greet()
    }
}

pub(crate) fn sent(outputs: &[Output]) -> Vec<ClientFrame> {
    let frames = outputs.iter().filter_map(|output| match output {
        Output::Transmit(frame) => Some(frame.clone()),
        _ => None,
    });
    frames.collect()
}

/// The numbers of the events that came out.
pub(crate) fn seqs(outputs: &[Output]) -> Vec<u64> {
    let seqs = outputs.iter().filter_map(|output| match output {
        Output::Event(event) => Some(event.seq.get()),
        _ => None,
    });
    seqs.collect()
}

pub(crate) fn room(slug: &str) -> RoomSlug {
    slug.parse().unwrap()
}

pub(crate) fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}

pub(crate) fn cursor(epoch: &str, after: u64) -> Cursor {
    Cursor { epoch: epoch.parse().unwrap(), after: seq(after) }
}

pub(crate) fn join_frame(slug: &str, cursor: Option<Cursor>) -> ClientFrame {
    let (epoch, after) = cursor.map(|cursor| (cursor.epoch, cursor.after)).unzip();
    ClientFrame::Join { room: room(slug), epoch, after }
}

pub(crate) fn id(n: u128) -> OpId {
    OpId(Uuid::from_u128(n))
}

pub(crate) fn op(slug: &str, n: u128) -> Op {
    let content = format!("words {n}").parse().unwrap();
    Op { id: id(n), room: room(slug), kind: OpKind::Send { content, reply_to: None } }
}

pub(crate) fn ack(slug: &str, n: u128, at: u64) -> ServerFrame {
    ServerFrame::Ack(Ack { id: id(n), room: room(slug), seq: seq(at), timestamp: Timestamp::from_unix_ms(0) })
}

pub(crate) fn refusal(n: Option<u128>, code: ErrorCode, retry_after_ms: Option<u64>) -> ServerFrame {
    ServerFrame::Error(Refusal { retry_after_ms, ..Refusal::new(code, "no") }.of(n.map(id)))
}

pub(crate) fn user() -> User {
    User { id: UserId(Uuid::from_u128(1)), username: "alice".parse().unwrap(), role: Role::Guest }
}

pub(crate) fn welcome() -> ServerFrame {
    ServerFrame::Welcome(Welcome {
        protocol: PROTOCOL_VERSION,
        user: user(),
        ping_ms: PING_INTERVAL_MS,
        limits: Limits::default(),
    })
}

pub(crate) fn event(slug: &str, n: u64) -> Event {
    let content = Some(format!("event {n}").parse().unwrap());
    Event {
        room: room(slug),
        seq: seq(n),
        user_id: user().id,
        username: user().username,
        timestamp: Timestamp::from_unix_ms(n),
        kind: EventKind::Message { id: id(1_000 + u128::from(n)), content, reply_to: None, quote: None },
    }
}

pub(crate) fn live(slug: &str, n: u64) -> ServerFrame {
    ServerFrame::Event(event(slug, n))
}

pub(crate) fn snapshot(slug: &str, epoch: &str, head: u64) -> ServerFrame {
    snapshot_because(NoReplay::NoCursor, slug, epoch, head)
}

pub(crate) fn snapshot_because(reason: NoReplay, slug: &str, epoch: &str, head: u64) -> ServerFrame {
    let history = History::Snapshot { reason, messages: Vec::new().into(), has_more: true };
    joined(slug, epoch, head, history)
}

pub(crate) fn replay(
    slug: &str,
    epoch: &str,
    head: u64,
    events: impl IntoIterator<Item = u64>,
) -> ServerFrame {
    let events = events.into_iter().map(|n| event(slug, n)).collect();
    joined(slug, epoch, head, History::Replay { events })
}

fn joined(slug: &str, epoch: &str, head: u64, history: History) -> ServerFrame {
    ServerFrame::Joined(Box::new(Joined {
        room: Room {
            slug: room(slug),
            name: "Room".parse().unwrap(),
            topic: "".parse().unwrap(),
            visibility: Visibility::Public,
            invite: None,
        },
        epoch: epoch.parse().unwrap(),
        head: seq(head),
        resumed: matches!(history, History::Replay { .. }),
        history,
        read: Seq::ZERO,
        here: Vec::new().into(),
        here_count: 0,
    }))
}
