//! Pages: where they are cut, and that they are the folded log.

use std::{collections::BTreeMap, sync::Arc};

use protocol::{Event, EventKind, Message, Seq, limits::PAGE_MAX_MESSAGES};

use super::{Bench, delete, edit, react, reply, send, seq};
use crate::store::PageAt;

async fn say(bench: &Bench, count: u64) {
    for n in 1..=count {
        bench.done(&bench.alice, send(&n.to_string())).await;
    }
}

#[track_caller]
fn check(page: &protocol::timeline::Page, numbers: std::ops::RangeInclusive<u64>, more: (bool, bool)) {
    let found: Vec<u64> = page.messages.iter().map(|message| message.seq.get()).collect();
    assert_eq!(found, numbers.collect::<Vec<_>>());
    assert_eq!((page.has_more_before, page.has_more_after), more);
}

pub(crate) async fn an_empty_room_has_an_empty_page(bench: Bench) {
    for at in [PageAt::Newest, PageAt::Before(seq(5)), PageAt::After(Seq::ZERO), PageAt::Around(seq(1))] {
        let page = bench.store.page(bench.room.id, at, 10).await.unwrap();
        assert_eq!((page.head, page.epoch), (Seq::ZERO, bench.room.epoch.clone()));
        assert!(page.messages.is_empty() && !page.has_more_before && !page.has_more_after);
    }
}

pub(crate) async fn pages_are_cut_at_any_place(bench: Bench) {
    say(&bench, 20).await;
    let page = async |at| bench.store.page(bench.room.id, at, 5).await.unwrap();
    check(&page(PageAt::Newest).await, 16..=20, (true, false));
    check(&page(PageAt::Before(seq(16))).await, 11..=15, (true, true));
    check(&page(PageAt::Before(seq(6))).await, 1..=5, (false, true));
    check(&page(PageAt::Before(seq(3))).await, 1..=2, (false, true));
    check(&page(PageAt::Before(Seq::MAX)).await, 16..=20, (true, false));
    check(&page(PageAt::After(seq(3))).await, 4..=8, (true, true));
    check(&page(PageAt::After(Seq::ZERO)).await, 1..=5, (false, true));
    check(&page(PageAt::After(seq(15))).await, 16..=20, (true, false));
    check(&page(PageAt::After(seq(18))).await, 19..=20, (true, false));
    check(&page(PageAt::Around(seq(10))).await, 8..=12, (true, true));
    let past_the_end = page(PageAt::After(seq(20))).await;
    assert!(past_the_end.messages.is_empty() && past_the_end.has_more_before && !past_the_end.has_more_after);
    let before_the_start = page(PageAt::Before(seq(1))).await;
    assert!(before_the_start.messages.is_empty() && before_the_start.has_more_after);
    assert_eq!(before_the_start.head, seq(20));
}

pub(crate) async fn the_middle_of_a_page_fills_up_from_the_other_side(bench: Bench) {
    say(&bench, 20).await;
    let page = async |n| bench.store.page(bench.room.id, PageAt::Around(seq(n)), 6).await.unwrap();
    check(&page(1).await, 1..=6, (false, true));
    check(&page(20).await, 15..=20, (true, false));
    check(&page(19).await, 15..=20, (true, false));
    check(&page(99).await, 15..=20, (true, false));

    let reaction = bench.done(&bench.bob, react(seq(20), "👍", true)).await;
    say(&bench, 2).await;
    let around = bench.store.page(bench.room.id, PageAt::Around(reaction), 4).await.unwrap();
    let found: Vec<u64> = around.messages.iter().map(|message| message.seq.get()).collect();
    assert_eq!(found, [19, 20, 22, 23], "the place of what is no message");
}

pub(crate) async fn what_is_read_at_once_is_bounded_in_bytes(bench: Bench) {
    // Three bytes for each character: eleven of these are too many.
    let long = "長".repeat(8_000);
    for _ in 0..24 {
        bench.done(&bench.alice, send(&long)).await;
    }
    let numbers = |messages: &[Message]| messages.iter().map(|message| message.seq.get()).collect::<Vec<_>>();
    let page = bench.store.page(bench.room.id, PageAt::Newest, 50).await.unwrap();
    assert_eq!((numbers(&page.messages), page.has_more_before), ((15..=24).collect(), true));
    let page = bench.store.page(bench.room.id, PageAt::After(seq(2)), 50).await.unwrap();
    assert_eq!((numbers(&page.messages), page.has_more_after), ((3..=12).collect(), true));
    let page = bench.store.page(bench.room.id, PageAt::Around(seq(12)), 50).await.unwrap();
    assert_eq!((page.has_more_before, page.has_more_after), (true, true));
    assert!(page.messages.iter().any(|message| message.seq == seq(12)) && page.messages.len() <= 20);
    let mut read = Seq::ZERO;
    while read < seq(24) {
        let events = bench.store.events(bench.room.id, read, 500).await.unwrap();
        assert!((1..=11).contains(&events.len()), "{} events at once", events.len());
        read = events.last().unwrap().seq;
    }
}

