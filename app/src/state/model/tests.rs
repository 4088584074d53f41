//! What the page does with what happens to it: data in, rows out.

use protocol::{
    Emoji, Epoch, ErrorCode, Event, EventKind, OpKind, UserId,
    api::{Role, Room, Visibility},
    frame::{History, Joined, NoReplay},
    session::{Standing, Status, StopReason},
};

use super::*;
use crate::state::{Connection, Row, RowKey};

mod echoes;
mod follow;
mod paging;

const ME: u128 = 1;
const OTHER: u128 = 2;
const MINUTE_MS: u64 = 60_000;

fn user(n: u128) -> User {
    let username = if n == ME { "Ann" } else { "Bob" };
    User {
        id: UserId(uuid::Uuid::from_u128(n)),
        username: username.parse().expect("a name"),
        role: Role::Guest,
    }
}

fn op_id(n: u64) -> OpId {
    OpId(uuid::Uuid::from_u128(u128::from(n)))
}

fn seq(n: u64) -> Seq {
    Seq::new(n).expect("a position")
}

fn slug(text: &str) -> RoomSlug {
    text.parse().expect("a slug")
}

fn room(text: &str) -> Room {
    Room {
        slug: slug(text),
        name: text.parse().expect("a name"),
        topic: "".parse().expect("a topic"),
        visibility: Visibility::Public,
        invite: None,
    }
}

fn epoch() -> Epoch {
    "e1".parse().expect("an epoch")
}

fn content(text: &str) -> Content {
    text.parse().expect("a content")
}

/// The event `n` of a room, at the `n`th minute.
fn event(slug_text: &str, n: u64, author: u128, kind: EventKind) -> Event {
    let User { id, username, .. } = user(author);
    Event {
        room: slug(slug_text),
        seq: seq(n),
        user_id: id,
        username,
        timestamp: Timestamp::from_unix_ms(n * MINUTE_MS),
        kind,
    }
}

fn said(slug_text: &str, n: u64, author: u128, text: &str) -> Event {
    let kind = EventKind::Message { id: op_id(n), content: Some(content(text)), reply_to: None, quote: None };
    event(slug_text, n, author, kind)
}

/// The page of the messages `from..=to`, all of the other user's, of a room whose last event is `head`.
fn page(from: u64, to: u64, head: u64) -> Page {
    let message = |n| Message::posted(&said("general", n, OTHER, &format!("m{n}")));
    Page {
        epoch: epoch(),
        head: seq(head),
        messages: (from..=to).filter_map(message).collect(),
        has_more_before: from > 1,
        has_more_after: to < head,
    }
}

fn summary(text: &str, head: u64, read: u64, unread: u32) -> RoomSummary {
    RoomSummary { room: room(text), epoch: epoch(), head: seq(head), read: seq(read), unread, mentions: 0 }
}

/// A page that shows `page` of `general`, read up to `read`; there is `random` too, with one event, which is read.
fn model(page: Page, read: u64) -> Model {
    let head = page.head.get();
    let unread = u32::try_from(head.saturating_sub(read)).expect("few");
    let chat = ChatPage {
        me: user(ME),
        rooms: vec![summary("general", head, read, unread), summary("random", 1, 1, 0)],
        room: slug("general"),
        page,
        here: vec![user(ME)],
        here_count: 1,
    };
    let mut model = Model::new(chat, Place::Newest, Zone::Utc);
    model.handle(Change::Begun, 0);
    online(&mut model);
    model
}

fn online(model: &mut Model) {
    model.handle(Change::Session(Output::Status(Status::Online)), 0);
}

fn session(model: &mut Model, output: Output) -> Vec<Ask> {
    model.handle(Change::Session(output), 0)
}

fn happens(model: &mut Model, event: Event) -> Vec<Ask> {
    session(model, Output::Event(event))
}

fn asked(model: &mut Model, id: u64, kind: OpKind) {
    let op = Op { id: op_id(id), room: slug("general"), kind };
    model.handle(Change::Submitted { op, at: Timestamp::from_unix_ms(MINUTE_MS), failed: None }, 0);
}

fn send(model: &mut Model, id: u64, text: &str) {
    asked(model, id, OpKind::Send { content: content(text), reply_to: None });
}

/// The open room's rows in a few letters: `day`, `new`, and the messages as `text` with what there is to say of them.
fn rows(model: &mut Model) -> Vec<String> {
    let log = model.view().log;
    let row = |key: &RowKey| match log.row(key).expect("a row for each key") {
        Row::Day { .. } => "day".to_owned(),
        Row::New => "new".to_owned(),
        Row::Message(row) => {
            let mut text = row.message.content.as_ref().map_or("deleted", Content::as_str).to_owned();
            for reaction in &row.message.reactions {
                text = format!("{text} {}{}", reaction.emoji, reaction.users.len());
            }
            if row.mentions_me {
                text += " @";
            }
            match &row.delivery {
                Delivery::Sent => {}
                Delivery::Sending => text += " sending",
                Delivery::Waiting => text += " waiting",
                Delivery::Failed(_) => text += " failed",
            }
            text
        }
    };
    log.keys().iter().map(row).collect()
}

#[track_caller]
fn check(model: &mut Model, expected: &[&str]) {
    assert_eq!(rows(model), expected);
}

fn fetches(asks: &[Ask]) -> Vec<&Fetch> {
    asks.iter().filter_map(|ask| if let Ask::Fetch(fetch) = ask { Some(fetch) } else { None }).collect()
}

fn answer(model: &mut Model, fetch: &Fetch, page: Result<Page, Refusal>) -> Vec<Ask> {
    let Fetch { ticket, room, .. } = fetch.clone();
    model.handle(Change::Fetched { room, ticket, page }, 0)
}

fn unavailable() -> Refusal {
    Refusal::new(ErrorCode::Unavailable, "not now")
}
