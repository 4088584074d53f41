//! What the page does with what happens to it: data in, rows out.

use protocol::{
    Emoji, Epoch, ErrorCode, Event, EventKind, OpKind, UserId,
    api::{Role, Room, Visibility},
    frame::{History, Joined, NoReplay},
    session::{Standing, Status, StopReason},
};

use super::*;
use crate::state::{Connection, Row, RowKey};

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
    model.handle(Change::Submitted { op, at: Timestamp::from_unix_ms(MINUTE_MS), refused: None }, 0);
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

#[test]
fn a_send_keeps_its_row_from_sending_to_sent() {
    let mut model = model(page(1, 1, 1), 1);
    send(&mut model, 7, "hello");
    check(&mut model, &["day", "m1", "hello sending"]);
    let before = model.view().log.keys().to_vec();

    let mut mine = said("general", 2, ME, "hello");
    if let EventKind::Message { id, .. } = &mut mine.kind {
        *id = op_id(7);
    }
    happens(&mut model, mine);
    check(&mut model, &["day", "m1", "hello"]);
    let ack = Output::Acked {
        id: op_id(7),
        room: slug("general"),
        seq: seq(2),
        timestamp: Timestamp::from_unix_ms(0),
    };
    session(&mut model, ack);
    check(&mut model, &["day", "m1", "hello"]);
    assert_eq!(model.view().log.keys(), before);
    assert_eq!(model.view().waiting, 0);
}

#[test]
fn between_the_acknowledgement_and_the_event_nothing_flickers() {
    let mut model = model(page(1, 1, 1), 1);
    send(&mut model, 3, "first");
    let ack = Output::Acked {
        id: op_id(3),
        room: slug("general"),
        seq: seq(3),
        timestamp: Timestamp::from_unix_ms(0),
    };
    session(&mut model, ack);
    check(&mut model, &["day", "m1", "first"]);
    happens(&mut model, said("general", 2, OTHER, "before it"));
    check(&mut model, &["day", "m1", "before it", "first"]);
    happens(&mut model, said("general", 3, ME, "first"));
    check(&mut model, &["day", "m1", "before it", "first"]);
    assert!(model.operation(op_id(3)).is_none());
}

#[test]
fn what_another_tab_has_sent_stays_in_sight_until_it_comes() {
    let mut model = model(page(1, 1, 1), 1);
    send(&mut model, 2, "from here");
    send(&mut model, 3, "given up there");
    session(&mut model, Output::Status(Status::Waiting { until: 1_000, attempt: 1 }));
    model.handle(Change::AckedElsewhere { id: op_id(2), seq: seq(2) }, 0);
    session(&mut model, Output::Discarded { id: op_id(2) });
    model.handle(Change::Discarded(op_id(3)), 0);
    check(&mut model, &["day", "m1", "from here"]);
    happens(&mut model, said("general", 2, ME, "from here"));
    check(&mut model, &["day", "m1", "from here"]);
}

#[test]
fn what_waits_failed_or_is_given_up_says_so() {
    let mut model = model(page(1, 1, 1), 1);
    send(&mut model, 7, "one");
    send(&mut model, 8, "two");
    session(&mut model, Output::Status(Status::Waiting { until: 1_000, attempt: 1 }));
    check(&mut model, &["day", "m1", "one waiting", "two waiting"]);
    assert_eq!(model.view().waiting, 2);
    online(&mut model);
    session(&mut model, Output::Refused { id: op_id(7), refusal: unavailable() });
    check(&mut model, &["day", "m1", "one failed", "two sending"]);
    assert_eq!(model.view().waiting, 1);
    model.handle(Change::Retried(op_id(7)), 0);
    check(&mut model, &["day", "m1", "two sending", "one sending"]);
    session(&mut model, Output::Discarded { id: op_id(8) });
    model.handle(Change::Discarded(op_id(7)), 0);
    check(&mut model, &["day", "m1"]);
}

