//! The client's state machine: what to do when a connection comes, goes, or lies.
//!
//! Hidden here: when to connect again, how to resume every room from its cursor, how to put events in order and drop
//! repeats, which operations to send again. The promise to the driver (the page, or the native client): each event of a
//! joined room comes out exactly once and in order, and each submitted operation is repeated until it is answered.
//!
//! There is no I/O and no clock in here: [`Session::handle`] takes an input and the time and says what to do. A driver
//! calls it with [`Input::Tick`] at the start, and again whenever [`Session::wake_at`] says.
//!
//! | module | what it holds |
//! |---|---|
//! | `face` | inputs, outputs and the states they speak of |
//! | `config` | the set-up, and every wait and bound |
//! | `link` | the connection: when to open, give up, wait and stop |
//! | `follow` | one room: order, holes, read position |
//! | `outbox` | the operations that are not done |

mod config;
mod face;
mod follow;
mod link;
mod outbox;

use std::collections::VecDeque;

pub use self::{config::*, face::*};
use self::{
    follow::Follow,
    link::{Due, Link},
    outbox::Outbox,
};
use crate::{
    frame::{Ack, ClientFrame, ErrorCode, Joined, Left, Read, Refusal, ServerFrame, Welcome},
    ids::{Cursor, OpId, RoomSlug},
    limits::{JOINED_MAX_ROOMS, PROTOCOL_VERSION},
    op::{Op, OpKind},
};

/// One user's connection to a server, with everything that outlives a socket.
#[derive(Debug)]
pub struct Session {
    link: Link,
    /// In the order in which the driver joined them, which is the order in which they are resumed.
    rooms: Vec<Follow>,
    /// Joins and leaves of this connection that are not answered; the server answers in order.
    asked: VecDeque<Asked>,
    /// When the server last worked on what it was asked: an answer or an event of a replay came in, or the list began.
    answered_at: Millis,
    outbox: Outbox,
    reorder_max: usize,
    generation: u32,
    /// The last status that was put out.
    reported: Status,
}

/// Something the server was asked on this connection and has not answered.
#[derive(Debug)]
struct Asked {
    room: RoomSlug,
    what: Ask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Join { generation: u32 },
    Leave,
}

/// Most joins and leaves that may be unanswered; a server that owes more is not worth the connection.
const ASKED_MAX: usize = 4 * JOINED_MAX_ROOMS;
/// The first wait after a refusal for now that does not say how long, up to this, in milliseconds.
const REFUSED_WAIT_MS: Millis = 1_000;

impl Session {
    /// A session with nothing to do but connect.
    pub fn new(config: Config) -> Self {
        Self::restore(config, [])
    }

    /// A session that goes on with the outbox of an earlier one, in its order. Nothing is put out for these.
    pub fn restore(config: Config, ops: impl IntoIterator<Item = Op>) -> Self {
        let link = Link::new(config.seed);
        let reported = link.status();
        Self {
            link,
            rooms: Vec::new(),
            asked: VecDeque::new(),
            answered_at: 0,
            outbox: Outbox::new(config.outbox_max, config.max_in_flight, ops),
            reorder_max: config.reorder_max,
            generation: 0,
            reported,
        }
    }

