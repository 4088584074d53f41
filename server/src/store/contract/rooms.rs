//! Rooms, members, and what is new in them.

use protocol::{
    Op, Seq,
    api::{RoomSummary, UNREAD_MAX, User, Visibility},
};

use super::{Bench, NOW, delete, edit, new_id, new_room, react, send, seq};
use crate::store::{CreateError, RoomRecord};

async fn summary(bench: &Bench, user: &User) -> RoomSummary {
    let rooms = bench.store.rooms_of(user, 100).await.unwrap();
    rooms.into_iter().find(|summary| summary.room.slug == bench.slug()).expect("a public room is listed")
}

async fn new_for(bench: &Bench, user: &User) -> (u32, u32) {
    let summary = summary(bench, user).await;
    (summary.unread, summary.mentions)
}

async fn listed(bench: &Bench, user: &User, limit: u32) -> Vec<String> {
    let rooms = bench.store.rooms_of(user, limit).await.unwrap();
    rooms.iter().map(|summary| summary.room.slug.to_string()).collect()
}

pub(crate) async fn a_room_is_found_by_address_and_by_invitation(bench: Bench) {
    let wanted = new_room("设计-plan", Visibility::Private, Some(&bench.alice));
    let made = bench.store.create_room(wanted.clone(), NOW).await.unwrap();
    assert_eq!(
        (&made.room.slug, &made.room.name, &made.room.topic),
        (&wanted.slug, &wanted.name, &wanted.topic)
    );
    assert_eq!((made.room.visibility, &made.room.invite), (Visibility::Private, &None));
    assert_eq!((&made.invite, &made.epoch, made.head), (&wanted.invite, &wanted.epoch, Seq::ZERO));
    let found = bench.store.room(&wanted.slug, bench.alice.id).await.unwrap().unwrap();
    assert_eq!((&found.record, found.is_member, found.read), (&made, true, Seq::ZERO));
    assert_eq!(bench.store.room_by_invite("invite-设计-plan").await.unwrap().as_ref(), Some(&made));
    assert_eq!(bench.store.room_by_invite("").await.unwrap(), None);
    assert_eq!(bench.store.room(&"nowhere".parse().unwrap(), bench.alice.id).await.unwrap(), None);
    assert_eq!(bench.store.room_count().await.unwrap(), 2);
}

pub(crate) async fn an_address_is_taken_once(bench: Bench) {
    let room = || bench.store.create_room(new_room("plan", Visibility::Public, None), NOW);
    let (first, second) = tokio::join!(room(), room());
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    assert!(matches!(first.and(second), Err(CreateError::Taken)));
    let by_nobody = new_room("ghost", Visibility::Public, Some(&super::session_of("Ghost").user));
    assert!(matches!(bench.store.create_room(by_nobody, NOW).await, Err(CreateError::Store(_))));
    assert_eq!(bench.store.room_count().await.unwrap(), 2);
}

pub(crate) async fn private_rooms_are_listed_for_members_only(bench: Bench) {
    let room = new_room("secret", Visibility::Private, Some(&bench.alice));
    let room: RoomRecord = bench.store.create_room(room, NOW).await.unwrap();
    assert_eq!(listed(&bench, &bench.alice, 10).await, ["general", "secret"]);
    assert_eq!(listed(&bench, &bench.bob, 10).await, ["general"]);
    let is_member =
        async |user: &User| bench.store.room(&room.room.slug, user.id).await.unwrap().unwrap().is_member;
    assert!(is_member(&bench.alice).await);
    assert!(!is_member(&bench.bob).await);

    for _ in 0..2 {
        bench.store.add_member(room.id, bench.bob.id, NOW).await.unwrap();
    }
    assert!(is_member(&bench.bob).await);
    let rooms = bench.store.rooms_of(&bench.bob, 10).await.unwrap();
    assert_eq!(rooms[1].room.invite.as_deref(), Some("/join/invite-secret"));
    assert_eq!(rooms[0].room.invite, None);
    assert!(bench.store.add_member(crate::store::RoomId(99), bench.bob.id, NOW).await.is_err());
}

pub(crate) async fn rooms_are_listed_by_name_and_bounded(bench: Bench) {
    for slug in ["zebra", "apple", "设计"] {
        bench.room(slug).await;
    }
    assert_eq!(listed(&bench, &bench.bob, 10).await, ["apple", "general", "zebra", "设计"]);
    assert_eq!(listed(&bench, &bench.bob, 2).await, ["apple", "general"]);
}

