//! The hub's task: everything that changes, in one place, one input after another.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Arc,
    time::Duration,
};

use protocol::{
    CloseCode, RoomSlug, Seq, ServerFrame, UserId,
    api::User,
    frame::{Read, RoomChanged},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Command, ConnId, Outbox, Present, Released, Repair, encode,
    outbox::Turn,
    room::{Queue, Room},
};
use crate::{
    bus::Notice,
    store::{Committed, RoomId, RoomRecord, TokenHash},
    websocket::{Frames, Packing, Volley},
};

/// Inputs taken from one channel before the other gets its turn.
const BATCH_MAX: usize = 256;
/// How often at most a room tells who came and who left.
pub(super) const PRESENCE_INTERVAL: Duration = Duration::from_millis(200);

/// What many sockets are given in one call of the system, in bytes. Whoever else has something for one of them is held up for as
/// long as that takes.
const TOGETHER_MAX_BYTES: usize = 1024 * 1024;
/// How long an ended session is remembered, so that a connection which was let in just before cannot slip through.
const ENDED_REMEMBERED: Duration = Duration::from_mins(1);

/// Runs the hub until nobody holds a [`super::Hub`] any more or the bus ends. `repair` gets the positions from which
/// the log is to be read; see [`super::Hub::repaired`].
pub async fn run(
    mut commands: mpsc::Receiver<Command>,
    mut notices: mpsc::Receiver<Notice>,
    repair: mpsc::Sender<Repair>,
) {
    let mut hub = State::default();
    let (mut some_commands, mut some_notices) = (Vec::new(), Vec::new());
    loop {
        let wake_at = hub.wake_at();
        tokio::select! {
            count = commands.recv_many(&mut some_commands, BATCH_MAX) => {
                if count == 0 { return }
                some_commands.drain(..).for_each(|command| hub.obey(command));
            }
            count = notices.recv_many(&mut some_notices, BATCH_MAX) => {
                if count == 0 { return }
                hub.hear_all(some_notices.drain(..));
            }
            () = sleep_until(wake_at.unwrap_or_else(Instant::now)), if wake_at.is_some() => hub.wake(&repair),
        }
    }
}

/// What the hub knows.
#[derive(Default)]
struct State {
    next_conn: u64,
    connections: HashMap<ConnId, Connection>,
    /// The connections of each user.
    users: HashMap<UserId, Vec<ConnId>>,
    rooms: HashMap<RoomId, Room<Arc<Outbox>>>,
    /// What writes to many sockets.
    volley: Volley,
    /// Rooms whose presence has changed since it was told.
    changed: HashSet<RoomId>,
    /// When to tell it.
    presence_at: Option<Instant>,
    /// Rooms that miss an event.
    gapped: HashSet<RoomId>,
    /// Sessions that ended lately, and when. Making one costs a new guest or a sign-in, whose rates bound this.
    ended: HashMap<TokenHash, Instant>,
}

struct Connection {
    user: Arc<User>,
    session: TokenHash,
    queue: Arc<Outbox>,
    packing: Packing,
    rooms: Vec<RoomId>,
}

impl Queue for Arc<Outbox> {
    type Volley = Volley;

    fn push(&self, frames: &Frames) {
        // A queue that closes, or is closed, ends its connection, which then detaches by itself.
        let _closed = Outbox::push(self, frames);
    }

    fn push_to_all(volley: &mut Volley, queues: &[&Self], frames: &Frames) {
        let at_a_time = (TOGETHER_MAX_BYTES / frames.len()).clamp(1, Volley::MAX);
        queues.chunks(at_a_time).for_each(|some| push_together(volley, some, frames));
    }

    fn offer(&self, frames: &Frames) {
        Outbox::offer(self, frames);
    }
}

