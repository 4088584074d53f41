//! The socket as hostile, slow, absent and ordinary clients meet it.

use protocol::{
    ClientFrame, CloseCode, Cursor, ErrorCode, Seq, ServerFrame,
    frame::{Ack, History, Joined, NoReplay, Presence, Typing},
};
use serde_json::json;
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    server::TestServer,
    wire::{Came, Wire, id, replayed, room, send_of},
};

const UNLIMITED: [&str; 2] = ["--rate-limits", "off"];

async fn connect(server: &TestServer, username: &str) -> Wire {
    Wire::connect(server.address(), &server.guest(username).await.token).await
}

/// Posts so many messages of so many characters, of three bytes each, into an empty room; a few at a time, so that whoever
/// reads keeps up.
async fn fill(server: &TestServer, count: u64, chars: usize) -> Wire {
    const AT_A_TIME: usize = 3;
    let mut author = connect(server, "author").await;
    let content = "界".repeat(chars);
    let mut rest = 1..=count;
    loop {
        let expected: Vec<u64> = rest.by_ref().take(AT_A_TIME).collect();
        if expected.is_empty() {
            return author;
        }
        author.say_all(expected.iter().map(|_| send_of(&content))).await;
        for expected in expected {
            let frame = author.frame().await;
            assert!(
                matches!(&frame, ServerFrame::Ack(Ack { seq, .. }) if seq.get() == expected),
                "{frame:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_crowd_hears_everything_in_order_and_one_who_is_gone_holds_nobody_up() {
    const READERS: usize = 260;
    const MESSAGES: u64 = 20;
    let server = TestServer::with(&[&UNLIMITED[..], &["--max-connections-per-user", "1000"]].concat()).await;
    let reader = server.guest("reader").await;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut wire = Wire::connect(server.address(), &reader.token).await;
        wire.join(None).await;
        readers.push(wire);
    }
    let mut author = connect(&server, "author").await;
    for n in 0..MESSAGES {
        // They go without a word while others are written to.
        readers.pop();
        author.post(&format!("message {n}")).await;
    }
    for wire in &mut readers {
        assert!(wire.events_to(MESSAGES).await.into_iter().eq(1..=MESSAGES));
    }
}

fn cursor(joined: &Joined, after: u64) -> Cursor {
    Cursor { epoch: joined.epoch.clone(), after: Seq::new(after).unwrap() }
}

fn reason(joined: &Joined) -> NoReplay {
    match joined.history {
        History::Snapshot { reason, .. } => reason,
        History::Replay { .. } => panic!("a replay"),
    }
}

#[track_caller]
fn assert_whole(numbers: &[u64], first: u64, last: u64) {
    assert!(numbers.iter().copied().eq(first..=last), "not {first} to {last}: {numbers:?}");
}

#[tokio::test]
async fn whoever_writes_on_after_sending_is_typing_at_once() {
    let server = TestServer::with(&UNLIMITED).await;
    let (mut ann, mut bob) = (connect(&server, "ann").await, connect(&server, "bob").await);
    ann.join(None).await;
    bob.join(None).await;
    let typing = || ClientFrame::Typing { room: room() };
    for seq in 1..=2 {
        ann.say_all([typing(), typing(), send_of("said")]).await;
        // What she has heard the hub has told to everybody.
        ann.events_to(seq).await;
    }
    let mut came = Vec::new();
    while came.iter().filter(|&&what| what == "said").count() < 2 {
        came.push(match bob.frame().await {
            ServerFrame::Typing(_) => "typing",
            ServerFrame::Event(_) => "said",
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(came, ["typing", "said", "typing", "said"], "each time it is news, it is told once");
}

#[tokio::test]
async fn two_people_talk() {
    let server = TestServer::with(&UNLIMITED).await;
    let (mut ann, mut bob) = (connect(&server, "ann").await, connect(&server, "bob").await);
    assert_eq!(reason(&ann.join(None).await), NoReplay::NoCursor);
    let joined = bob.join(None).await;
    assert_eq!((joined.head, joined.read), (Seq::ZERO, Seq::ZERO));
    let count = loop {
        match ann.next().await {
            Came::Frame(ServerFrame::Presence(Presence { count, .. })) if count > 1 => break count,
            Came::Frame(_) => {}
            Came::Closed(code) => panic!("closed with {code:?}"),
        }
    };
    assert_eq!(count, 2);
    assert_eq!(ann.post("你好 👋🏽").await.get(), 1);
    let frame = bob.frame().await;
    let ServerFrame::Event(event) = &frame else { panic!("{frame:?}") };
    assert_eq!((event.seq.get(), event.username.to_string()), (1, "ann".to_owned()));
    bob.say(&ClientFrame::Typing { room: room() }).await;
    let heard = loop {
        if let frame @ ServerFrame::Typing(_) = ann.frame().await {
            break frame;
        }
    };
    assert!(matches!(heard, ServerFrame::Typing(Typing { username, .. }) if username.to_string() == "bob"));
    bob.say(&ClientFrame::Leave { room: room() }).await;
    assert!(matches!(bob.frame().await, ServerFrame::Left(_)));
}

#[tokio::test]
async fn a_reader_resumes_from_any_position() {
    let server = TestServer::with(&UNLIMITED).await;
    let mut author = fill(&server, 20, 10).await;
    let mut reader = connect(&server, "reader").await;
    let first = reader.join(None).await;
    for after in [0, 1, 7, 19, 20] {
        let joined = reader.join(cursor(&first, after)).await;
        assert!(joined.resumed);
        assert_whole(&replayed(&joined), after + 1, 20);
    }
    assert_eq!(author.post("one more").await.get(), 21);
    assert_eq!(reader.events_to(21).await, [21], "the last join is live, the others are over");
}

#[tokio::test]
async fn a_long_absence_is_replayed_while_others_talk() {
    let server = TestServer::with(&UNLIMITED).await;
    let mut author = fill(&server, 1_300, 60).await;
    let mut reader = connect(&server, "reader").await;
    let first = reader.join(None).await;
    reader.say(&ClientFrame::Join { room: room(), epoch: Some(first.epoch), after: Some(Seq::ZERO) }).await;
    author.say_all((0..100).map(|_| send_of("meanwhile"))).await;
    // What came live before the server took the second join in is the old join's.
    let joined = loop {
        if let ServerFrame::Joined(joined) = reader.frame().await {
            break joined;
        }
    };
    let mut numbers = replayed(&joined);
    assert!(numbers.len() <= 500, "{}", numbers.len());
    numbers.extend(reader.events_to(1_400).await);
    assert_whole(&numbers, 1, 1_400);
}

#[tokio::test]
async fn a_long_absence_is_replayed_though_the_room_has_been_silent_since_the_restart() {
    let server = TestServer::with(&UNLIMITED).await;
    let mut author = fill(&server, 1_300, 60).await;
    let first = author.join(None).await;
    let token = server.guest("reader").await.token.clone();
    let server = TestServer::on(server.stop().await, &UNLIMITED).await;
    let mut reader = Wire::connect(server.address(), &token).await;
    let mut numbers = replayed(&reader.join(cursor(&first, 0)).await);
    numbers.extend(reader.events_to(1_300).await);
    assert_whole(&numbers, 1, 1_300);
}

#[tokio::test]
async fn where_nothing_can_be_replayed_the_reason_is_said() {
    let server = TestServer::with(&["--rate-limits", "off", "--max-replay", "10"]).await;
    fill(&server, 30, 10).await;
    let mut reader = connect(&server, "reader").await;
    let first = reader.join(None).await;
    assert_eq!(reason(&reader.join(cursor(&first, 19)).await), NoReplay::TooFarBehind);
    assert_eq!(reason(&reader.join(cursor(&first, 31)).await), NoReplay::CursorAhead);
    let elsewhere = Cursor { epoch: "other".parse().unwrap(), after: Seq::ZERO };
    assert_eq!(reason(&reader.join(elsewhere).await), NoReplay::EpochChanged);
    assert_whole(&replayed(&reader.join(cursor(&first, 20)).await), 21, 30);
}

#[tokio::test]
async fn operations_are_answered_in_order_and_repeats_with_the_first_answer() {
    let server = TestServer::with(&UNLIMITED).await;
    let mut author = connect(&server, "author").await;
    let sends: Vec<ClientFrame> = (0..300).map(|n| send_of(&format!("message {n}"))).collect();
    for _ in 0..2 {
        author.say_all(sends.clone()).await;
        for (send, expected) in sends.iter().zip(1..) {
            let frame = author.frame().await;
            let ServerFrame::Ack(Ack { id, seq, .. }) = frame else { panic!("{frame:?}") };
            assert_eq!((Some(id), seq.get()), (send.op_id(), expected));
        }
    }
}

#[tokio::test]
async fn joins_and_leaves_are_answered_in_the_order_in_which_they_came() {
    let server = TestServer::with(&UNLIMITED).await;
    fill(&server, 600, 130).await;
    let mut reader = connect(&server, "reader").await;
    let epoch = Some(reader.join(None).await.epoch);
    let nowhere = "nowhere".parse().unwrap();
    reader
        .say_all([
            ClientFrame::Join { room: room(), epoch: epoch.clone(), after: Some(Seq::ZERO) },
            ClientFrame::Join { room: nowhere, epoch: None, after: None },
            ClientFrame::Leave { room: room() },
            ClientFrame::Join { room: room(), epoch, after: Some(Seq::new(599).unwrap()) },
        ])
        .await;
    let mut answers = Vec::new();
    while answers.len() < 4 {
        match reader.frame().await {
            ServerFrame::Joined(_) => answers.push("joined"),
            ServerFrame::Left(_) => answers.push("left"),
            ServerFrame::Error(refusal) if refusal.code == ErrorCode::RoomNotFound => {
                answers.push("not found");
            }
            ServerFrame::Event(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answers, ["joined", "not found", "left", "joined"]);
}

#[tokio::test]
async fn whatever_cannot_be_read_is_answered_and_the_connection_lives_on() {
    let server = TestServer::start().await;
    let mut client = connect(&server, "client").await;
    let cases = [
        (Message::text("garbage"), ErrorCode::BadFrame),
        (Message::text("[]"), ErrorCode::BadFrame),
        (Message::text(r#"{"type":"shout"}"#), ErrorCode::UnknownType),
        (Message::text(r#"{"type":"join","room":7}"#), ErrorCode::BadField),
        (Message::text(r#"{"type":"join","room":"general","after":3}"#), ErrorCode::BadCursor),
        (Message::text(r#"{"type":"join","room":"nowhere"}"#), ErrorCode::RoomNotFound),
        (Message::binary(vec![0xFF; 100]), ErrorCode::BadFrame),
    ];
    for (message, expected) in cases {
        let shown = format!("{message:?}");
        client.say_raw(message).await;
        let frame = client.frame().await;
        assert!(
            matches!(&frame, ServerFrame::Error(refusal) if refusal.code == expected),
            "{shown}: {frame:?}"
        );
    }
    for (content, expected) in
        [(" ".into(), ErrorCode::ContentEmpty), ("x".repeat(8_001), ErrorCode::ContentTooLong)]
    {
        let id = id();
        let send = json!({ "type": "send", "room": "general", "id": id, "content": content });
        client.say_raw(Message::text(send.to_string())).await;
        let frame = client.frame().await;
        let ServerFrame::Error(refusal) = &frame else { panic!("{frame:?}") };
        assert_eq!((refusal.id, refusal.code), (Some(id), expected));
    }
    assert_eq!(client.post("still here").await.get(), 1);
}

#[tokio::test]
async fn a_frame_that_is_too_large_closes_with_1009() {
    let server = TestServer::start().await;
    let mut client = connect(&server, "client").await;
    client.say_raw(Message::text("x".repeat(65 * 1024))).await;
    assert_eq!(client.close_code().await, Some(CloseCode::TooBig));
}

#[tokio::test]
async fn who_breaks_the_rules_of_the_socket_is_told_so() {
    let server = TestServer::start().await;
    let mut client = connect(&server, "client").await;
    let no_utf8 = Frame::message(vec![0xC3, 0x28], OpCode::Data(Data::Text), true);
    client.say_raw(Message::Frame(no_utf8)).await;
    assert_eq!(client.close_code().await, Some(CloseCode::NotUtf8));
}

#[tokio::test]
async fn a_flood_is_refused_and_then_closed_with_4009_and_others_go_on() {
    let server = TestServer::start().await;
    let (mut flooder, mut other) = (connect(&server, "flooder").await, connect(&server, "other").await);
    flooder.say_all((0..2_000).map(|_| send_of("spam"))).await;
    let (mut acked, mut refused) = (0, 0);
    let code = loop {
        match flooder.next().await {
            Came::Frame(ServerFrame::Ack(_)) => acked += 1,
            Came::Frame(ServerFrame::Error(refusal)) => {
                assert_eq!(refusal.code, ErrorCode::RateLimited);
                assert!(refusal.id.is_some() && refusal.retry_after_ms.is_some(), "{refusal:?}");
                refused += 1;
            }
            Came::Frame(other) => panic!("{other:?}"),
            Came::Closed(code) => break code,
        }
    };
    assert_eq!(code, Some(CloseCode::ProtocolBroken));
    assert!((1..100).contains(&acked) && refused > 100, "{acked} acked, {refused} refused");
    other.post("nothing happened here").await;
}

#[tokio::test]
async fn a_reader_who_does_not_read_is_closed_with_4008_and_comes_back_to_everything() {
    a_slow_reader_comes_back_to_everything("/ws").await;
}

#[tokio::test]
async fn so_is_one_whose_events_share_frames() {
    a_slow_reader_comes_back_to_everything("/ws?packing=lines").await;
}

async fn a_slow_reader_comes_back_to_everything(path: &str) {
    let server = TestServer::with(&["--rate-limits", "off", "--outbox-bytes", "131072"]).await;
    let token = server.guest("slow").await.token;
    let stream = TcpSocket::new_v4().unwrap();
    stream.set_recv_buffer_size(4096).unwrap();
    let stream = stream.connect(server.address()).await.unwrap();
    let mut slow = Wire::over(stream, server.address(), path, &token).await;
    let first = slow.join(None).await;

    let mut quick = connect(&server, "quick").await;
    quick.join(None).await;
    // More than the queue and the kernel's buffers hold, while nobody reads.
    let count = 350;
    let (_author, heard) = tokio::join!(fill(&server, count, 7_000), quick.events_to(count));
    assert_whole(&heard, 1, count);

    let mut seen = Vec::new();
    let code = loop {
        match slow.next().await {
            Came::Frame(ServerFrame::Event(event)) => seen.push(event.seq.get()),
            Came::Frame(_) => {}
            Came::Closed(code) => break code,
        }
    };
    assert_eq!(code, Some(CloseCode::TooSlow));
    let after = seen.last().copied().unwrap_or(0);
    assert!(after < count);

    let mut back = Wire::connect(server.address(), &token).await;
    let joined = back.join(cursor(&first, after)).await;
    seen.extend(replayed(&joined));
    seen.extend(back.events_to(count).await);
    assert_whole(&seen, 1, count);
}

#[tokio::test]
async fn a_restart_is_said_and_what_was_acknowledged_is_there_after_it() {
    let server = TestServer::with(&UNLIMITED).await;
    let token = server.guest("ann").await.token;
    let mut ann = Wire::connect(server.address(), &token).await;
    let first = ann.join(None).await;
    ann.say_all((0..40).map(|_| send_of("quick, before it goes"))).await;
    ann.events_to(40).await;
    let (data, code) = tokio::join!(server.stop(), ann.close_code());
    assert_eq!(code, Some(CloseCode::Restart));
    let server = TestServer::on(data, &UNLIMITED).await;
    let mut back = Wire::connect(server.address(), &token).await;
    assert_whole(&replayed(&back.join(cursor(&first, 0)).await), 1, 40);
}