#[test]
fn a_failure_tells_which_operation_to_try_again() {
    let mut model = model(page(1, 1, 1), 1);
    asked(&mut model, 7, OpKind::Delete { target: seq(1) });
    session(&mut model, Output::Refused { id: op_id(7), refusal: unavailable() });
    let log = model.view().log;
    let key = RowKey::Message(user(OTHER).id, op_id(1));
    let Some(Row::Message(row)) = log.row(&key) else { panic!("no row") };
    let Delivery::Failed(refusal) = &row.delivery else { panic!("not failed") };
    assert_eq!(refusal.id, Some(op_id(7)));
}

#[test]
fn changes_show_at_once_and_a_refused_one_is_taken_back_but_for_its_words() {
    let mut model = model(page(1, 2, 2), 2);
    let emoji: Emoji = "👍".parse().expect("an emoji");
    asked(&mut model, 7, OpKind::React { target: seq(1), emoji: emoji.clone(), on: true });
    asked(&mut model, 8, OpKind::Edit { target: seq(2), content: content("better") });
    check(&mut model, &["day", "m1 👍1 sending", "better sending"]);
    session(&mut model, Output::Refused { id: op_id(7), refusal: unavailable() });
    session(&mut model, Output::Refused { id: op_id(8), refusal: unavailable() });
    check(&mut model, &["day", "m1 failed", "better failed"]);
    model.handle(Change::Discarded(op_id(7)), 0);
    model.handle(Change::Discarded(op_id(8)), 0);
    asked(&mut model, 9, OpKind::React { target: seq(1), emoji: emoji.clone(), on: true });
    let ack = Output::Acked {
        id: op_id(9),
        room: slug("general"),
        seq: seq(3),
        timestamp: Timestamp::from_unix_ms(0),
    };
    session(&mut model, ack);
    check(&mut model, &["day", "m1 👍1", "m2"]);
    happens(&mut model, event("general", 3, ME, EventKind::Reacted { target: seq(1), emoji, on: true }));
    check(&mut model, &["day", "m1 👍1", "m2"]);
    asked(&mut model, 10, OpKind::Delete { target: seq(2) });
    check(&mut model, &["day", "m1 👍1", "deleted sending"]);
}

#[test]
fn unread_messages_of_others_are_counted_until_they_are_read() {
    let mut model = model(page(1, 1, 1), 1);
    happens(&mut model, said("random", 2, OTHER, "hey @ann, look"));
    happens(&mut model, said("random", 3, OTHER, "at this"));
    happens(&mut model, said("random", 4, ME, "from my phone"));
    let entry = model.view().rooms[1].clone();
    assert_eq!((entry.unread, entry.mentions), (2, 1));
    session(&mut model, Output::Notice(protocol::ServerFrame::Read { room: slug("random"), seq: seq(2) }));
    let entry = model.view().rooms[1].clone();
    assert_eq!((entry.unread, entry.mentions), (1, 0));
}

#[test]
fn the_open_room_is_read_while_its_end_is_in_sight() {
    let mut model = model(page(1, 5, 5), 3);
    assert_eq!(model.view().open.unread, 2);
    let read = |n| Ask::Session(Input::Read { room: slug("general"), seq: seq(n) });
    assert_eq!(model.handle(Change::Scrolled { at_bottom: true }, 0), [read(5)]);
    assert_eq!(model.view().open.unread, 0);
    assert_eq!(happens(&mut model, said("general", 6, OTHER, "seen")), [read(6)]);
    model.handle(Change::Visible(false), 0);
    assert_eq!(happens(&mut model, said("general", 7, OTHER, "not seen")), []);
    assert_eq!((model.view().open.unread, model.view().unseen), (1, 1));
    assert_eq!(model.handle(Change::Visible(true), 0), [read(7)]);
    model.handle(Change::Scrolled { at_bottom: false }, 0);
    assert_eq!(happens(&mut model, said("general", 8, OTHER, "below")), []);
    assert_eq!((model.view().open.unread, model.view().unseen), (1, 1));
}

