use super::{
    model::{At, Room, newer, newest, older, room},
    seq,
};
use crate::{
    Timeline,
    timeline::{Applied, Keep, Page, Stale},
};

/// Applies what happened since, live.
fn catch_up(timeline: &mut Timeline, room: &Room) -> Vec<Applied> {
    let next = |timeline: &Timeline| room.live(timeline.cursor().after);
    std::iter::from_fn(|| next(timeline).map(|event| timeline.apply(&event))).collect()
}

fn numbers(timeline: &Timeline) -> Vec<u64> {
    timeline.messages().map(|message| message.seq.get()).collect()
}

fn excerpt(timeline: &Timeline, n: u64) -> Option<&str> {
    timeline.get(seq(n)).unwrap().quote.as_ref().unwrap().excerpt.as_deref()
}

#[test]
fn new_messages_enter_at_the_end() {
    let mut room = room(5);
    let mut timeline = newest(&room, 3);
    assert_eq!(numbers(&timeline), [3, 4, 5]);
    assert!(timeline.has_older() && timeline.at_end());
    room.post(1, None);
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Appended]);
    assert_eq!(numbers(&timeline), [3, 4, 5, 6]);
    assert_eq!(timeline.apply(&room.live(seq(5)).unwrap()), Applied::Repeated);
    assert_eq!(timeline.cursor().after, seq(6));
}

#[test]
fn an_empty_room_fills() {
    let mut room = Room::default();
    let mut timeline = newest(&room, 3);
    assert!(timeline.is_empty() && !timeline.has_older() && timeline.at_end());
    room.post(1, None);
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Appended]);
    assert_eq!((timeline.oldest(), timeline.newest(), timeline.len()), (Some(seq(1)), Some(seq(1)), 1));
}

#[test]
fn changes_are_seen_where_they_are_held() {
    let mut room = room(5);
    let mut timeline = newest(&room, 3);
    room.edit(seq(4));
    room.edit(seq(1));
    room.react(seq(5), 2, "👍", true);
    let applied = catch_up(&mut timeline, &room);
    assert_eq!(applied, [Applied::Changed(seq(4)), Applied::Unseen, Applied::Changed(seq(5))]);
}

#[test]
fn away_from_the_end_new_messages_are_not_seen_until_their_page_comes() {
    let mut room = room(9);
    let mut timeline = Timeline::new(room.page(At::Before(seq(4)), 3, room.head()));
    assert!(!timeline.at_end());
    room.post(1, None);
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Unseen]);
    for _ in 0..3 {
        timeline.append(newer(&room, &timeline, room.head())).unwrap();
    }
    assert_eq!(numbers(&timeline), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert!(timeline.at_end());
}

#[test]
fn a_page_from_before_a_new_message_does_not_know_the_end() {
    let mut room = room(5);
    let mut timeline = Timeline::new(room.page(At::Before(seq(4)), 3, room.head()));
    let page = newer(&room, &timeline, room.head());
    room.post(1, None);
    catch_up(&mut timeline, &room);
    timeline.append(page).unwrap();
    assert_eq!((numbers(&timeline), timeline.at_end()), (vec![1, 2, 3, 4, 5], false));
    timeline.append(newer(&room, &timeline, room.head())).unwrap();
    assert_eq!((numbers(&timeline), timeline.at_end()), (vec![1, 2, 3, 4, 5, 6], true));
}

#[test]
fn a_page_from_before_a_change_is_brought_up_to_date() {
    let mut room = room(5);
    let mut timeline = newest(&room, 2);
    let page = older(&room, &timeline, room.head());
    room.edit(seq(2));
    room.delete(seq(3));
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Unseen, Applied::Unseen]);
    timeline.prepend(page).unwrap();
    let expected = room.messages(room.head());
    assert!(timeline.messages().eq(&expected));
    assert!(!timeline.has_older());
}

#[test]
fn a_page_from_after_a_change_does_not_change_twice() {
    let mut room = room(5);
    let mut timeline = newest(&room, 2);
    room.react(seq(2), 2, "👍", true);
    room.react(seq(2), 2, "👍", false);
    timeline.prepend(older(&room, &timeline, room.head())).unwrap();
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Repeated, Applied::Repeated]);
    assert!(timeline.messages().eq(&room.messages(room.head())));
}

#[test]
fn a_change_is_not_lost_with_the_message_that_was_trimmed() {
    let mut room = room(6);
    let mut timeline = newest(&room, 6);
    let head = room.head();
    room.edit(seq(2));
    catch_up(&mut timeline, &room);
    timeline.trim(3, Keep::Newest);
    timeline.prepend(older(&room, &timeline, head)).unwrap();
    assert!(timeline.messages().eq(&room.messages(room.head())));
}

