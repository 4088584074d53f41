//! Health: whether the process lives, and whether it should be sent requests.

use std::time::Duration;

use protocol::{ErrorCode, ServerFrame, timeline::Page};
use reqwest::StatusCode;
use rusqlite::Connection;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    binary::{assert_fails, hubbub, run},
    server::{TestServer, assert_refused, body},
    wire::Wire,
};

const MESSAGES: &str = "/rooms/general/messages";

/// Longer than the server needs to notice, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Shorter than the server waits for the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_fresh_server_is_ready() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_store_that_cannot_write_is_not_ready_and_heals() {
    let server = TestServer::start().await;
    let other = Connection::open(server.data().join("hubbub.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let until = async |expected| while server.get("/readyz").await.status() != expected {};
    timeout(PATIENCE, until(StatusCode::SERVICE_UNAVAILABLE)).await.expect("it does not notice");
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);

    other.execute_batch("ROLLBACK").unwrap();
    timeout(PATIENCE, until(StatusCode::OK)).await.expect("it does not heal");
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_finishes_what_is_under_way() {
    let server = TestServer::start().await;
    let begin = async |head: &str| {
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        connection
    };
    let mut asking = begin("GET /readyz HTTP/1.1\r\n").await;
    let body = r#"{"username":"late"}"#;
    let head = format!(
        "POST /api/v1/guests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut posting = begin(&head).await;
    // Connections are accepted in the order in which they came: with this answer the two above have been.
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);

    let finish = async |connection: &mut TcpStream, rest: &str| {
        connection.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let meanwhile = async {
        let answer = finish(&mut asking, "Host: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("stopping\n"), "{answer}");
        let answer = finish(&mut posting, body).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    };
    timeout(PATIENCE, async { tokio::join!(server.stop(), meanwhile) }).await.expect("it does not stop");
}

#[tokio::test]
async fn while_a_server_stops_who_comes_new_is_answered_and_sent_elsewhere() {
    let server = TestServer::with(&["--drain-seconds", "3600"]).await;
    let (address, token) = (server.address(), server.guest("ann").await.token);
    // Keeps the stop waiting: a request of which the end is not there.
    let mut under_way = TcpStream::connect(address).await.unwrap();
    let head = "POST /api/v1/guests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";
    under_way.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);

    // On a connection of its own, which the server ends.
    let ask = async |path: &str, headers: &str| {
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let meanwhile = async {
        loop {
            // Until it has begun to stop, it leaves the connection open.
            let answer = ask("/readyz", "Connection: close\r\n").await.unwrap();
            if answer.starts_with("HTTP/1.1 503 ") {
                assert!(answer.ends_with("stopping\n"), "{answer}");
                break;
            }
        }
        let silent = TcpStream::connect(address).await.unwrap();
        let mut halting = TcpStream::connect(address).await.unwrap();
        halting.write_all(b"GET /readyz HTTP/1.1\r\nHo").await.unwrap();
        let bearer = format!("Authorization: Bearer {token}\r\n");
        let answer = ask("/api/v1/me", &bearer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"ann\""), "{answer}");
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let answer = ask("/ws", &format!("{bearer}{upgrade}")).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1\r\n"), "{answer}");
        under_way.write_all(b"{}").await.unwrap();
        (silent, halting)
    };
    let stopped = timeout(HEAD_PATIENCE, async { tokio::join!(server.stop(), meanwhile) }).await;
    stopped.expect("it waits for who has not asked anything, or not to the end");
    assert!(ask("/readyz", "").await.is_err(), "it has stopped");
}

#[tokio::test]
async fn a_healthcheck_says_what_readyz_says() {
    let server = TestServer::start().await;
    let address = server.address().to_string();
    let check = async || {
        let address = address.clone();
        tokio::task::spawn_blocking(move || run(&["healthcheck", "--address", &address])).await.unwrap()
    };
    let healthy = check().await;
    assert_eq!((healthy.status.code(), healthy.stdout.as_slice()), (Some(0), b"ready\n".as_slice()));

    let other = Connection::open(server.data().join("hubbub.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let until = async || while server.get("/readyz").await.status() == StatusCode::OK {};
    timeout(PATIENCE, until()).await.expect("it does not notice");
    assert_fails(&check().await, 1, &["503", "cannot write", &address]);
    other.execute_batch("ROLLBACK").unwrap();
    drop(server.stop().await);
    assert_fails(&check().await, 1, &["no server answers", "--address"]);
}

#[test]
fn a_healthcheck_asks_where_the_server_is_told_to_listen() {
    // Nobody listens on port 1; what is asked is told.
    let told = |listen: &str| hubbub(&["healthcheck"]).env("HUBBUB_LISTEN", listen).output().unwrap();
    assert_fails(&told("0.0.0.0:1"), 1, &["127.0.0.1:1"]);
}

#[test]
fn a_healthcheck_of_a_server_that_says_nothing_ends() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    assert_fails(&run(&["healthcheck", "--address", &address]), 1, &["did not answer"]);
}

#[tokio::test]
async fn while_the_store_cannot_write_posts_are_put_off_and_reading_goes_on() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let mut socket = Wire::connect(server.address(), &alice.token).await;
    socket.post("before").await;
    let other = Connection::open(server.data().join("hubbub.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let id = "6a1f5d4e-9f0c-4a5b-8a36-0d9a1f0f6b11";
    let message = json!({ "id": id, "content": "during" });
    let refused = assert_refused(alice.post(MESSAGES, &message).await, 503, "unavailable").await;
    assert!(refused.retry_after_ms.is_some());
    let send = json!({ "type": "send", "room": "general", "id": id, "content": "during" });
    socket.say_raw(Message::text(send.to_string())).await;
    let ServerFrame::Error(refused) = socket.frame().await else { panic!("not refused") };
    assert_eq!(
        (refused.id.map(|id| id.to_string()), refused.code),
        (Some(id.into()), ErrorCode::Unavailable)
    );
    assert!(refused.retry_after_ms.is_some());
    let page: Page = body(alice.get(MESSAGES).await).await;
    assert_eq!(page.messages.len(), 1);
    assert_eq!(alice.page("/rooms/general").await.status(), StatusCode::OK);

    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(alice.post(MESSAGES, &message).await.status(), StatusCode::CREATED);
    let page: Page = body(alice.get(MESSAGES).await).await;
    assert_eq!(page.messages.len(), 2, "what was put off is said once");
}

/// What the server tells of one of its numbers.
async fn told(server: &TestServer, name: &str) -> usize {
    let address = server.metrics_address().unwrap();
    let answer = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = answer.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("nothing of {name} in {text}")).parse().unwrap()
}

#[tokio::test]
async fn metrics_tell_what_the_server_holds() {
    let server = TestServer::with(&["--metrics", "127.0.0.1:0"]).await;
    let alice = server.guest("alice").await;
    assert_eq!(told(&server, "hubbub_sockets").await, 0);
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = Wire::connect(server.address(), &alice.token).await;
        socket.post("here").await;
        sockets.push(socket);
    }
    assert_eq!(told(&server, "hubbub_sockets").await, 3);
    assert!(told(&server, "hubbub_tasks").await > 3);
    drop(sockets);
    let gone = async { while told(&server, "hubbub_sockets").await > 0 {} };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn metrics_are_not_for_whoever_talks() {
    let server = TestServer::with(&["--metrics", "127.0.0.1:0"]).await;
    assert_eq!(server.get("/metrics").await.status(), StatusCode::NOT_FOUND);
    let address = server.metrics_address().unwrap();
    let other = reqwest::get(format!("http://{address}/")).await.unwrap();
    assert_eq!(other.status(), StatusCode::NOT_FOUND);
}
