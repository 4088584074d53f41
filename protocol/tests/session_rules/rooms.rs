//! Rooms: events in order and once, holes closed, snapshots, read positions.

use protocol::{
    ClientFrame, ErrorCode, Op, OpKind, ServerFrame,
    frame::NoReplay,
    frame::{Left, Read, Typing},
    limits::{JOINED_MAX_ROOMS, TYPING_INTERVAL_MS},
    session::{
        Config, HOLE_WAIT_MS, Input, JOIN_TIMEOUT_MS, Output, READ_INTERVAL_MS, REPLAY_WAIT_MS, Session,
        Status,
    },
};

use crate::rig::{
    Rig, cursor, join_frame, live, op, refusal, replay, room, sent, seq, seqs, snapshot, snapshot_because,
    user,
};

#[test]
fn events_come_out_once_and_in_order() {
    let mut rig = Rig::joined(10);
    let mut out = Vec::new();
    for n in [11, 11, 13, 13, 14, 9, 12, 12, 15] {
        out.extend(seqs(&rig.hear(live("a", n))));
    }
    assert_eq!(out, [11, 12, 13, 14, 15]);
    assert_eq!(rig.session.cursor(&room("a")), Some(&cursor("e1", 15)));
    assert_eq!(rig.hear(live("elsewhere", 1)), []);
}

#[test]
fn a_hole_that_stays_is_closed_by_joining_again() {
    let mut rig = Rig::joined(10);
    rig.hear(live("a", 12));
    assert_eq!(rig.pass(HOLE_WAIT_MS - 1), []);
    assert_eq!(sent(&rig.pass(1)), [join_frame("a", Some(cursor("e1", 10)))]);
    rig.hear(live("a", 13));
    assert_eq!(sent(&rig.pass(HOLE_WAIT_MS)), [], "one question at a time");
    assert_eq!(seqs(&rig.hear(replay("a", "e1", 13, 11..=13))), [11, 12, 13]);
    assert_eq!(seqs(&rig.hear(live("a", 14))), [14]);
}

#[test]
fn a_hole_that_closes_by_itself_is_forgotten() {
    let mut rig = Rig::joined(10);
    rig.hear(live("a", 12));
    rig.pass(HOLE_WAIT_MS / 2);
    assert_eq!(seqs(&rig.hear(live("a", 11))), [11, 12]);
    assert_eq!(rig.pass(HOLE_WAIT_MS), []);
}

#[test]
fn a_hole_that_joining_does_not_close_is_tried_less_and_less_often() {
    let mut rig = Rig::joined(10);
    rig.hear(live("a", 12));
    let mut waits = Vec::new();
    for _ in 0..3 {
        let asked = rig.now;
        while sent(&rig.pass(1)).is_empty() {}
        waits.push(rig.now - asked);
        rig.hear(replay("a", "e1", 12, []));
    }
    assert_eq!(waits, [HOLE_WAIT_MS, 2 * HOLE_WAIT_MS, 4 * HOLE_WAIT_MS]);
}