#[test]
fn a_page_that_is_too_old_is_refused() {
    let mut room = room(6);
    let mut timeline = newest(&room, 3);
    let page = older(&room, &timeline, room.head());
    (0..20).for_each(|_| room.edit(seq(1)));
    catch_up(&mut timeline, &room);
    let before = timeline.clone();
    assert_eq!(timeline.prepend(page), Err(Stale));
    assert_eq!(timeline, before);
    timeline.prepend(older(&room, &timeline, room.head())).unwrap();
    assert!(timeline.messages().eq(&room.messages(room.head())));
}

#[test]
fn a_page_of_another_life_of_the_log_is_refused() {
    let room = room(6);
    let mut timeline = newest(&room, 3);
    let page = Page { epoch: "e2".parse().unwrap(), ..older(&room, &timeline, room.head()) };
    assert_eq!(timeline.prepend(page.clone()), Err(Stale));
    assert_eq!(timeline.append(page), Err(Stale));
}

#[test]
fn a_page_that_was_asked_for_before_a_trim_would_leave_a_gap() {
    let room = room(12);
    let mut timeline = newest(&room, 6);
    let page = older(&room, &timeline, room.head());
    timeline.trim(2, Keep::Newest);
    assert_eq!(timeline.prepend(page.clone()), Err(Stale));
    timeline.prepend(older(&room, &timeline, room.head())).unwrap();
    assert_eq!(timeline.prepend(page.clone()), Err(Stale), "there is still one message between");
    timeline.prepend(older(&room, &timeline, room.head())).unwrap();
    timeline.prepend(page).unwrap();
    assert_eq!(numbers(&timeline), [4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert!(timeline.has_older());

    let mut timeline = Timeline::new(room.page(At::Before(seq(7)), 6, room.head()));
    let page = newer(&room, &timeline, room.head());
    timeline.trim(2, Keep::Oldest);
    assert_eq!(timeline.append(page), Err(Stale));
    timeline.append(newer(&room, &timeline, room.head())).unwrap();
    assert_eq!(numbers(&timeline), [1, 2, 3, 4, 5]);
}

#[test]
fn trimming_keeps_the_side_that_is_looked_at() {
    let room = room(6);
    let mut timeline = newest(&room, 6);
    timeline.trim(10, Keep::Newest);
    assert_eq!((timeline.len(), timeline.has_older(), timeline.at_end()), (6, false, true));
    timeline.trim(4, Keep::Newest);
    assert_eq!((numbers(&timeline), timeline.has_older(), timeline.at_end()), (vec![3, 4, 5, 6], true, true));
    timeline.trim(2, Keep::Oldest);
    assert_eq!((numbers(&timeline), timeline.has_older(), timeline.at_end()), (vec![3, 4], true, false));
    timeline.trim(0, Keep::Newest);
    assert_eq!(numbers(&timeline), [4]);
}

#[test]
fn quotes_follow_what_they_quote() {
    let mut room = room(2);
    room.post(1, Some(seq(1)));
    room.post(2, Some(seq(2)));
    let mut timeline = newest(&room, 2);
    assert_eq!(excerpt(&timeline, 3), Some("message 1"));
    room.edit(seq(1));
    room.delete(seq(2));
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Changed(seq(1)), Applied::Changed(seq(2))]);
    assert_eq!((excerpt(&timeline, 3), excerpt(&timeline, 4)), (Some("edited 5"), None));
    assert!(timeline.replies_to(seq(1)).eq([seq(3)]));
}

#[test]
fn a_quote_that_came_with_a_newer_page_does_not_go_back() {
    let mut room = room(1);
    room.post(1, Some(seq(1)));
    room.post(1, None);
    let mut timeline = newest(&room, 1);
    room.edit(seq(1));
    room.edit(seq(1));
    timeline.prepend(room.page(At::Before(seq(3)), 1, room.head())).unwrap();
    assert_eq!(excerpt(&timeline, 2), Some("edited 5"));
    assert_eq!(catch_up(&mut timeline, &room), [Applied::Repeated, Applied::Repeated]);
    assert_eq!(excerpt(&timeline, 2), Some("edited 5"));
}

#[test]
fn overlapping_pages_merge() {
    let room = room(9);
    let mut timeline = Timeline::new(room.page(At::Before(seq(6)), 3, room.head()));
    let (before, after) = (older(&room, &timeline, room.head()), newer(&room, &timeline, room.head()));
    for _ in 0..2 {
        timeline.prepend(before.clone()).unwrap();
        timeline.append(after.clone()).unwrap();
    }
    assert_eq!(numbers(&timeline), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(!timeline.has_older() && !timeline.at_end());
}