    /// Takes in what happened at `now` and says what to do.
    pub fn handle(&mut self, input: Input, now: Millis) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Tick => {}
            Input::Connected => self.link.opened(now),
            Input::Received(frame) => self.receive(frame, now, &mut out),
            Input::Disconnected { code } => {
                if self.link.has_socket() {
                    self.lose(code, now, &mut out);
                }
            }
            Input::Join { room, cursor } => self.join(room, cursor, now, &mut out),
            Input::Leave { room } => self.leave(&room, now, &mut out),
            Input::Submit(op) => self.submit(op, &mut out),
            Input::Retry(id) => {
                if let Some(op) = self.outbox.remove_failed(id) {
                    self.submit(op, &mut out);
                }
            }
            Input::Discard(id) => {
                if self.outbox.remove(id).is_some() {
                    out.push(Output::Discarded { id });
                }
            }
            Input::Typing { room } => {
                if let Some(frame) = self.follow(&room).and_then(|follow| follow.take_typing(now)) {
                    out.push(Output::Transmit(frame));
                }
            }
            Input::Read { room, seq } => {
                if let Some(follow) = self.follow(&room) {
                    follow.want_read(seq);
                }
            }
            Input::Online => self.link.hurry(now),
            Input::Stop => self.stop(StopReason::ByUser, &mut out),
        }
        self.advance(now, &mut out);
        out
    }

    /// When to call [`Session::handle`] with [`Input::Tick`] at the latest; `None` if nothing is due.
    pub fn wake_at(&self) -> Option<Millis> {
        let link = self.link.wake_at()?;
        if !self.link.is_online() {
            return Some(link);
        }
        let asked = (!self.asked.is_empty()).then_some(self.answered_at + JOIN_TIMEOUT_MS);
        let rooms = self.rooms.iter().flat_map(|follow| [follow.rejoin_at(), follow.read_at()]).flatten();
        rooms.chain(asked).chain(self.outbox.wake_at()).chain([link]).min()
    }

    /// The operations that are not done, in the order in which they were submitted or last retried.
    pub fn outbox(&self) -> impl Iterator<Item = (&Op, Delivery)> {
        self.outbox.iter()
    }

    /// The state of the connection.
    pub fn status(&self) -> Status {
        self.link.status()
    }

    /// Up to where the events of a room came out; `None` for a room that is not joined or has no snapshot yet.
    pub fn cursor(&self, room: &RoomSlug) -> Option<&Cursor> {
        self.rooms.iter().find(|follow| follow.room() == room)?.cursor()
    }

    fn follow(&mut self, room: &RoomSlug) -> Option<&mut Follow> {
        self.rooms.iter_mut().find(|follow| follow.room() == room)
    }

    fn receive(&mut self, frame: ServerFrame, now: Millis, out: &mut Vec<Output>) {
        if !self.link.is_open() {
            return;
        }
        self.link.heard(now);
        match frame {
            ServerFrame::Ping => out.push(Output::Transmit(ClientFrame::Pong)),
            ServerFrame::Welcome(Welcome { protocol, .. }) if protocol != PROTOCOL_VERSION => {
                self.stop(StopReason::ProtocolBroken, out);
            }
            ServerFrame::Welcome(Welcome { user, ping_ms, limits, .. }) => {
                if !self.link.is_online() {
                    self.link.welcomed(ping_ms, now);
                    self.report(out);
                    out.push(Output::Welcomed { user, limits });
                    self.resume_rooms(now, out);
                }
            }
            ServerFrame::Event(event) => {
                let Some(follow) = self.follow(&event.room) else { return };
                let is_answer = follow.is_catching_up();
                follow.merge(event, now, out);
                if is_answer {
                    self.answered_at = now;
                }
            }
            ServerFrame::Joined(joined) => self.joined(joined, now, out),
            ServerFrame::Left(Left { room }) => self.left(room, now, out),
            ServerFrame::Ack(Ack { id, room, seq, timestamp }) => {
                if self.outbox.remove(id).is_some() {
                    out.push(Output::Acked { id, room, seq, timestamp });
                }
            }
            ServerFrame::Error(refusal) => match refusal.id {
                Some(id) => self.refuse_op(id, refusal, now, out),
                None => self.refuse(refusal, now, out),
            },
            ServerFrame::Read(Read { room, seq }) => {
                if let Some(follow) = self.follow(&room) {
                    follow.confirm_read(seq);
                }
                out.push(Output::Notice(ServerFrame::Read(Read { room, seq })));
            }
            ServerFrame::Presence(_) | ServerFrame::Typing(_) | ServerFrame::Room(_) => {
                out.push(Output::Notice(frame));
            }
        }
    }

    fn resume_rooms(&mut self, now: Millis, out: &mut Vec<Output>) {
        for follow in &mut self.rooms {
            let what = Ask::Join { generation: follow.generation() };
            self.asked.push_back(Asked { room: follow.room().clone(), what });
            out.push(Output::Transmit(follow.join()));
        }
        self.answered_at = now;
    }

    fn join(&mut self, room: RoomSlug, cursor: Option<Cursor>, now: Millis, out: &mut Vec<Output>) {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let index = self.rooms.iter().position(|follow| *follow.room() == room);
        let mut follow = match index.map(|index| self.rooms.remove(index)) {
            Some(follow) => follow.again(cursor, generation),
            None if self.rooms.len() >= JOINED_MAX_ROOMS => {
                let message = format!("{JOINED_MAX_ROOMS} rooms are joined at most; leave one first");
                let refusal = Refusal::new(ErrorCode::LimitReached, message);
                out.push(Output::JoinRefused { room, refusal });
                return;
            }
            None => Follow::new(room.clone(), cursor, generation, self.reorder_max),
        };
        let frame = self.link.is_online().then(|| follow.join());
        self.rooms.insert(index.unwrap_or(self.rooms.len()), follow);
        if let Some(frame) = frame {
            self.ask(room, Ask::Join { generation }, frame, now, out);
        }
    }

    fn leave(&mut self, room: &RoomSlug, now: Millis, out: &mut Vec<Output>) {
        let Some(index) = self.rooms.iter().position(|follow| follow.room() == room) else { return };
        self.rooms.remove(index);
        if self.link.is_online() {
            self.ask(room.clone(), Ask::Leave, ClientFrame::Leave { room: room.clone() }, now, out);
        }
    }

    fn ask(&mut self, room: RoomSlug, what: Ask, frame: ClientFrame, now: Millis, out: &mut Vec<Output>) {
        if self.asked.is_empty() {
            self.answered_at = now;
        }
        self.asked.push_back(Asked { room, what });
        out.push(Output::Transmit(frame));
        if self.asked.len() > ASKED_MAX {
            self.give_up(now, out);
        }
    }

    /// Takes the oldest question that `is_answered` out of the list.
    fn answer(&mut self, now: Millis, is_answered: impl Fn(&Asked) -> bool) -> Option<Asked> {
        self.answered_at = now;
        let index = self.asked.iter().position(is_answered)?;
        self.asked.remove(index)
    }

    fn joined(&mut self, joined: Box<Joined>, now: Millis, out: &mut Vec<Output>) {
        let room = &joined.room.slug;
        let asked = self.answer(now, |asked| asked.room == *room && asked.what != Ask::Leave);
        let Some(follow) = self.follow(room) else { return };
        // The answer to a join that the driver has since replaced. One that answers nothing does no harm: what it brings
        // is older than what is held, or right.
        if asked.is_some_and(|asked| asked.what != Ask::Join { generation: follow.generation() }) {
            return;
        }
        follow.joined(joined, now, out);
    }

    fn left(&mut self, room: RoomSlug, now: Millis, out: &mut Vec<Output>) {
        let asked = self.answer(now, |asked| asked.room == room && asked.what == Ask::Leave);
        if asked.is_none() {
            self.rooms.retain(|follow| *follow.room() != room);
        } else if self.follow(&room).is_some() {
            return;
        }
        out.push(Output::Notice(ServerFrame::Left(Left { room })));
    }

    fn refuse_op(&mut self, id: OpId, refusal: Refusal, now: Millis, out: &mut Vec<Output>) {
        if refusal.code.is_retryable() {
            let link = &mut self.link;
            self.outbox.hold(id, now, |refusals| wait_after(&refusal, refusals, link));
        } else if self.outbox.fail(id, refusal.clone()) {
            out.push(Output::Refused { id, refusal });
        }
    }

    /// An error that answers no operation answers the oldest join or leave, for those have no id.
    fn refuse(&mut self, refusal: Refusal, now: Millis, out: &mut Vec<Output>) {
        let may_answer = refusal.code.is_retryable()
            || matches!(
                refusal.code,
                ErrorCode::RoomNotFound
                    | ErrorCode::Forbidden
                    | ErrorCode::BadCursor
                    | ErrorCode::LimitReached
            );
        let asked = if may_answer { self.answer(now, |_| true) } else { None };
        let Some(Asked { room, what }) = asked else {
            out.push(Output::Notice(ServerFrame::Error(refusal)));
            return;
        };
        let Some(index) = self.rooms.iter().position(|follow| *follow.room() == room) else { return };
        let (follow, link) = (&mut self.rooms[index], &mut self.link);
        if what != (Ask::Join { generation: follow.generation() }) {
            return;
        }
        if refusal.code.is_retryable() {
            follow.refuse_for_now(now, |refusals| wait_after(&refusal, refusals, link));
        } else if refusal.code == ErrorCode::BadCursor {
            follow.answered();
            follow.refuse_cursor(now);
        } else {
            self.rooms.remove(index);
            out.push(Output::JoinRefused { room, refusal });
        }
    }

    fn submit(&mut self, op: Op, out: &mut Vec<Output>) {
        if self.outbox.holds(op.id) {
            return;
        }
        if self.outbox.is_full() {
            let message = "too much is waiting to be sent; wait until the connection is back";
            let refusal = Refusal::new(ErrorCode::LimitReached, message).of(Some(op.id));
            out.push(Output::Refused { id: op.id, refusal });
            return;
        }
        if let OpKind::Send { .. } = op.kind
            && let Some(follow) = self.follow(&op.room)
        {
            follow.said();
        }
        out.push(Output::Queued(op.clone()));
        self.outbox.push(op);
    }

    /// Does what the time demands.
    fn advance(&mut self, now: Millis, out: &mut Vec<Output>) {
        if self.link.is_online() && !self.asked.is_empty() && now >= self.answered_at + JOIN_TIMEOUT_MS {
            self.give_up(now, out);
        }
        while let Some(due) = self.link.take_due(now) {
            match due {
                Due::GiveUp => self.give_up(now, out),
                Due::Connect => {
                    out.push(Output::Connect);
                    self.report(out);
                }
            }
        }
        if !self.link.is_online() {
            return;
        }
        for index in 0..self.rooms.len() {
            let follow = &mut self.rooms[index];
            out.extend(follow.take_read(now).map(Output::Transmit));
            if let Some(frame) = follow.take_rejoin(now) {
                let (room, what) = (follow.room().clone(), Ask::Join { generation: follow.generation() });
                self.ask(room, what, frame, now, out);
            }
        }
        if self.link.is_online() {
            self.outbox.pump(now, |op| out.push(Output::Transmit(op.clone().into())));
        }
    }

    /// Drops a connection that is of no use any more.
    fn give_up(&mut self, now: Millis, out: &mut Vec<Output>) {
        out.push(Output::Disconnect);
        self.lose(None, now, out);
    }

    fn lose(&mut self, code: Option<u16>, now: Millis, out: &mut Vec<Output>) {
        self.link.lost(code, now);
        self.forget_connection();
        self.report(out);
    }

    fn stop(&mut self, reason: StopReason, out: &mut Vec<Output>) {
        if self.link.has_socket() {
            out.push(Output::Disconnect);
        }
        self.link.stop(reason);
        self.forget_connection();
        self.report(out);
    }

    fn forget_connection(&mut self) {
        self.asked.clear();
        self.outbox.disconnected();
        for follow in &mut self.rooms {
            follow.disconnected();
        }
    }

    fn report(&mut self, out: &mut Vec<Output>) {
        let status = self.link.status();
        if status != self.reported {
            self.reported = status;
            out.push(Output::Status(status));
        }
    }
}

/// How long to wait after a refusal for now.
fn wait_after(refusal: &Refusal, refusals: u32, link: &mut Link) -> Millis {
    let jitter = link.backoff(REFUSED_WAIT_MS, refusals);
    refusal.retry_after_ms.map_or(jitter, |wait| wait.min(RETRY_AFTER_MAX_MS))
}
