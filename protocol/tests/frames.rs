//! Every frame as it stands on the wire. A snapshot that changes is a change of the public protocol.

#![expect(clippy::unwrap_used, reason = "what a test is given is right, or the test fails")]

use insta::{assert_json_snapshot, assert_snapshot};
use protocol::{
    ClientFrame, Cursor, Emoji, Epoch, Event, EventKind, OpId, RoomSlug, Seq, ServerFrame, Timestamp, UserId,
    api::{Role, Room, User, Visibility},
    event::Quote,
    frame::{
        Ack, ErrorCode, History, Joined, Left, NoReplay, Presence, Read, Refusal, RoomChanged, Typing,
        Welcome,
    },
    limits::{Limits, PING_INTERVAL_MS, PROTOCOL_VERSION},
    timeline::{Message, Reaction, Reactor},
};
use uuid::Uuid;

fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}

fn general() -> RoomSlug {
    "general".parse().unwrap()
}

fn epoch() -> Epoch {
    "k3v9".parse().unwrap()
}

fn op() -> OpId {
    OpId(Uuid::from_u128(0x0198_b000_0000_7000_8000_0000_0000_0001))
}

fn at() -> Timestamp {
    "2026-11-22T09:41:00.007Z".parse().unwrap()
}

fn thumb() -> Emoji {
    "👍".parse().unwrap()
}

fn ann() -> User {
    let id = UserId(Uuid::from_u128(0x0198_a000_0000_7000_8000_0000_0000_000a));
    User { id, username: "小安".parse().unwrap(), role: Role::Guest }
}

fn room() -> Room {
    Room {
        slug: general(),
        name: "General".parse().unwrap(),
        topic: "Everything".parse().unwrap(),
        visibility: Visibility::Public,
        invite: None,
    }
}

fn quote() -> Quote {
    Quote { user_id: ann().id, username: ann().username, excerpt: Some("shall we?".into()) }
}

fn event(kind: EventKind) -> Event {
    Event {
        room: general(),
        seq: seq(42),
        user_id: ann().id,
        username: ann().username,
        timestamp: at(),
        kind,
    }
}

fn said() -> EventKind {
    EventKind::Message { id: op(), content: "你好\n*all*".parse().ok(), reply_to: None, quote: None }
}

fn message() -> Message {
    let mut message = Message::posted(&event(said())).unwrap();
    message.reply_to = Some(seq(40));
    message.quote = Some(quote());
    message.edited_at = Some(at());
    message.version = seq(50);
    message.reactions = vec![Reaction {
        emoji: thumb(),
        users: vec![Reactor { user_id: ann().id, username: ann().username }],
    }];
    message
}

fn joined(resumed: bool, history: History) -> ServerFrame {
    ServerFrame::Joined(Box::new(Joined {
        room: room(),
        epoch: epoch(),
        head: seq(50),
        resumed,
        history,
        read: seq(41),
        here: vec![ann()].into(),
        here_count: 1,
    }))
}

/// Checks a frame's form, and that what is written is read as the same.
#[track_caller]
fn check_client(name: &str, frame: &ClientFrame) {
    assert_json_snapshot!(format!("client_{name}"), frame);
    assert_eq!(ClientFrame::decode(&frame.encode()).as_ref(), Ok(frame));
}

/// The same JSON as it is read by people.
fn pretty(json: &str) -> String {
    let mut pretty = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut pretty);
    serde_transcode::transcode(&mut serde_json::Deserializer::from_str(json), &mut writer).unwrap();
    String::from_utf8(pretty).unwrap()
}

#[track_caller]
fn check_server(name: &str, frame: &ServerFrame) {
    let text = frame.encode();
    assert_snapshot!(format!("server_{name}"), pretty(&text));
    assert_eq!(ServerFrame::decode(&text).as_ref(), Some(frame));
}

#[test]
fn client_frames() {
    let room = general();
    let content = || "hi".parse().unwrap();
    let anew = ClientFrame::Join { room: room.clone(), epoch: None, after: None };
    let resume = ClientFrame::Join { room: room.clone(), epoch: Some(epoch()), after: Some(seq(41)) };
    assert_eq!(anew.cursor(), None);
    assert_eq!(resume.cursor(), Some(Cursor { epoch: epoch(), after: seq(41) }));
    check_client("join", &anew);
    check_client("join_to_resume", &resume);
    check_client("leave", &ClientFrame::Leave { room: room.clone() });
    check_client(
        "send",
        &ClientFrame::Send { room: room.clone(), id: op(), content: content(), reply_to: None },
    );
    check_client(
        "send_answer",
        &ClientFrame::Send { room: room.clone(), id: op(), content: content(), reply_to: Some(seq(40)) },
    );
    check_client(
        "edit",
        &ClientFrame::Edit { room: room.clone(), id: op(), target: seq(40), content: content() },
    );
    check_client("delete", &ClientFrame::Delete { room: room.clone(), id: op(), target: seq(40) });
    check_client(
        "react",
        &ClientFrame::React { room: room.clone(), id: op(), target: seq(40), emoji: thumb(), on: true },
    );
    check_client("typing", &ClientFrame::Typing { room: room.clone() });
    check_client("read", &ClientFrame::Read { room, seq: seq(42) });
    check_client("pong", &ClientFrame::Pong);
}

