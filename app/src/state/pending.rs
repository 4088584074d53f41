//! This user's operations that the log does not show yet, and how they look until it does. Pure.
//!
//! An operation is echoed by folding the event that it asks for with the same code that folds the log, so the echo and
//! the outcome look alike. It is let go of only when its event has been applied, not when it is acknowledged: between
//! the two nothing flickers.

use std::sync::Arc;

use protocol::{
    Event, EventKind, Message, Op, OpId, OpKind, RoomSlug, Seq, Timestamp, api::User, event::Quote,
};

use super::rows::{Cause, Delivery, Entry, Failure};

/// An operation and how far it has come.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    op: Op,
    /// When it was asked for, by this device's clock.
    at: Timestamp,
    fate: Fate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Unanswered,
    /// It has this place in the log; its event is on its way.
    Acked(Seq),
    Failed(Cause),
}

/// All of them, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    list: Vec<Pending>,
}

impl Echoes {
    /// Adds one; an id that is there already changes nothing.
    pub(crate) fn add(&mut self, op: Op, at: Timestamp, failed: Option<Cause>) {
        if self.list.iter().all(|pending| pending.op.id != op.id) {
            let fate = failed.map_or(Fate::Unanswered, Fate::Failed);
            self.list.push(Pending { op, at, fate });
        }
    }

    /// It was acknowledged; `head` is the last event applied of its room.
    pub(crate) fn acked(&mut self, id: OpId, seq: Seq, head: Seq) {
        if seq <= head {
            self.list.retain(|pending| pending.op.id != id);
        } else if let Some(pending) = self.get_mut(id) {
            pending.fate = Fate::Acked(seq);
        }
    }

    /// It failed for good.
    pub(crate) fn failed(&mut self, id: OpId, cause: Cause) {
        if let Some(pending) = self.get_mut(id) {
            pending.fate = Fate::Failed(cause);
        }
    }

    /// It is tried again, as the last.
    pub(crate) fn retried(&mut self, id: OpId) {
        if let Some(index) = self.list.iter().position(|pending| pending.op.id == id) {
            let mut pending = self.list.remove(index);
            pending.fate = Fate::Unanswered;
            self.list.push(pending);
        }
    }

    /// It was given up, unless it is acknowledged: then there is nothing to give up.
    pub(crate) fn discarded(&mut self, id: OpId) {
        self.list.retain(|pending| pending.op.id != id || matches!(pending.fate, Fate::Acked(_)));
    }

    /// The log of `room` has been applied up to `head`.
    pub(crate) fn applied(&mut self, room: &RoomSlug, head: Seq) {
        self.list.retain(|pending| {
            pending.op.room != *room || !matches!(pending.fate, Fate::Acked(seq) if seq <= head)
        });
    }

    /// Everything of `room` that is acknowledged belongs to a log which has been replaced.
    pub(crate) fn replaced(&mut self, room: &RoomSlug) {
        self.applied(room, Seq::MAX);
    }

    /// How many are neither in the log nor failed.
    pub(crate) fn waiting(&self) -> u32 {
        let waiting = self.list.iter().filter(|pending| pending.fate == Fate::Unanswered).count();
        u32::try_from(waiting).unwrap_or(u32::MAX)
    }

    /// All that the server has not taken in.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = OpId> {
        let unsent = self.list.iter().filter(|pending| !matches!(pending.fate, Fate::Acked(_)));
        unsent.map(|pending| pending.op.id)
    }

    /// Those of one room.
    pub(crate) fn of<'a>(&'a self, room: &'a RoomSlug) -> impl Iterator<Item = &'a Pending> {
        self.list.iter().filter(move |pending| pending.op.room == *room)
    }

    /// The operation of that id.
    pub(crate) fn operation(&self, id: OpId) -> Option<Op> {
        self.list.iter().find(|pending| pending.op.id == id).map(|pending| pending.op.clone())
    }

    fn get_mut(&mut self, id: OpId) -> Option<&mut Pending> {
        self.list.iter_mut().find(|pending| pending.op.id == id)
    }
}

impl Pending {
    /// The message that it changes.
    pub(crate) fn target(&self) -> Option<Seq> {
        match self.op.kind {
            OpKind::Send { .. } => None,
            OpKind::Edit { target, .. } | OpKind::Delete { target } | OpKind::React { target, .. } => {
                Some(target)
            }
        }
    }

    /// The message that it answers, if it is a send that answers one.
    pub(crate) fn reply_to(&self) -> Option<Seq> {
        match self.op.kind {
            OpKind::Send { reply_to, .. } => reply_to,
            _ => None,
        }
    }

    /// The row of a send, `quote` being what it answers; `None` for the other kinds.
    pub(crate) fn entry(&self, me: &User, quote: Option<Quote>, online: bool) -> Option<Entry> {
        let mut event = self.event(me, Seq::ZERO);
        if let EventKind::Message { quote: slot, .. } = &mut event.kind {
            *slot = quote;
        }
        let message = Arc::new(Message::posted(&event)?);
        Some(Entry { message, mentions_me: false, delivery: self.delivery(online) })
    }

    /// Shows this change of a message in its entry.
    pub(crate) fn overlay(&self, entry: &mut Entry, me: &User, online: bool) {
        let has_failed = matches!(self.fate, Fate::Failed(_));
        // Words that failed stay in sight, to be tried again or copied; a deletion or reaction that failed does not show.
        if !has_failed || matches!(self.op.kind, OpKind::Edit { .. }) {
            let message = Arc::make_mut(&mut entry.message);
            let event = self.event(me, message.version.next());
            message.apply(&event);
            // Those of a message that was deleted meanwhile, too.
            if let OpKind::Edit { content, .. } = &self.op.kind
                && has_failed
            {
                message.content.get_or_insert_with(|| content.clone());
            }
        }
        if !matches!(entry.delivery, Delivery::Failed(_)) {
            entry.delivery = self.delivery(online);
        }
    }

    fn delivery(&self, online: bool) -> Delivery {
        match self.fate {
            Fate::Acked(_) => Delivery::Sent,
            Fate::Failed(cause) => Delivery::Failed(Failure { id: self.op.id, cause }),
            Fate::Unanswered if online => Delivery::Sending,
            Fate::Unanswered => Delivery::Waiting,
        }
    }

    /// The event that the operation asks for.
    fn event(&self, me: &User, seq: Seq) -> Event {
        let kind = match self.op.kind.clone() {
            OpKind::Send { content, reply_to } => {
                EventKind::Message { id: self.op.id, content: Some(content), reply_to, quote: None }
            }
            OpKind::Edit { target, content } => EventKind::Edited { target, content: Some(content) },
            OpKind::Delete { target } => EventKind::Deleted { target },
            OpKind::React { target, emoji, on } => EventKind::Reacted { target, emoji, on },
        };
        Event {
            room: self.op.room.clone(),
            seq,
            user_id: me.id,
            username: me.username.clone(),
            timestamp: self.at,
            kind,
        }
    }
}
