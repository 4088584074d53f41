use proptest::prelude::*;

use super::{
    model::{At, Room},
    seq,
};
use crate::{
    Event, Message, Seq, Timeline,
    timeline::{Applied, Keep, Page, Stale},
};

/// A room of `count` messages, by three people in turn.
fn room(count: u128) -> Room {
    let mut room = Room::default();
    (0..count).for_each(|n| room.post(n % 3, None));
    room
}

fn newest(room: &Room, limit: usize) -> Timeline {
    Timeline::new(room.page(At::Newest, limit, room.head()))
}

fn older(room: &Room, timeline: &Timeline, head: Seq) -> Page {
    room.page(At::Before(timeline.oldest().unwrap()), 3, head)
}

fn newer(room: &Room, timeline: &Timeline, head: Seq) -> Page {
    room.page(At::After(timeline.newest().unwrap()), 3, head)
}

/// Applies what happened since, live.
fn catch_up(timeline: &mut Timeline, room: &Room) -> Vec<Applied> {
    let next = |timeline: &Timeline| room.live(timeline.cursor().after);
    std::iter::from_fn(|| next(timeline).map(|event| timeline.apply(&event))).collect()
}

fn numbers(timeline: &Timeline) -> Vec<u64> {
    timeline.messages().map(|message| message.seq.get()).collect()
}

fn excerpt(timeline: &Timeline, n: u64) -> Option<&str> {
    timeline.get(seq(n)).unwrap().quote.as_ref().unwrap().excerpt.as_deref()
}

#[test]
fn new_messages_enter_at_the_end() {
    let mut room = room(5);
    let mut timeline = newest(&room, 3);
    assert_eq!(numbers(&timeline), [3, 4, 5]);
    assert!(timeline.has_older() && timeline.at_end());
    room.post(1, None);
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Appended]);
    assert_eq!(numbers(&timeline), [3, 4, 5, 6]);
    assert_eq!(timeline.apply(&room.live(seq(5)).unwrap()), Applied::Repeated);
    assert_eq!(timeline.cursor().after, seq(6));
}

#[test]
fn an_empty_room_fills() {
    let mut room = Room::default();
    let mut timeline = newest(&room, 3);
    assert!(timeline.is_empty() && !timeline.has_older() && timeline.at_end());
    room.post(1, None);
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Appended]);
    assert_eq!((timeline.oldest(), timeline.newest(), timeline.len()), (Some(seq(1)), Some(seq(1)), 1));
}

#[test]
fn changes_are_seen_where_they_are_held() {
    let mut room = room(5);
    let mut timeline = newest(&room, 3);
    room.edit(seq(4));
    room.edit(seq(1));
    room.react(seq(5), 2, "👍", true);
    let applied = catch_up(&mut timeline, &room);
    assert_eq!(applied, [Applied::Changed(seq(4)), Applied::Unseen, Applied::Changed(seq(5))]);
}

#[test]
fn away_from_the_end_new_messages_are_not_seen_until_their_page_comes() {
    let mut room = room(9);
    let mut timeline = Timeline::new(room.page(At::Before(seq(4)), 3, room.head()));
    assert!(!timeline.at_end());
    room.post(1, None);
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Unseen]);
    for _ in 0..3 {
        timeline.append(newer(&room, &timeline, room.head())).unwrap();
    }
    assert_eq!(numbers(&timeline), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert!(timeline.at_end());
}

#[test]
fn a_page_from_before_a_new_message_does_not_know_the_end() {
    let mut room = room(5);
    let mut timeline = Timeline::new(room.page(At::Before(seq(4)), 3, room.head()));
    let page = newer(&room, &timeline, room.head());
    room.post(1, None);
    catch_up(&mut timeline, &room);
    timeline.append(page).unwrap();
    assert_eq!((numbers(&timeline), timeline.at_end()), (vec![1, 2, 3, 4, 5], false));
    timeline.append(newer(&room, &timeline, room.head())).unwrap();
    assert_eq!((numbers(&timeline), timeline.at_end()), (vec![1, 2, 3, 4, 5, 6], true));
}

#[test]
fn a_page_from_before_a_change_is_brought_up_to_date() {
    let mut room = room(5);
    let mut timeline = newest(&room, 2);
    let page = older(&room, &timeline, room.head());
    room.edit(seq(2));
    room.delete(seq(3));
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Unseen, Applied::Unseen]);
    timeline.prepend(page).unwrap();
    let expected = room.messages(room.head());
    assert!(timeline.messages().eq(&expected));
    assert!(!timeline.has_older());
}

#[test]
fn a_page_from_after_a_change_does_not_change_twice() {
    let mut room = room(5);
    let mut timeline = newest(&room, 2);
    room.react(seq(2), 2, "👍", true);
    room.react(seq(2), 2, "👍", false);
    timeline.prepend(older(&room, &timeline, room.head())).unwrap();
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Repeated, Applied::Repeated]);
    assert!(timeline.messages().eq(&room.messages(room.head())));
}

