//! A room against a log: whatever the order in which events are committed, delivered, lost, read and repaired, every
//! reader gets every event once and in order.

use std::{cell::RefCell, rc::Rc, time::Duration};

use proptest::prelude::*;
use protocol::{EventKind, OpId, Timestamp, api::Role, frame::Presence};
use uuid::Uuid;

use super::*;
use crate::hub::order::{REPAIR_AFTER, REPAIR_RETRY};

/// What reached a reader.
type Heard = Rc<RefCell<Vec<ServerFrame>>>;

impl Queue for Heard {
    type Volley = ();

    fn push(&self, frames: &Frames) {
        let texts = Frames::payloads(frames.bytes()).map(|text| str::from_utf8(text).unwrap());
        let lines = texts.flat_map(str::lines);
        self.borrow_mut().extend(lines.map(|line| ServerFrame::decode(line).unwrap()));
    }

    fn offer(&self, frames: &Frames) {
        self.push(frames);
    }
}

fn seq(n: usize) -> Seq {
    Seq::new(n as u64).unwrap()
}

fn user(n: usize) -> Arc<User> {
    let id = protocol::UserId(Uuid::from_u128(n as u128));
    Arc::new(User { id, username: format!("user{n}").parse().unwrap(), role: Role::Guest })
}

fn event(n: usize) -> Event {
    Event {
        room: "general".parse().unwrap(),
        seq: seq(n),
        user_id: user(0).id,
        username: user(0).username.clone(),
        timestamp: Timestamp::from_unix_ms(0),
        kind: EventKind::Message {
            id: OpId(Uuid::from_u128(n as u128)),
            content: Some("x".repeat(400).parse().unwrap()),
            reply_to: None,
            quote: None,
        },
    }
}

/// Every other reader has lines.
fn packing(reader: usize) -> Packing {
    if reader.is_multiple_of(2) { Packing::Frames } else { Packing::Lines }
}

fn room() -> Room<Heard> {
    Room::new("general".parse().unwrap())
}

/// The numbers of the events among `frames`.
fn events_of(frames: &Heard) -> Vec<usize> {
    let number = |frame: &ServerFrame| match frame {
        ServerFrame::Event(event) => Some(usize::try_from(event.seq.get()).unwrap()),
        _ => None,
    };
    frames.borrow().iter().filter_map(number).collect()
}

#[test]
fn a_live_subscriber_gets_what_comes_after_its_position() {
    let (mut room, frames, now) = (room(), Heard::default(), Instant::now());
    room.subscribe(ConnId(1), &user(1), frames.clone(), Packing::Frames);
    room.publish([&event(4)], now, &mut ());
    room.publish([&event(5)], now, &mut ());
    assert_eq!(events_of(&frames), [0; 0], "paused");
    assert_eq!(room.release(ConnId(1), seq(2), now), Some(Released::Behind), "3 is not remembered");
    assert_eq!(room.release(ConnId(1), seq(4), now), Some(Released::Live));
    room.publish([&event(6)], now, &mut ());
    assert_eq!(events_of(&frames), [5, 6]);
}

#[test]
fn a_reader_of_the_log_may_be_ahead_of_the_room() {
    let (mut room, now) = (room(), Instant::now());
    let (early, late) = (Heard::default(), Heard::default());
    room.subscribe(ConnId(1), &user(1), early.clone(), Packing::Frames);
    room.release(ConnId(1), seq(0), now);
    room.subscribe(ConnId(2), &user(2), late.clone(), Packing::Frames);
    room.release(ConnId(2), seq(2), now);
    for n in 1..=3 {
        room.publish([&event(n)], now, &mut ());
    }
    assert_eq!(events_of(&early), [1, 2, 3]);
    assert_eq!(events_of(&late), [3]);
}

#[test]
fn of_events_that_come_together_a_reader_gets_those_it_lacks() {
    let (mut room, now) = (room(), Instant::now());
    let (whole, lines, part) = (Heard::default(), Heard::default(), Heard::default());
    for (conn, frames, packing, at) in
        [(1, &whole, Packing::Frames, 0), (2, &lines, Packing::Lines, 0), (3, &part, Packing::Lines, 2)]
    {
        room.subscribe(ConnId(conn), &user(1), frames.clone(), packing);
        room.release(ConnId(conn), seq(at), now);
    }
    // More than goes in one piece.
    let events: Vec<Event> = (1..=300).map(event).collect();
    room.publish(&events, now, &mut ());
    assert!(events_of(&whole).into_iter().eq(1..=300));
    assert!(events_of(&lines).into_iter().eq(1..=300));
    assert!(events_of(&part).into_iter().eq(3..=300));
}