pub(crate) async fn reading_moves_on_and_never_back_or_beyond(bench: Bench) {
    for _ in 0..5 {
        bench.done(&bench.alice, send("x")).await;
    }
    let read = async |user: &User| bench.store.room(&bench.slug(), user.id).await.unwrap().unwrap().read;
    let mark = async |n| bench.store.mark_read(bench.room.id, bench.bob.id, seq(n)).await.unwrap();
    assert_eq!(read(&bench.bob).await, Seq::ZERO);
    assert_eq!(mark(3).await, seq(3));
    assert_eq!(mark(2).await, seq(3));
    assert_eq!(mark(99).await, seq(5));
    assert_eq!(read(&bench.bob).await, seq(5));
    assert_eq!(read(&bench.alice).await, Seq::ZERO);
    assert_eq!(summary(&bench, &bench.bob).await.read, seq(5));
    assert!(bench.store.mark_read(crate::store::RoomId(99), bench.bob.id, seq(1)).await.is_err());
}

pub(crate) async fn unread_messages_are_those_of_others_that_still_say_something(bench: Bench) {
    let first = bench.done(&bench.alice, send("one")).await;
    bench.done(&bench.bob, send("mine")).await;
    let second = bench.done(&bench.alice, send("two")).await;
    bench.done(&bench.alice, edit(second, "two, edited")).await;
    bench.done(&bench.bob, react(second, "👍", true)).await;
    assert_eq!(new_for(&bench, &bench.bob).await, (2, 0));
    assert_eq!(new_for(&bench, &bench.alice).await, (1, 0));
    bench.done(&bench.alice, delete(second)).await;
    assert_eq!(new_for(&bench, &bench.bob).await, (1, 0));
    bench.store.mark_read(bench.room.id, bench.bob.id, first).await.unwrap();
    assert_eq!(new_for(&bench, &bench.bob).await, (0, 0));
}

pub(crate) async fn unread_messages_are_counted_up_to_a_bound(bench: Bench) {
    for _ in 0..UNREAD_MAX + 20 {
        bench.done(&bench.alice, send("@bob look")).await;
    }
    assert_eq!(new_for(&bench, &bench.bob).await, (UNREAD_MAX, UNREAD_MAX));
}

pub(crate) async fn mentions_are_counted_without_case_and_follow_edits(bench: Bench) {
    let bob = &bench.bob;
    bench.done(&bench.alice, send("`@bob` in code and mail@bob.example")).await;
    assert_eq!(new_for(&bench, bob).await, (1, 0));
    let message = bench.done(&bench.alice, send("hello @BOB, @bob and @nobody")).await;
    assert_eq!(new_for(&bench, bob).await, (2, 1));
    bench.done(bob, send("I am @bob")).await;
    assert_eq!(new_for(&bench, bob).await, (2, 1));
    bench.done(&bench.alice, edit(message, "hello all")).await;
    assert_eq!(new_for(&bench, bob).await, (2, 0));
    bench.done(&bench.alice, edit(message, "hello @Bob")).await;
    assert_eq!(new_for(&bench, bob).await, (2, 1));
    bench.done(&bench.alice, delete(message)).await;
    assert_eq!(new_for(&bench, bob).await, (1, 0));
}

pub(crate) async fn a_newcomer_has_nothing_unread(bench: Bench) {
    let private = new_room("secret", Visibility::Private, Some(&bench.alice));
    let private = bench.store.create_room(private, NOW).await.unwrap();
    for _ in 0..3 {
        bench.done(&bench.alice, send("before")).await;
        let op = Op { id: new_id(), room: private.room.slug.clone(), kind: send("before") };
        bench.store.append(private.id, &bench.alice, op, NOW).await.unwrap();
    }
    let carol = bench.user("Carol").await;
    bench.store.add_member(private.id, carol.id, NOW).await.unwrap();
    for summary in bench.store.rooms_of(&carol, 10).await.unwrap() {
        assert_eq!((summary.unread, summary.read, summary.head), (0, seq(3), seq(3)), "{summary:?}");
    }
    bench.done(&bench.alice, send("after")).await;
    assert_eq!(new_for(&bench, &carol).await, (1, 0));
}

pub(crate) async fn a_new_room_is_unread_for_everybody(bench: Bench) {
    let room = bench.room("news").await;
    let op = Op { id: new_id(), room: room.room.slug.clone(), kind: send("first") };
    bench.store.append(room.id, &bench.alice, op, NOW).await.unwrap();
    let rooms = bench.store.rooms_of(&bench.bob, 10).await.unwrap();
    assert_eq!((rooms[1].unread, rooms[1].read), (1, Seq::ZERO));
}
