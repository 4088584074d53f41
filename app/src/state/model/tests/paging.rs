//! Which part of which room is shown.

use protocol::{
    frame::{Left, RoomChanged},
    limits::JOINED_MAX_ROOMS,
};

use super::*;
use crate::state::Existence;

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
fn older_messages_take_nothing_from_whoever_is_back_at_the_newest() {
    let mut model = model(page(801, 1_000, 1_000), 1_000);
    model.handle(Change::Scrolled { at_bottom: false }, 0);
    let asks = model.handle(Change::OlderWanted, 0);
    let fetch = fetches(&asks)[0].clone();
    model.handle(Change::Scrolled { at_bottom: true }, 0);
    answer(&mut model, &fetch, Ok(Page { has_more_after: true, ..page(751, 800, 1_000) }));
    let edges = model.view().edges;
    assert!(edges.has_older && !edges.has_newer);
    assert_eq!(rows(&mut model).last().unwrap(), "m1000");
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
    let edges = model.view().edges;
    assert!(edges.failed_older && !edges.failed_newer && !edges.loading_older);
    let asks = model.handle(Change::OlderWanted, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(1, 50, 60)));
    assert!(!model.view().edges.failed_older);
    assert_eq!(model.view().log.keys().len(), 61);

    let asks = model.handle(Change::Opened { slug: slug("random"), place: Place::Newest }, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Err(unavailable()));
    assert!(model.view().edges.failed_older, "there is only that end");
    assert_eq!(fetches(&model.handle(Change::NewestWanted, 0)).len(), 1);
    assert!(!model.view().edges.failed_older);
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
    assert!(asks.contains(&Ask::Readdress(slug("general"))), "a reload leads to the newest, too");
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(952, 1_001, 1_001)));
    assert_eq!(model.view().target, None);
    assert!(!model.view().edges.has_newer);
}

#[test]
fn each_end_tells_of_what_could_not_be_had_there() {
    let mut model = model(page(951, 1_000, 1_000), 1_000);
    let failed = |model: &mut Model| (model.view().edges.failed_older, model.view().edges.failed_newer);
    let around = Place::Around(seq(500));
    let asks = model.handle(Change::Opened { slug: slug("general"), place: around }, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Err(unavailable()));
    assert_eq!(failed(&mut model), (true, false), "there is nothing newer");
    model.handle(Change::NewestWanted, 0);
    assert_eq!(failed(&mut model), (false, false), "nobody wants it any more");
    let asks = model.handle(Change::Opened { slug: slug("general"), place: around }, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Err(unavailable()));
    let asks = model.handle(Change::OlderWanted, 0);
    assert_eq!(fetches(&asks)[0].place, around);
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(475, 524, 1_000)));
    assert_eq!(failed(&mut model), (false, false));

    let older = model.handle(Change::OlderWanted, 0);
    let newer = model.handle(Change::NewerWanted, 0);
    answer(&mut model, &fetches(&older)[0].clone(), Err(unavailable()));
    assert_eq!(failed(&mut model), (true, false));
    answer(&mut model, &fetches(&newer)[0].clone(), Err(unavailable()));
    assert_eq!(failed(&mut model), (true, true), "neither makes the other be tried again by itself");
    let newest = model.handle(Change::NewestWanted, 0);
    answer(&mut model, &fetches(&newest)[0].clone(), Err(unavailable()));
    assert_eq!(failed(&mut model), (false, true));
    let older = model.handle(Change::OlderWanted, 0);
    answer(&mut model, &fetches(&older)[0].clone(), Ok(page(425, 474, 1_000)));
    assert_eq!(failed(&mut model), (false, true), "the newest are still not there");
    assert_eq!(fetches(&model.handle(Change::NewerWanted, 0))[0].place, Place::Newest);
}

/// The room general around its message 500, of 1,000.
fn in_the_past() -> Model {
    let mut model = model(page(951, 1_000, 1_000), 1_000);
    let asks = model.handle(Change::Opened { slug: slug("general"), place: Place::Around(seq(500)) }, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(475, 524, 1_000)));
    model
}

#[test]
fn while_another_window_is_on_its_way_nothing_is_added_to_this_one() {
    let mut model = in_the_past();
    let newest = model.handle(Change::NewestWanted, 0);
    assert!(fetches(&model.handle(Change::OlderWanted, 0)).is_empty());
    assert!(fetches(&model.handle(Change::NewerWanted, 0)).is_empty());
    assert!(fetches(&model.handle(Change::NewestWanted, 0)).is_empty(), "they are on their way");
    answer(&mut model, &fetches(&newest)[0].clone(), Ok(page(951, 1_000, 1_000)));
    assert!(rows(&mut model).contains(&"m1000".to_owned()));
    assert_eq!(fetches(&model.handle(Change::OlderWanted, 0))[0].place, Place::Before(seq(951)));
}

