//! A message and how events change it.

use serde::{Deserialize, Serialize};

use crate::{
    event::{Event, EventKind, Quote},
    ids::{Cursor, Epoch, OpId, Seq, Timestamp, UserId},
    shared::Shared,
    text::{Content, Emoji, Username},
};

/// A message as it stands after every event up to some position of its room's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its own event's number.
    pub seq: Seq,
    /// The last event that was folded in; its own at first.
    pub version: Seq,
    /// The id its author's client gave it.
    pub id: OpId,
    /// Its author.
    pub user_id: UserId,
    /// Their name.
    pub username: Username,
    /// What it says now; `null` once it is deleted.
    pub content: Option<Content>,
    /// When the server took it in.
    pub timestamp: Timestamp,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// The message it answers.
    #[serde(default)]
    pub reply_to: Option<Seq>,
    /// What that message is now. A deleted message quotes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The emoji on it, in the order in which they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
}

/// One emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Which.
    pub emoji: Emoji,
    /// Who put it there, in the order in which they did; never empty.
    pub users: Vec<Reactor>,
}

/// One who reacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reactor {
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub username: Username,
}

/// Neighbouring messages of a room, oldest first, as they stood when `head` was its last event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The life of the log.
    pub epoch: Epoch,
    /// The last event folded in.
    pub head: Seq,
    /// The messages.
    pub messages: Shared<Message>,
    /// Whether there are older messages.
    pub has_more_before: bool,
    /// Whether there are newer messages.
    pub has_more_after: bool,
}

impl Page {
    /// Where to resume from to miss nothing after this page.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch.clone(), after: self.head }
    }
}

impl Message {
    /// The message that a `message` event brings; `None` for the other kinds.
    ///
    /// Where the event comes without content, the message was deleted since and is made as what it will be: the events
    /// up to its deletion change nothing but its version.
    pub fn posted(event: &Event) -> Option<Self> {
        let EventKind::Message { id, content, reply_to, quote } = &event.kind else {
            return None;
        };
        Some(Self {
            seq: event.seq,
            version: event.seq,
            id: *id,
            user_id: event.user_id,
            username: event.username.clone(),
            content: content.clone(),
            timestamp: event.timestamp,
            edited_at: None,
            reply_to: *reply_to,
            quote: if content.is_some() { quote.clone() } else { None },
            reactions: Vec::new(),
        })
    }

    /// Folds in what happened to this message. Answers whether the event was one for it and newer than what was folded
    /// in before, so that `version` rose.
    ///
    /// The order of events is the order of calls: an event that is not newer than `version` is left out. A deleted
    /// message stays deleted, and an edit without content (its words are gone because the message was deleted since)
    /// deletes it early: whoever folds on to the deletion arrives at the same message as those who saw every word.
    pub fn apply(&mut self, event: &Event) -> bool {
        if event.kind.target() != Some(self.seq) || event.seq <= self.version {
            return false;
        }
        self.version = event.seq;
        if self.content.is_none() {
            return true;
        }
        match &event.kind {
            EventKind::Message { .. } => {}
            EventKind::Edited { content: Some(content), .. } => {
                self.content = Some(content.clone());
                self.edited_at = Some(event.timestamp);
            }
            EventKind::Edited { content: None, .. } | EventKind::Deleted { .. } => self.clear(),
            EventKind::Reacted { emoji, on: true, .. } => self.add_reaction(emoji, event),
            EventKind::Reacted { emoji, on: false, .. } => self.remove_reaction(emoji, event.user_id),
        }
        true
    }

    /// Leaves of a deleted message only that it was there, whose it was and what it answered.
    fn clear(&mut self) {
        self.content = None;
        self.edited_at = None;
        self.quote = None;
        self.reactions.clear();
    }

    fn add_reaction(&mut self, emoji: &Emoji, event: &Event) {
        let reactor = Reactor { user_id: event.user_id, username: event.username.clone() };
        match self.reactions.iter_mut().find(|reaction| reaction.emoji == *emoji) {
            Some(reaction) if reaction.users.iter().any(|user| user.user_id == event.user_id) => {}
            Some(reaction) => reaction.users.push(reactor),
            None => self.reactions.push(Reaction { emoji: emoji.clone(), users: vec![reactor] }),
        }
    }

    fn remove_reaction(&mut self, emoji: &Emoji, user: UserId) {
        for reaction in self.reactions.iter_mut().filter(|reaction| reaction.emoji == *emoji) {
            reaction.users.retain(|reactor| reactor.user_id != user);
        }
        self.reactions.retain(|reaction| !reaction.users.is_empty());
    }
}
