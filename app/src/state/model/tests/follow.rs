//! What others do, and what of it is new.

use super::*;
use protocol::frame::{Presence, Read, RoomChanged, Typing};

#[test]
fn unread_messages_of_others_are_counted_until_they_are_read() {
    let mut model = model(page(1, 1, 1), 1);
    happens(&mut model, said("random", 2, OTHER, "hey @ann, look"));
    happens(&mut model, said("random", 3, OTHER, "at this"));
    happens(&mut model, said("random", 4, ME, "from my phone"));
    let entry = model.view().rooms[1].clone();
    assert_eq!((entry.unread, entry.mentions), (2, 1));
    session(
        &mut model,
        Output::Notice(protocol::ServerFrame::Read(Read { room: slug("random"), seq: seq(2) })),
    );
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
        here: vec![user(ME), user(OTHER)].into(),
        here_count: 2,
    };
    session(&mut model, Output::Snapshot { room: slug("general"), joined: Box::new(joined) });
    check(&mut model, &["day", "m90", "m91", "m92", "m93", "new", "m94", "m95", "still mine sending"]);
    assert_eq!((model.view().open.unread, model.view().here.count), (2, 2));
}

#[test]
fn a_new_room_joins_the_list_and_is_followed() {
    let mut model = model(page(1, 1, 1), 1);
    let frame =
        protocol::ServerFrame::Room(RoomChanged { room: room("alpha"), epoch: epoch(), head: seq(0) });
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
    let came = protocol::ServerFrame::Presence(Presence {
        room: slug("general"),
        here: vec![user(OTHER)],
        gone: vec![],
        count: 2,
    });
    session(&mut model, Output::Notice(came));
    assert_eq!(model.view().here, Present { users: vec![user(ME), user(OTHER)], count: 2 });
    let typing = |n| {
        let User { id, username, .. } = user(n);
        Change::Session(Output::Notice(protocol::ServerFrame::Typing(Typing {
            room: slug("general"),
            user_id: id,
            username,
        })))
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
    model.handle(Change::Network(false), 0);
    assert_eq!(model.view().connection, Connection::Offline, "though the socket has not noticed");
    model.handle(Change::Network(true), 0);
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
        here: vec![user(ME), user(OTHER)],
        here_count: 2,
    };
    session(&mut model, Output::Resumed { room: slug("general"), standing: Box::new(standing) });
    assert_eq!((model.view().open.unread, model.view().here.count), (0, 2));
}

#[test]
fn people_stand_in_the_order_of_their_names_with_the_reader_first() {
    let named = |n: u128, name: &str| User {
        id: UserId(uuid::Uuid::from_u128(n)),
        username: name.parse().expect("a name"),
        role: Role::Guest,
    };
    let order = |here: &Present| here.users.iter().map(|user| user.username.to_string()).collect::<Vec<_>>();
    let mut here = Present::of(vec![named(9, "zoe"), named(8, "Bea")], 2, &user(ME));
    assert_eq!((order(&here), here.count), (vec!["Ann".into(), "Bea".into(), "zoe".into()], 3));
    here.change(vec![user(ME), named(7, "cleo")], &[named(9, "zoe").id], 3, &user(ME));
    assert_eq!((order(&here), here.count), (vec!["Ann".into(), "Bea".into(), "cleo".into()], 3));
}

#[test]
fn a_long_wait_for_the_next_attempt_is_counted_down_by_the_second() {
    let mut model = model(page(1, 1, 1), 1);
    let waiting = |until| Output::Status(Status::Waiting { until, attempt: 1 });
    model.handle(Change::Session(waiting(3_000)), 0);
    assert_eq!((model.view().next_try_s, model.wake_at()), (0, None), "too short to be read");
    model.handle(Change::Session(waiting(12_500)), 1_000);
    assert_eq!(model.view().next_try_s, 12);
    for seconds in (0..12).rev() {
        let due = model.wake_at().expect("a time");
        assert_eq!(due, 12_500 - u64::from(seconds) * 1_000);
        model.handle(Change::Tick, due);
        assert_eq!(model.view().next_try_s, seconds);
    }
    assert_eq!(model.wake_at(), None);
    assert_eq!(model.handle(Change::Hurried, 12_500), [Ask::Session(Input::Online)]);
    model.handle(Change::Session(waiting(30_000)), 12_500);
    session(&mut model, Output::Status(Status::Connecting));
    assert_eq!(model.view().next_try_s, 0);
}