/// Frames as they come to a socket.
type Raw = Rc<RefCell<Vec<Frames>>>;

impl Queue for Raw {
    type Volley = ();

    fn push(&self, frames: &Frames) {
        self.borrow_mut().push(frames.clone());
    }

    fn offer(&self, frames: &Frames) {
        self.push(frames);
    }
}

#[test]
fn who_asks_for_lines_gets_lines_and_nobody_else() {
    let (mut room, now) = (Room::<Raw>::new("general".parse().unwrap()), Instant::now());
    let (frames, lines) = (Raw::default(), Raw::default());
    for (conn, queue, packing) in [(1, &frames, Packing::Frames), (2, &lines, Packing::Lines)] {
        room.subscribe(ConnId(conn), &user(1), Rc::clone(queue), packing);
        room.release(ConnId(conn), seq(0), now);
    }
    room.publish(&[event(1), event(2), event(3)], now, &mut ());
    // Those who are released later read the same way.
    room.subscribe(ConnId(3), &user(1), Rc::clone(&lines), Packing::Lines);
    room.release(ConnId(3), seq(1), now);
    let lengths = |queue: &Raw| -> Vec<Vec<usize>> {
        let lines = |text| str::from_utf8(text).unwrap().lines().count();
        queue.borrow().iter().map(|frames| Frames::payloads(frames.bytes()).map(lines).collect()).collect()
    };
    assert_eq!(lengths(&frames), [[1, 1, 1]]);
    assert_eq!(lengths(&lines), [[3], [2]]);
}

#[test]
fn typing_is_not_told_to_the_one_who_types() {
    let (mut room, now) = (room(), Instant::now());
    let (own, other) = (Heard::default(), Heard::default());
    for (conn, n, frames) in [(1, 1, &own), (2, 2, &other)] {
        room.subscribe(ConnId(conn), &user(n), frames.clone(), Packing::Frames);
        room.release(ConnId(conn), seq(0), now);
    }
    room.typing(&user(1));
    assert!(own.borrow().is_empty());
    assert!(matches!(other.borrow()[..], [ServerFrame::Typing(_)]));
}

/// A client's list of who is here.
#[derive(Default)]
struct List(Vec<protocol::UserId>, u32);

impl List {
    fn of(present: &Present) -> Self {
        Self(present.here.iter().map(|user| user.id).collect(), present.count)
    }

    fn after(mut self, frames: &Heard) -> (Vec<protocol::UserId>, u32) {
        for frame in frames.borrow().iter() {
            if let ServerFrame::Presence(Presence { here, gone, count, .. }) = frame {
                self.0.retain(|id| !gone.contains(id) && here.iter().all(|user| user.id != *id));
                self.0.extend(here.iter().map(|user| user.id));
                self.1 = *count;
            }
        }
        self.0.sort();
        (self.0, self.1)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Commit,
    /// The bus brings one of the events that were not brought yet.
    Deliver(prop::sample::Index),
    /// The bus brings all of them at once, and one that was brought before.
    DeliverAll,
    /// The bus loses one of them.
    Lose(prop::sample::Index),
    Subscribe(usize),
    Unsubscribe(usize),
    /// A paused reader reads so many events from the log.
    Read(usize, usize),
    Release(usize),
    TellPresence,
    /// Time passes, and what the room then asks for is read from the log.
    Repair,
}

const READERS: usize = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<prop::sample::Index>;
    let step = prop_oneof![
        6 => Just(Step::Commit),
        6 => index().prop_map(Step::Deliver),
        1 => Just(Step::DeliverAll),
        1 => index().prop_map(Step::Lose),
        2 => (0..READERS).prop_map(Step::Subscribe),
        1 => (0..READERS).prop_map(Step::Unsubscribe),
        3 => (0..READERS, 1..20_usize).prop_map(|(reader, count)| Step::Read(reader, count)),
        4 => (0..READERS).prop_map(Step::Release),
        1 => Just(Step::TellPresence),
        1 => Just(Step::Repair),
    ];
    prop::collection::vec(step, 1..400)
}

/// One reader: everything it was ever given, and where it stands.
#[derive(Default)]
struct Reader {
    log: Vec<usize>,
    frames: Heard,
    is_subscribed: bool,
    is_live: bool,
}

