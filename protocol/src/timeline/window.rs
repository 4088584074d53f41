//! The window of a room's messages that a reader holds, and how events and pages move it.

use std::collections::VecDeque;

use super::{
    message::{Message, Page},
    recent::Recent,
};
use crate::{
    event::{Event, EventKind},
    ids::{Cursor, Seq},
    text::Content,
};

/// How many numbers of trimmed messages are remembered at each edge, in messages. They prove that a page joins on.
const TRIMMED_MAX_SEQS: usize = 1_000;

/// The part of a room's messages that a reader holds: neighbours without a gap, oldest first, with the position up to
/// which events are applied.
///
/// What is held equals what the server would show, whether it came as events or as pages, and whether a page was read
/// from the log before or after the last event that was applied here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    cursor: Cursor,
    held: VecDeque<Held>,
    has_older: bool,
    at_end: bool,
    /// The newest message known to exist, held or not.
    newest_known: Seq,
    /// Changes that a page may have been fetched too early to show. Those of held messages too: a message may be
    /// trimmed away and come back with a page that is older than its last change.
    recent: Recent,
    /// The numbers of messages that were held before the window's first, and after its last; nearest first.
    trimmed_before: VecDeque<Seq>,
    trimmed_after: VecDeque<Seq>,
}

/// A message in the window.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    message: Message,
    /// The last event that its quote shows: a message's version says nothing about the message that it quotes.
    quoted_at: Seq,
}

/// What an event did to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It added a message at the end.
    Appended,
    /// It changed this message, or quotes of it, or both.
    Changed(Seq),
    /// It concerns a message outside the window.
    Unseen,
    /// It changed nothing: it was applied before, or came with a page.
    Repeated,
}

/// Which end of the window [`Timeline::trim`] keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The newest messages.
    Newest,
    /// The oldest messages.
    Oldest,
}

/// A page that cannot be merged. The window is as it was; fetching from its edge again helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this page is too old or does not join on; fetch it again from the edge of what is held")]
pub struct Stale;

impl Timeline {
    /// Begins with a page.
    pub fn new(page: Page) -> Self {
        let newest_known = page.messages.last().map_or(Seq::ZERO, |message| message.seq);
        Self {
            cursor: page.cursor(),
            has_older: page.has_more_before,
            at_end: !page.has_more_after,
            newest_known,
            recent: Recent::new(page.head),
            held: page
                .messages
                .into_vec()
                .into_iter()
                .map(|message| Held { message, quoted_at: page.head })
                .collect(),
            trimmed_before: VecDeque::new(),
            trimmed_after: VecDeque::new(),
        }
    }

    /// Up to where events are applied: what to resume from.
    pub fn cursor(&self) -> Cursor {
        self.cursor.clone()
    }