#[test]
fn what_was_on_its_way_for_somebody_who_has_gone_elsewhere_is_not_shown() {
    let open = |room, place| Change::Opened { slug: slug(room), place };
    let back = || open("general", Place::Newest);
    for way_on in [vec![back()], vec![Change::NewestWanted], vec![open("random", Place::Newest), back()]] {
        let mut model = model(page(951, 1_000, 1_000), 1_000);
        let past = model.handle(open("general", Place::Around(seq(500))), 0);
        for change in way_on {
            model.handle(change, 0);
        }
        let shown = rows(&mut model);
        answer(&mut model, &fetches(&past)[0].clone(), Ok(page(475, 524, 1_000)));
        assert_eq!(rows(&mut model), shown);
    }
}

#[test]
fn newest_messages_that_could_not_be_had_are_asked_for_again() {
    let mut model = model(page(951, 1_000, 1_000), 1_000);
    let asks = model.handle(Change::Opened { slug: slug("general"), place: Place::Around(seq(500)) }, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(475, 524, 1_000)));
    let fail = |model: &mut Model, asks: Vec<Ask>| {
        assert_eq!(fetches(&asks)[0].place, Place::Newest);
        answer(model, &fetches(&asks)[0].clone(), Err(unavailable()));
        let edges = model.view().edges;
        assert!(edges.failed_newer && !edges.failed_older);
    };
    let asks = model.handle(Change::NewestWanted, 0);
    fail(&mut model, asks);
    let asks = model.handle(Change::NewerWanted, 0);
    fail(&mut model, asks);
    // Whoever has something to read is left there.
    let room = model.view().open.room;
    let standing = Standing { room, head: seq(1_000), read: seq(1_000), here: vec![user(ME)], here_count: 1 };
    let resumed = Output::Resumed { room: slug("general"), standing: Box::new(standing) };
    assert!(fetches(&model.handle(Change::Session(resumed), 0)).is_empty());
}

#[test]
fn a_room_that_could_not_be_had_is_asked_for_with_the_next_connection() {
    let mut model = model(page(951, 1_000, 1_000), 1_000);
    let asks = model.handle(Change::Opened { slug: slug("random"), place: Place::Newest }, 0);
    answer(&mut model, &fetches(&asks)[0].clone(), Err(unavailable()));
    let room = model.view().open.room;
    let standing = Standing { room, head: seq(9), read: seq(9), here: vec![user(ME)], here_count: 1 };
    let resumed = Output::Resumed { room: slug("random"), standing: Box::new(standing) };
    assert_eq!(fetches(&model.handle(Change::Session(resumed), 0))[0].place, Place::Newest);
}

#[test]
fn a_permalink_to_a_message_that_is_not_there_says_so_and_shows_the_newest() {
    let mut model = model(page(951, 1_000, 1_000), 1_000);
    let asks = model.handle(Change::Opened { slug: slug("general"), place: Place::Around(seq(500)) }, 0);
    let mut without_500 = page(475, 524, 1_000);
    without_500.messages =
        without_500.messages.iter().filter(|message| message.seq != seq(500)).cloned().collect();
    let asks = answer(&mut model, &fetches(&asks)[0].clone(), Ok(without_500));
    let view = model.view();
    assert_eq!((view.target, view.is_target_missing), (None, true));
    assert_eq!(asks[0], Ask::Readdress(slug("general")));
    assert_eq!(fetches(&asks)[0].place, Place::Newest);
    let asks = answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(951, 1_000, 1_000)));
    assert!(fetches(&asks).is_empty());
    assert!(model.view().is_target_missing && !model.view().edges.has_newer);
    model.handle(Change::Opened { slug: slug("general"), place: Place::Newest }, 0);
    assert!(!model.view().is_target_missing);
}

#[test]
fn a_page_that_was_served_for_a_missing_message_says_so() {
    let served = |target| {
        let chat = ChatPage {
            me: user(ME),
            rooms: vec![summary("general", 3, 3, 0)],
            room: slug("general"),
            page: page(1, 3, 3),
            here: Vec::new(),
            here_count: 0,
        };
        let mut model = Model::new(chat, Place::Around(seq(target)), Zone::Utc);
        let is_readdressed = model.handle(Change::Begun, 0).contains(&Ask::Readdress(slug("general")));
        let view = model.view();
        (view.target, view.is_target_missing, is_readdressed)
    };
    assert_eq!(served(3), (Some(seq(3)), false, false));
    assert_eq!(served(4), (None, true, true));
}

