//! The log: numbers, repeats, refusals, order, and words that are taken back.

use std::sync::Arc;

use protocol::{Event, EventKind, Op, Seq, event::Quote, limits::REACTIONS_MAX_PER_MESSAGE};

use super::{Bench, NOW, delete, edit, ms_later, new_id, react, reply, send, seq};
use crate::store::{AppendError, RoomId};

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq.get()).collect()
}

fn content(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::Message { content, .. } | EventKind::Edited { content, .. } => {
            content.as_ref().map(AsRef::as_ref)
        }
        _ => None,
    }
}

pub(crate) async fn events_are_numbered_without_a_hole(mut bench: Bench) {
    let other = bench.room("other").await;
    for n in 1..=5 {
        let appended = bench.perform(&bench.alice, send(&format!("{n}. 你好 👩‍👩‍👧‍👦"))).await.unwrap();
        assert_eq!((appended.seq, appended.timestamp), (seq(n), NOW));
        let op = Op { id: new_id(), room: other.room.slug.clone(), kind: send("elsewhere") };
        assert_eq!(bench.store.append(other.id, &bench.bob, op, NOW).await.unwrap().seq, seq(n));
    }
    let events = bench.events().await;
    assert_eq!(numbers(&events), [1, 2, 3, 4, 5]);
    assert_eq!(content(&events[2]), Some("3. 你好 👩‍👩‍👧‍👦"));
    assert_eq!((events[0].user_id, &events[0].username), (bench.alice.id, &bench.alice.username));
    assert_eq!(events[0].room, bench.slug());
    assert_eq!(bench.store.room(&bench.slug(), bench.bob.id).await.unwrap().unwrap().record.head, seq(5));

    let published = bench.published(10).await;
    let here = published.iter().filter(|committed| committed.room == bench.room.id);
    assert!(here.map(|committed| &*committed.event).eq(&events), "what is published is what is stored");
}

pub(crate) async fn a_repeat_gets_the_first_answer_and_changes_nothing(mut bench: Bench) {
    let id = new_id();
    let op = |text: &str| Op { id, room: bench.slug(), kind: send(text) };
    let first = bench.store.append(bench.room.id, &bench.alice, op("once"), NOW).await.unwrap();
    let deleted = bench.done(&bench.alice, delete(first.seq)).await;
    let again = bench.store.append(bench.room.id, &bench.alice, op("twice"), ms_later(5)).await.unwrap();
    assert_eq!(again, first);

    let target = bench.done(&bench.alice, send("to be edited")).await;
    let id = new_id();
    let first = bench.perform_as(id, &bench.alice, edit(target, "edited")).await.unwrap();
    bench.done(&bench.alice, delete(target)).await;
    let again = bench.perform_as(id, &bench.alice, edit(target, "edited")).await.unwrap();
    assert_eq!(again, first, "though its message is gone by now");

    assert_eq!(numbers(&bench.events().await), [1, deleted.get(), 3, 4, 5]);
    assert_eq!(bench.published(5).await.len(), 5);
}

pub(crate) async fn repeats_at_the_same_time_are_one_event(bench: Bench) {
    let bench = Arc::new(bench);
    let id = new_id();
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { bench.perform_as(id, &bench.alice, send("once")).await.unwrap() })
        })
        .collect();
    for attempt in tries {
        assert_eq!(attempt.await.unwrap().seq, seq(1));
    }
    assert_eq!(bench.events().await.len(), 1);
}

pub(crate) async fn an_id_of_another_room_is_a_conflict(bench: Bench) {
    let other = bench.room("other").await;
    let id = new_id();
    bench.perform_as(id, &bench.alice, send("here")).await.unwrap();
    let op = Op { id, room: other.room.slug, kind: send("there") };
    let answer = bench.store.append(other.id, &bench.alice, op, NOW).await;
    assert!(matches!(answer, Err(AppendError::IdConflict)), "{answer:?}");
    assert!(bench.store.events(other.id, Seq::ZERO, 10).await.unwrap().is_empty());
}

pub(crate) async fn an_id_of_something_else_is_a_conflict(bench: Bench) {
    let (id, other) = (new_id(), new_id());
    bench.perform_as(id, &bench.alice, send("first")).await.unwrap();
    bench.perform_as(other, &bench.alice, react(seq(1), "🎉", true)).await.unwrap();
    for (id, kind) in [
        (id, send("second")),
        (id, reply("first", seq(1))),
        (id, edit(seq(1), "first")),
        (id, delete(seq(1))),
        (id, edit(seq(99), "what is not there")),
        (other, react(seq(1), "🎉", false)),
    ] {
        let answer = bench.perform_as(id, &bench.alice, kind.clone()).await;
        assert!(matches!(answer, Err(AppendError::IdConflict)), "{kind:?}: {answer:?}");
    }
    assert_eq!(bench.events().await.len(), 2);
}