    /// The messages, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> + ExactSizeIterator {
        self.held.iter().map(|held| &held.message)
    }

    /// The message of this number, if it is held.
    pub fn get(&self, seq: Seq) -> Option<&Message> {
        self.position(seq).map(|index| &self.held[index].message)
    }

    /// How many messages are held.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The first message held.
    pub fn oldest(&self) -> Option<Seq> {
        self.held.front().map(|held| held.message.seq)
    }

    /// The last message held.
    pub fn newest(&self) -> Option<Seq> {
        self.held.back().map(|held| held.message.seq)
    }

    /// Whether the room has messages before the window.
    pub const fn has_older(&self) -> bool {
        self.has_older
    }

    /// Whether the window reaches the room's newest message. Only then do new messages enter it as they come.
    pub const fn at_end(&self) -> bool {
        self.at_end
    }

    /// The held messages that answer `seq`, whose quotes change when it does.
    pub fn replies_to(&self, seq: Seq) -> impl Iterator<Item = Seq> {
        self.messages().filter(move |message| message.reply_to == Some(seq)).map(|message| message.seq)
    }

    /// Applies the next event of the log. Events come in order and without a hole, as [`crate::session`] hands them
    /// out; one that was applied before does nothing.
    pub fn apply(&mut self, event: &Event) -> Applied {
        if event.seq <= self.cursor.after {
            return Applied::Repeated;
        }
        self.cursor.after = event.seq;
        match Message::posted(event) {
            Some(message) => self.push(message),
            None => self.change(event),
        }
    }

    fn push(&mut self, message: Message) -> Applied {
        self.newest_known = self.newest_known.max(message.seq);
        if self.get(message.seq).is_some() {
            return Applied::Repeated;
        }
        if !self.at_end || self.newest().is_some_and(|newest| message.seq < newest) {
            return Applied::Unseen;
        }
        let quoted_at = message.seq;
        self.held.push_back(Held { message, quoted_at });
        Applied::Appended
    }

    fn change(&mut self, event: &Event) -> Applied {
        let Some(target) = event.kind.target() else {
            return Applied::Unseen;
        };
        self.recent.push(event.clone());
        let mut seen = false;
        let mut changed = false;
        for held in &mut self.held {
            seen |= held.message.seq == target || held.message.reply_to == Some(target);
            changed |= held.apply(event);
        }
        match (seen, changed) {
            (_, true) => Applied::Changed(target),
            (true, false) => Applied::Repeated,
            (false, false) => Applied::Unseen,
        }
    }

    /// Adds the page of messages before the first one held, as fetched from [`Self::oldest`].
    ///
    /// # Errors
    /// [`Stale`] if the page is of another life of the log, too old to be brought up to date, or leaves a gap.
    pub fn prepend(&mut self, page: Page) -> Result<(), Stale> {
        let Some(oldest) = self.oldest() else {
            return self.append(page);
        };
        check_joins(&page, &self.trimmed_before)?;
        let has_more_before = page.has_more_before;
        let reaches_back = page.messages.first().is_none_or(|first| first.seq < oldest);
        let older = self.bring_up_to_date(page, |seq| seq < oldest)?;
        if reaches_back {
            self.has_older = has_more_before;
        }
        for held in older.into_iter().rev() {
            self.trimmed_before.pop_front_if(|trimmed| *trimmed >= held.message.seq);
            self.held.push_front(held);
        }
        Ok(())
    }

    /// Adds the page of messages after the last one held, as fetched from [`Self::newest`].
    ///
    /// # Errors
    /// [`Stale`] if the page is of another life of the log, too old to be brought up to date, or leaves a gap.
    pub fn append(&mut self, page: Page) -> Result<(), Stale> {
        check_joins(&page, &self.trimmed_after)?;
        let newest = self.newest();
        let (head, has_more_before, has_more_after) = (page.head, page.has_more_before, page.has_more_after);
        let newer = self.bring_up_to_date(page, |seq| newest.is_none_or(|newest| seq > newest))?;
        if newest.is_none() {
            self.has_older = has_more_before;
        }
        for held in newer {
            self.newest_known = self.newest_known.max(held.message.seq);
            self.trimmed_after.pop_front_if(|trimmed| *trimmed <= held.message.seq);
            self.held.push_back(held);
        }
        // A page that was read before the last message that is known of cannot say where the end is.
        self.at_end |= !has_more_after && head >= self.newest_known;
        Ok(())
    }

    /// Lets go of all but `max` messages (at least one stays), so that a window does not grow for ever.
    pub fn trim(&mut self, max: usize, keep: Keep) {
        while self.held.len() > max.max(1) {
            let (gone, trimmed) = match keep {
                Keep::Newest => (self.held.pop_front(), &mut self.trimmed_before),
                Keep::Oldest => (self.held.pop_back(), &mut self.trimmed_after),
            };
            if let Some(gone) = gone {
                trimmed.push_front(gone.message.seq);
                trimmed.truncate(TRIMMED_MAX_SEQS);
            }
            match keep {
                Keep::Newest => self.has_older = true,
                Keep::Oldest => self.at_end = false,
            }
        }
    }

    /// The wanted messages of a page as they stand at the cursor, or at the page's head where that is later.
    fn bring_up_to_date(&self, page: Page, wanted: impl Fn(Seq) -> bool) -> Result<Vec<Held>, Stale> {
        if page.epoch != self.cursor.epoch {
            return Err(Stale);
        }
        let mut messages: Vec<Held> = page
            .messages
            .into_vec()
            .into_iter()
            .filter(|message| wanted(message.seq))
            .map(|message| Held { message, quoted_at: page.head })
            .collect();
        for event in self.recent.since(page.head).ok_or(Stale)? {
            for held in &mut messages {
                held.apply(event);
            }
        }
        Ok(messages)
    }

    fn position(&self, seq: Seq) -> Option<usize> {
        self.held.binary_search_by_key(&seq, |held| held.message.seq).ok()
    }
}

/// Whether a page continues the window at an edge. Messages are never taken out of a room, so a page that was fetched
/// from this edge begins with the message that was trimmed off last; one that was fetched before the trimming does not.
fn check_joins(page: &Page, trimmed: &VecDeque<Seq>) -> Result<(), Stale> {
    match trimmed.front() {
        Some(next) if page.messages.iter().all(|message| message.seq != *next) => Err(Stale),
        _ => Ok(()),
    }
}

impl Held {
    /// Folds in an event, if it concerns this message or the one it quotes. Answers whether it changed anything.
    fn apply(&mut self, event: &Event) -> bool {
        let quote_changed = event.kind.target() == self.message.reply_to && self.apply_to_quote(event);
        self.message.apply(event) || quote_changed
    }

    fn apply_to_quote(&mut self, event: &Event) -> bool {
        let Some(quote) = &mut self.message.quote else {
            return false;
        };
        if event.seq <= self.quoted_at || quote.excerpt.is_none() {
            return false;
        }
        let excerpt = match &event.kind {
            EventKind::Edited { content, .. } => content.as_ref().map(Content::excerpt),
            EventKind::Deleted { .. } => None,
            EventKind::Message { .. } | EventKind::Reacted { .. } => return false,
        };
        self.quoted_at = event.seq;
        quote.excerpt = excerpt;
        true
    }
}