#[test]
fn the_news_begin_where_the_reader_stopped_and_stay_marked_until_they_leave() {
    let mut model = model(page(1, 3, 3), 2);
    check(&mut model, &["day", "m1", "m2", "new", "m3"]);
    model.handle(Change::Scrolled { at_bottom: true }, 0);
    happens(&mut model, said("general", 4, OTHER, "m4"));
    check(&mut model, &["day", "m1", "m2", "new", "m3", "m4"]);
    model.handle(Change::Visible(false), 0);
    check(&mut model, &["day", "m1", "m2", "m3", "m4"]);
    happens(&mut model, said("general", 5, OTHER, "m5"));
    model.handle(Change::Visible(true), 0);
    check(&mut model, &["day", "m1", "m2", "m3", "m4", "new", "m5"]);
}

#[test]
fn a_room_that_was_open_is_back_at_once_with_what_happened_meanwhile() {
    let mut model = model(page(1, 2, 2), 2);
    let asks = model.handle(Change::Opened { slug: slug("random"), place: Place::Newest }, 0);
    let fetch = fetches(&asks)[0].clone();
    assert_eq!((fetch.room.as_str(), fetch.place), ("random", Place::Newest));
    check(&mut model, &[]);
    assert!(model.view().edges.loading_newer);
    happens(&mut model, said("general", 3, OTHER, "m3"));
    let asks = model.handle(Change::Opened { slug: slug("general"), place: Place::Newest }, 0);
    assert!(fetches(&asks).is_empty());
    check(&mut model, &["day", "m1", "m2", "new", "m3"]);
}

#[test]
fn events_that_come_while_a_window_is_fetched_are_not_lost() {
    let mut model = model(page(1, 1, 1), 1);
    let asks = model.handle(Change::Opened { slug: slug("random"), place: Place::Newest }, 0);
    let fetch = fetches(&asks)[0].clone();
    happens(&mut model, said("random", 2, OTHER, "in the page too"));
    happens(&mut model, said("random", 3, OTHER, "only here"));
    let messages = [said("random", 1, OTHER, "first"), said("random", 2, OTHER, "in the page too")];
    let page = Page {
        epoch: epoch(),
        head: seq(2),
        messages: messages.iter().filter_map(Message::posted).collect(),
        has_more_before: false,
        has_more_after: false,
    };
    answer(&mut model, &fetch, Ok(page));
    let texts: Vec<String> =
        rows(&mut model).into_iter().filter(|row| row != "day" && row != "new").collect();
    assert_eq!(texts, ["first", "in the page too", "only here"]);
}

#[test]
fn older_messages_come_page_by_page_and_the_window_stays_bounded() {
    let mut model = model(page(951, 1_000, 1_000), 1_000);
    model.handle(Change::Scrolled { at_bottom: false }, 0);
    for oldest in (1..951).rev().step_by(50) {
        let asks = model.handle(Change::OlderWanted, 0);
        let fetch = fetches(&asks)[0].clone();
        assert_eq!(fetch.place, Place::Before(seq(oldest + 1)));
        assert!(fetches(&model.handle(Change::OlderWanted, 0)).is_empty(), "one at a time");
        answer(&mut model, &fetch, Ok(Page { has_more_after: true, ..page(oldest - 49, oldest, 1_000) }));
        assert!(model.view().log.keys().len() <= WINDOW_MAX_MESSAGES + 2);
    }
    let edges = model.view().edges;
    assert!(!edges.has_older && edges.has_newer);
    assert!(fetches(&model.handle(Change::OlderWanted, 0)).is_empty());
    // Back down again.
    let asks = model.handle(Change::NewerWanted, 0);
    assert_eq!(fetches(&asks)[0].place, Place::After(seq(200)));
}

#[test]
fn new_messages_neither_pull_the_ground_away_nor_grow_the_document() {
    let mut model = model(page(1, 200, 200), 200);
    model.handle(Change::Scrolled { at_bottom: false }, 0);
    for n in 201..=1_000 {
        happens(&mut model, said("general", n, OTHER, &format!("m{n}")));
    }
    let rows = rows(&mut model);
    assert_eq!((rows[1].as_str(), rows[200].as_str(), rows.len()), ("m1", "m200", 201));
    assert!(model.view().edges.has_newer);
    assert_eq!(model.view().unseen, 800);
}

