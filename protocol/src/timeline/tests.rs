//! Folding and merging against a naive model: the whole log, folded anew for every question.

mod folding;
mod merging;
mod model;
mod random;

use crate::{
    event::{Event, EventKind, Quote},
    ids::{OpId, Seq, Timestamp, UserId},
    text::Username,
};
use uuid::Uuid;

fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}

/// Person number `n`.
fn user(n: u128) -> (UserId, Username) {
    (UserId(Uuid::from_u128(n)), format!("user{n}").parse().unwrap())
}

/// An event of person number `by`.
fn event(n: u64, by: u128, kind: EventKind) -> Event {
    let (user_id, username) = user(by);
    let timestamp = Timestamp::from_unix_ms(n * 1_000);
    Event { room: "general".parse().unwrap(), seq: seq(n), user_id, username, timestamp, kind }
}

fn message(content: &str) -> EventKind {
    answer(content, None, None)
}

fn answer(content: &str, reply_to: Option<u64>, quote: Option<Quote>) -> EventKind {
    let content = content.parse().ok();
    EventKind::Message { id: OpId(Uuid::from_u128(7)), content, reply_to: reply_to.map(seq), quote }
}

/// An edit; one without content has lost it because the message was deleted since.
fn edited(target: u64, content: &str) -> EventKind {
    EventKind::Edited { target: seq(target), content: content.parse().ok() }
}

fn deleted(target: u64) -> EventKind {
    EventKind::Deleted { target: seq(target) }
}

fn reacted(target: u64, emoji: &str, on: bool) -> EventKind {
    EventKind::Reacted { target: seq(target), emoji: emoji.parse().unwrap(), on }
}