#[test]
fn server_frames_about_the_connection() {
    check_server(
        "welcome",
        &ServerFrame::Welcome(Welcome {
            protocol: PROTOCOL_VERSION,
            user: ann(),
            ping_ms: PING_INTERVAL_MS,
            limits: Limits::default(),
        }),
    );
    check_server("ack", &ServerFrame::Ack(Ack { id: op(), room: general(), seq: seq(42), timestamp: at() }));
    let refusal = Refusal::new(ErrorCode::BadFrame, "a frame is one JSON object with a type");
    check_server("error", &ServerFrame::Error(refusal));
    let refusal = Refusal::for_now(ErrorCode::RateLimited, "too fast; wait a second", 1_000).of(Some(op()));
    check_server("error_for_now", &ServerFrame::Error(refusal));
    check_server("ping", &ServerFrame::Ping);
}

#[test]
fn server_frames_about_a_room() {
    check_server("joined_resumed", &joined(true, History::Replay { events: vec![event(said())] }));
    let snapshot = History::Snapshot {
        reason: NoReplay::EpochChanged,
        messages: vec![message()].into(),
        has_more: true,
    };
    check_server("joined_anew", &joined(false, snapshot));
    check_server("left", &ServerFrame::Left(Left { room: general() }));
    let presence = ServerFrame::Presence(Presence {
        room: general(),
        here: vec![ann()],
        gone: vec![ann().id],
        count: 2,
    });
    check_server("presence", &presence);
    let typing = ServerFrame::Typing(Typing { room: general(), user_id: ann().id, username: ann().username });
    check_server("typing", &typing);
    check_server("read", &ServerFrame::Read(Read { room: general(), seq: seq(42) }));
    check_server("room", &ServerFrame::Room(RoomChanged { room: room(), epoch: epoch(), head: Seq::ZERO }));
    let private = Room { visibility: Visibility::Private, invite: Some("/invite/x7".into()), ..room() };
    check_server(
        "room_private",
        &ServerFrame::Room(RoomChanged { room: private, epoch: epoch(), head: Seq::ZERO }),
    );
}

#[test]
fn server_frames_of_the_log() {
    check_server("message", &ServerFrame::Event(event(said())));
    let answer = EventKind::Message {
        id: op(),
        content: "yes".parse().ok(),
        reply_to: Some(seq(40)),
        quote: Some(quote()),
    };
    check_server("message_answer", &ServerFrame::Event(event(answer)));
    let gone = EventKind::Message { id: op(), content: None, reply_to: None, quote: None };
    check_server("message_deleted_since", &ServerFrame::Event(event(gone)));
    let edited = EventKind::Edited { target: seq(40), content: "better".parse().ok() };
    check_server("edited", &ServerFrame::Event(event(edited)));
    check_server("deleted", &ServerFrame::Event(event(EventKind::Deleted { target: seq(40) })));
    let reacted = EventKind::Reacted { target: seq(40), emoji: thumb(), on: true };
    check_server("reacted", &ServerFrame::Event(event(reacted)));
}

#[test]
fn reasons_and_codes_have_the_names_they_say() {
    let reasons = [NoReplay::NoCursor, NoReplay::EpochChanged, NoReplay::CursorAhead, NoReplay::TooFarBehind];
    insta::assert_json_snapshot!(reasons, @r#"
    [
      "no_cursor",
      "epoch_changed",
      "cursor_ahead",
      "too_far_behind"
    ]
    "#);
    for code in
        [ErrorCode::BadFrame, ErrorCode::ContentTooLong, ErrorCode::ForeignOrigin, ErrorCode::IdConflict]
    {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
}

#[test]
fn unknown_frames_and_fields_are_ignored_by_clients() {
    assert_eq!(ServerFrame::decode(r#"{"type": "sunrise", "at": 6}"#), None);
    assert_eq!(ServerFrame::decode("garbage"), None);
    assert_eq!(ServerFrame::decode(r#"{"type": "ping", "since": 2027}"#), Some(ServerFrame::Ping));
    assert_eq!(ClientFrame::decode(r#"{"type": "pong", "mood": "fine"}"#), Ok(ClientFrame::Pong));
}
