//! Opening, giving up, waiting, stopping.

use protocol::{
    ClientFrame, CloseCode, ServerFrame,
    frame::Welcome,
    limits::{Limits, PING_GRACE_MS, PING_INTERVAL_MS, PROTOCOL_VERSION},
    session::{
        BACKOFF_BASE_MS, BACKOFF_CAP_MS, BACKOFF_YOUNG_CAP_MS, BACKOFF_YOUNG_TRIES, CONNECT_TIMEOUT_MS,
        Config, HEALTHY_AFTER_MS, Input, Millis, Output, RESTART_SPREAD_MS, Session, Status, StopReason,
        WELCOME_TIMEOUT_MS,
    },
};

use crate::rig::{Rig, join_frame, op, sent, user, welcome};

/// Seeds that the random waits are looked at with.
const SEEDS: u64 = 500;

#[track_caller]
fn wait_of(rig: &Rig) -> Millis {
    match rig.session.status() {
        Status::Waiting { until, .. } => until - rig.now,
        // The wait was no wait at all.
        Status::Connecting => 0,
        status => panic!("{status:?}"),
    }
}

#[test]
fn it_connects_at_once_and_is_online_when_greeted() {
    let mut rig = Rig::new(Config::new(1));
    assert_eq!(rig.session.wake_at(), Some(0));
    assert_eq!(rig.give(Input::Tick), [Output::Connect]);
    assert_eq!(rig.give(Input::Connected), []);
    assert_eq!(rig.session.status(), Status::Connecting);
    let welcomed = Output::Welcomed { user: user(), limits: Limits::default() };
    assert_eq!(rig.hear(welcome()), [Output::Status(Status::Online), welcomed]);
}

#[test]
fn a_socket_that_does_not_open_is_given_up() {
    let mut rig = Rig::new(Config::new(1));
    rig.give(Input::Tick);
    assert_eq!(rig.pass(CONNECT_TIMEOUT_MS - 1), []);
    assert!(matches!(
        rig.pass(1)[..],
        [Output::Disconnect, Output::Status(Status::Waiting { attempt: 1, .. }), ..]
    ));
}

#[test]
fn a_server_that_does_not_greet_is_given_up() {
    let mut rig = Rig::new(Config::new(1));
    rig.give(Input::Tick);
    rig.give(Input::Connected);
    assert_eq!(rig.pass(WELCOME_TIMEOUT_MS - 1), []);
    assert_eq!(rig.pass(1)[0], Output::Disconnect);
}

#[test]
fn a_ping_is_answered_and_silence_ends_the_connection() {
    let mut rig = Rig::online();
    rig.pass(PING_INTERVAL_MS);
    assert_eq!(rig.hear(ServerFrame::Ping), [Output::Transmit(ClientFrame::Pong)]);
    assert_eq!(rig.pass(PING_INTERVAL_MS + PING_GRACE_MS - 1), []);
    assert_eq!(rig.pass(1)[0], Output::Disconnect);
}

#[test]
fn the_wait_grows_to_its_cap_and_is_spread_over_its_whole_range() {
    let young = (0..BACKOFF_YOUNG_TRIES).map(|n| (BACKOFF_BASE_MS << n).min(BACKOFF_YOUNG_CAP_MS));
    let old = [4_000, 8_000, 16_000, BACKOFF_CAP_MS, BACKOFF_CAP_MS];
    for (failures, ceiling) in young.chain(old).enumerate() {
        let waits: Vec<Millis> = (0..SEEDS)
            .map(|seed| {
                let mut rig = Rig::new(Config::new(seed));
                rig.give(Input::Tick);
                for _ in 0..failures {
                    rig.lose(None);
                    rig.give(Input::Online);
                }
                rig.lose(None);
                wait_of(&rig)
            })
            .collect();
        assert!(waits.iter().all(|&wait| wait <= ceiling), "after {failures} failures");
        assert!(waits.iter().any(|&wait| wait < ceiling / 4), "after {failures} failures");
        assert!(waits.iter().any(|&wait| wait > ceiling / 4 * 3), "after {failures} failures");
    }
}

#[test]
fn a_server_that_is_back_soon_is_found_soon() {
    const DOWN_MS: Millis = 3_000;
    for seed in 0..SEEDS {
        let mut rig = Rig::online_with(Config::new(seed));
        rig.pass(HEALTHY_AFTER_MS);
        let killed_at = rig.now;
        rig.lose(None);
        while rig.now < killed_at + DOWN_MS {
            match rig.session.status() {
                Status::Waiting { until, .. } => rig.pass(until - rig.now),
                _ => rig.lose(None),
            };
        }
        let late = rig.now - killed_at - DOWN_MS;
        assert!(late <= BACKOFF_YOUNG_CAP_MS, "seed {seed}: {late} ms after the server was back");
    }
}

