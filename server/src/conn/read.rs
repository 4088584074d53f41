//! The read pump: takes the client's frames in order and acts on them.

use std::{pin::pin, sync::LazyLock};

use protocol::{
    ClientFrame, CloseCode, ErrorCode, Op, OpKind, RoomSlug, ServerFrame,
    frame::{Ack, Refusal},
    limits::TYPING_INTERVAL_MS,
};
use tokio::time::{Duration, Instant, sleep_until};

use super::{
    Peer, Settings,
    in_flight::InFlight,
    joins::{Asked, Joins},
};
use crate::{
    hub,
    limits::FrameBucket,
    websocket::{self, Frames, Message, Violation},
};

/// Operations and read marks of one connection that may wait for their commit; reading pauses beyond that.
const IN_FLIGHT_MAX: usize = 64;
/// Frames beyond the rate, less those within it, before a client counts as a flood.
const FLOOD_FRAMES: u32 = 200;
/// `typing` of one room sooner than this after the last is not passed on: half of what clients keep to, so that a late
/// one and an early one both pass. A message in between makes it news again.
const TYPING_PASSED_ON: Duration = Duration::from_millis(TYPING_INTERVAL_MS / 2);

/// The same for every connection.
static PING: LazyLock<Frames> = LazyLock::new(|| hub::encode(&ServerFrame::Ping));

/// How reading ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// This side has something to say about it.
    Close(CloseCode),
    /// The other side has broken the rules of WebSocket: nothing that it says can be understood any more.
    Broken(CloseCode),
    /// The other side has said goodbye; this is the answer.
    Left(Frames),
    /// The other side is gone.
    Gone,
}

/// What the pump acts on.
enum Input {
    Read(Result<Message, websocket::Ended>),
    /// It is time for a ping, or too late for its answer.
    Beat,
    /// An operation is done; an answer, where there is one to give.
    Done(Option<Frames>),
    GoingDown,
}

pub(super) struct Reader {
    peer: Peer,
    joins: Joins,
    in_flight: InFlight<Option<Frames>>,
    frames: FrameBucket,
    /// Frames beyond the rate, less those within it.
    excess: u32,
    /// The last `typing` that was passed on.
    typing: Option<(RoomSlug, Instant)>,
    /// When to ask for a sign of life.
    ping_at: Instant,
    /// When a client that says nothing until then is taken for dead.
    dead_at: Instant,
}

impl Reader {
    pub(super) fn new(peer: Peer) -> Self {
        let now = Instant::now();
        let Settings { ping_interval, ping_grace, .. } = peer.serving.settings;
        Self {
            joins: Joins::default(),
            in_flight: InFlight::new(),
            frames: peer.serving.limits.frames(),
            excess: 0,
            typing: None,
            ping_at: now + ping_interval,
            dead_at: now + ping_interval + ping_grace,
            peer,
        }
    }

    /// Reads until there is a reason to stop.
    pub(super) async fn run(&mut self, receiver: &mut websocket::Receiver) -> End {
        let Peer { serving, outbox, .. } = self.peer.clone();
        let mut going_down = pin!(serving.shutdown.cancelled());
        // One alarm for both, and not set again at each sign of life: when it rings it is time to look.
        let mut alarm = pin!(sleep_until(self.beat_at()));
        loop {
            let may_read = self.in_flight.len() < IN_FLIGHT_MAX && self.joins.has_room();
            let input = tokio::select! {
                biased;
                () = &mut going_down => Input::GoingDown,
                Some(answer) = self.in_flight.next() => Input::Done(answer),
                never = self.joins.run(&self.peer) => match never {},
                read = receiver.next(outbox.socket()), if may_read => Input::Read(read),
                () = &mut alarm => Input::Beat,
            };
            let step = match input {
                Input::Read(Ok(message)) => {
                    self.note_life();
                    // Boxed, so that the many connections that say nothing do not hold the room for it.
                    Box::pin(self.take(message)).await
                }
                Input::Read(Err(ended)) => Err(why(&ended)),
                Input::Beat => {
                    let step = self.beat(may_read);
                    alarm.as_mut().reset(self.beat_at());
                    step
                }
                Input::Done(answer) => self.answer(answer),
                Input::GoingDown => Err(End::Close(CloseCode::Restart)),
            };
            match step {
                Ok(()) => {}
                Err(end @ (End::Close(_) | End::Broken(_))) => return Box::pin(self.finish(end)).await,
                Err(end) => return end,
            }
        }
    }