/// [`Outbox::push`] to each of these, of which most are written to in one call of the system.
fn push_together(volley: &mut Volley, outboxes: &[&Arc<Outbox>], frames: &Frames) {
    let (mut turns, mut others) = (Vec::with_capacity(outboxes.len()), Vec::new());
    for outbox in outboxes {
        match outbox.try_turn() {
            Some(turn) => turns.push(turn),
            None => others.push(outbox),
        }
    }
    let sent = volley.send(frames, turns.iter().map(Turn::socket));
    for (turn, sent) in turns.into_iter().zip(sent) {
        let _closed = turn.end(frames, sent);
    }
    for outbox in others {
        let _closed = Outbox::push(outbox, frames);
    }
}

impl State {
    fn obey(&mut self, command: Command) {
        // A caller who no longer waits for the answer has gone away; it will detach or has done so.
        match command {
            Command::Attach { user, session, queue, packing, reply } => {
                if let Err(conn) = reply.send(self.attach(user, session, queue, packing)) {
                    self.detach(conn);
                }
            }
            Command::Detach { conn } => self.detach(conn),
            Command::Subscribe { conn, room, slug, reply } => {
                if let Some(present) = self.subscribe(conn, room, slug) {
                    let _gone = reply.send(present);
                }
            }
            Command::Release { conn, room, at, reply } => {
                if let Some(released) = self.release(conn, room, at) {
                    let _gone = reply.send(released);
                }
            }
            Command::Unsubscribe { conn, room } => self.unsubscribe(conn, room),
            Command::Present { room, reply } => {
                let _gone = reply.send(self.rooms.get(&room).map(Room::present).unwrap_or_default());
            }
            Command::Connections { reply } => {
                let _gone = reply.send(self.connections.len());
            }
            Command::Repaired { events } => self.publish(events),
        }
    }

    /// Events that wait together are published together: what a reader gets of them is one write.
    fn hear_all(&mut self, notices: impl Iterator<Item = Notice>) {
        let mut events = Vec::new();
        for notice in notices {
            if let Notice::Events(some) = notice {
                events.extend(some);
            } else {
                self.publish(mem::take(&mut events));
                self.hear(notice);
            }
        }
        self.publish(events);
    }

    fn hear(&mut self, notice: Notice) {
        match notice {
            Notice::Events(events) => self.publish(events),
            Notice::Typing { room, user, .. } => {
                if let Some(room) = self.rooms.get(&room) {
                    room.typing(&user);
                }
            }
            Notice::Read { slug, user, seq } => {
                self.tell_user(user, &ServerFrame::Read(Read { room: slug, seq }));
            }
            Notice::RoomMade { record } => {
                let frame = encode(&room_frame(&record));
                for connection in self.connections.values() {
                    Queue::push(&connection.queue, &frame);
                }
            }
            Notice::MemberAdded { record, user } => self.tell_user(user, &room_frame(&record)),
            Notice::SignedOut { session } => self.end_session(session),
        }
    }

    fn end_session(&mut self, session: TokenHash) {
        let now = Instant::now();
        self.ended.retain(|_, at| now.duration_since(*at) < ENDED_REMEMBERED);
        self.ended.insert(session, now);
        for connection in self.connections.values().filter(|connection| connection.session == session) {
            connection.queue.close(CloseCode::SignedOut);
        }
    }

    fn attach(
        &mut self,
        user: Arc<User>,
        session: TokenHash,
        queue: Arc<Outbox>,
        packing: Packing,
    ) -> ConnId {
        if self.ended.contains_key(&session) {
            queue.close(CloseCode::SignedOut);
        }
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        self.users.entry(user.id).or_default().push(conn);
        self.connections.insert(conn, Connection { user, session, queue, packing, rooms: Vec::new() });
        conn
    }

    fn detach(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.remove(&conn) else { return };
        for room in connection.rooms {
            self.leave(conn, room);
        }
        if let Some(conns) = self.users.get_mut(&connection.user.id) {
            conns.retain(|&other| other != conn);
            if conns.is_empty() {
                self.users.remove(&connection.user.id);
            }
        }
    }