#[test]
fn after_a_restart_everybody_comes_back_at_another_moment() {
    let waits: Vec<Millis> = (0..SEEDS)
        .map(|seed| {
            let mut rig = Rig::online_with(Config::new(seed));
            rig.pass(HEALTHY_AFTER_MS);
            rig.lose(Some(CloseCode::Restart.code()));
            wait_of(&rig)
        })
        .collect();
    assert!(waits.iter().all(|&wait| wait <= RESTART_SPREAD_MS));
    assert!(waits.iter().any(|&wait| wait > RESTART_SPREAD_MS / 4 * 3));
}

#[test]
fn only_a_connection_that_lasted_counts_as_healthy() {
    let attempt_after = |lasted| {
        let mut rig = Rig::new(Config::new(1));
        rig.give(Input::Tick);
        for _ in 0..5 {
            rig.lose(None);
            rig.give(Input::Online);
        }
        rig.greet();
        rig.pass(lasted);
        rig.lose(None);
        let Status::Waiting { attempt, .. } = rig.session.status() else { panic!("it does not wait") };
        attempt
    };
    assert_eq!(attempt_after(HEALTHY_AFTER_MS), 1);
    assert_eq!(attempt_after(HEALTHY_AFTER_MS - 1), 6);
}

#[test]
fn when_the_network_is_back_it_does_not_wait() {
    let mut rig = Rig::online();
    rig.lose(None);
    assert_eq!(rig.give(Input::Online), [Output::Connect, Output::Status(Status::Connecting)]);
}

#[test]
fn whoever_does_not_want_to_wait_need_not_when_what_is_being_tried_fails() {
    for is_open in [false, true] {
        let mut rig = Rig::new(Config::new(1));
        rig.give(Input::Tick);
        if is_open {
            rig.give(Input::Connected);
        }
        assert_eq!(rig.give(Input::Online), []);
        assert!(rig.lose(None).contains(&Output::Connect));
        // Once.
        assert!(!rig.lose(None).contains(&Output::Connect));
    }
}

#[test]
fn close_codes_say_whether_to_come_back() {
    for (code, expected) in [
        (Some(4001), Some(StopReason::SignedOut)),
        (Some(4003), Some(StopReason::Forbidden)),
        (Some(4009), Some(StopReason::ProtocolBroken)),
        (Some(1009), Some(StopReason::ProtocolBroken)),
        (Some(1000), None),
        (Some(1001), None),
        (Some(1006), None),
        (Some(1012), None),
        (Some(4008), None),
        (None, None),
    ] {
        let mut rig = Rig::online();
        rig.submit(op("a", 1));
        rig.lose(code);
        match (rig.session.status(), expected) {
            (Status::Stopped(reason), Some(expected)) => assert_eq!(reason, expected, "{code:?}"),
            (Status::Waiting { .. }, None) => {}
            (status, _) => panic!("{code:?} leads to {status:?}"),
        }
        assert_eq!(rig.session.wake_at().is_none(), expected.is_some());
        assert_eq!(rig.session.outbox().count(), 1, "the outbox is kept");
    }
}

#[test]
fn another_version_of_the_protocol_stops_it() {
    let mut rig = Rig::new(Config::new(1));
    rig.give(Input::Tick);
    rig.give(Input::Connected);
    let ServerFrame::Welcome(Welcome { user, ping_ms, limits, .. }) = welcome() else { unreachable!() };
    let outputs =
        rig.hear(ServerFrame::Welcome(Welcome { protocol: PROTOCOL_VERSION + 1, user, ping_ms, limits }));
    assert_eq!(outputs, [Output::Disconnect, Output::Status(Status::Stopped(StopReason::ProtocolBroken))]);
}

#[test]
fn stop_is_final_and_leaves_the_outbox_for_the_next() {
    let mut rig = Rig::online();
    rig.submit(op("a", 1));
    let stopped = Status::Stopped(StopReason::ByUser);
    assert_eq!(rig.give(Input::Stop), [Output::Disconnect, Output::Status(stopped)]);
    assert_eq!(rig.give(Input::Online), []);
    assert_eq!(rig.session.wake_at(), None);
    let kept: Vec<_> = rig.session.outbox().map(|(op, _)| op.clone()).collect();
    let mut next = Rig { session: Session::restore(Config::new(2), kept), now: 0 };
    next.give(Input::Tick);
    assert_eq!(sent(&next.greet()), [op("a", 1).into()]);
}

#[test]
fn what_comes_from_no_connection_is_ignored() {
    let mut rig = Rig::online();
    rig.lose(None);
    assert_eq!(rig.hear(ServerFrame::Ping), []);
    rig.give(Input::Online);
    assert_eq!(rig.hear(welcome()), [], "nothing is heard before the socket is open");
    assert_eq!(rig.session.status(), Status::Connecting);
}

#[test]
fn a_new_connection_resumes_the_rooms_in_the_order_they_were_joined_and_then_sends() {
    let mut rig = Rig::online();
    rig.join("b", None);
    rig.join("a", None);
    rig.submit(op("a", 1));
    let expected = [join_frame("b", None), join_frame("a", None), op("a", 1).into()];
    assert_eq!(sent(&rig.reconnect()), expected);
}