#[test]
fn the_newest_are_shown_anew_to_whoever_opens_the_room_again() {
    let mut model = model(page(951, 1_000, 1_000), 1_000);
    let open = |model: &mut Model, place| model.handle(Change::Opened { slug: slug("general"), place }, 0);
    let asks = open(&mut model, Place::Around(seq(500)));
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(475, 524, 1_000)));
    let window = model.view().window;
    let asks = open(&mut model, Place::Newest);
    assert!(fetches(&open(&mut model, Place::Newest)).is_empty(), "it is on its way already");
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(951, 1_000, 1_000)));
    let view = model.view();
    assert_eq!((view.target, view.window), (None, window + 1));
    open(&mut model, Place::Newest);
    assert_eq!(model.view().window, window + 2, "they are held, and shown from their end");
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
        here: Vec::new().into(),
        here_count: 1,
    };
    session(&mut model, Output::Snapshot { room: slug("hidden"), joined: Box::new(joined) });
    assert_eq!(model.view().open.room.name.as_str(), "Hidden place");
    check(&mut model, &["day", "new", "m1", "m2"]);
}

/// The rooms of the list, and how the open one stands.
fn listed(model: &mut Model) -> (Vec<String>, Existence) {
    let view = model.view();
    let slugs = view.rooms.iter().map(|entry| entry.room.slug.to_string());
    (slugs.collect(), view.open.existence)
}

fn both(existence: Existence) -> (Vec<String>, Existence) {
    (vec!["general".into(), "random".into()], existence)
}

fn refused_join(room: &str, code: ErrorCode) -> Output {
    Output::JoinRefused { room: slug(room), refusal: Refusal::new(code, "no") }
}

#[test]
fn a_room_that_is_not_there_says_so_and_is_in_no_list() {
    let mut model = model(page(1, 1, 1), 1);
    let open =
        |model: &mut Model, room| model.handle(Change::Opened { slug: slug(room), place: Place::Newest }, 0);
    open(&mut model, "nowhere");
    assert_eq!(listed(&mut model), both(Existence::Unknown));
    assert!(model.view().edges.loading_newer, "nobody says yet that nothing was said there");
    session(&mut model, refused_join("nowhere", ErrorCode::RoomNotFound));
    assert_eq!(listed(&mut model), both(Existence::Missing));
    let edges = model.view().edges;
    assert!(!edges.loading_newer && !edges.failed_older && !edges.has_older, "{edges:?}");
    // Following the link again asks again.
    let join = Ask::Session(Input::Join { room: slug("nowhere"), cursor: None });
    assert_eq!(open(&mut model, "nowhere"), [join]);
    assert_eq!(listed(&mut model), both(Existence::Unknown));
    let asks = open(&mut model, "general");
    assert_eq!(asks, [Ask::Session(Input::Leave { room: slug("nowhere") })]);
    assert_eq!((listed(&mut model), model.rooms.len()), (both(Existence::There), 2));
    check(&mut model, &["day", "m1"]);
}

#[test]
fn a_room_that_could_not_be_joined_for_now_stays_in_the_list() {
    let mut model = model(page(1, 1, 1), 1);
    for room in ["general", "random"] {
        session(&mut model, refused_join(room, ErrorCode::LimitReached));
    }
    assert_eq!(listed(&mut model), both(Existence::There));
    check(&mut model, &["day", "m1"]);
}

#[test]
fn an_open_room_that_is_taken_away_keeps_only_ones_own_unsent_words_in_sight() {
    let mut model = model(page(1, 2, 2), 1);
    send(&mut model, 9, "not lost");
    let window = model.view().window;
    session(&mut model, refused_join("general", ErrorCode::Forbidden));
    session(
        &mut model,
        Output::Refused { id: op_id(9), refusal: Refusal::new(ErrorCode::RoomNotFound, "no") },
    );
    assert_eq!(listed(&mut model), (vec!["random".into()], Existence::Missing));
    assert_eq!((model.view().window, model.view().here.count), (window + 1, 0));
    check(&mut model, &["day", "not lost failed"]);
    // What was said at the last moment, and was in the log, is gone with it.
    send(&mut model, 8, "just in time");
    let acked = Output::Acked {
        id: op_id(8),
        room: slug("general"),
        seq: seq(3),
        timestamp: Timestamp::from_unix_ms(0),
    };
    session(&mut model, acked);
    check(&mut model, &["day", "not lost failed"]);
    // Gone from elsewhere too, also by the server's word on the socket.
    let left = protocol::ServerFrame::Left(Left { room: slug("random") });
    session(&mut model, Output::Notice(left));
    assert!(listed(&mut model).0.is_empty());
}

