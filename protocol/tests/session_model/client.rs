//! A client as a driver would build it: a session, the link under it, what it stores, and what it shows. It checks each
//! output against the log the moment it comes out.

use std::collections::{BTreeMap, VecDeque};

use protocol::{
    ClientFrame, Cursor, Event, EventKind, Op, OpId, RoomSlug, Seq, ServerFrame, Timeline,
    api::User,
    frame::{ErrorCode, Joined, Refusal},
    session::{Config, Input, Millis, Output, Session},
};

use crate::server::{ConnId, Log, Server};

/// Both directions of one connection. Frames arrive in order, each when its time has come.
pub(crate) struct Link {
    pub(crate) conn: ConnId,
    pub(crate) up: VecDeque<(Millis, ClientFrame)>,
    pub(crate) down: VecDeque<(Millis, Down)>,
    pub(crate) is_open: bool,
    /// Nothing goes through any more, and nobody is told.
    pub(crate) is_dead: bool,
}

/// What a client hears from its link.
pub(crate) enum Down {
    Opened,
    Frame(Box<ServerFrame>),
    Closed(Option<u16>),
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fate {
    Pending,
    Acked(RoomSlug, Seq),
    Failed,
    Discarded,
}

pub(crate) struct Client {
    pub(crate) user: User,
    pub(crate) session: Session,
    pub(crate) link: Option<Link>,
    /// What is shown of each room that is followed; nothing until the first snapshot.
    pub(crate) shown: BTreeMap<RoomSlug, Option<Timeline>>,
    /// What a driver would have written to disk.
    stored: Vec<Op>,
    pub(crate) fates: BTreeMap<OpId, Fate>,
    /// What was said in each room, in order. What was refused for good has no place in it: it may be retried later,
    /// and a copy of it that was still under way may be done sooner.
    pub(crate) said: BTreeMap<RoomSlug, Vec<OpId>>,
    /// Outputs that the world has to act on.
    pub(crate) wishes: Vec<Wish>,
}

/// What a session wants from the world.
pub(crate) enum Wish {
    Connect,
    Disconnect,
    Send(ClientFrame),
    /// A failed operation that its user will decide on.
    Decide(OpId),
}

impl Client {
    pub(crate) fn new(user: User, config: Config) -> Self {
        Self {
            user,
            session: Session::new(config),
            link: None,
            shown: BTreeMap::new(),
            stored: Vec::new(),
            fates: BTreeMap::new(),
            said: BTreeMap::new(),
            wishes: Vec::new(),
        }
    }

    /// The tab is closed and opened again: only what was stored is left.
    pub(crate) fn reload(&mut self, config: Config, keeps_view: bool, server: &Server, now: Millis) {
        self.session = Session::restore(config, self.stored.clone());
        for (room, shown) in std::mem::take(&mut self.shown) {
            let kept = shown.filter(|_| keeps_view);
            let cursor = kept.as_ref().map(Timeline::cursor);
            self.shown.insert(room.clone(), kept);
            self.handle(Input::Join { room, cursor }, server, now);
        }
    }

    pub(crate) fn follow(&mut self, room: &RoomSlug, server: &Server, now: Millis) {
        let cursor = self.shown.get(room).and_then(Option::as_ref).map(Timeline::cursor);
        self.shown.entry(room.clone()).or_default();
        self.handle(Input::Join { room: room.clone(), cursor }, server, now);
    }

    pub(crate) fn submit(&mut self, op: Op, server: &Server, now: Millis) {
        self.fates.insert(op.id, Fate::Pending);
        self.said.entry(op.room.clone()).or_default().push(op.id);
        self.handle(Input::Submit(op), server, now);
    }

    pub(crate) fn handle(&mut self, input: Input, server: &Server, now: Millis) {
        let outputs = self.session.handle(input, now);
        for output in outputs {
            self.take(output, server);
        }
        assert!(self.session.wake_at().is_none_or(|at| at > now), "the session would spin at {now}");
        let mut kept: Vec<OpId> = self.session.outbox().map(|(op, _)| op.id).collect();
        let mut stored: Vec<OpId> = self.stored.iter().map(|op| op.id).collect();
        kept.sort();
        stored.sort();
        assert_eq!(kept, stored, "what is stored is what the outbox holds");
    }

