//! One run: the server, its clients, the links between them, and what happens to them.

use std::collections::{BTreeSet, VecDeque};

use fastrand::Rng;
use protocol::{
    CloseCode, Content, Op, OpId, OpKind, RoomSlug, Seq, UserId,
    api::{Role, User},
    limits::PING_INTERVAL_MS,
    session::{Config, Input, Millis, Status},
};
use uuid::Uuid;

use crate::{
    client::{Client, Down, Fate, Link, Wish},
    server::{ConnId, Server},
};

const CLIENTS: u128 = 3;
/// Things that happen to the world before it is left in peace.
const ACTIONS: usize = 60;
/// How long peace takes to be complete: a dead link noticed, the longest backoff, holes closed.
const PEACE_MS: Millis = 180_000;
/// More steps than any run takes.
const STEPS_MAX: usize = 200_000;

pub(crate) struct World {
    rng: Rng,
    now: Millis,
    server: Server,
    clients: Vec<Client>,
    rooms: Vec<RoomSlug>,
    config: Config,
    has_faults: bool,
    was_restored: bool,
    conns: ConnId,
    /// Frames of broken connections that still reach the server.
    stragglers: VecDeque<(ConnId, User, protocol::ClientFrame)>,
    ids: u128,
    next_ping: Millis,
    steps: usize,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let rooms: Vec<RoomSlug> = ["general", "发布"].iter().map(|slug| slug.parse().unwrap()).collect();
        let mut config = Config::new(seed);
        config.max_in_flight = if seed.is_multiple_of(4) { 8 } else { 1 };
        config.reorder_max = if seed.is_multiple_of(5) { 2 } else { config.reorder_max };
        let server = Server::new(&rooms, rng.u64(..));
        let mut world = Self {
            rng,
            now: 1_000,
            server,
            clients: Vec::new(),
            rooms,
            config,
            has_faults: true,
            was_restored: false,
            conns: 0,
            stragglers: VecDeque::new(),
            ids: 1_000,
            next_ping: PING_INTERVAL_MS,
            steps: 0,
        };
        for number in 0..CLIENTS {
            let mut client = Client::new(user(number), world.fresh_config());
            for room in &world.rooms {
                client.follow(room, &world.server, world.now);
            }
            client.handle(Input::Tick, &world.server, world.now);
            world.clients.push(client);
        }
        world.settle();
        world
    }

    fn fresh_config(&mut self) -> Config {
        Config { seed: self.rng.u64(..), ..self.config }
    }

    pub(crate) fn run_with_faults(&mut self) {
        for _ in 0..ACTIONS {
            let pause = if self.rng.bool() { self.rng.u64(0..50) } else { self.rng.u64(0..3_000) };
            self.run_until(self.now + pause);
            self.act();
            self.settle();
        }
    }

    /// No more faults. One more message in each room shows a reader whose last event was lost that it has a hole.
    pub(crate) fn run_in_peace(&mut self) {
        self.has_faults = false;
        self.server.end_faults();
        self.settle();
        self.run_until(self.now + 1_000);
        for room in self.rooms.clone() {
            self.say_as_stranger(&room);
        }
        self.settle();
        self.run_until(self.now + PEACE_MS);
    }

    pub(crate) fn check(&self) {
        for client in &self.clients {
            assert_eq!(client.session.status(), Status::Online);
            assert_eq!(client.session.outbox().count(), 0, "everything is answered");
            for (id, fate) in &client.fates {
                match fate {
                    Fate::Acked(room, seq) if !self.was_restored => {
                        let (author, logged) = &self.server.rooms[room].ops[index(*seq)];
                        assert_eq!((author.id, logged), (client.user.id, id), "acked is stored");
                    }
                    Fate::Acked(..) | Fate::Discarded => {}
                    Fate::Pending | Fate::Failed => panic!("{id} is {fate:?} in the end"),
                }
            }
            for room in client.shown.keys() {
                self.check_shown(client, room);
            }
        }
        for (room, log) in &self.server.rooms {
            let unique: BTreeSet<(UserId, OpId)> = log.ops.iter().map(|(user, id)| (user.id, *id)).collect();
            assert_eq!(unique.len(), log.ops.len(), "nothing is in the log twice");
            if self.config.max_in_flight == 1 {
                for client in &self.clients {
                    let said = client.said.get(room).map_or(&[][..], Vec::as_slice);
                    let place = |id: OpId| said.iter().position(|said| *said == id);
                    let mine = log.ops.iter().filter(|(user, _)| user.id == client.user.id);
                    let places: Vec<usize> = mine.filter_map(|(_, id)| place(*id)).collect();
                    assert!(places.is_sorted(), "what one person said in {room} is in order: {places:?}");
                }
            }
        }
    }

    /// What a reader shows is what a fresh page would show.
    fn check_shown(&self, client: &Client, room: &RoomSlug) {
        let log = &self.server.rooms[room];
        let timeline = client.shown[room].as_ref().expect("a snapshot came");
        let cursor = timeline.cursor();
        assert_eq!((&cursor.epoch, cursor.after), (&log.epoch, log.head()), "{room} is whole");
        assert_eq!(client.session.cursor(room), Some(&cursor));
        let shown: Vec<_> = timeline.messages().cloned().collect();
        let oldest = timeline.oldest().unwrap_or(Seq::MAX);
        let fresh: Vec<_> =
            log.messages(log.head()).into_iter().filter(|message| message.seq >= oldest).collect();
        assert_eq!(shown, fresh, "{room} folds to what the server has");
    }

    fn act(&mut self) {
        let who = self.rng.usize(0..self.clients.len());
        let room = self.rooms[self.rng.usize(0..self.rooms.len())].clone();
        match self.rng.u32(0..100) {
            0..45 => self.say(who, &room),
            45..52 => (0..10).for_each(|_| self.say(who, &room)),
            52..56 => (0..self.rng.u32(5..60)).for_each(|_| self.say_as_stranger(&room)),
            56..70 => {
                let code = [None, Some(1006), Some(CloseCode::TooSlow.code())][self.rng.usize(0..3)];
                self.break_link(who, code);
            }
            70..73 => {
                if let Some(link) = &mut self.clients[who].link {
                    link.is_dead = true;
                }
            }
            73..77 => self.restart(),
            77 => {
                self.restart();
                self.was_restored = true;
                self.server.restore(&mut self.rng);
            }
            78..83 => self.reload(who),
            83..87 => {
                let client = &mut self.clients[who];
                client.handle(Input::Leave { room: room.clone() }, &self.server, self.now);
                client.follow(&room, &self.server, self.now);
            }
            87..90 => self.clients[who].handle(Input::Typing { room }, &self.server, self.now),
            90..95 => {
                let seq = self.server.rooms[&room].head();
                self.clients[who].handle(Input::Read { room, seq }, &self.server, self.now);
            }
            95..98 => self.clients[who].handle(Input::Online, &self.server, self.now),
            _ => self.clients[who].handle(Input::Tick, &self.server, self.now),
        }
    }

    fn restart(&mut self) {
        for who in 0..self.clients.len() {
            let code = self.rng.bool().then_some(CloseCode::Restart.code());
            self.break_link(who, code);
        }
    }

    fn reload(&mut self, who: usize) {
        self.drop_link(who);
        let (config, keeps_view) = (self.fresh_config(), self.rng.bool());
        let client = &mut self.clients[who];
        client.wishes.clear();
        client.reload(config, keeps_view, &self.server, self.now);
        client.handle(Input::Tick, &self.server, self.now);
    }

    fn fresh_id(&mut self) -> OpId {
        self.ids += 1;
        OpId(Uuid::from_u128(self.ids))
    }

    fn content(&mut self) -> Content {
        format!("words {}", self.ids).parse().unwrap()
    }

    fn say(&mut self, who: usize, room: &RoomSlug) {
        let (id, content) = (self.fresh_id(), self.content());
        let mine = self.clients[who].user.id;
        let standing: Vec<_> =
            self.server.rooms[room].standing().map(|event| (event.user_id, event.seq)).collect();
        let own: Vec<Seq> = standing.iter().filter(|(user, _)| *user == mine).map(|(_, seq)| *seq).collect();
        let any = self.rng.choice(&standing).map(|(_, seq)| *seq);
        let kind = match (self.rng.u32(0..10), self.rng.choice(&own), any) {
            (6, Some(&target), _) => OpKind::Edit { target, content },
            (7, Some(&target), _) => OpKind::Delete { target },
            (8 | 9, _, Some(target)) => {
                let emoji = ["👍", "🎉"][self.rng.usize(0..2)].parse().unwrap();
                OpKind::React { target, emoji, on: self.rng.bool() }
            }
            _ => OpKind::Send { content, reply_to: None },
        };
        let op = Op { id, room: room.clone(), kind };
        self.clients[who].submit(op, &self.server, self.now);
    }

    /// Somebody who is not one of the clients.
    fn say_as_stranger(&mut self, room: &RoomSlug) {
        let (id, content) = (self.fresh_id(), self.content());
        let op = Op { id, room: room.clone(), kind: OpKind::Send { content, reply_to: None } };
        self.server.append(&user(CLIENTS), room, id, &op.into());
    }

    /// The link breaks: a part of what is under way still arrives, the rest never.
    fn break_link(&mut self, who: usize, code: Option<u16>) {
        let now = self.now;
        let Some(link) = &mut self.clients[who].link else { return };
        let (conn, kept) = (link.conn, self.rng.usize(0..=link.down.len()));
        link.down.truncate(kept);
        let last = link.down.back().map_or(now, |(at, _)| *at);
        link.down.push_back((last, Down::Closed(code)));
        let arrives = self.rng.usize(0..=link.up.len());
        let arriving: Vec<_> = link.up.drain(..).take(arrives).collect();
        link.conn = 0;
        if let Some(user) = self.server.user(conn) {
            self.stragglers.extend(arriving.into_iter().map(|(_, frame)| (conn, user.clone(), frame)));
        }
        self.server.disconnect(conn);
    }

    fn drop_link(&mut self, who: usize) {
        self.break_link(who, None);
        self.clients[who].link = None;
    }

    /// Lets everything happen that is due before `end`.
    fn run_until(&mut self, end: Millis) {
        loop {
            let due = self.clients.iter().filter_map(Client::next_at).chain([self.next_ping]).min();
            let Some(at) = due.filter(|&at| at <= end) else { break };
            self.now = at.max(self.now);
            self.step();
            self.steps += 1;
            assert!(self.steps < STEPS_MAX, "the world does not come to rest");
        }
        self.now = end;
    }

    fn step(&mut self) {
        let now = self.now;
        if self.next_ping <= now {
            self.next_ping = now + PING_INTERVAL_MS;
            self.server.ping();
        }
        for who in 0..self.clients.len() {
            while let Some(frame) = self.clients[who].link.as_mut().and_then(|link| link.take_up(now)) {
                let (conn, user) = (self.clients[who].conn(), self.clients[who].user.clone());
                self.server.receive(conn, &user, &frame);
            }
            if let Some(down) = self.clients[who].link.as_mut().and_then(|link| link.take_down(now)) {
                self.hear(who, down);
            }
            if self.clients[who].session.wake_at().is_some_and(|at| at <= now) {
                self.clients[who].handle(Input::Tick, &self.server, now);
            }
        }
        // A straggler arrives any time, also long after the next connection was opened.
        let arrives = !self.has_faults || self.rng.u32(0..8) == 0;
        if arrives && let Some((conn, user, frame)) = self.stragglers.pop_front() {
            self.server.receive(conn, &user, &frame);
        }
        self.settle();
    }

    fn hear(&mut self, who: usize, down: Down) {
        let now = self.now;
        let client = &mut self.clients[who];
        match down {
            Down::Opened => {
                let Some(link) = &mut client.link else { return };
                link.is_open = true;
                self.server.connect(link.conn, &client.user);
                client.handle(Input::Connected, &self.server, now);
            }
            Down::Frame(frame) => client.handle(Input::Received(*frame), &self.server, now),
            Down::Closed(code) => {
                client.link = None;
                client.handle(Input::Disconnected { code }, &self.server, now);
            }
        }
    }

    /// Moves what the server and the clients have put out onto the links.
    fn settle(&mut self) {
        for who in 0..self.clients.len() {
            for wish in std::mem::take(&mut self.clients[who].wishes) {
                self.grant(who, wish);
            }
        }
        for (conn, frame) in std::mem::take(&mut self.server.sent) {
            let at = self.now + self.rng.u64(1..200);
            let link = self
                .clients
                .iter_mut()
                .filter_map(|client| client.link.as_mut())
                .find(|link| link.conn == conn);
            if let Some(link) = link.filter(|link| link.is_open) {
                link.push_down(at, Down::Frame(Box::new(frame)));
            }
        }
    }

    fn grant(&mut self, who: usize, wish: Wish) {
        let (now, delay) = (self.now, self.rng.u64(1..400));
        match wish {
            Wish::Connect => {
                assert!(self.clients[who].link.is_none(), "one socket at a time");
                self.conns += 1;
                let fails = self.has_faults && self.rng.u32(0..4) == 0;
                let down = if fails { Down::Closed(None) } else { Down::Opened };
                self.clients[who].link = Some(Link {
                    conn: self.conns,
                    up: VecDeque::new(),
                    down: VecDeque::from([(now + delay, down)]),
                    is_open: false,
                    is_dead: self.has_faults && self.rng.u32(0..20) == 0,
                });
            }
            Wish::Disconnect => self.drop_link(who),
            Wish::Send(frame) => {
                if let Some(link) = &mut self.clients[who].link {
                    assert!(link.is_open, "{frame:?} before the socket is open");
                    let last = link.up.back().map_or(0, |(at, _)| *at);
                    link.up.push_back((last.max(now + delay / 2), frame));
                }
            }
            Wish::Decide(id) => {
                let input = if self.rng.bool() { Input::Retry(id) } else { Input::Discard(id) };
                self.clients[who].handle(input, &self.server, now);
                for wish in std::mem::take(&mut self.clients[who].wishes) {
                    self.grant(who, wish);
                }
            }
        }
    }
}

