//! One room as the hub sees it: who listens, what is next in its log, who is here. Pure: time comes in as an argument
//! and frames leave through [`Queue`], so every interleaving can be tested.

use std::{collections::BTreeMap, mem, sync::Arc, time::Instant};

use protocol::{Event, RoomSlug, Seq, ServerFrame, api::User, frame::Typing};

use super::{
    ConnId, Present, Released, encode,
    order::Order,
    people::{People, Told},
};
use crate::websocket::{Frames, Packing};

/// Events that are sent in one piece, in bytes, but for the one that is too many.
const BATCH_MAX_BYTES: usize = 64 * 1024;

/// Where a subscriber's frames go. What does not fit closes the connection; nobody waits for it.
pub(super) trait Queue: Sized {
    /// What it takes to push to many.
    type Volley;

    /// Queues frames that must not be lost.
    fn push(&self, frames: &Frames);
    /// The same for many, each of them once.
    fn push_to_all(_volley: &mut Self::Volley, queues: &[&Self], frames: &Frames) {
        for queue in queues {
            queue.push(frames);
        }
    }
    /// Queues frames that may be lost.
    fn offer(&self, frames: &Frames);
}

/// A room that somebody listens to. One that nobody listens to does not exist here and costs nothing.
#[derive(Debug)]
pub(super) struct Room<Q> {
    slug: RoomSlug,
    order: Order,
    people: People,
    /// In the order in which they came, which is nearly that of the kernel's own memory of them (ADR 3).
    subscribers: BTreeMap<ConnId, Subscriber<Q>>,
}

#[derive(Debug)]
struct Subscriber<Q> {
    user: Arc<User>,
    queue: Q,
    packing: Packing,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Reads the log; was told who is here when it came.
    Paused { told: Arc<Told> },
    /// Gets every event after this one.
    Live { after: Seq },
}

/// Events that are next in order, as frames.
#[derive(Default)]
struct Batch {
    events: Vec<(Seq, Frames)>,
    bytes: usize,
}

impl Batch {
    /// All of it.
    fn together(&self, packing: Packing) -> Frames {
        Frames::together(packing, self.events.iter().map(|(_, frame)| frame))
    }
}

impl<Q: Queue> Room<Q> {
    /// A room without anybody.
    pub(super) fn new(slug: RoomSlug) -> Self {
        Self { slug, order: Order::default(), people: People::default(), subscribers: BTreeMap::new() }
    }

    /// Subscribes a connection, paused. A subscriber becomes paused again.
    pub(super) fn subscribe(
        &mut self,
        conn: ConnId,
        user: &Arc<User>,
        queue: Q,
        packing: Packing,
    ) -> Present {
        let state = State::Paused { told: Arc::clone(self.people.told()) };
        let subscriber = Subscriber { user: Arc::clone(user), queue, packing, state };
        if self.subscribers.insert(conn, subscriber).is_none() {
            self.people.enter(user);
        }
        self.people.present_as_told(user)
    }

    /// The subscriber has everything up to `at`. Where the room remembers the rest, it is queued and the subscriber is
    /// live; `None` if there is no such subscriber.
    pub(super) fn release(&mut self, conn: ConnId, at: Seq, now: Instant) -> Option<Released> {
        let subscriber = self.subscribers.get_mut(&conn)?;
        self.order.learn(at, now);
        let Some(rest) = self.order.since(at) else { return Some(Released::Behind) };
        if rest.len() > 0 {
            subscriber.queue.push(&Frames::together(subscriber.packing, rest));
        }
        let after = self.order.head().map_or(at, |head| head.max(at));
        if let State::Paused { told } = &subscriber.state
            && let Some(presence) = self.people.told().since(told, &self.slug)
        {
            subscriber.queue.push(&encode(&presence));
        }
        subscriber.state = State::Live { after };
        Some(Released::Live)
    }

    /// Ends a subscription.
    pub(super) fn unsubscribe(&mut self, conn: ConnId) {
        if let Some(subscriber) = self.subscribers.remove(&conn) {
            self.people.exit(subscriber.user.id);
        }
    }

    /// Whether nobody listens any more.
    pub(super) fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }

    /// Takes in events and gives every live subscriber what is next in order. Encodes each event once, and what comes
    /// together goes out together.
    pub(super) fn publish<'e>(
        &mut self,
        events: impl IntoIterator<Item = &'e Event>,
        now: Instant,
        volley: &mut Q::Volley,
    ) {
        let mut batch = Batch::default();
        for event in events {
            self.order.admit(event.seq, now, || Frames::text_by(|text| event.encode_into(text)));
            while let Some((seq, frame)) = self.order.advance(now) {
                batch.bytes += frame.len();
                batch.events.push((seq, frame));
                if batch.bytes >= BATCH_MAX_BYTES {
                    self.send(&mem::take(&mut batch), volley);
                }
            }
        }
        self.send(&batch, volley);
    }

    fn send(&self, batch: &Batch, volley: &mut Q::Volley) {
        let Some(&(first, _)) = batch.events.first() else { return };
        let (mut of_frames, mut of_lines) = (Vec::new(), Vec::new());
        for Subscriber { queue, packing, state, .. } in self.subscribers.values() {
            match state {
                State::Live { after } if *after < first => match packing {
                    Packing::Frames => of_frames.push(queue),
                    Packing::Lines => of_lines.push(queue),
                },
                State::Live { after } => {
                    let missing = batch.events.iter().filter(|(seq, _)| seq > after);
                    missing.for_each(|(_, frame)| queue.push(frame));
                }
                State::Paused { .. } => {}
            }
        }
        for (packing, readers) in [(Packing::Frames, of_frames), (Packing::Lines, of_lines)] {
            if !readers.is_empty() {
                Q::push_to_all(volley, &readers, &batch.together(packing));
            }
        }
    }

    /// Tells everybody but the one who types.
    pub(super) fn typing(&self, user: &User) {
        let (user_id, username) = (user.id, user.username.clone());
        let frame = encode(&ServerFrame::Typing(Typing { room: self.slug.clone(), user_id, username }));
        for subscriber in self.live().filter(|subscriber| subscriber.user.id != user_id) {
            subscriber.queue.offer(&frame);
        }
    }

    /// Tells who came and who left since the last time.
    pub(super) fn tell_presence(&mut self, volley: &mut Q::Volley) {
        let Some(frame) = self.people.tell(&self.slug).map(|frame| encode(&frame)) else { return };
        let readers: Vec<_> = self.live().map(|subscriber| &subscriber.queue).collect();
        Q::push_to_all(volley, &readers, &frame);
    }

    /// Whether [`Self::tell_presence`] has something to tell.
    pub(super) fn is_presence_changed(&self) -> bool {
        self.people.is_changed()
    }

    /// Who is here now.
    pub(super) fn present(&self) -> Present {
        self.people.present()
    }

    /// When [`Self::repair`] is worth asking.
    pub(super) fn repair_at(&self) -> Option<Instant> {
        self.order.repair_at()
    }

    /// The position after which the log should be read, if an event has been missing for too long.
    pub(super) fn repair(&mut self, now: Instant) -> Option<Seq> {
        self.order.repair(now)
    }

    fn live(&self) -> impl Iterator<Item = &Subscriber<Q>> {
        self.subscribers.values().filter(|subscriber| matches!(subscriber.state, State::Live { .. }))
    }
}

#[cfg(test)]
mod tests;