#[test]
fn a_change_is_not_lost_with_the_message_that_was_trimmed() {
    let mut room = room(6);
    let mut timeline = newest(&room, 6);
    let head = room.head();
    room.edit(seq(2));
    catch_up(&mut timeline, &room);
    timeline.trim(3, Keep::Newest);
    timeline.prepend(older(&room, &timeline, head)).unwrap();
    assert!(timeline.messages().eq(&room.messages(room.head())));
}

#[test]
fn a_page_that_is_too_old_is_refused() {
    let mut room = room(6);
    let mut timeline = newest(&room, 3);
    let page = older(&room, &timeline, room.head());
    (0..20).for_each(|_| room.edit(seq(1)));
    catch_up(&mut timeline, &room);
    let before = timeline.clone();
    assert_eq!(timeline.prepend(page), Err(Stale));
    assert_eq!(timeline, before);
    timeline.prepend(older(&room, &timeline, room.head())).unwrap();
    assert!(timeline.messages().eq(&room.messages(room.head())));
}

#[test]
fn a_page_of_another_life_of_the_log_is_refused() {
    let room = room(6);
    let mut timeline = newest(&room, 3);
    let page = Page { epoch: "e2".parse().unwrap(), ..older(&room, &timeline, room.head()) };
    assert_eq!(timeline.prepend(page.clone()), Err(Stale));
    assert_eq!(timeline.append(page), Err(Stale));
}

#[test]
fn a_page_that_was_asked_for_before_a_trim_would_leave_a_gap() {
    let room = room(12);
    let mut timeline = newest(&room, 6);
    let page = older(&room, &timeline, room.head());
    timeline.trim(2, Keep::Newest);
    assert_eq!(timeline.prepend(page.clone()), Err(Stale));
    timeline.prepend(older(&room, &timeline, room.head())).unwrap();
    assert_eq!(timeline.prepend(page.clone()), Err(Stale), "there is still one message between");
    timeline.prepend(older(&room, &timeline, room.head())).unwrap();
    timeline.prepend(page).unwrap();
    assert_eq!(numbers(&timeline), [4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert!(timeline.has_older());

    let mut timeline = Timeline::new(room.page(At::Before(seq(7)), 6, room.head()));
    let page = newer(&room, &timeline, room.head());
    timeline.trim(2, Keep::Oldest);
    assert_eq!(timeline.append(page), Err(Stale));
    timeline.append(newer(&room, &timeline, room.head())).unwrap();
    assert_eq!(numbers(&timeline), [1, 2, 3, 4, 5]);
}

#[test]
fn trimming_keeps_the_side_that_is_looked_at() {
    let room = room(6);
    let mut timeline = newest(&room, 6);
    timeline.trim(10, Keep::Newest);
    assert_eq!((timeline.len(), timeline.has_older(), timeline.at_end()), (6, false, true));
    timeline.trim(4, Keep::Newest);
    assert_eq!((numbers(&timeline), timeline.has_older(), timeline.at_end()), (vec![3, 4, 5, 6], true, true));
    timeline.trim(2, Keep::Oldest);
    assert_eq!((numbers(&timeline), timeline.has_older(), timeline.at_end()), (vec![3, 4], true, false));
    timeline.trim(0, Keep::Newest);
    assert_eq!(numbers(&timeline), [4]);
}

#[test]
fn quotes_follow_what_they_quote() {
    let mut room = room(2);
    room.post(1, Some(seq(1)));
    room.post(2, Some(seq(2)));
    let mut timeline = newest(&room, 2);
    assert_eq!(excerpt(&timeline, 3), Some("message 1"));
    room.edit(seq(1));
    room.delete(seq(2));
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Changed(seq(1)), Applied::Changed(seq(2))]);
    assert_eq!((excerpt(&timeline, 3), excerpt(&timeline, 4)), (Some("edited 5"), None));
    assert!(timeline.replies_to(seq(1)).eq([seq(3)]));
}

#[test]
fn a_quote_that_came_with_a_newer_page_does_not_go_back() {
    let mut room = room(1);
    room.post(1, Some(seq(1)));
    room.post(1, None);
    let mut timeline = newest(&room, 1);
    room.edit(seq(1));
    room.edit(seq(1));
    timeline.prepend(room.page(At::Before(seq(3)), 1, room.head())).unwrap();
    assert_eq!(excerpt(&timeline, 2), Some("edited 5"));
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Repeated, Applied::Repeated]);
    assert_eq!(excerpt(&timeline, 2), Some("edited 5"));
}

#[test]
fn overlapping_pages_merge() {
    let room = room(9);
    let mut timeline = Timeline::new(room.page(At::Before(seq(6)), 3, room.head()));
    let (before, after) = (older(&room, &timeline, room.head()), newer(&room, &timeline, room.head()));
    for _ in 0..2 {
        timeline.prepend(before.clone()).unwrap();
        timeline.append(after.clone()).unwrap();
    }
    assert_eq!(numbers(&timeline), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(!timeline.has_older() && !timeline.at_end());
}

/// What can happen between a room and its reader. Choices are made from numbers, since what there is to choose from
/// depends on what happened before.
#[derive(Debug, Clone)]
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
                    room.react(target, by, if party { "🎉" } else { "👍" }, on)
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
            let newest = exist.iter().copied().filter(|&seq| seq <= self.timeline.cursor().after).next_back();
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
