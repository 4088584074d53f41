//! One room's stream: events in order by number, the newest of them remembered as ready frames, early ones held back,
//! and the wish for a repair where one stays away.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use protocol::Seq;

use crate::websocket::Frames;

/// How much of a room's newest events is remembered for readers who are about to be live, in bytes.
pub(super) const RING_MAX_BYTES: usize = 64 * 1024;
/// How much is held back because an event before it is missing, in bytes. What comes then is read from the log again.
const EARLY_MAX_BYTES: usize = 256 * 1024;
/// How long a missing event may be on its way before the log is asked for it.
pub(super) const REPAIR_AFTER: Duration = Duration::from_millis(50);
/// How long an asked-for repair may take before it is asked for again.
pub(super) const REPAIR_RETRY: Duration = Duration::from_secs(1);

/// The stream of one room. It begins to know where it stands with the first event or the first live reader.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The last event that came in order; none while nothing is known.
    head: Option<Seq>,
    /// The frames of the events up to `head`, without a hole.
    ring: VecDeque<Frames>,
    ring_bytes: usize,
    /// Frames of events after a missing one.
    early: BTreeMap<Seq, Frames>,
    early_bytes: usize,
    /// The last event that is known to exist.
    known: Seq,
    /// When to ask (again) for a repair; none while nothing is missing.
    repair_at: Option<Instant>,
}

impl Order {
    /// Takes in one event; one that was here before, or is too early to be held back, goes.
    pub(super) fn admit(&mut self, seq: Seq, now: Instant, encode: impl FnOnce() -> Frames) {
        self.known = self.known.max(seq);
        let head =
            *self.head.get_or_insert_with(|| Seq::new(seq.get().saturating_sub(1)).unwrap_or_default());
        let is_new = seq > head && !self.early.contains_key(&seq);
        let fits = seq == head.next() || self.early_bytes < EARLY_MAX_BYTES;
        if is_new && fits {
            let frame = encode();
            self.early_bytes += frame.len();
            self.early.insert(seq, frame);
        }
        self.note_gap(now);
    }

    /// The next event in order, if it is here; it is remembered. Ask until there is none.
    pub(super) fn advance(&mut self, now: Instant) -> Option<(Seq, Frames)> {
        let next = self.head?.next();
        let frame = self.early.remove(&next)?;
        self.early_bytes -= frame.len();
        self.head = Some(next);
        self.remember(frame.clone());
        // Progress: whatever is still missing gets its time again.
        self.repair_at = None;
        self.note_gap(now);
        Some((next, frame))
    }

    /// A reader has the log up to `at`: if the log is ahead of this stream, the events between are on their way or
    /// lost.
    pub(super) fn learn(&mut self, at: Seq, now: Instant) {
        self.head.get_or_insert(at);
        self.known = self.known.max(at);
        self.note_gap(now);
    }

    /// The frames after `at`, if they are all remembered.
    pub(super) fn since(&self, at: Seq) -> Option<impl ExactSizeIterator<Item = &Frames> + Clone> {
        let missed = self.head.map_or(0, |head| head.get().saturating_sub(at.get()));
        let missed = usize::try_from(missed).ok().filter(|&missed| missed <= self.ring.len())?;
        Some(self.ring.range(self.ring.len() - missed..))
    }

    /// The last event that came in order.
    pub(super) fn head(&self) -> Option<Seq> {
        self.head
    }

    /// When [`Self::repair`] is worth asking.
    pub(super) fn repair_at(&self) -> Option<Instant> {
        self.repair_at
    }

    /// The position after which the log should be read, if an event has been missing for too long.
    pub(super) fn repair(&mut self, now: Instant) -> Option<Seq> {
        self.repair_at.filter(|&at| at <= now)?;
        self.repair_at = Some(now + REPAIR_RETRY);
        self.head
    }