#[test]
fn a_page_that_is_refused_tells_that_its_room_is_gone() {
    let mut model = model(page(1, 1, 1), 1);
    let asks = model.handle(Change::Opened { slug: slug("random"), place: Place::Newest }, 0);
    let fetch = fetches(&asks)[0].clone();
    let gone = || Err(Refusal::new(ErrorCode::RoomNotFound, "no"));
    let asks = answer(&mut model, &fetch, gone());
    assert_eq!(asks, [Ask::Session(Input::Leave { room: slug("random") })]);
    assert_eq!(listed(&mut model), (vec!["general".into()], Existence::Missing));
    assert_eq!(answer(&mut model, &fetch, gone()), [], "it is not awaited any more");
}

#[test]
fn a_room_that_is_made_while_somebody_waits_at_its_address_lets_them_in() {
    let mut model = model(page(1, 1, 1), 1);
    model.handle(Change::Opened { slug: slug("soon"), place: Place::Newest }, 0);
    session(&mut model, refused_join("soon", ErrorCode::RoomNotFound));
    let made = protocol::ServerFrame::Room(RoomChanged { room: room("soon"), epoch: epoch(), head: seq(1) });
    let asks = session(&mut model, Output::Notice(made));
    assert_eq!(asks, [Ask::Session(Input::Join { room: slug("soon"), cursor: None })]);
    let Page { messages, .. } = page(1, 1, 1);
    let joined = Joined {
        room: room("soon"),
        epoch: epoch(),
        head: seq(1),
        resumed: false,
        history: History::Snapshot { reason: NoReplay::NoCursor, messages, has_more: false },
        read: seq(1),
        here: Vec::new().into(),
        here_count: 1,
    };
    session(&mut model, Output::Snapshot { room: slug("soon"), joined: Box::new(joined) });
    assert_eq!(model.view().open.existence, Existence::There);
    assert_eq!(model.view().rooms.len(), 3);
    check(&mut model, &["day", "m1"]);
}

#[test]
fn a_room_that_is_made_while_somebody_waits_for_it_stays_in_the_list_when_they_do_not_wait_on() {
    for is_refused_first in [true, false] {
        let mut model = model(page(1, 1, 1), 1);
        model.handle(Change::Opened { slug: slug("soon"), place: Place::Newest }, 0);
        if is_refused_first {
            session(&mut model, refused_join("soon", ErrorCode::RoomNotFound));
        }
        let made =
            protocol::ServerFrame::Room(RoomChanged { room: room("soon"), epoch: epoch(), head: seq(1) });
        session(&mut model, Output::Notice(made));
        assert!(model.view().edges.loading_newer, "its page is on its way");
        model.handle(Change::Opened { slug: slug("general"), place: Place::Newest }, 0);
        assert_eq!(model.view().rooms.len(), 3);
        assert!(model.is_following(&slug("soon")));
    }
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

#[test]
fn a_connection_follows_only_so_many_rooms_and_always_the_open_one() {
    let mut model = model(page(1, 1, 1), 1);
    let (mut joined, mut left) = (2, 0);
    let mut count = |asks: Vec<Ask>| {
        for ask in asks {
            match ask {
                Ask::Session(Input::Join { .. }) => joined += 1,
                Ask::Session(Input::Leave { room }) => {
                    assert_ne!(room.as_str(), "general");
                    left += 1;
                }
                _ => {}
            }
        }
        assert!(joined - left <= JOINED_MAX_ROOMS);
    };
    for n in 0..JOINED_MAX_ROOMS {
        count(model.handle(Change::RoomMade(summary(&format!("r{n}"), 1, 1, 0)), 0));
    }
    let given_up = model.rooms.iter().find(|room| !room.followed).map(|room| room.slug().clone());
    let slug = given_up.expect("more rooms than may be followed");
    count(model.handle(Change::Opened { slug, place: Place::Newest }, 0));
    assert!(model.room().followed);
    // What is not followed is in the list all the same; the answer to leaving it changes nothing.
    let given_up: Vec<_> = model.rooms.iter().filter(|room| !room.followed).collect();
    assert!(!given_up.is_empty());
    let rooms = model.rooms.len();
    for slug in given_up.into_iter().map(|room| room.slug().clone()).collect::<Vec<_>>() {
        session(&mut model, Output::Notice(protocol::ServerFrame::Left(Left { room: slug })));
    }
    assert_eq!(model.view().rooms.len(), rooms);
}
