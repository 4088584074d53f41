use super::{deleted, edited, event, message, reacted, seq, user};
use crate::{Content, Event, EventKind, Message};

/// The message that a log of one message folds to.
#[track_caller]
fn fold(kinds: impl IntoIterator<Item = (u128, EventKind)>) -> Message {
    let mut events = (1..).zip(kinds).map(|(n, (by, kind))| event(n, by, kind));
    let mut folded = Message::posted(&events.next().unwrap()).unwrap();
    for event in events {
        assert!(folded.apply(&event), "{event:?}");
        assert_eq!(folded.version, event.seq);
    }
    folded
}

/// Who reacted, as `emoji: numbers of people`.
fn reactions(message: &Message) -> Vec<String> {
    let of = |reaction: &crate::timeline::Reaction| {
        let users: Vec<u128> = reaction.users.iter().map(|user| user.user_id.0.as_u128()).collect();
        format!("{} {users:?}", reaction.emoji)
    };
    message.reactions.iter().map(of).collect()
}

fn says(message: &Message) -> Option<&str> {
    message.content.as_ref().map(Content::as_str)
}

#[test]
fn a_message_is_what_its_event_says() {
    let posted = fold([(1, message("hi"))]);
    assert_eq!((posted.seq, posted.version, says(&posted)), (seq(1), seq(1), Some("hi")));
    assert_eq!((posted.user_id, posted.username.clone()), user(1));
    assert_eq!((posted.edited_at, posted.reactions.len()), (None, 0));
    assert_eq!(Message::posted(&event(2, 1, deleted(1))), None);
}

#[test]
fn an_edit_changes_words_and_says_when() {
    let folded = fold([(1, message("hi")), (1, edited(1, "ho")), (1, edited(1, "hum"))]);
    assert_eq!(says(&folded), Some("hum"));
    assert_eq!(folded.edited_at, Some(event(3, 1, message("x")).timestamp));
}

#[test]
fn a_deletion_leaves_only_that_there_was_a_message() {
    let folded =
        fold([(1, message("hi")), (2, reacted(1, "👍", true)), (1, edited(1, "ho")), (1, deleted(1))]);
    let expected = Message { content: None, version: seq(4), ..fold([(1, message("hi"))]) };
    assert_eq!(folded, expected);
}

#[test]
fn nothing_happens_to_a_deleted_message_but_its_version() {
    let folded = fold([
        (1, message("hi")),
        (1, deleted(1)),
        (1, edited(1, "ho")),
        (2, reacted(1, "👍", true)),
        (1, deleted(1)),
    ]);
    assert_eq!((says(&folded), folded.edited_at, folded.reactions.len()), (None, None, 0));
    assert_eq!(folded.version, seq(5));
}

#[test]
fn reactions_stand_in_the_order_in_which_they_came() {
    let folded = fold([
        (1, message("hi")),
        (2, reacted(1, "👍", true)),
        (3, reacted(1, "🎉", true)),
        (1, reacted(1, "👍", true)),
        (2, reacted(1, "👍", true)),
    ]);
    assert_eq!(reactions(&folded), ["👍 [2, 1]", "🎉 [3]"]);
}

#[test]
fn an_emoji_goes_with_its_last_user() {
    let folded = fold([
        (1, message("hi")),
        (2, reacted(1, "👍", true)),
        (3, reacted(1, "👍", true)),
        (2, reacted(1, "👍", false)),
        (2, reacted(1, "🎉", false)),
    ]);
    assert_eq!(reactions(&folded), ["👍 [3]"]);
    let mut folded = folded;
    folded.apply(&event(6, 3, reacted(1, "👍", false)));
    assert!(folded.reactions.is_empty());
    folded.apply(&event(7, 3, reacted(1, "🎉", true)));
    folded.apply(&event(8, 2, reacted(1, "👍", true)));
    assert_eq!(reactions(&folded), ["🎉 [3]", "👍 [2]"]);
}

#[test]
fn events_of_other_messages_and_old_ones_are_left_out() {
    let mut folded = fold([(1, message("hi")), (1, edited(1, "ho"))]);
    let before = folded.clone();
    for other in [event(2, 1, edited(1, "old")), event(3, 1, edited(2, "other")), event(3, 1, message("new"))]
    {
        assert!(!folded.apply(&other), "{other:?}");
    }
    assert_eq!(folded, before);
}

/// Deleted words are gone from the log too. Who reads it later, all of it or from any place on, must arrive at the same
/// message as those who read the words.
#[test]
fn a_log_without_deleted_words_folds_to_the_same_message() {
    let with_words = [
        (1, message("secret")),
        (2, reacted(1, "👍", true)),
        (1, edited(1, "still secret")),
        (2, reacted(1, "🎉", true)),
        (1, deleted(1)),
        (2, reacted(1, "👍", true)),
    ];
    let expected = fold(with_words.clone());
    let without_words = |(by, kind): (u128, EventKind)| match kind {
        EventKind::Message { .. } => (by, message("")),
        EventKind::Edited { .. } => (by, edited(1, "")),
        kind => (by, kind),
    };
    for words_until in 0..=5 {
        let log: Vec<(u128, EventKind)> = with_words[..words_until]
            .iter()
            .cloned()
            .chain(with_words[words_until..].iter().cloned().map(without_words))
            .collect();
        assert_eq!(fold(log), expected, "with words up to {words_until}");
    }
}

#[test]
fn an_edit_whose_words_are_gone_deletes_early() {
    let folded = fold([(1, message("hi")), (2, reacted(1, "👍", true)), (1, edited(1, ""))]);
    assert_eq!((says(&folded), folded.reactions.len()), (None, 0));
}

#[test]
fn folding_twice_is_folding_once() {
    let log: Vec<Event> = [message("hi"), reacted(1, "👍", true), edited(1, "ho"), reacted(1, "👍", false)]
        .into_iter()
        .zip(1..)
        .map(|(kind, n)| event(n, 1, kind))
        .collect();
    let mut once = Message::posted(&log[0]).unwrap();
    assert!(log[1..].iter().all(|event| once.apply(event)));
    let mut twice = once.clone();
    assert!(!log.iter().any(|event| twice.apply(event)));
    assert_eq!(once, twice);
}