pub(crate) async fn a_repeat_of_what_cannot_be_done_any_more_gets_the_first_answer(bench: Bench) {
    let done = [
        send("gone soon"),
        edit(seq(1), "gone"),
        react(seq(1), "👍", true),
        reply("why?", seq(1)),
        delete(seq(1)),
    ];
    let mut answers = Vec::new();
    for kind in done {
        let id = new_id();
        answers.push((id, kind.clone(), bench.perform_as(id, &bench.alice, kind).await.unwrap()));
    }
    for (id, kind, answer) in answers {
        let again = bench.perform_as(id, &bench.alice, kind.clone()).await.unwrap();
        assert_eq!((again.seq, again.timestamp), (answer.seq, answer.timestamp), "{kind:?}");
    }
    assert_eq!(bench.events().await.len(), 5);
}

pub(crate) async fn two_authors_may_use_the_same_id(bench: Bench) {
    let id = new_id();
    assert_eq!(bench.perform_as(id, &bench.alice, send("a")).await.unwrap().seq, seq(1));
    assert_eq!(bench.perform_as(id, &bench.bob, send("b")).await.unwrap().seq, seq(2));
}

pub(crate) async fn what_cannot_be_done_is_refused_and_leaves_no_event(bench: Bench) {
    let hers = bench.done(&bench.alice, send("hers")).await;
    let gone = bench.done(&bench.alice, send("gone")).await;
    let deletion = bench.done(&bench.alice, delete(gone)).await;
    for kind in [edit(hers, "mine now"), delete(hers)] {
        let answer = bench.perform(&bench.bob, kind).await;
        assert!(matches!(answer, Err(AppendError::NotAuthor)), "{answer:?}");
    }
    for target in [gone, deletion, seq(99), Seq::ZERO, Seq::MAX] {
        let to_it = [edit(target, "x"), delete(target), react(target, "👍", true), reply("x", target)];
        for kind in to_it {
            let answer = bench.perform(&bench.alice, kind).await;
            assert!(matches!(answer, Err(AppendError::TargetNotFound)), "{target}: {answer:?}");
        }
    }
    let op = Op { id: new_id(), room: bench.slug(), kind: send("nowhere") };
    let nowhere = bench.store.append(RoomId(99), &bench.alice, op, NOW).await;
    assert!(matches!(nowhere, Err(AppendError::Store(_))), "{nowhere:?}");
    assert_eq!(numbers(&bench.events().await), [1, 2, 3]);
}

pub(crate) async fn one_refusal_spoils_nobody_elses_operation(bench: Bench) {
    let stranger = super::session_of("Stranger").user;
    for _ in 0..20 {
        let (good, bad, unknown) = tokio::join!(
            bench.perform(&bench.alice, send("good")),
            bench.perform(&bench.bob, delete(seq(9_999))),
            bench.perform(&stranger, send("from nobody")),
        );
        assert!(good.is_ok(), "{good:?}");
        assert!(bad.is_err());
        assert!(matches!(unknown, Err(AppendError::Store(_))), "{unknown:?}");
    }
    assert_eq!(numbers(&bench.events().await), (1..=20).collect::<Vec<_>>());
}

pub(crate) async fn events_are_read_in_order_from_any_place(bench: Bench) {
    for n in 1..=20 {
        bench.done(&bench.alice, send(&n.to_string())).await;
    }
    let read = async |after: u64, limit| {
        numbers(&bench.store.events(bench.room.id, seq(after), limit).await.unwrap())
    };
    assert_eq!(read(0, 3).await, [1, 2, 3]);
    assert_eq!(read(17, 100).await, [18, 19, 20]);
    assert!(read(20, 100).await.is_empty());
    assert!(read(Seq::MAX.get(), 100).await.is_empty());
    assert!(read(5, 0).await.is_empty());
    assert!(bench.store.events(RoomId(99), Seq::ZERO, 5).await.unwrap().is_empty());
}

pub(crate) async fn many_writers_make_one_order_and_it_is_published_in_it(mut bench: Bench) {
    const WRITERS: u64 = 20;
    const EACH: u64 = 50;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, room, slug) = (Arc::clone(&bench.store), bench.room.id, bench.slug());
            let user = if writer % 2 == 0 { bench.alice.clone() } else { bench.bob.clone() };
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0..EACH {
                    let (id, kind) = (new_id(), send(&format!("{writer}:{n}")));
                    let op = Op { id, room: slug.clone(), kind };
                    acknowledged.push((id, store.append(room, &user, op, NOW).await.unwrap().seq));
                }
                acknowledged
            })
        })
        .collect();
    let total = WRITERS * EACH;
    let published = bench.published(usize::try_from(total).unwrap()).await;
    let log = bench.events().await;
    assert_eq!(numbers(&log), (1..=total).collect::<Vec<_>>());
    assert!(published.iter().map(|committed| &*committed.event).eq(&log));
    for writer in writers {
        let acknowledged = writer.await.unwrap();
        assert!(acknowledged.is_sorted_by_key(|(_, seq)| *seq), "each writer's own order is kept");
        for (id, seq) in acknowledged {
            let event = &log[usize::try_from(seq.get() - 1).unwrap()];
            assert!(matches!(event.kind, EventKind::Message { id: stored, .. } if stored == id));
        }
    }
}

