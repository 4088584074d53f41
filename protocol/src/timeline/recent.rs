//! The last changes, kept so that a page which was read from the database before them can be brought up to date.

use std::collections::VecDeque;

use crate::{event::Event, ids::Seq};

/// How many changes are kept, in events. A page is seldom more than a second old; a room sees seldom more than a few
/// changes a second. Tests keep few, to see what happens when there are more.
const RECENT_MAX_EVENTS: usize = if cfg!(test) { 6 } else { 256 };

/// Every change (edit, deletion, reaction) after a position, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recent {
    after: Seq,
    events: VecDeque<Event>,
}

impl Recent {
    /// No change yet after `after`.
    pub(super) const fn new(after: Seq) -> Self {
        Self { after, events: VecDeque::new() }
    }

    /// Keeps one more, and forgets the oldest if there are too many.
    pub(super) fn push(&mut self, event: Event) {
        self.events.push_back(event);
        if self.events.len() > RECENT_MAX_EVENTS
            && let Some(forgotten) = self.events.pop_front()
        {
            self.after = forgotten.seq;
        }
    }

    /// All changes after `head`; `None` if some of them are forgotten.
    pub(super) fn since(&self, head: Seq) -> Option<impl Iterator<Item = &Event>> {
        (head >= self.after).then(|| self.events.iter().filter(move |event| event.seq > head))
    }
}