impl Client {
    fn conn(&self) -> ConnId {
        self.link.as_ref().map_or(0, |link| link.conn)
    }

    fn next_at(&self) -> Option<Millis> {
        let link = self.link.as_ref().filter(|link| !link.is_dead);
        let up = link.and_then(|link| link.up.front()).map(|(at, _)| *at);
        let down = link.and_then(|link| link.down.front()).map(|(at, _)| *at);
        [up, down, self.session.wake_at()].into_iter().flatten().min()
    }
}

impl Link {
    fn push_down(&mut self, at: Millis, down: Down) {
        let last = self.down.back().map_or(0, |(at, _)| *at);
        self.down.push_back((last.max(at), down));
    }

    fn take_down(&mut self, now: Millis) -> Option<Down> {
        let is_due = !self.is_dead && self.down.front().is_some_and(|(at, _)| *at <= now);
        if is_due { self.down.pop_front().map(|(_, down)| down) } else { None }
    }

    fn take_up(&mut self, now: Millis) -> Option<protocol::ClientFrame> {
        let is_due = !self.is_dead && self.up.front().is_some_and(|(at, _)| *at <= now);
        if is_due { self.up.pop_front().map(|(_, frame)| frame) } else { None }
    }
}

fn user(number: u128) -> User {
    User {
        id: UserId(Uuid::from_u128(number + 1)),
        username: format!("user-{number}").parse().unwrap(),
        role: Role::Guest,
    }
}

fn index(seq: Seq) -> usize {
    usize::try_from(seq.get()).unwrap() - 1
}