pub(crate) async fn an_event_is_published_though_its_author_has_gone(mut bench: Bench) {
    let (store, room, alice, slug) =
        (Arc::clone(&bench.store), bench.room.id, bench.alice.clone(), bench.slug());
    let author = tokio::spawn(async move {
        let op = Op { id: new_id(), room: slug, kind: send("last words") };
        store.append(room, &alice, op, NOW).await.map(|appended| appended.seq)
    });
    let published = bench.published(1).await;
    author.abort();
    assert_eq!(content(&published[0].event), Some("last words"));
}

pub(crate) async fn deleted_words_are_gone_from_the_log(bench: Bench) {
    let said = bench.done(&bench.alice, send("secret")).await;
    bench.done(&bench.alice, edit(said, "secret, edited")).await;
    let kept = bench.done(&bench.alice, send("kept")).await;
    bench.done(&bench.alice, edit(kept, "kept, edited")).await;
    bench.done(&bench.bob, react(said, "👍", true)).await;
    bench.done(&bench.alice, delete(said)).await;

    let events = bench.events().await;
    let contents: Vec<_> = events.iter().map(content).collect();
    assert_eq!(contents, [None, None, Some("kept"), Some("kept, edited"), None, None]);
    assert!(matches!(events[1].kind, EventKind::Edited { target, content: None } if target == said));

    let answer = bench.done(&bench.bob, reply("answer", kept)).await;
    bench.done(&bench.bob, delete(answer)).await;
    let events = bench.events().await;
    let EventKind::Message { content: None, reply_to, quote, .. } = &events[6].kind else {
        panic!("{:?}", events[6]);
    };
    assert_eq!(
        (*reply_to, quote.is_some()),
        (Some(kept), true),
        "there is a quote where something is answered"
    );
}

pub(crate) async fn quotes_show_what_the_message_says_now(mut bench: Bench) {
    let first = bench.done(&bench.alice, send("first\nline")).await;
    let answer = bench.done(&bench.bob, reply("answer", first)).await;
    let quote = |excerpt: Option<&str>| {
        Some(Quote {
            user_id: bench.alice.id,
            username: bench.alice.username.clone(),
            excerpt: excerpt.map(str::to_owned),
        })
    };
    let quoted = async |bench: &Bench| {
        let EventKind::Message { quote: replayed, .. } = bench.events().await[1].kind.clone() else {
            panic!("the second event is the answer")
        };
        let page = bench.store.page(bench.room.id, crate::store::PageAt::Newest, 1).await.unwrap();
        assert_eq!((page.messages[0].seq, page.messages[0].reply_to), (answer, Some(first)));
        assert_eq!(page.messages[0].quote, replayed);
        replayed
    };
    assert_eq!(quoted(&bench).await, quote(Some("first line")));
    bench.done(&bench.alice, edit(first, "second")).await;
    assert_eq!(quoted(&bench).await, quote(Some("second")));
    bench.done(&bench.alice, delete(first)).await;
    assert_eq!(quoted(&bench).await, quote(None));

    let expected = quote(Some("first line"));
    let published = bench.published(2).await;
    let EventKind::Message { quote: live, .. } = &published[1].event.kind else {
        panic!("the second event is the answer")
    };
    assert_eq!(*live, expected);
}

fn emoji(n: usize) -> String {
    char::from_u32(0x1F600 + u32::try_from(n).unwrap()).map(String::from).unwrap()
}

pub(crate) async fn a_message_holds_a_bounded_number_of_reactions(bench: Bench) {
    let message = bench.done(&bench.alice, send("popular")).await;
    for n in 0..REACTIONS_MAX_PER_MESSAGE {
        bench.done(&bench.bob, react(message, &emoji(n), true)).await;
    }
    let one_more = react(message, &emoji(REACTIONS_MAX_PER_MESSAGE), true);
    let answer = bench.perform(&bench.bob, one_more.clone()).await;
    assert!(matches!(answer, Err(AppendError::TooManyReactions)), "{answer:?}");
    bench.done(&bench.alice, react(message, &emoji(0), true)).await;
    bench.done(&bench.bob, react(message, &emoji(1), false)).await;
    bench.done(&bench.bob, one_more).await;
}

pub(crate) async fn the_crowd_on_a_message_is_bounded(bench: Bench) {
    let message = bench.done(&bench.alice, send("popular")).await;
    for user in 0..100 {
        let user = bench.user(&format!("fan-{user}")).await;
        for n in 0..REACTIONS_MAX_PER_MESSAGE {
            match bench.perform(&user, react(message, &emoji(n), true)).await {
                Ok(_) => {}
                Err(AppendError::TooManyReactions) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }
    panic!("2,000 reactions on one message");
}
