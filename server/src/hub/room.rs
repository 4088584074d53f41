//! One room as the hub sees it: who listens, what is next in its log, who is here. Pure: time comes in as an argument
//! and frames leave through [`Queue`], so every interleaving can be tested.

use std::{collections::HashMap, sync::Arc, time::Instant};

use axum::extract::ws::Utf8Bytes;
use protocol::{Event, RoomSlug, Seq, ServerFrame, api::User};

use super::{
    ConnId, Present, Released,
    order::Order,
    people::{People, Told},
};

/// Where a subscriber's frames go. What does not fit closes the connection; nobody waits for it.
pub(super) trait Queue {
    /// Queues a frame that must not be lost.
    fn push(&self, frame: Utf8Bytes);
    /// Queues a frame that may be lost.
    fn offer(&self, frame: Utf8Bytes);
}

/// A room that somebody listens to. One that nobody listens to does not exist here and costs nothing.
#[derive(Debug)]
pub(super) struct Room<Q> {
    slug: RoomSlug,
    order: Order,
    people: People,
    subscribers: HashMap<ConnId, Subscriber<Q>>,
}

#[derive(Debug)]
struct Subscriber<Q> {
    user: Arc<User>,
    queue: Q,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Reads the log; was told who is here when it came.
    Paused { told: Arc<Told> },
    /// Gets every event after this one.
    Live { after: Seq },
}

impl<Q: Queue> Room<Q> {
    /// A room without anybody.
    pub(super) fn new(slug: RoomSlug) -> Self {
        Self { slug, order: Order::default(), people: People::default(), subscribers: HashMap::new() }
    }

    /// Subscribes a connection, paused. A subscriber becomes paused again.
    pub(super) fn subscribe(&mut self, conn: ConnId, user: &Arc<User>, queue: Q) -> Present {
        let state = State::Paused { told: Arc::clone(self.people.told()) };
        let subscriber = Subscriber { user: Arc::clone(user), queue, state };
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
        for frame in rest {
            subscriber.queue.push(frame.clone());
        }
        let after = self.order.head().map_or(at, |head| head.max(at));
        if let State::Paused { told } = &subscriber.state
            && let Some(presence) = self.people.told().since(told, &self.slug)
        {
            subscriber.queue.push(encode(&presence));
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

    /// Takes in an event and gives every live subscriber what is next in order. Encodes it once.
    pub(super) fn publish(&mut self, event: &Event, now: Instant) {
        let encode = || encode(&ServerFrame::Event(event.clone()));
        self.order.admit(event.seq, now, encode);
        while let Some((seq, frame)) = self.order.advance(now) {
            for subscriber in self.subscribers.values() {
                if matches!(subscriber.state, State::Live { after } if seq > after) {
                    subscriber.queue.push(frame.clone());
                }
            }
        }
    }

    /// Tells everybody but the one who types.
    pub(super) fn typing(&self, user: &User) {
        let (user_id, username) = (user.id, user.username.clone());
        let frame = encode(&ServerFrame::Typing { room: self.slug.clone(), user_id, username });
        for subscriber in self.live().filter(|subscriber| subscriber.user.id != user_id) {
            subscriber.queue.offer(frame.clone());
        }
    }

    /// Tells who came and who left since the last time.
    pub(super) fn tell_presence(&mut self) {
        let Some(frame) = self.people.tell(&self.slug).map(|frame| encode(&frame)) else { return };
        for subscriber in self.live() {
            subscriber.queue.push(frame.clone());
        }
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

/// A frame as it goes to every reader of it.
pub(super) fn encode(frame: &ServerFrame) -> Utf8Bytes {
    Utf8Bytes::from(frame.encode())
}

#[cfg(test)]
mod tests;
