//! A room as the server has it, in the plainest form: a log, from which everything is made anew each time.

use super::{answer, deleted, edited, event, reacted, seq};
use crate::{Content, Event, EventKind, Message, Seq, Timeline, event::Quote, timeline::Page};

/// The log, each event with all its words.
#[derive(Debug, Default)]
pub(super) struct Room {
    log: Vec<Event>,
}

/// Where a page is cut.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    Newest,
    Before(Seq),
    After(Seq),
}

impl Room {
    pub(super) fn head(&self) -> Seq {
        seq(self.log.len() as u64)
    }

    fn append(&mut self, by: u128, kind: EventKind) {
        self.log.push(event(self.head().get() + 1, by, kind));
    }

    pub(super) fn post(&mut self, by: u128, reply_to: Option<Seq>) {
        let head = self.head();
        let quoted = reply_to.and_then(|target| self.message(target, head));
        let reply_to = quoted.as_ref().map(|quoted| quoted.seq.get());
        let words = format!("message {}", head.get() + 1);
        self.append(by, answer(&words, reply_to, quoted.map(|quoted| quote(&quoted))));
    }

    pub(super) fn edit(&mut self, target: Seq) {
        let words = format!("edited {}", self.head().get() + 1);
        self.append(1, edited(target.get(), &words));
    }

    pub(super) fn delete(&mut self, target: Seq) {
        self.append(1, deleted(target.get()));
    }

    pub(super) fn react(&mut self, target: Seq, by: u128, emoji: &str, on: bool) {
        self.append(by, reacted(target.get(), emoji, on));
    }

    /// The event after `after` as it was published when it happened.
    pub(super) fn live(&self, after: Seq) -> Option<Event> {
        self.log.get(usize::try_from(after.get()).unwrap()).cloned()
    }

    /// The event after `after` as it is replayed now: words of messages that are deleted by now are gone, and quotes are
    /// of now.
    pub(super) fn replayed(&self, after: Seq) -> Option<Event> {
        let mut event = self.live(after)?;
        let now = |seq| self.message(seq, self.head()).unwrap();
        match &mut event.kind {
            EventKind::Message { content, reply_to, quote: quoted, .. } => {
                if now(event.seq).content.is_none() {
                    *content = None;
                }
                *quoted = reply_to.map(|target| quote(&now(target)));
            }
            EventKind::Edited { target, content } if now(*target).content.is_none() => *content = None,
            _ => {}
        }
        Some(event)
    }

    /// All messages as of `head`, by folding and looking up quotes.
    pub(super) fn messages(&self, head: Seq) -> Vec<Message> {
        let mut messages: Vec<Message> = Vec::new();
        for event in self.log.iter().take_while(|event| event.seq <= head) {
            for message in &mut messages {
                message.apply(event);
            }
            messages.extend(Message::posted(event));
        }
        let quotes: Vec<Option<Quote>> = messages
            .iter()
            .map(|message| {
                let target = messages.iter().find(|target| Some(target.seq) == message.reply_to)?;
                message.content.as_ref().map(|_| quote(target))
            })
            .collect();
        for (message, quote) in messages.iter_mut().zip(quotes) {
            message.quote = quote;
        }
        messages
    }

    pub(super) fn message(&self, seq: Seq, head: Seq) -> Option<Message> {
        self.messages(head).into_iter().find(|message| message.seq == seq)
    }

    pub(super) fn page(&self, at: At, limit: usize, head: Seq) -> Page {
        let all = self.messages(head);
        let index_of = |bound: Seq| all.partition_point(|message| message.seq < bound);
        let (from, to) = match at {
            At::Newest => (all.len().saturating_sub(limit), all.len()),
            At::Before(bound) => (index_of(bound).saturating_sub(limit), index_of(bound)),
            At::After(bound) => (index_of(bound.next()), all.len().min(index_of(bound.next()) + limit)),
        };
        Page {
            epoch: "e1".parse().unwrap(),
            head,
            messages: all[from..to].to_vec().into(),
            has_more_before: from > 0,
            has_more_after: to < all.len(),
        }
    }
}

fn quote(message: &Message) -> Quote {
    Quote {
        user_id: message.user_id,
        username: message.username.clone(),
        excerpt: message.content.as_ref().map(Content::excerpt),
    }
}

/// A room of `count` messages, by three people in turn.
pub(super) fn room(count: u128) -> Room {
    let mut room = Room::default();
    (0..count).for_each(|n| room.post(n % 3, None));
    room
}

pub(super) fn newest(room: &Room, limit: usize) -> Timeline {
    Timeline::new(room.page(At::Newest, limit, room.head()))
}

pub(super) fn older(room: &Room, timeline: &Timeline, head: Seq) -> Page {
    room.page(At::Before(timeline.oldest().unwrap()), 3, head)
}

pub(super) fn newer(room: &Room, timeline: &Timeline, head: Seq) -> Page {
    room.page(At::After(timeline.newest().unwrap()), 3, head)
}
