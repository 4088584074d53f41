//! Whatever happens in whatever order: the window has no gap and equals the room.

use proptest::prelude::*;

use super::{
    model::{At, Room, newer, newest, older, room},
    seq,
};
use crate::{
    Event, Message, Seq, Timeline,
    timeline::{Keep, Page, Stale},
};

/// What can happen between a room and its reader. Choices are made from numbers, since what there is to choose from
/// depends on what happened before.
#[derive(Debug, Clone, Copy)]
enum Step {
    Post {
        by: u128,
        reply_to: Option<usize>,
    },
    Edit(usize),
    Delete(usize),
    React {
        target: usize,
        by: u128,
        party: bool,
        on: bool,
    },
    /// This many events reach the reader.
    Deliver(usize),
    /// The server makes a page, as of up to `lag` events ago; it travels.
    FetchOlder {
        limit: usize,
        lag: u64,
    },
    FetchNewer {
        limit: usize,
        lag: u64,
    },
    /// One of the travelling pages arrives.
    Arrive(usize),
    Trim(usize, Keep),
}

fn step() -> impl Strategy<Value = Step> {
    let limit = 1..5_usize;
    let lag = prop_oneof![3 => Just(0), 1 => 0..12_u64];
    prop_oneof![
        3 => (0..3_u128, prop::option::of(0..30_usize)).prop_map(|(by, reply_to)| Step::Post { by, reply_to }),
        2 => (0..30_usize).prop_map(Step::Edit),
        1 => (0..30_usize).prop_map(Step::Delete),
        2 => (0..30_usize, 0..3_u128, any::<bool>(), any::<bool>())
            .prop_map(|(target, by, party, on)| Step::React { target, by, party, on }),
        4 => (1..6_usize).prop_map(Step::Deliver),
        2 => (limit.clone(), lag.clone()).prop_map(|(limit, lag)| Step::FetchOlder { limit, lag }),
        2 => (limit, lag).prop_map(|(limit, lag)| Step::FetchNewer { limit, lag }),
        4 => (0..8_usize).prop_map(Step::Arrive),
        2 => (1..8_usize, prop::sample::select(vec![Keep::Newest, Keep::Oldest]))
            .prop_map(|(max, keep)| Step::Trim(max, keep)),
    ]
}

enum Travelling {
    Older(Page),
    Newer(Page),
}

struct Reader {
    room: Room,
    timeline: Timeline,
    pages: Vec<Travelling>,
    /// Whether events come as they are replayed, not as they were published.
    replay: bool,
    /// The latest position that anything held is of.
    latest: Seq,
}

impl Reader {
    fn new(first: usize, limit: usize, replay: bool) -> Self {
        let room = room(first as u128);
        let timeline = newest(&room, limit);
        let latest = room.head();
        Self { room, timeline, pages: Vec::new(), replay, latest }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Post { by, reply_to } => {
                let reply_to = reply_to.and_then(|choice| self.choose(choice));
                self.room.post(by, reply_to);
            }
            Step::Edit(choice) => self.change(choice, Room::edit),
            Step::Delete(choice) => self.change(choice, Room::delete),
            Step::React { target, by, party, on } => {
                self.change(target, |room, target| {
                    room.react(target, by, if party { "🎉" } else { "👍" }, on);
                });
            }
            Step::Deliver(count) => (0..count).for_each(|_| drop(self.deliver())),
            Step::FetchOlder { limit, lag } => {
                if let Some(oldest) = self.timeline.oldest() {
                    let page = self.room.page(At::Before(oldest), limit, self.head_before(lag));
                    self.pages.push(Travelling::Older(page));
                }
            }
            Step::FetchNewer { limit, lag } => {
                if let Some(newest) = self.timeline.newest() {
                    let page = self.room.page(At::After(newest), limit, self.head_before(lag));
                    self.pages.push(Travelling::Newer(page));
                }
            }
            Step::Arrive(choice) if !self.pages.is_empty() => self.arrive(choice % self.pages.len()),
            Step::Arrive(_) => {}
            Step::Trim(max, keep) => self.timeline.trim(max, keep),
        }
    }

    /// A message that is not deleted.
    fn choose(&self, choice: usize) -> Option<Seq> {
        let live: Vec<Message> = self
            .room
            .messages(self.room.head())
            .into_iter()
            .filter(|message| message.content.is_some())
            .collect();
        if live.is_empty() { None } else { Some(live[choice % live.len()].seq) }
    }

    fn change(&mut self, choice: usize, change: impl FnOnce(&mut Room, Seq)) {
        if let Some(target) = self.choose(choice) {
            change(&mut self.room, target);
        }
    }

    fn head_before(&self, lag: u64) -> Seq {
        seq(self.room.head().get().saturating_sub(lag))
    }

    fn deliver(&mut self) -> Option<Event> {
        let after = self.timeline.cursor().after;
        let event = if self.replay { self.room.replayed(after) } else { self.room.live(after) }?;
        self.timeline.apply(&event);
        Some(event)
    }

    fn arrive(&mut self, index: usize) {
        let before = self.timeline.clone();
        let (head, merged) = match self.pages.swap_remove(index) {
            Travelling::Older(page) => (page.head, self.timeline.prepend(page)),
            Travelling::Newer(page) => (page.head, self.timeline.append(page)),
        };
        match merged {
            Ok(()) => self.latest = self.latest.max(head),
            Err(Stale) => assert_eq!(self.timeline, before, "a refused page changes nothing"),
        }
    }

    /// What must hold at every moment.
    fn check(&self) {
        let all = self.room.messages(self.room.head());
        let held: Vec<Seq> = self.timeline.messages().map(|message| message.seq).collect();
        let exist: Vec<Seq> = all.iter().map(|message| message.seq).collect();
        if let (Some(first), Some(last)) = (held.first(), held.last()) {
            let window: Vec<Seq> =
                exist.iter().copied().filter(|seq| (first..=last).contains(&seq)).collect();
            assert_eq!(held, window, "the window has no gap");
            assert_eq!(
                self.timeline.has_older(),
                exist.first() != Some(first),
                "older messages are announced"
            );
            let newest = exist.iter().copied().rfind(|&seq| seq <= self.timeline.cursor().after);
            if self.timeline.at_end() {
                assert!(newest.is_none_or(|newest| newest <= *last), "the end is the end");
            }
        }
        let cursor = self.timeline.cursor().after;
        if !self.replay && self.latest <= cursor {
            self.check_equals(&self.room.messages(cursor));
        }
    }

    /// All that is held equals the model's.
    fn check_equals(&self, expected: &[Message]) {
        for held in self.timeline.messages() {
            let expected = expected.iter().find(|message| message.seq == held.seq);
            assert_eq!(Some(held), expected);
        }
    }

    /// In the end everything arrives, and whatever is missing can be had.
    fn settle(&mut self) {
        while self.deliver().is_some() {}
        let head = self.room.head();
        while self.timeline.has_older() {
            self.timeline
                .prepend(older(&self.room, &self.timeline, head))
                .expect("a fresh page is never stale");
        }
        while !self.timeline.at_end() {
            self.timeline
                .append(newer(&self.room, &self.timeline, head))
                .expect("a fresh page is never stale");
        }
        let expected = self.room.messages(head);
        assert_eq!(self.timeline.messages().cloned().collect::<Vec<_>>(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_window_equals_the_room(
        first in 0..12_usize,
        limit in 1..6_usize,
        replay in any::<bool>(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut reader = Reader::new(first, limit, replay);
        for step in steps {
            reader.step(step);
            reader.check();
        }
        reader.settle();
    }
}
