//! Operations: sent in order, repeated until answered, never dropped.

use protocol::{
    ErrorCode, ServerFrame, Timestamp,
    frame::Refusal,
    session::{ACK_TIMEOUT_MS, Config, Delivery, Input, Output, RETRY_AFTER_MAX_MS},
};

use crate::rig::{Rig, ack, id, op, refusal, room, sent, seq};

fn acked(slug: &str, n: u128, at: u64) -> Output {
    Output::Acked { id: id(n), room: room(slug), seq: seq(at), timestamp: Timestamp::from_unix_ms(0) }
}

#[test]
fn one_operation_is_under_way_at_a_time() {
    let mut rig = Rig::online();
    assert_eq!(rig.submit(op("a", 1)), [Output::Queued(op("a", 1)), Output::Transmit(op("a", 1).into())]);
    assert_eq!(rig.submit(op("a", 2)), [Output::Queued(op("a", 2))]);
    assert_eq!(rig.hear(ack("a", 1, 5)), [acked("a", 1, 5), Output::Transmit(op("a", 2).into())]);
    assert_eq!(rig.hear(ack("a", 1, 5)), [], "an answer that comes twice says nothing new");
}

#[test]
fn more_may_be_under_way_where_the_driver_wants_it() {
    let mut rig = Rig::online_with(Config { max_in_flight: 2, ..Config::new(1) });
    let frames: Vec<_> = (1..=3).flat_map(|n| sent(&rig.submit(op("a", n)))).collect();
    assert_eq!(frames, [op("a", 1).into(), op("a", 2).into()]);
}

#[test]
fn what_is_not_answered_is_sent_again() {
    let mut rig = Rig::online();
    rig.submit(op("a", 1));
    assert_eq!(rig.pass(ACK_TIMEOUT_MS - 1), []);
    assert_eq!(sent(&rig.pass(1)), [op("a", 1).into()], "on the same connection");
    assert_eq!(sent(&rig.reconnect()), [op("a", 1).into()], "at once on the next");
}

#[test]
fn what_is_submitted_offline_waits() {
    let mut rig = Rig::new(Config::new(1));
    rig.give(Input::Tick);
    for n in 1..=2 {
        assert_eq!(rig.submit(op("a", n)), [Output::Queued(op("a", n))]);
    }
    assert_eq!(sent(&rig.greet()), [op("a", 1).into()]);
}

#[test]
fn a_refusal_for_now_holds_its_room_back_and_no_other() {
    let mut rig = Rig::online();
    for (slug, n) in [("a", 1), ("a", 2), ("b", 3)] {
        rig.submit(op(slug, n));
    }
    let outputs = rig.hear(refusal(Some(1), ErrorCode::RateLimited, Some(2_000)));
    assert_eq!(outputs, [Output::Transmit(op("b", 3).into())]);
    rig.hear(ack("b", 3, 1));
    assert_eq!(rig.pass(1_999), []);
    assert_eq!(rig.pass(1), [Output::Transmit(op("a", 1).into())]);
    assert_eq!(sent(&rig.hear(ack("a", 1, 1))), [op("a", 2).into()]);
}

#[test]
fn a_refusal_for_now_that_names_no_time_waits_longer_each_time() {
    let mut rig = Rig::online();
    rig.submit(op("a", 1));
    let mut waits = Vec::new();
    for _ in 0..10 {
        rig.hear(refusal(Some(1), ErrorCode::Unavailable, None));
        let at = rig.session.wake_at().unwrap();
        waits.push(at - rig.now);
        // The server pings in long waits, or the connection would end.
        rig.now = at;
        rig.hear(ServerFrame::Ping);
    }
    assert!(waits[0] >= 500 && waits[0] <= 1_000, "{waits:?}");
    assert!(waits[9] >= 15_000 && waits[9] <= 30_000, "{waits:?}");
}

#[test]
fn no_server_can_put_an_operation_off_for_ever() {
    let mut rig = Rig::online();
    rig.submit(op("a", 1));
    rig.hear(refusal(Some(1), ErrorCode::RateLimited, Some(u64::MAX)));
    rig.now += RETRY_AFTER_MAX_MS;
    assert_eq!(sent(&rig.hear(ServerFrame::Ping))[1], op("a", 1).into());
}

#[test]
fn a_refusal_for_good_is_kept_until_it_is_retried_or_discarded() {
    let mut rig = Rig::online();
    rig.submit(op("a", 1));
    rig.submit(op("a", 2));
    let refused = Refusal::new(ErrorCode::Forbidden, "no").of(Some(id(1)));
    let outputs = rig.hear(refusal(Some(1), ErrorCode::Forbidden, None));
    let expected = Output::Refused { id: id(1), refusal: refused.clone() };
    assert_eq!(outputs, [expected, Output::Transmit(op("a", 2).into())]);
    let kept: Vec<_> = rig.session.outbox().collect();
    assert_eq!(kept, [(&op("a", 1), Delivery::Failed(refused)), (&op("a", 2), Delivery::Sent)]);
    assert_eq!(sent(&rig.reconnect()), [op("a", 2).into()], "what failed is not sent by itself");

    assert_eq!(rig.give(Input::Retry(id(2))), [], "only what failed can be retried");
    assert_eq!(rig.give(Input::Retry(id(1))), [Output::Queued(op("a", 1))]);
    assert_eq!(sent(&rig.hear(ack("a", 2, 1))), [op("a", 1).into()]);
    rig.hear(refusal(Some(1), ErrorCode::Forbidden, None));
    assert_eq!(rig.give(Input::Discard(id(1))), [Output::Discarded { id: id(1) }]);
    assert_eq!(rig.session.outbox().count(), 0);
}

#[test]
fn an_operation_that_is_submitted_twice_is_one() {
    let mut rig = Rig::online();
    rig.submit(op("a", 1));
    assert_eq!(rig.submit(op("a", 1)), []);
}

#[test]
fn a_full_outbox_takes_no_more() {
    let mut rig = Rig::online_with(Config { outbox_max: 2, ..Config::new(1) });
    rig.submit(op("a", 1));
    rig.submit(op("a", 2));
    let outputs = rig.submit(op("a", 3));
    assert!(
        matches!(&outputs[..], [Output::Refused { refusal, .. }] if refusal.code == ErrorCode::LimitReached),
        "{outputs:?}"
    );
    rig.hear(ack("a", 1, 1));
    assert_eq!(rig.submit(op("a", 3)), [Output::Queued(op("a", 3))]);
}