    fn note_life(&mut self) {
        let Settings { ping_interval, ping_grace, .. } = self.peer.serving.settings;
        self.dead_at = Instant::now() + ping_interval + ping_grace;
    }

    fn beat_at(&self) -> Instant {
        self.ping_at.min(self.dead_at)
    }

    fn beat(&mut self, may_read: bool) -> Result<(), End> {
        let now = Instant::now();
        if now >= self.dead_at {
            if may_read {
                return Err(End::Close(CloseCode::GoingAway));
            }
            // It may have said something: it is this side that does not listen.
            self.note_life();
        }
        if now >= self.ping_at {
            self.ping_at = now + self.peer.serving.settings.ping_interval;
            self.queue(PING.clone())?;
        }
        Ok(())
    }

    /// Waits for what was handed in, so that it is answered, and closes.
    async fn finish(&mut self, end: End) -> End {
        // Bounded: the store answers within a bounded time.
        while let Some(answer) = self.in_flight.next().await {
            if let Err(end) = self.answer(answer) {
                return end;
            }
        }
        end
    }

    fn answer(&self, answer: Option<Frames>) -> Result<(), End> {
        answer.map_or(Ok(()), |frames| self.queue(frames))
    }

    fn queue(&self, frames: Frames) -> Result<(), End> {
        // A closed queue: the write pump is about to say why.
        self.peer.outbox.queue(frames).map_err(|_| self.closing())
    }

    fn closing(&self) -> End {
        self.peer.outbox.closing().map_or(End::Gone, End::Close)
    }

    async fn take(&mut self, message: Message) -> Result<(), End> {
        if self.peer.outbox.closing().is_some() {
            return Err(self.closing());
        }
        let limited = self.frames.take().err();
        self.excess = if limited.is_some() { self.excess + 1 } else { self.excess.saturating_sub(1) };
        if self.excess > FLOOD_FRAMES {
            return Err(End::Close(CloseCode::ProtocolBroken));
        }
        match message {
            Message::Text(text) => match (ClientFrame::decode(&text), limited) {
                (Ok(frame), None) => self.act(frame).await,
                (Ok(frame), Some(refusal)) => self.refuse_frame(&frame, refusal),
                (Err(refusal), None) if refusal.code == ErrorCode::BadCursor => {
                    self.joins.ask(Asked::Refused(refusal));
                    Ok(())
                }
                (Err(refusal), None) => self.refuse(refusal),
                (Err(unreadable), Some(refusal)) => self.refuse(refusal.of(unreadable.id)),
            },
            Message::Binary(_) => {
                self.refuse(Refusal::new(ErrorCode::BadFrame, "frames are text; this one was binary"))
            }
            Message::Ping(payload) => self.queue(Frames::pong(&payload)),
            Message::Pong => Ok(()),
            Message::Close(farewell) => Err(End::Left(Frames::answer_to(farewell.as_ref()))),
        }
    }

