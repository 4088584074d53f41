//! The driver against a small server of this test's own, which does exactly what each test wants.
#![expect(clippy::unwrap_used, reason = "what a test is given is right, or the test fails")]
#![expect(clippy::result_large_err, reason = "the callback of the handshake has tungstenite's types")]

use std::time::Duration;

use client::{Client, Error, GuestError, Options, Update, create_guest};
use futures_util::{SinkExt, StreamExt};
use protocol::{
    ClientFrame, ErrorCode, Event, EventKind, OpId, RoomSlug, Seq, ServerFrame, Timestamp, UserId,
    api::{ErrorBody, GuestCreated, Role, Room, User, Visibility},
    frame::{Ack, History, Joined, NoReplay, Refusal, Welcome},
    limits::{Limits, PING_INTERVAL_MS, PROTOCOL_VERSION},
    session::{Status, StopReason},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        http::HeaderValue,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use uuid::Uuid;

/// A test that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server's end of one connection.
struct Peer(WebSocketStream<TcpStream>);

struct Server {
    listener: TcpListener,
}

impl Server {
    async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    fn address(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    fn client(&self) -> (Client, client::Updates) {
        Client::connect(&self.address(), "token-1").unwrap()
    }

    async fn tcp(&self) -> TcpStream {
        timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap().0
    }

    /// Takes a connection and greets it.
    async fn accept(&self) -> Peer {
        let check = |request: &Request, response: Response| {
            assert_eq!(request.uri().path(), "/ws");
            assert_eq!(
                request.headers().get("authorization"),
                Some(&HeaderValue::from_static("Bearer token-1"))
            );
            Ok(response)
        };
        let mut peer = Peer(accept_hdr_async(self.tcp().await, check).await.unwrap());
        peer.say(ServerFrame::Welcome(Welcome {
            protocol: PROTOCOL_VERSION,
            user: user(),
            ping_ms: PING_INTERVAL_MS,
            limits: Limits::default(),
        }))
        .await;
        peer
    }

    /// Answers one HTTP request.
    async fn answer(&self, answer: &str) -> String {
        let mut tcp = self.tcp().await;
        let mut request = vec![0; 4_096];
        let length = tcp.read(&mut request).await.unwrap();
        tcp.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    }
}

impl Peer {
    async fn say(&mut self, frame: ServerFrame) {
        self.0.send(Message::text(frame.encode())).await.unwrap();
    }

    async fn hear(&mut self) -> ClientFrame {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return ClientFrame::decode(&text).unwrap(),
                other => assert!(!other.is_close(), "the client left"),
            }
        }
    }

    async fn ack(&mut self, frame: &ClientFrame, at: u64) {
        let id = frame.op_id().unwrap();
        self.say(ServerFrame::Ack(Ack {
            id,
            room: room(),
            seq: seq(at),
            timestamp: Timestamp::from_unix_ms(0),
        }))
        .await;
    }

    async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        self.0.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.0.next().await {}
    }
}

fn room() -> RoomSlug {
    "general".parse().unwrap()
}

fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}

fn user() -> User {
    User { id: UserId(Uuid::from_u128(1)), username: "alice".parse().unwrap(), role: Role::Guest }
}

fn event(n: u64) -> ServerFrame {
    let content = Some(format!("event {n}").parse().unwrap());
    ServerFrame::Event(Event {
        room: room(),
        seq: seq(n),
        user_id: user().id,
        username: user().username,
        timestamp: Timestamp::from_unix_ms(n),
        kind: EventKind::Message {
            id: OpId(Uuid::from_u128(n.into())),
            content,
            reply_to: None,
            quote: None,
        },
    })
}

fn joined(head: u64, history: History) -> ServerFrame {
    ServerFrame::Joined(Box::new(Joined {
        room: Room {
            slug: room(),
            name: "General".parse().unwrap(),
            topic: "".parse().unwrap(),
            visibility: Visibility::Public,
            invite: None,
        },
        epoch: "e1".parse().unwrap(),
        head: seq(head),
        resumed: matches!(history, History::Replay { .. }),
        history,
        read: Seq::ZERO,
        here: Vec::new().into(),
        here_count: 0,
    }))
}

fn snapshot(head: u64) -> ServerFrame {
    joined(
        head,
        History::Snapshot { reason: NoReplay::NoCursor, messages: Vec::new().into(), has_more: false },
    )
}