    fn take(&mut self, output: Output, server: &Server) {
        match output {
            Output::Connect => self.wishes.push(Wish::Connect),
            Output::Disconnect => self.wishes.push(Wish::Disconnect),
            Output::Transmit(frame) => self.wishes.push(Wish::Send(frame)),
            Output::Snapshot { room, joined } => self.take_snapshot(&room, *joined, server),
            Output::Event(event) => self.take_event(&event, server),
            Output::Queued(op) => {
                self.fates.insert(op.id, Fate::Pending);
                self.stored.retain(|stored| stored.id != op.id);
                self.stored.push(op);
            }
            Output::Acked { id, room, seq, .. } => {
                let fate = self.fates.insert(id, Fate::Acked(room.clone(), seq));
                assert!(matches!(fate, Some(Fate::Pending | Fate::Failed)), "{id} acked after {fate:?}");
                self.stored.retain(|op| op.id != id);
                let index = usize::try_from(seq.get()).unwrap() - 1;
                let stands = |log: &Log| {
                    log.ops.get(index).is_some_and(|(user, op)| user.id == self.user.id && *op == id)
                };
                let past = server.past.iter().filter(|(of, _)| *of == room).map(|(_, log)| log);
                assert!(past.chain(server.rooms.get(&room)).any(stands), "{id} is not at {seq} in {room}");
            }
            Output::Refused { id, refusal: Refusal { code, .. } } => {
                assert!(matches!(code, ErrorCode::Forbidden | ErrorCode::TargetNotFound), "{code:?}");
                let fate = self.fates.insert(id, Fate::Failed);
                assert_eq!(fate, Some(Fate::Pending), "{id} refused");
                self.said.values_mut().for_each(|said| said.retain(|&said| said != id));
                self.wishes.push(Wish::Decide(id));
            }
            Output::Discarded { id } => {
                self.fates.insert(id, Fate::Discarded);
                self.stored.retain(|op| op.id != id);
            }
            Output::JoinRefused { room, refusal } => panic!("{room}: {refusal}"),
            Output::Welcomed { .. } | Output::Resumed { .. } | Output::Notice(_) | Output::Status(_) => {}
        }
    }

    fn take_snapshot(&mut self, room: &RoomSlug, joined: Joined, server: &Server) {
        let log = log_of(server, room, &Cursor { epoch: joined.epoch.clone(), after: joined.head });
        let page = joined.into_page().unwrap();
        assert!(page.head <= log.head());
        self.shown.insert(room.clone(), Some(Timeline::new(page)));
    }

    fn take_event(&mut self, event: &Event, server: &Server) {
        let Some(Some(timeline)) = self.shown.get_mut(&event.room) else {
            panic!("an event before the snapshot")
        };
        let cursor = timeline.cursor();
        assert_eq!(event.seq, cursor.after.next(), "the next event of {}, once", event.room);
        let log = log_of(server, &event.room, &cursor);
        let logged = &log.events[usize::try_from(cursor.after.get()).unwrap()];
        assert_eq!(without_words(event), without_words(logged));
        timeline.apply(event);
        // What the session would resume from covers what is shown, and may be ahead within one batch of outputs.
        let resumes = self.session.cursor(&event.room).unwrap();
        assert!(resumes.epoch == cursor.epoch && resumes.after >= event.seq);
    }
}

/// The life of the room's log that `cursor` belongs to.
fn log_of<'a>(server: &'a Server, room: &RoomSlug, cursor: &Cursor) -> &'a Log {
    let past = server.past.iter().filter(|(of, _)| of == room).map(|(_, log)| log);
    past.chain(server.rooms.get(room))
        .find(|log| log.epoch == cursor.epoch)
        .expect("an epoch that the server had")
}

/// An event but for its content, which the log forgets when the message is deleted.
fn without_words(event: &Event) -> Event {
    let mut event = event.clone();
    match &mut event.kind {
        EventKind::Message { content, .. } | EventKind::Edited { content, .. } => *content = None,
        _ => {}
    }
    event
}
