//! This user's own operations, from the moment they are asked for.

use super::*;
use crate::state::Failure;

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
fn what_is_said_before_the_room_has_come_stays_in_sight() {
    let mut model = model(page(1, 1, 1), 1);
    let asks = model.handle(Change::Opened { slug: slug("random"), place: Place::Newest }, 0);
    let op = Op {
        id: op_id(5),
        room: slug("random"),
        kind: OpKind::Send { content: content("hello"), reply_to: None },
    };
    model.handle(Change::Submitted { op, at: Timestamp::from_unix_ms(MINUTE_MS), failed: None }, 0);
    check(&mut model, &["day", "hello sending"]);
    happens(&mut model, said("random", 5, ME, "hello"));
    let acked = Output::Acked {
        id: op_id(5),
        room: slug("random"),
        seq: seq(5),
        timestamp: Timestamp::from_unix_ms(0),
    };
    session(&mut model, acked);
    check(&mut model, &["day", "hello"]);
    // Older than the event, which is folded in.
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(page(1, 4, 4)));
    check(&mut model, &["day", "m1", "m2", "m3", "m4", "hello"]);
    assert!(model.operation(op_id(5)).is_none());
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
    let cause = Cause::Refused(ErrorCode::Unavailable);
    assert_eq!(row.delivery, Delivery::Failed(Failure { id: op_id(7), cause }));
}

#[test]
fn what_could_not_be_kept_has_failed_and_says_what_hinders_it_now() {
    let mut model = model(page(1, 1, 1), 1);
    let op = Op {
        id: op_id(7),
        room: slug("general"),
        kind: OpKind::Send { content: content("kept?"), reply_to: None },
    };
    let at = Timestamp::from_unix_ms(MINUTE_MS);
    model.handle(Change::Submitted { op, at, failed: Some(Cause::OutboxFull) }, 0);
    let delivery = |model: &mut Model| match model.view().log.row(&RowKey::Message(user(ME).id, op_id(7))) {
        Some(Row::Message(row)) => row.delivery.clone(),
        _ => panic!("no row"),
    };
    let failed = |cause| Delivery::Failed(Failure { id: op_id(7), cause });
    assert_eq!(delivery(&mut model), failed(Cause::OutboxFull));
    model.handle(Change::Failed { id: op_id(7), cause: Cause::StorageFull }, 0);
    assert_eq!(delivery(&mut model), failed(Cause::StorageFull));
    model.handle(Change::Retried(op_id(7)), 0);
    assert_eq!(delivery(&mut model), Delivery::Sending);
}

#[test]
fn what_is_not_sent_is_counted_once_with_what_other_tabs_have_kept() {
    let mut model = model(page(1, 1, 1), 1);
    let typed = |rooms: &[(&str, &str)]| -> HashMap<RoomSlug, String> {
        rooms.iter().map(|&(room, text)| (slug(room), text.to_owned())).collect()
    };
    assert_eq!(model.unsent(Vec::new(), &HashMap::new()), Unsent::default());
    send(&mut model, 7, "one");
    send(&mut model, 8, "two");
    session(&mut model, Output::Refused { id: op_id(8), refusal: unavailable() });
    model.handle(Change::DraftsRestored(typed(&[("general", "half"), ("random", "\n")])), 0);
    let kept = typed(&[("general", "half"), ("random", "in another tab")]);
    let unsent = model.unsent(vec![op_id(7), op_id(9)], &kept);
    assert_eq!((unsent.messages, unsent.drafts), (3, 2));
    let acked = Output::Acked {
        id: op_id(7),
        room: slug("general"),
        seq: seq(2),
        timestamp: Timestamp::from_unix_ms(0),
    };
    session(&mut model, acked);
    assert_eq!(model.unsent(Vec::new(), &HashMap::new()), Unsent { messages: 1, drafts: 1 });
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
fn words_for_a_message_that_was_deleted_meanwhile_stay_in_sight() {
    let mut model = model(page(1, 1, 1), 1);
    happens(&mut model, said("general", 2, ME, "mine"));
    asked(&mut model, 7, OpKind::Edit { target: seq(2), content: content("better words") });
    happens(&mut model, event("general", 3, ME, EventKind::Deleted { target: seq(2) }));
    session(
        &mut model,
        Output::Refused { id: op_id(7), refusal: Refusal::new(ErrorCode::TargetNotFound, "") },
    );
    check(&mut model, &["day", "m1", "better words failed"]);
    assert!(model.my_last_message().is_none(), "nothing can be done with it");
    session(&mut model, Output::Discarded { id: op_id(7) });
    check(&mut model, &["day", "m1", "deleted"]);
    // Whatever else fails.
    asked(&mut model, 8, OpKind::React { target: seq(2), emoji: "👍".parse().expect("an emoji"), on: true });
    session(&mut model, Output::Refused { id: op_id(8), refusal: unavailable() });
    assert!(model.my_last_message().is_none());
}

#[test]
fn my_last_message_is_the_newest_of_mine_that_is_not_deleted() {
    let mut model = model(page(1, 1, 1), 1);
    assert!(model.my_last_message().is_none());
    happens(&mut model, said("general", 2, ME, "mine"));
    happens(&mut model, said("general", 3, ME, "oops"));
    happens(&mut model, event("general", 4, ME, EventKind::Deleted { target: seq(3) }));
    happens(&mut model, said("general", 5, OTHER, "theirs"));
    let mine = |model: &mut Model| model.my_last_message().and_then(|message| message.content.clone());
    assert_eq!(mine(&mut model), Some(content("mine")));
    asked(&mut model, 7, OpKind::Edit { target: seq(2), content: content("changed") });
    assert_eq!(mine(&mut model), Some(content("changed")));
    // Of one that is on its way nobody means the one before it.
    send(&mut model, 6, "on its way");
    assert_eq!(mine(&mut model), None);
    happens(&mut model, said("general", 6, ME, "on its way"));
    assert_eq!(mine(&mut model), Some(content("on its way")));
    send(&mut model, 9, "failed");
    session(&mut model, Output::Refused { id: op_id(9), refusal: unavailable() });
    assert_eq!(mine(&mut model), Some(content("on its way")), "what failed has ways on of its own");
}

#[test]
fn whoever_reads_in_the_past_is_not_given_what_they_said_there_for_their_last() {
    let mut model = model(page(5, 6, 6), 6);
    let past = Place::Around(seq(2));
    let asks = model.handle(Change::Opened { slug: slug("general"), place: past }, 0);
    let mut old = page(1, 3, 6);
    old.messages = old
        .messages
        .iter()
        .cloned()
        .map(|message| Message { user_id: UserId(uuid::Uuid::from_u128(ME)), ..message })
        .collect();
    answer(&mut model, &fetches(&asks)[0].clone(), Ok(old));
    assert_eq!(rows(&mut model).len(), 4);
    assert!(model.my_last_message().is_none());
}
