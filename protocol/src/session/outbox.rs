//! The operations that are not done yet: what to send, what to send again, and what to hold back.

use std::collections::VecDeque;

use super::{ACK_TIMEOUT_MS, Delivery, Millis};
use crate::{
    frame::Refusal,
    ids::{OpId, RoomSlug},
    op::Op,
};

/// Operations in the order in which they are to be done.
#[derive(Debug)]
pub(super) struct Outbox {
    entries: VecDeque<Entry>,
    max: usize,
    max_in_flight: usize,
}

#[derive(Debug)]
struct Entry {
    op: Op,
    state: State,
    /// How often it was refused for now.
    refusals: u32,
}

#[derive(Debug)]
enum State {
    /// To be sent.
    Ready,
    /// Sent on this connection and not answered.
    Sent { at: Millis },
    /// Refused for now.
    Held { until: Millis },
    /// Refused for good.
    Failed(Refusal),
}

impl Outbox {
    pub(super) fn new(max: usize, max_in_flight: usize, ops: impl IntoIterator<Item = Op>) -> Self {
        let mut outbox = Self { entries: VecDeque::new(), max, max_in_flight: max_in_flight.max(1) };
        for op in ops {
            if !outbox.is_full() && !outbox.holds(op.id) {
                outbox.push(op);
            }
        }
        outbox
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.max
    }

    pub(super) fn holds(&self, id: OpId) -> bool {
        self.position(id).is_some()
    }

    pub(super) fn push(&mut self, op: Op) {
        self.entries.push_back(Entry { op, state: State::Ready, refusals: 0 });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Op, Delivery)> {
        self.entries.iter().map(|entry| {
            let delivery = match &entry.state {
                State::Ready | State::Held { .. } => Delivery::Waiting,
                State::Sent { .. } => Delivery::Sent,
                State::Failed(refusal) => Delivery::Failed(refusal.clone()),
            };
            (&entry.op, delivery)
        })
    }

    /// Takes an operation out: it is done, or not wanted any more.
    pub(super) fn remove(&mut self, id: OpId) -> Option<Op> {
        let index = self.position(id)?;
        self.entries.remove(index).map(|entry| entry.op)
    }

    /// Takes a failed operation out, to be done after all.
    pub(super) fn remove_failed(&mut self, id: OpId) -> Option<Op> {
        let index = self.position(id)?;
        match self.entries.get(index)?.state {
            State::Failed(_) => self.entries.remove(index).map(|entry| entry.op),
            _ => None,
        }
    }

    /// The operation was refused for good; false if it is not here or failed before.
    pub(super) fn fail(&mut self, id: OpId, refusal: Refusal) -> bool {
        match self.get_mut(id) {
            Some(entry) if !matches!(entry.state, State::Failed(_)) => {
                entry.state = State::Failed(refusal);
                true
            }
            _ => false,
        }
    }

    /// The operation was refused for now: it waits for as long as `wait` makes of the number of earlier refusals, and
    /// what follows it in its room waits too.
    pub(super) fn hold(&mut self, id: OpId, now: Millis, wait: impl FnOnce(u32) -> Millis) {
        if let Some(entry) = self.get_mut(id)
            && let State::Sent { .. } = entry.state
        {
            entry.state = State::Held { until: now + wait(entry.refusals) };
            entry.refusals = entry.refusals.saturating_add(1);
        }
    }

    /// What was on its way may be lost.
    pub(super) fn disconnected(&mut self) {
        for entry in &mut self.entries {
            if let State::Sent { .. } = entry.state {
                entry.state = State::Ready;
            }
        }
    }

    /// Calls `send` with each operation that is to be sent now, in order.
    pub(super) fn pump(&mut self, now: Millis, mut send: impl FnMut(&Op)) {
        let mut room_left =
            self.max_in_flight.saturating_sub(self.entries.iter().filter(|entry| entry.is_sent()).count());
        let mut held: Vec<RoomSlug> = Vec::new();
        for entry in &mut self.entries {
            match entry.state {
                State::Failed(_) => {}
                State::Sent { at } => {
                    if now >= at + ACK_TIMEOUT_MS {
                        entry.state = State::Sent { at: now };
                        send(&entry.op);
                    }
                }
                State::Held { until } if now < until => held.push(entry.op.room.clone()),
                State::Ready | State::Held { .. } => {
                    if room_left > 0 && !held.contains(&entry.op.room) {
                        room_left -= 1;
                        entry.state = State::Sent { at: now };
                        send(&entry.op);
                    }
                }
            }
        }
    }

    /// When [`Outbox::pump`] has something to do again, as long as no answer comes in.
    pub(super) fn wake_at(&self) -> Option<Millis> {
        let is_full = self.entries.iter().filter(|entry| entry.is_sent()).count() >= self.max_in_flight;
        let mut held: Vec<&RoomSlug> = Vec::new();
        let mut wake_at: Option<Millis> = None;
        for entry in &self.entries {
            let at = match entry.state {
                State::Sent { at } => at + ACK_TIMEOUT_MS,
                // The first of its room; the others wait for it.
                State::Held { until } if !is_full && !held.contains(&&entry.op.room) => {
                    held.push(&entry.op.room);
                    until
                }
                _ => continue,
            };
            wake_at = Some(wake_at.map_or(at, |earlier| earlier.min(at)));
        }
        wake_at
    }

    fn position(&self, id: OpId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.op.id == id)
    }

    fn get_mut(&mut self, id: OpId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.op.id == id)
    }
}

impl Entry {
    fn is_sent(&self) -> bool {
        matches!(self.state, State::Sent { .. })
    }
}