#[test]
fn a_page_that_could_not_be_had_is_asked_for_again() {
    let mut model = model(page(51, 60, 60), 60);
    let asks = model.handle(Change::OlderWanted, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Err(unavailable()));
    assert!(model.view().edges.failed && !model.view().edges.loading_older);
    let asks = model.handle(Change::OlderWanted, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(1, 50, 60)));
    assert!(!model.view().edges.failed);
    assert_eq!(model.view().log.keys().len(), 61);

    let asks = model.handle(Change::Opened { slug: slug("random"), place: Place::Newest }, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Err(unavailable()));
    assert!(model.view().edges.failed);
    assert_eq!(fetches(&model.handle(Change::NewestWanted, 0)).len(), 1);
    assert!(!model.view().edges.failed);
}

#[test]
fn a_permalink_shows_its_message_and_the_way_back_to_the_newest() {
    let mut model = model(page(951, 1_000, 1_000), 1_000);
    let window = model.view().window;
    let asks = model.handle(Change::Opened { slug: slug("general"), place: Place::Around(seq(500)) }, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(475, 524, 1_000)));
    let view = model.view();
    assert_eq!((view.target, view.window), (Some(seq(500)), window + 1));
    assert!(view.edges.has_newer && view.edges.has_older);
    happens(&mut model, said("general", 1_001, OTHER, "m1001"));
    assert_eq!(model.view().unseen, 1);
    let asks = model.handle(Change::NewestWanted, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(952, 1_001, 1_001)));
    assert_eq!(model.view().target, None);
    assert!(!model.view().edges.has_newer);
}

#[test]
fn a_snapshot_replaces_what_was_held() {
    let mut model = model(page(1, 2, 2), 2);
    send(&mut model, 9, "still mine");
    let Page { messages, .. } = page(90, 95, 95);
    let joined = Joined {
        room: room("general"),
        epoch: "e2".parse().expect("an epoch"),
        head: seq(95),
        resumed: false,
        history: History::Snapshot { reason: NoReplay::EpochChanged, messages, has_more: true },
        read: seq(93),
        here: vec![user(ME), user(OTHER)],
        here_count: 2,
    };
    session(&mut model, Output::Snapshot { room: slug("general"), joined: Box::new(joined) });
    check(&mut model, &["day", "m90", "m91", "m92", "m93", "new", "m94", "m95", "still mine sending"]);
    assert_eq!((model.view().open.unread, model.view().here.count), (2, 2));
}

#[test]
fn an_unknown_room_is_joined_and_learned_from_the_answer() {
    let mut model = model(page(1, 1, 1), 1);
    let asks = model.handle(Change::Opened { slug: slug("hidden"), place: Place::Newest }, 0);
    assert_eq!(asks, [Ask::Session(Input::Join { room: slug("hidden"), cursor: None })]);
    let Page { messages, .. } = page(1, 2, 2);
    let joined = Joined {
        room: Room { name: "Hidden place".parse().expect("a name"), ..room("hidden") },
        epoch: epoch(),
        head: seq(2),
        resumed: false,
        history: History::Snapshot { reason: NoReplay::NoCursor, messages, has_more: false },
        read: seq(0),
        here: Vec::new(),
        here_count: 1,
    };
    session(&mut model, Output::Snapshot { room: slug("hidden"), joined: Box::new(joined) });
    assert_eq!(model.view().open.room.name.as_str(), "Hidden place");
    check(&mut model, &["day", "new", "m1", "m2"]);
}

#[test]
fn a_new_room_joins_the_list_and_is_followed() {
    let mut model = model(page(1, 1, 1), 1);
    let frame = protocol::ServerFrame::Room { room: room("alpha"), epoch: epoch(), head: seq(0) };
    let asks = session(&mut model, Output::Notice(frame.clone()));
    assert!(
        matches!(&asks[..], [Ask::Session(Input::Join { room, cursor: Some(_) })] if room.as_str() == "alpha")
    );
    let names: Vec<String> = model.view().rooms.iter().map(|entry| entry.room.name.to_string()).collect();
    assert_eq!(names, ["alpha", "general", "random"]);
    assert_eq!(model.view().open.room.slug, slug("general"));
    assert_eq!(session(&mut model, Output::Notice(frame)), []);
}