    fn subscribe(&mut self, conn: ConnId, id: RoomId, slug: RoomSlug) -> Option<Present> {
        let connection = self.connections.get_mut(&conn)?;
        if !connection.rooms.contains(&id) {
            connection.rooms.push(id);
        }
        let room = self.rooms.entry(id).or_insert_with(|| Room::new(slug));
        let present =
            room.subscribe(conn, &connection.user, Arc::clone(&connection.queue), connection.packing);
        self.note_presence(id);
        Some(present)
    }

    fn release(&mut self, conn: ConnId, id: RoomId, at: Seq) -> Option<Released> {
        let released = self.rooms.get_mut(&id)?.release(conn, at, Instant::now().into_std());
        self.note_gap(id);
        released
    }

    fn unsubscribe(&mut self, conn: ConnId, room: RoomId) {
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.rooms.retain(|&other| other != room);
            self.leave(conn, room);
        }
    }

    fn leave(&mut self, conn: ConnId, id: RoomId) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.unsubscribe(conn);
        if room.is_empty() {
            self.rooms.remove(&id);
        } else {
            self.note_presence(id);
        }
    }

    fn publish(&mut self, mut events: Vec<Committed>) {
        let now = Instant::now().into_std();
        // Stable: within a room they stay in the order in which they were committed.
        events.sort_by_key(|committed| committed.room);
        for of_room in events.chunk_by(|one, other| one.room == other.room) {
            let id = of_room[0].room;
            if let Some(room) = self.rooms.get_mut(&id) {
                room.publish(of_room.iter().map(|committed| &*committed.event), now, &mut self.volley);
                self.note_gap(id);
            }
        }
    }

    fn tell_user(&self, user: UserId, frame: &ServerFrame) {
        let Some(conns) = self.users.get(&user) else { return };
        let frame = encode(frame);
        for connection in conns.iter().filter_map(|conn| self.connections.get(conn)) {
            Queue::push(&connection.queue, &frame);
        }
    }

    fn note_presence(&mut self, id: RoomId) {
        if self.rooms.get(&id).is_some_and(Room::is_presence_changed) && self.changed.insert(id) {
            self.presence_at.get_or_insert_with(|| Instant::now() + PRESENCE_INTERVAL);
        }
    }

    fn note_gap(&mut self, id: RoomId) {
        if self.rooms.get(&id).is_some_and(|room| room.repair_at().is_some()) {
            self.gapped.insert(id);
        } else if !self.gapped.is_empty() {
            self.gapped.remove(&id);
        }
    }

    /// When there is something to do without an input.
    fn wake_at(&self) -> Option<Instant> {
        let repairs =
            self.gapped.iter().filter_map(|id| self.rooms.get(id)?.repair_at()).map(Instant::from_std);
        repairs.chain(self.presence_at).min()
    }

    fn wake(&mut self, repair: &mpsc::Sender<Repair>) {
        let now = Instant::now();
        if self.presence_at.is_some_and(|at| at <= now) {
            self.presence_at = None;
            for id in self.changed.drain() {
                if let Some(room) = self.rooms.get_mut(&id) {
                    room.tell_presence(&mut self.volley);
                }
            }
        }
        self.gapped.retain(|id| self.rooms.get(id).is_some_and(|room| room.repair_at().is_some()));
        for &id in &self.gapped {
            if let Some(after) = self.rooms.get_mut(&id).and_then(|room| room.repair(now.into_std())) {
                // If this queue is full, the room asks again later.
                let _full = repair.try_send(Repair { room: id, after });
            }
        }
    }
}

/// A room, as those who may read it see it. Public rooms have no invitation to show.
fn room_frame(record: &RoomRecord) -> ServerFrame {
    ServerFrame::Room(RoomChanged {
        room: record.for_members(),
        epoch: record.epoch.clone(),
        head: record.head,
    })
}
