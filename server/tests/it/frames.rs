//! The socket byte for byte: what the standard (RFC 6455) asks of a server, asked by hand.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use protocol::{CloseCode, ServerFrame};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::server::TestServer;

/// Far longer than anything here takes, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

const TEXT: u8 = 0x81;
const TEXT_BEGIN: u8 = 0x01;
const LAST: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

const JOIN: &str = r#"{"type":"join","room":"general"}"#;

/// A client's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 0, 255, 1];
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [first, 0x80 | length].into_iter().chain(mask).chain(masked).collect()
}

/// A connection of bytes.
struct Raw(TcpStream);

impl Raw {
    /// Asks to be upgraded, with `early` right behind the request, and reads the answer's head.
    async fn with_early(server: &TestServer, early: &[u8]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let token = server.guest(&format!("raw{}", NEXT.fetch_add(1, Ordering::Relaxed))).await.token;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            server.address(),
        );
        let mut raw = Self(TcpStream::connect(server.address()).await.unwrap());
        raw.put(&[request.as_bytes(), early].concat()).await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(raw.byte().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        raw
    }

    /// The same, and takes the `welcome`.
    async fn connect(server: &TestServer) -> Self {
        let mut raw = Self::with_early(server, b"").await;
        assert!(matches!(raw.said().await, ServerFrame::Welcome { .. }));
        raw
    }

    /// A lost connection is seen where something is read.
    async fn put(&mut self, bytes: &[u8]) {
        let _lost = self.0.write_all(bytes).await;
    }

    async fn byte(&mut self) -> Option<u8> {
        timeout(PATIENCE, self.0.read_u8()).await.unwrap().ok()
    }

    /// The next frame: its first byte and its payload. `None`: nothing comes any more.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.byte().await?;
        let length = match self.byte().await? {
            126 => self.0.read_u16().await.ok()?.into(),
            127 => self.0.read_u64().await.ok()?,
            length => length.into(),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((first, payload))
    }

    /// The next frame that is no text: what the chat says comes when it likes.
    async fn answer(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            let frame = self.frame().await;
            if !matches!(frame, Some((TEXT, _))) {
                return frame;
            }
        }
    }

    /// What the chat says next; who is here comes when it likes.
    async fn said(&mut self) -> ServerFrame {
        loop {
            let (first, payload) = self.frame().await.unwrap();
            assert_eq!(first, TEXT);
            let said = ServerFrame::decode(str::from_utf8(&payload).unwrap()).unwrap();
            if !matches!(said, ServerFrame::Presence { .. }) {
                return said;
            }
        }
    }
}

#[tokio::test]
async fn what_comes_right_behind_the_request_is_not_lost() {
    let server = TestServer::start().await;
    let join = frame(TEXT, JOIN.as_bytes());
    for early in [join.len(), join.len() / 2, 1] {
        let mut raw = Raw::with_early(&server, &join[..early]).await;
        assert!(matches!(raw.said().await, ServerFrame::Welcome { .. }));
        raw.put(&join[early..]).await;
        assert!(matches!(raw.said().await, ServerFrame::Joined(_)), "{early} bytes came early");
    }
}

#[tokio::test]
async fn pings_are_answered_with_what_they_carry_also_inside_a_message() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(&server).await;
    let (begin, end) = JOIN.as_bytes().split_at(10);
    let frames = [frame(TEXT_BEGIN, begin), frame(PING, b"there?"), frame(LAST, end)];
    // Byte after byte: nothing depends on where the network cuts.
    for byte in frames.concat() {
        raw.put(&[byte]).await;
    }
    assert_eq!(raw.frame().await, Some((PONG, b"there?".to_vec())));
    assert!(matches!(raw.said().await, ServerFrame::Joined(_)));
    raw.put(&frame(PING, b"")).await;
    assert_eq!(raw.answer().await, Some((PONG, Vec::new())));
}

#[tokio::test]
async fn many_frames_in_one_piece_are_all_read() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(&server).await;
    let pings: Vec<u8> = (0..100).flat_map(|n| frame(PING, &[n])).collect();
    raw.put(&pings).await;
    for n in 0..100 {
        assert_eq!(raw.answer().await, Some((PONG, vec![n])));
    }
}

#[tokio::test]
async fn who_breaks_a_rule_is_told_which_and_closed() {
    let server = TestServer::start().await;
    let bomb = [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
    let cases: [(&str, Vec<u8>, CloseCode); 7] = [
        ("no mask", vec![TEXT, 2, b'{', b'}'], CloseCode::BadFraming),
        ("an opcode without a meaning", frame(0x83, b"x"), CloseCode::BadFraming),
        ("a reserved bit", frame(0xC1, b"x"), CloseCode::BadFraming),
        ("nothing to continue", frame(LAST, b"x"), CloseCode::BadFraming),
        ("a close frame with half a code", frame(CLOSE, b"x"), CloseCode::BadFraming),
        ("text that is no UTF-8, and more to come", frame(TEXT_BEGIN, &[0xC3, 0x28]), CloseCode::NotUtf8),
        ("eight exabytes", bomb.into(), CloseCode::TooBig),
    ];
    for (name, bytes, code) in cases {
        let mut raw = Raw::connect(&server).await;
        raw.put(&bytes).await;
        // What comes after it is thrown away, and does not reset the connection under the close frame.
        raw.put(&[0xFF; 5_000]).await;
        let Some((CLOSE, payload)) = raw.answer().await else { panic!("{name}: no close frame") };
        assert_eq!(payload[..2], code.code().to_be_bytes(), "{name}");
        assert_eq!(raw.frame().await, None, "{name}: nothing comes after it");
    }
}

#[tokio::test]
async fn a_goodbye_is_answered_with_its_own_code_and_the_socket_is_closed() {
    let server = TestServer::start().await;
    let coded = [&3_456_u16.to_be_bytes()[..], b"bye"].concat();
    for (payload, answer) in [(coded, 3_456_u16.to_be_bytes().to_vec()), (Vec::new(), Vec::new())] {
        let mut raw = Raw::connect(&server).await;
        raw.put(&frame(CLOSE, &payload)).await;
        assert_eq!(raw.answer().await, Some((CLOSE, answer)));
        assert_eq!(raw.frame().await, None);
    }
}

#[tokio::test]
async fn who_says_nothing_more_without_a_goodbye_is_gone() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(&server).await;
    raw.0.shutdown().await.unwrap();
    assert_eq!(raw.answer().await, None);
}