pub(crate) async fn pages_are_bounded(bench: Bench) {
    say(&bench, u64::from(PAGE_MAX_MESSAGES) + 10).await;
    let page = bench.store.page(bench.room.id, PageAt::Newest, u32::MAX).await.unwrap();
    assert_eq!(page.messages.len(), PAGE_MAX_MESSAGES as usize);
    assert!(page.has_more_before);
    assert_eq!(bench.messages(PageAt::Newest, 0).await.len(), 1);
}

/// What a reader makes of a log.
fn folded(log: &[Event]) -> Vec<Message> {
    let mut messages: BTreeMap<Seq, Message> = BTreeMap::new();
    for event in log {
        if let Some(message) = Message::posted(event) {
            messages.insert(message.seq, message);
        } else if let Some(message) = event.kind.target().and_then(|target| messages.get_mut(&target)) {
            message.apply(event);
        }
    }
    messages.into_values().collect()
}

pub(crate) async fn a_page_is_what_the_folded_log_says(mut bench: Bench) {
    say(&bench, 6).await;
    let (alice, bob) = (&bench.alice, &bench.bob);
    bench.done(alice, edit(seq(1), "one")).await;
    bench.done(alice, edit(seq(1), "ONE")).await;
    bench.done(bob, react(seq(1), "👍", true)).await;
    bench.done(alice, react(seq(1), "👍", true)).await;
    bench.done(alice, react(seq(1), "🎉", true)).await;
    bench.done(bob, react(seq(1), "👍", false)).await;
    bench.done(bob, react(seq(1), "👍", false)).await;
    bench.done(bob, react(seq(2), "😀", true)).await;
    bench.done(alice, edit(seq(2), "two")).await;
    bench.done(alice, delete(seq(2))).await;
    let reply_to_edited = bench.done(bob, reply("well", seq(1))).await;
    let reply_deleted = bench.done(bob, reply("gone", seq(3))).await;
    bench.done(bob, delete(reply_deleted)).await;

    let log = bench.events().await;
    let page = bench.store.page(bench.room.id, PageAt::Newest, 100).await.unwrap();
    assert_eq!(page.messages.to_vec(), folded(&log));
    assert_eq!(page.head, log.last().unwrap().seq);

    let live: Vec<Event> =
        bench.published(log.len()).await.iter().map(|committed| Event::clone(&committed.event)).collect();
    assert_eq!(page.messages.to_vec(), folded(&live), "who saw it happen and who replays it see the same");
    let first = &page.messages[0];
    assert_eq!(first.content.as_ref().map(AsRef::as_ref), Some("ONE"));
    assert_eq!(first.reactions.len(), 2);
    assert_eq!(page.messages[6].seq, reply_to_edited);
}

pub(crate) async fn head_and_messages_are_of_one_moment(mut bench: Bench) {
    const COUNT: usize = 300;
    let writer = tokio::spawn({
        let (store, room, slug) = (Arc::clone(&bench.store), bench.room.id, bench.slug());
        let alice = bench.alice.clone();
        async move {
            for n in 0..COUNT {
                let op = protocol::Op { id: super::new_id(), room: slug.clone(), kind: send(&n.to_string()) };
                store.append(room, &alice, op, super::NOW).await.unwrap();
            }
        }
    });
    let mut head = Seq::ZERO;
    while head < seq(COUNT as u64) {
        let page = bench.store.page(bench.room.id, PageAt::Newest, 3).await.unwrap();
        assert!(page.head >= head, "the log never shrinks");
        head = page.head;
        assert_eq!(page.messages.last().map_or(Seq::ZERO, |message| message.seq), head);
    }
    writer.await.unwrap();
    let published = bench.published(COUNT).await;
    assert!(published.iter().all(|committed| matches!(committed.event.kind, EventKind::Message { .. })));
}