    async fn act(&mut self, frame: ClientFrame) -> Result<(), End> {
        let cursor = frame.cursor();
        let (id, room, kind) = match frame {
            ClientFrame::Send { room, id, content, reply_to } => {
                (id, room, OpKind::Send { content, reply_to })
            }
            ClientFrame::Edit { room, id, target, content } => (id, room, OpKind::Edit { target, content }),
            ClientFrame::Delete { room, id, target } => (id, room, OpKind::Delete { target }),
            ClientFrame::React { room, id, target, emoji, on } => {
                (id, room, OpKind::React { target, emoji, on })
            }
            ClientFrame::Join { room, .. } => {
                self.joins.ask(Asked::Join { room, cursor });
                return Ok(());
            }
            ClientFrame::Leave { room } => {
                self.joins.ask(Asked::Leave { room });
                return Ok(());
            }
            ClientFrame::Read { room, seq } => {
                let peer = self.peer.clone();
                self.in_flight.push(async move {
                    // Not answered, by the protocol: an error without an id would be taken for the answer to a join.
                    let _refused = peer.serving.chat.mark_read(&peer.user, &room, seq).await;
                    None
                });
                return Ok(());
            }
            ClientFrame::Typing { room } => {
                self.pass_on_typing(room).await;
                return Ok(());
            }
            ClientFrame::Pong => return Ok(()),
        };
        self.perform(Op { id, room, kind }).await
    }

    /// Hands an operation in. From here on its place is behind those handed in before it.
    async fn perform(&mut self, op: Op) -> Result<(), End> {
        let (id, room, is_said) = (op.id, op.room.clone(), matches!(op.kind, OpKind::Send { .. }));
        let Peer { serving, user, .. } = &self.peer;
        if let Err(refusal) = serving.limits.op(user.id) {
            return self.refuse(refusal.of(Some(id)));
        }
        match serving.chat.begin(user, op).await {
            Err(refusal) => self.refuse(refusal),
            Ok(outcome) => {
                if is_said {
                    // Whoever writes on is typing again.
                    self.typing.take_if(|(last, _)| *last == room);
                }
                self.in_flight.push(async move {
                    Some(hub::encode(&match outcome.await {
                        Ok(done) => {
                            ServerFrame::Ack(Ack { id, room, seq: done.seq, timestamp: done.timestamp })
                        }
                        Err(refusal) => ServerFrame::Error(refusal),
                    }))
                });
                Ok(())
            }
        }
    }

    async fn pass_on_typing(&mut self, room: RoomSlug) {
        let now = Instant::now();
        let is_too_soon = |(last, at): &(RoomSlug, Instant)| *last == room && now < *at + TYPING_PASSED_ON;
        if !self.typing.as_ref().is_some_and(is_too_soon) {
            // Not answered, by the protocol, like `read`.
            let _refused = self.peer.serving.chat.typing(&self.peer.user, &room).await;
            self.typing = Some((room, now));
        }
    }

    /// A frame beyond the rate. Those that are not answered by the protocol just go.
    fn refuse_frame(&mut self, frame: &ClientFrame, refusal: Refusal) -> Result<(), End> {
        match frame {
            ClientFrame::Join { .. } | ClientFrame::Leave { .. } => {
                self.joins.ask(Asked::Refused(refusal));
                Ok(())
            }
            ClientFrame::Typing { .. } | ClientFrame::Read { .. } | ClientFrame::Pong => Ok(()),
            _ => self.refuse(refusal.of(frame.op_id())),
        }
    }

    fn refuse(&self, refusal: Refusal) -> Result<(), End> {
        self.queue(hub::encode(&ServerFrame::Error(refusal)))
    }
}

/// What the end of a socket means. Whoever breaks the rules of WebSocket is told so; a lost socket cannot be told.
fn why(ended: &websocket::Ended) -> End {
    match ended {
        websocket::Ended::Broken(Violation::Protocol(rule)) => {
            tracing::debug!(rule, "a client breaks the rules of WebSocket");
            End::Broken(CloseCode::BadFraming)
        }
        websocket::Ended::Broken(Violation::NotUtf8) => End::Broken(CloseCode::NotUtf8),
        websocket::Ended::Broken(Violation::TooLarge) => End::Broken(CloseCode::TooBig),
        websocket::Ended::Gone => End::Gone,
    }
}