#[tokio::test]
async fn what_is_sent_is_answered() {
    let server = Server::new().await;
    let (client, _updates) = server.client();
    let mut peer = server.accept().await;
    assert_eq!(client.online().await, Ok(user()));
    let sending = tokio::spawn(async move { client.send(room(), "hello".parse().unwrap()).await });
    let frame = peer.hear().await;
    assert!(matches!(&frame, ClientFrame::Send { content, .. } if content.as_str() == "hello"));
    peer.ack(&frame, 7).await;
    assert_eq!(sending.await.unwrap().map(|posted| posted.seq), Ok(seq(7)));
}

#[tokio::test]
async fn what_is_refused_says_why_and_is_not_repeated() {
    let server = Server::new().await;
    let (client, _updates) = server.client();
    let mut peer = server.accept().await;
    let deleting = tokio::spawn({
        let client = client.clone();
        async move { client.delete(room(), seq(3)).await }
    });
    let id = peer.hear().await.op_id();
    let refusal = Refusal::new(ErrorCode::TargetNotFound, "there is no such message").of(id);
    peer.say(ServerFrame::Error(refusal.clone())).await;
    let answer = deleting.await.unwrap();
    assert_eq!(answer, Err(Error::Refused(refusal)));
    assert_eq!(answer.unwrap_err().to_string(), "refused (target_not_found): there is no such message");
    drop(peer);
    client.hurry().await;
    let mut peer = server.accept().await;
    client.online().await.unwrap();
    let joining = tokio::spawn(async move { client.join(room(), None).await });
    assert!(matches!(peer.hear().await, ClientFrame::Join { .. }), "the refused operation is gone");
    peer.say(snapshot(0)).await;
    assert_eq!(joining.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn events_come_in_order_through_a_broken_connection() {
    let server = Server::new().await;
    let (client, mut updates) = server.client();
    let mut peer = server.accept().await;
    let joining = tokio::spawn({
        let client = client.clone();
        async move { client.join(room(), None).await }
    });
    assert!(matches!(peer.hear().await, ClientFrame::Join { after: None, .. }));
    peer.say(snapshot(10)).await;
    assert_eq!(joining.await.unwrap(), Ok(()));
    for n in [11, 11, 13, 12] {
        peer.say(event(n)).await;
    }
    for n in 11..=13 {
        assert_eq!(updates.next_event().await.map(|event| event.seq), Some(seq(n)));
    }
    // No close frame, no goodbye.
    drop(peer);
    let mut peer = server.accept().await;
    assert!(matches!(peer.hear().await, ClientFrame::Join { after: Some(after), .. } if after == seq(13)));
    let ServerFrame::Event(missed) = event(14) else { unreachable!() };
    peer.say(joined(14, History::Replay { events: vec![missed] })).await;
    assert_eq!(updates.next_event().await.map(|event| event.seq), Some(seq(14)));
}

#[tokio::test]
async fn what_was_not_answered_is_sent_again_on_the_next_connection() {
    let server = Server::new().await;
    let (client, _updates) = server.client();
    let mut peer = server.accept().await;
    let sending = tokio::spawn({
        let client = client.clone();
        async move { client.send(room(), "hello".parse().unwrap()).await }
    });
    let first = peer.hear().await;
    client.cut().await;
    let mut peer = server.accept().await;
    let second = peer.hear().await;
    assert_eq!(first, second, "with the same id");
    peer.ack(&second, 1).await;
    assert!(sending.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_room_that_is_not_there_is_an_error() {
    let server = Server::new().await;
    let (client, _updates) = server.client();
    let mut peer = server.accept().await;
    let joining = tokio::spawn(async move { client.join(room(), None).await });
    peer.hear().await;
    peer.say(ServerFrame::Error(Refusal::new(ErrorCode::RoomNotFound, "no such room"))).await;
    assert!(
        matches!(joining.await.unwrap(), Err(Error::Refused(refusal)) if refusal.code == ErrorCode::RoomNotFound)
    );
}

#[tokio::test]
async fn closing_says_goodbye_and_ends_everything() {
    let server = Server::new().await;
    let (client, mut updates) = server.client();
    let mut peer = server.accept().await;
    client.online().await.unwrap();
    let sending = tokio::spawn({
        let client = client.clone();
        async move { client.send(room(), "hello".parse().unwrap()).await }
    });
    peer.hear().await;
    let goodbye = tokio::spawn(async move { while let Some(Ok(_)) = peer.0.next().await {} });
    client.close().await;
    timeout(PATIENCE, goodbye).await.unwrap().unwrap();
    let stopped = Error::Stopped(StopReason::ByUser);
    assert_eq!(sending.await.unwrap(), Err(stopped.clone()));
    assert_eq!(client.status(), Status::Stopped(StopReason::ByUser));
    assert_eq!(client.join(room(), None).await, Err(stopped));
    client.close().await;
    while updates.next().await.is_some() {}
}

#[tokio::test]
async fn a_client_that_nobody_holds_closes() {
    let server = Server::new().await;
    let (client, mut updates) = server.client();
    let mut peer = server.accept().await;
    client.online().await.unwrap();
    drop(client);
    assert!(matches!(timeout(PATIENCE, peer.0.next()).await.unwrap(), Some(Ok(Message::Close(_)))));
    drop(peer);
    while updates.next().await.is_some() {}
}

#[tokio::test]
async fn a_token_that_is_not_known_stops_it() {
    for (status, reason) in
        [("401 Unauthorized", StopReason::SignedOut), ("403 Forbidden", StopReason::Forbidden)]
    {
        let server = Server::new().await;
        let (client, mut updates) = server.client();
        server.answer(&format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")).await;
        assert_eq!(client.online().await, Err(Error::Stopped(reason)));
        let mut last = None;
        while let Some(update) = updates.next().await {
            last = Some(update);
        }
        assert_eq!(last, Some(Update::Status(Status::Stopped(reason))));
    }
}

#[tokio::test]
async fn a_session_that_ends_stops_it() {
    let server = Server::new().await;
    let (client, _updates) = server.client();
    let peer = server.accept().await;
    client.online().await.unwrap();
    peer.close(4001).await;
    let answer = client.send(room(), "too late".parse().unwrap()).await;
    assert_eq!(answer, Err(Error::Stopped(StopReason::SignedOut)));
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (client, mut updates) = Client::connect(&format!("http://{address}"), "token-1").unwrap();
    while !matches!(updates.next().await, Some(Update::Status(Status::Waiting { .. }))) {}
    let server = Server { listener: TcpListener::bind(address).await.unwrap() };
    client.hurry().await;
    let _peer = server.accept().await;
    assert_eq!(client.online().await, Ok(user()));
}

#[tokio::test]
async fn an_outbox_of_an_earlier_client_is_sent() {
    let server = Server::new().await;
    let id = OpId(Uuid::from_u128(77));
    let op = protocol::Op { id, room: room(), kind: protocol::OpKind::Delete { target: seq(1) } };
    let options = Options::new(&server.address(), "token-1").unwrap().max_in_flight(8).outbox(vec![op]);
    let (_client, _updates) = options.start();
    let mut peer = server.accept().await;
    assert_eq!(peer.hear().await.op_id(), Some(id));
}

#[tokio::test]
async fn updates_that_nobody_takes_hold_the_socket_back_and_none_is_lost() {
    let server = Server::new().await;
    let (client, mut updates) = server.client();
    let mut peer = server.accept().await;
    let joining = tokio::spawn({
        let client = client.clone();
        async move { client.join(room(), None).await }
    });
    peer.hear().await;
    peer.say(snapshot(0)).await;
    joining.await.unwrap().unwrap();
    let last = client::UPDATES_MAX as u64 + 500;
    let telling = tokio::spawn(async move {
        for n in 1..=last {
            peer.say(event(n)).await;
        }
        peer
    });
    for n in 1..=last {
        let event = timeout(PATIENCE, updates.next_event()).await.unwrap();
        assert_eq!(event.map(|event| event.seq), Some(seq(n)));
    }
    telling.await.unwrap();
}

#[tokio::test]
async fn a_guest_comes_in() {
    let server = Server::new().await;
    let body = serde_json::to_string(&GuestCreated { token: "secret".to_owned(), user: user() }).unwrap();
    let answer = format!("HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n\r\n{body}");
    let address = server.address();
    let (guest, request) = tokio::join!(create_guest(&address, "小明"), server.answer(&answer));
    assert_eq!(guest.unwrap().token, "secret");
    assert!(request.starts_with("POST /api/v1/guests HTTP/1.0\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"username\":\"小明\"}"), "{request}");
}

#[tokio::test]
async fn a_guest_who_is_not_let_in_hears_why() {
    let server = Server::new().await;
    let address = server.address();
    let error = Refusal::new(ErrorCode::NameTaken, "somebody is called alice; choose another name");
    let body = serde_json::to_string(&ErrorBody { error }).unwrap();
    let answer = format!("HTTP/1.1 409 Conflict\r\n\r\n{body}");
    let (guest, _) = tokio::join!(create_guest(&address, "alice"), server.answer(&answer));
    assert!(matches!(guest, Err(GuestError::Refused(refusal)) if refusal.code == ErrorCode::NameTaken));

    let answer = "HTTP/1.1 200 OK\r\n\r\n<html>";
    let (guest, _) = tokio::join!(create_guest(&address, "alice"), server.answer(answer));
    assert!(matches!(guest, Err(GuestError::NotHubbub { .. })));
}