    fn note_gap(&mut self, now: Instant) {
        let is_missing =
            self.head.is_some_and(|head| self.known > head && !self.early.contains_key(&head.next()));
        if !is_missing {
            self.repair_at = None;
        } else if self.repair_at.is_none() {
            self.repair_at = Some(now + REPAIR_AFTER);
        }
    }

    fn remember(&mut self, frame: Frames) {
        self.ring_bytes += frame.len();
        self.ring.push_back(frame);
        while self.ring_bytes > RING_MAX_BYTES {
            let Some(oldest) = self.ring.pop_front() else { break };
            self.ring_bytes -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a frame whose payload is between 126 bytes and 64 KiB.
    const HEADER_BYTES: usize = 4;

    fn seq(n: u64) -> Seq {
        Seq::new(n).unwrap()
    }

    /// Admits the events and answers what came out in order.
    fn feed(order: &mut Order, events: &[u64], now: Instant) -> Vec<u64> {
        let mut out = Vec::new();
        for &n in events {
            order.admit(seq(n), now, || Frames::text(&n.to_string()));
            while let Some((seq, frame)) = order.advance(now) {
                assert_eq!(frame, Frames::text(&seq.to_string()));
                out.push(seq.get());
            }
        }
        out
    }

    #[test]
    fn early_events_wait_and_repeats_are_dropped() {
        let (mut order, now) = (Order::default(), Instant::now());
        assert_eq!(feed(&mut order, &[5, 7, 8, 5, 7], now), [5]);
        assert_eq!(feed(&mut order, &[6], now), [6, 7, 8]);
        assert_eq!(order.repair_at(), None);
    }

    #[test]
    fn a_missing_event_is_asked_for_after_a_while_and_then_again() {
        let (mut order, now) = (Order::default(), Instant::now());
        feed(&mut order, &[1, 3], now);
        assert_eq!(order.repair(now), None);
        let due = now + REPAIR_AFTER;
        assert_eq!(order.repair(due), Some(seq(1)));
        assert_eq!(order.repair(due), None);
        assert_eq!(order.repair(due + REPAIR_RETRY), Some(seq(1)));
        assert_eq!(feed(&mut order, &[2, 3], due), [2, 3]);
        assert_eq!(order.repair_at(), None);
    }

    #[test]
    fn what_a_reader_knows_of_the_log_is_asked_for_too() {
        let (mut order, now) = (Order::default(), Instant::now());
        feed(&mut order, &[1], now);
        order.learn(seq(3), now);
        assert_eq!(order.repair(now + REPAIR_AFTER), Some(seq(1)));
    }

    #[test]
    fn the_newest_are_remembered_within_the_bound() {
        let (mut order, now) = (Order::default(), Instant::now());
        assert!(order.since(seq(9)).is_some(), "nothing is known, so nothing is missed");
        let kilobyte = Frames::text(&"x".repeat(1024 - HEADER_BYTES));
        for n in 1..=100 {
            order.admit(seq(n), now, || kilobyte.clone());
            assert!(order.advance(now).is_some());
        }
        assert_eq!(order.since(seq(100)).unwrap().count(), 0);
        assert_eq!(order.since(seq(120)).unwrap().count(), 0);
        assert_eq!(order.since(seq(36)).unwrap().count(), 64);
        assert!(order.since(seq(35)).is_none());
    }

    #[test]
    fn too_many_early_events_are_left_to_the_log() {
        let (mut order, now) = (Order::default(), Instant::now());
        feed(&mut order, &[1], now);
        let frame = Frames::text(&"x".repeat(1024 - HEADER_BYTES));
        for n in 3..1000 {
            order.admit(seq(n), now, || frame.clone());
        }
        assert_eq!(order.early_bytes, EARLY_MAX_BYTES);
        assert!(order.advance(now).is_none());
        order.admit(seq(2), now, || frame.clone());
        assert_eq!(std::iter::from_fn(|| order.advance(now)).count(), 1 + EARLY_MAX_BYTES / 1024);
        assert_eq!(order.early_bytes, 0);
        assert!(order.repair_at().is_some());
    }
}