#[test]
fn more_early_events_than_the_bound_are_asked_for_at_once() {
    let mut rig = Rig::online_with(Config { reorder_max: 2, ..Config::new(1) });
    rig.join("a", None);
    rig.hear(snapshot("a", "e1", 0));
    assert_eq!(rig.hear(live("a", 3)), []);
    assert_eq!(rig.hear(live("a", 4)), []);
    assert_eq!(sent(&rig.hear(live("a", 5))), [join_frame("a", Some(cursor("e1", 0)))]);
    assert_eq!(rig.hear(live("a", 6)), []);
    assert_eq!(seqs(&rig.hear(replay("a", "e1", 6, 1..=6))), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_long_replay_goes_on_in_frames_of_its_own() {
    let mut rig = Rig::online();
    rig.join("a", Some(cursor("e1", 0)));
    let outputs = rig.hear(replay("a", "e1", 5, 1..=2));
    assert!(matches!(outputs[0], Output::Resumed { .. }), "the room stands before its events come");
    assert_eq!(seqs(&outputs), [1, 2]);
    assert_eq!(seqs(&rig.hear(live("a", 3))), [3]);
    assert_eq!(rig.pass(REPLAY_WAIT_MS - 1), [], "the rest may take its time");
    assert_eq!(sent(&rig.pass(1)), [join_frame("a", Some(cursor("e1", 3)))], "but not for ever");
}

#[test]
fn a_snapshot_replaces_what_is_held() {
    for (epoch, head) in [("e1", 50), ("e2", 50), ("e2", 3)] {
        let mut rig = Rig::joined(10);
        rig.hear(live("a", 12));
        let outputs = rig.hear(snapshot_because(NoReplay::TooFarBehind, "a", epoch, head));
        assert!(matches!(&outputs[..], [Output::Snapshot { joined, .. }] if joined.head == seq(head)));
        assert_eq!(rig.session.cursor(&room("a")), Some(&cursor(epoch, head)));
        assert_eq!(seqs(&rig.hear(live("a", head + 1))), [head + 1]);
        assert_eq!(rig.pass(HOLE_WAIT_MS), [], "what came early before the snapshot is no hole");
    }
}

#[test]
fn what_is_newer_than_a_snapshot_follows_it() {
    let mut rig = Rig::joined(10);
    rig.hear(live("a", 52));
    let outputs = rig.hear(snapshot_because(NoReplay::TooFarBehind, "a", "e1", 51));
    assert!(matches!(outputs[0], Output::Snapshot { .. }));
    assert_eq!(seqs(&outputs), [52]);
}

#[test]
fn a_snapshot_that_is_older_than_what_is_held_takes_nothing_away() {
    let mut rig = Rig::joined(10);
    let outputs = rig.hear(snapshot_because(NoReplay::TooFarBehind, "a", "e1", 9));
    assert!(matches!(outputs[..], [Output::Resumed { .. }]), "{outputs:?}");
    assert_eq!(rig.session.cursor(&room("a")), Some(&cursor("e1", 10)));
    // Unless the log itself is shorter than it was.
    let outputs = rig.hear(snapshot_because(NoReplay::CursorAhead, "a", "e1", 9));
    assert!(matches!(outputs[..], [Output::Snapshot { .. }]), "{outputs:?}");
    assert_eq!(rig.session.cursor(&room("a")), Some(&cursor("e1", 9)));
}

#[test]
fn every_connection_resumes_from_the_cursor() {
    let mut rig = Rig::joined(10);
    rig.hear(live("a", 11));
    rig.hear(live("a", 13));
    assert_eq!(sent(&rig.reconnect()), [join_frame("a", Some(cursor("e1", 11)))]);
    assert_eq!(rig.hear(live("a", 12)), [], "an event before the answer may be of another life of the log");
    assert_eq!(seqs(&rig.hear(replay("a", "e1", 13, 12..=13))), [12, 13]);
}

#[test]
fn a_replay_of_another_life_is_not_believed() {
    let mut rig = Rig::joined(10);
    rig.reconnect();
    assert_eq!(rig.hear(replay("a", "e2", 12, 11..=12)), []);
    assert_eq!(sent(&rig.pass(HOLE_WAIT_MS)), [join_frame("a", None)]);
}

#[test]
fn a_cursor_that_the_server_cannot_read_is_given_up() {
    let mut rig = Rig::online();
    rig.join("a", Some(cursor("e1", 5)));
    assert_eq!(rig.hear(refusal(None, ErrorCode::BadCursor, None)), []);
    assert_eq!(sent(&rig.pass(HOLE_WAIT_MS)), [join_frame("a", None)]);
}

#[test]
fn a_room_that_is_refused_for_good_is_not_asked_for_again() {
    let mut rig = Rig::online();
    rig.join("a", None);
    rig.join("b", None);
    let outputs = rig.hear(refusal(None, ErrorCode::RoomNotFound, None));
    assert!(matches!(&outputs[..], [Output::JoinRefused { room: refused, .. }] if *refused == room("a")));
    assert_eq!(sent(&rig.reconnect()), [join_frame("b", None)]);
}

#[test]
fn a_room_that_is_refused_for_now_is_asked_for_again() {
    let mut rig = Rig::online();
    rig.join("a", None);
    rig.hear(refusal(None, ErrorCode::Unavailable, Some(700)));
    assert_eq!(rig.pass(699), []);
    assert_eq!(sent(&rig.pass(1)), [join_frame("a", None)]);
}

#[test]
fn joins_and_leaves_are_answered_in_their_order() {
    let mut rig = Rig::joined(10);
    rig.give(Input::Leave { room: room("a") });
    rig.join("b", None);
    assert_eq!(rig.hear(refusal(None, ErrorCode::RateLimited, Some(700))), [], "that was the leave");
    assert!(matches!(rig.hear(snapshot("b", "e1", 1))[..], [Output::Snapshot { .. }]));
    assert_eq!(rig.pass(700), []);
}

#[test]
fn a_join_without_an_answer_ends_the_connection() {
    let mut rig = Rig::online();
    rig.join("a", None);
    assert_eq!(rig.pass(JOIN_TIMEOUT_MS - 1), []);
    assert_eq!(rig.pass(1)[0], Output::Disconnect);
}

#[test]
fn the_answer_to_a_join_that_was_replaced_is_ignored() {
    let mut rig = Rig::online();
    rig.join("a", Some(cursor("e1", 5)));
    rig.give(Input::Leave { room: room("a") });
    rig.join("a", None);
    assert_eq!(rig.hear(replay("a", "e1", 6, [6])), []);
    assert_eq!(rig.hear(ServerFrame::Left(Left { room: room("a") })), [], "it is joined again");
    assert!(matches!(rig.hear(snapshot("a", "e1", 6))[..], [Output::Snapshot { .. }]));
}

#[test]
fn a_right_that_is_taken_away_ends_the_room() {
    let mut rig = Rig::joined(10);
    let left = ServerFrame::Left(Left { room: room("a") });
    assert_eq!(rig.hear(left.clone()), [Output::Notice(left)]);
    assert_eq!(rig.hear(live("a", 11)), []);
    assert_eq!(sent(&rig.reconnect()), []);
}

#[test]
fn joined_rooms_are_bounded() {
    let mut rig = Rig::new(Config::new(1));
    for n in 0..JOINED_MAX_ROOMS {
        assert_eq!(sent(&rig.join(&format!("room-{n}"), None)), []);
    }
    let outputs = rig.join("one-more", None);
    assert!(
        matches!(&outputs[..], [Output::JoinRefused { refusal, .. }] if refusal.code == ErrorCode::LimitReached),
        "{outputs:?}"
    );
}

#[test]
fn typing_is_said_at_most_every_few_seconds() {
    let mut rig = Rig::joined(10);
    let typing = Input::Typing { room: room("a") };
    assert_eq!(sent(&rig.give(typing.clone())), [ClientFrame::Typing { room: room("a") }]);
    rig.pass(TYPING_INTERVAL_MS - 1);
    assert_eq!(rig.give(typing.clone()), []);
    rig.pass(1);
    assert_eq!(sent(&rig.give(typing.clone())).len(), 1);
    rig.reconnect();
    rig.pass(TYPING_INTERVAL_MS);
    assert_eq!(rig.give(typing), [], "not before the room is joined");
}

#[test]
fn whoever_writes_on_after_sending_is_typing_at_once() {
    let mut rig = Rig::joined(10);
    let typing = Input::Typing { room: room("a") };
    rig.give(typing.clone());
    rig.submit(op("a", 1));
    assert_eq!(sent(&rig.give(typing.clone())), [ClientFrame::Typing { room: room("a") }]);
    assert_eq!(rig.give(typing.clone()), [], "once");
    rig.submit(op("b", 2));
    let target = seq(10);
    rig.submit(Op { kind: OpKind::Delete { target }, ..op("a", 3) });
    assert_eq!(rig.give(typing), [], "neither another room nor another operation is what was being written");
}

#[test]
fn read_positions_go_forward_and_are_gathered() {
    let mut rig = Rig::joined(10);
    let read = |n| Input::Read { room: room("a"), seq: seq(n) };
    let frame = |n| ClientFrame::Read { room: room("a"), seq: seq(n) };
    assert_eq!(sent(&rig.give(read(5))), [frame(5)]);
    assert_eq!(rig.give(read(3)), []);
    assert_eq!(rig.give(read(7)), []);
    assert_eq!(rig.give(read(9)), []);
    assert_eq!(sent(&rig.pass(READ_INTERVAL_MS)), [frame(9)]);
    assert_eq!(rig.pass(10 * READ_INTERVAL_MS), []);
}

#[test]
fn a_read_position_that_the_server_does_not_know_is_sent_again() {
    let mut rig = Rig::joined(10);
    rig.give(Input::Read { room: room("a"), seq: seq(5) });
    rig.pass(READ_INTERVAL_MS);
    rig.reconnect();
    let frame = ClientFrame::Read { room: room("a"), seq: seq(5) };
    assert_eq!(sent(&rig.hear(replay("a", "e1", 10, []))), std::slice::from_ref(&frame));
    let confirmed = ServerFrame::Read(Read { room: room("a"), seq: seq(5) });
    assert_eq!(rig.hear(confirmed.clone()), [Output::Notice(confirmed)]);
    rig.pass(READ_INTERVAL_MS);
    rig.reconnect();
    assert_eq!(sent(&rig.hear(replay("a", "e1", 10, []))), []);
}

#[test]
fn notices_are_handed_on() {
    let mut rig = Rig::joined(10);
    let typing =
        ServerFrame::Typing(Typing { room: room("a"), user_id: user().id, username: user().username });
    assert_eq!(rig.hear(typing.clone()), [Output::Notice(typing)]);
    let error = refusal(None, ErrorCode::RateLimited, None);
    assert_eq!(rig.hear(error.clone()), [Output::Notice(error)]);
}

#[test]
fn joining_before_the_connection_stands_waits_for_it() {
    let mut rig = Rig { session: Session::new(Config::new(1)), now: 0 };
    assert_eq!(rig.join("a", Some(cursor("e1", 3)))[0], Output::Connect);
    assert_eq!(rig.session.status(), Status::Connecting);
    assert_eq!(sent(&rig.greet()), [join_frame("a", Some(cursor("e1", 3)))]);
}
