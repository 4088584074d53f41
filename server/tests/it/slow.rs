//! Requests that come too slowly. Time is paused once the server runs, so that its patience ends at once.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, pause, resume, timeout},
};

use crate::server::TestServer;

/// Longer than the server waits for anything of a request.
const TOO_LONG: Duration = Duration::from_mins(2);

/// What the server says to a request that begins like this and does not go on, and after which time.
async fn answer_to(beginning: &str) -> (String, Duration) {
    let server = TestServer::start().await;
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    connection.write_all(beginning.as_bytes()).await.unwrap();
    pause();
    let (began, mut answer) = (Instant::now(), String::new());
    timeout(TOO_LONG, connection.read_to_string(&mut answer)).await.unwrap().unwrap();
    let took = began.elapsed();
    resume();
    (answer, took)
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_waited_for() {
    for beginning in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let (answer, took) = answer_to(beginning).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!((20..22).contains(&took.as_secs()), "{beginning:?}: {took:?}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let head = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n";
    let json = format!("POST /api/v1/guests {head}Content-Type: application/json\r\n\r\n{{");
    let (answer, took) = answer_to(&json).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains(r#""code":"unavailable""#), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    assert!((30..32).contains(&took.as_secs()), "{took:?}");

    let form = format!("POST /sign-in {head}Content-Type: application/x-www-form-urlencoded\r\n\r\nu");
    let (answer, took) = answer_to(&form).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("took too long"), "{answer}");
    assert!((30..32).contains(&took.as_secs()), "{took:?}");
}