impl Reader {
    /// Everything up to here was read.
    fn take(&mut self) {
        self.log.extend(events_of(&self.frames));
        self.frames.borrow_mut().retain(|frame| !matches!(frame, ServerFrame::Event(_)));
    }
}

/// The world around one room.
struct World {
    room: Room<Heard>,
    now: Instant,
    committed: usize,
    on_the_bus: Vec<usize>,
    readers: [Reader; READERS],
    lists: [Present; READERS],
}

impl World {
    fn new() -> Self {
        Self {
            room: room(),
            now: Instant::now(),
            committed: 0,
            on_the_bus: Vec::new(),
            readers: Default::default(),
            lists: Default::default(),
        }
    }

    fn conn(reader: usize) -> ConnId {
        ConnId(reader as u64)
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Commit => {
                self.committed += 1;
                self.on_the_bus.push(self.committed);
            }
            Step::Deliver(index) if !self.on_the_bus.is_empty() => {
                let n = self.on_the_bus.remove(index.index(self.on_the_bus.len()));
                self.room.publish([&event(n)], self.now, &mut ());
            }
            Step::DeliverAll => {
                let events: Vec<Event> =
                    [1].into_iter().chain(self.on_the_bus.drain(..)).map(event).collect();
                self.room.publish(
                    events.iter().filter(|event| event.seq <= seq(self.committed)),
                    self.now,
                    &mut (),
                );
            }
            Step::Lose(index) if !self.on_the_bus.is_empty() => {
                self.on_the_bus.remove(index.index(self.on_the_bus.len()));
            }
            Step::Subscribe(reader) => {
                let queue = Heard::default();
                self.readers[reader].take();
                self.lists[reader] =
                    self.room.subscribe(Self::conn(reader), &user(reader), queue.clone(), packing(reader));
                let reader = &mut self.readers[reader];
                (reader.frames, reader.is_subscribed, reader.is_live) = (queue, true, false);
            }
            Step::Unsubscribe(reader) => {
                self.room.unsubscribe(Self::conn(reader));
                let reader = &mut self.readers[reader];
                (reader.is_subscribed, reader.is_live) = (false, false);
            }
            Step::Read(reader, count) => {
                let reader = &mut self.readers[reader];
                if reader.is_subscribed && !reader.is_live {
                    reader.take();
                    let at = reader.log.len();
                    reader.log.extend((at + 1)..=(at + count).min(self.committed));
                }
            }
            Step::Release(reader) => self.release(reader),
            Step::TellPresence => self.room.tell_presence(&mut ()),
            Step::Repair => {
                self.now += REPAIR_AFTER + REPAIR_RETRY;
                if let Some(after) = self.room.repair(self.now) {
                    let after = usize::try_from(after.get()).unwrap();
                    ((after + 1)..=self.committed)
                        .for_each(|n| self.room.publish([&event(n)], self.now, &mut ()));
                }
            }
            Step::Deliver(_) | Step::Lose(_) => {}
        }
    }

    fn release(&mut self, index: usize) {
        let reader = &mut self.readers[index];
        if reader.is_subscribed && !reader.is_live {
            reader.take();
            let released = self.room.release(Self::conn(index), seq(reader.log.len()), self.now);
            reader.is_live = released == Some(Released::Live);
        }
    }

    /// Brings everything to rest: all that was committed is known, all readers are live.
    fn settle(&mut self) {
        for reader in 0..READERS {
            if !self.readers[reader].is_subscribed {
                self.step(&Step::Subscribe(reader));
            }
        }
        self.step(&Step::Commit);
        self.room.publish([&event(self.committed)], self.now, &mut ());
        for reader in 0..READERS {
            self.step(&Step::Read(reader, usize::MAX / 2));
            self.release(reader);
        }
        self.step(&Step::Repair);
        self.room.tell_presence(&mut ());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn every_reader_gets_every_event_once_and_in_order(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(&step);
        }
        world.settle();
        let everybody: Vec<_> = (0..READERS).map(|n| user(n).id).collect();
        for (mut reader, list) in world.readers.into_iter().zip(&world.lists) {
            prop_assert!(reader.is_live);
            let list = List::of(list).after(&reader.frames);
            prop_assert_eq!(list, (everybody.clone(), u32::try_from(READERS).unwrap()));
            reader.take();
            prop_assert!(reader.log.iter().copied().eq(1..=world.committed), "{:?}", reader.log);
        }
        prop_assert_eq!(world.room.repair(world.now + Duration::from_mins(1)), None);
    }
}