#[test]
fn people_come_go_and_write() {
    let mut model = model(page(1, 1, 1), 1);
    let came = protocol::ServerFrame::Presence {
        room: slug("general"),
        here: vec![user(OTHER)],
        gone: vec![],
        count: 2,
    };
    session(&mut model, Output::Notice(came));
    assert_eq!(model.view().here, Present { users: vec![user(ME), user(OTHER)], count: 2 });
    let typing = |n| {
        let User { id, username, .. } = user(n);
        Change::Session(Output::Notice(protocol::ServerFrame::Typing {
            room: slug("general"),
            user_id: id,
            username,
        }))
    };
    model.handle(typing(OTHER), 1_000);
    model.handle(typing(ME), 1_000);
    assert_eq!(model.view().typing, [user(OTHER).username]);
    let due = model.wake_at().expect("a time");
    model.handle(Change::Tick, due);
    assert!(model.view().typing.is_empty());
    assert_eq!(model.wake_at(), None);
    model.handle(typing(OTHER), due);
    happens(&mut model, said("general", 2, OTHER, "done"));
    assert!(model.view().typing.is_empty());
}

#[test]
fn new_messages_of_others_are_announced_once() {
    let mut model = model(page(1, 1, 1), 1);
    assert_eq!(model.view().announcement, None);
    for n in 2..=6 {
        happens(&mut model, said("general", n, OTHER, &format!("*m{n}*")));
    }
    happens(&mut model, said("general", 7, ME, "mine"));
    assert_eq!(model.view().announcement.as_deref(), Some("Bob: m4\nBob: m5\nBob: m6"));
    assert_eq!(model.view().announcement, None);
}

#[test]
fn the_way_to_the_server_has_names() {
    let mut model = model(page(1, 1, 1), 1);
    assert_eq!(model.view().connection, Connection::Online);
    session(&mut model, Output::Status(Status::Waiting { until: 1, attempt: 1 }));
    assert_eq!(model.view().connection, Connection::Reconnecting);
    model.handle(Change::Network(false), 0);
    assert_eq!(model.view().connection, Connection::Offline);
    session(&mut model, Output::Status(Status::Stopped(StopReason::SignedOut)));
    assert_eq!(model.view().connection, Connection::SignedOut);
}

#[test]
fn resuming_tells_who_is_there_and_what_was_read_elsewhere() {
    let mut model = model(page(1, 3, 3), 1);
    let standing = Standing {
        room: room("general"),
        head: seq(3),
        read: seq(3),
        here: vec![user(OTHER)],
        here_count: 1,
    };
    session(&mut model, Output::Resumed { room: slug("general"), standing: Box::new(standing) });
    assert_eq!((model.view().open.unread, model.view().here.count), (0, 1));
}

#[test]
fn my_last_message_is_the_newest_of_mine_that_is_not_deleted() {
    let mut model = model(page(1, 1, 1), 1);
    assert!(model.my_last_message().is_none());
    happens(&mut model, said("general", 2, ME, "mine"));
    happens(&mut model, said("general", 3, ME, "oops"));
    happens(&mut model, event("general", 4, ME, EventKind::Deleted { target: seq(3) }));
    happens(&mut model, said("general", 5, OTHER, "theirs"));
    assert_eq!(model.my_last_message().and_then(|message| message.content), Some(content("mine")));
}

#[test]
fn few_rooms_are_kept() {
    let mut model = model(page(1, 1, 1), 1);
    for n in 0..20 {
        let name = format!("r{n}");
        model.handle(Change::RoomMade(summary(&name, 1, 1, 0)), 0);
        let asks = model.handle(Change::Opened { slug: slug(&name), place: Place::Newest }, 0);
        answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(1, 1, 1)));
    }
    let kept = model.rooms.iter().filter(|room| room.timeline.is_some()).count();
    assert!(kept <= 7, "{kept} rooms are kept");
}
