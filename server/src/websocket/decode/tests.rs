//! The decoder against the rules, against itself however the bytes are cut, and against another implementation.

use std::io::{self, Cursor, Read, Write};

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::{
    self, WebSocket,
    protocol::{
        Role, WebSocketConfig,
        frame::{
            Frame as TheirFrame,
            coding::{Data, OpCode as TheirOpCode},
        },
    },
};

use super::*;

const MAX_BYTES: usize = 1000;
const MASK: [u8; 4] = [1, 2, 4, 8];

// Where a length stands.
const MASKED: u8 = 0x80;
const LENGTH_IN_2: u8 = 0x7E;
const LENGTH_IN_8: u8 = 0x7F;

/// A client's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(MASKED | u8::try_from(length).unwrap()),
        length => {
            bytes.push(MASKED | LENGTH_IN_2);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

const TEXT: u8 = 0x81;
const TEXT_BEGIN: u8 = 0x01;
const MORE: u8 = 0x00;
const LAST: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// How a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// More could come.
    Open,
    Closed,
    Broken(Violation),
}

/// What is heard of `bytes` that come in one piece after the other.
fn hear<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> (Vec<Message>, End) {
    let (mut decoder, mut messages) = (Decoder::new(MAX_BYTES), Vec::new());
    for mut piece in pieces {
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(Message::Close(_))) => return (messages, End::Closed),
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(violation) => return (messages, End::Broken(violation)),
            }
        }
        assert!(piece.is_empty(), "what was not taken is lost");
    }
    (messages, End::Open)
}

#[track_caller]
fn assert_broken(bytes: &[u8], expected: Violation) {
    let (_, end) = hear([bytes]);
    match (expected, end) {
        (Violation::Protocol(_), End::Broken(Violation::Protocol(_))) => {}
        (expected, end) => assert_eq!(end, End::Broken(expected)),
    }
}

const PROTOCOL: Violation = Violation::Protocol("");

#[test]
fn the_examples_of_the_standard() {
    let single = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(hear([&single[..]]), (vec![Message::Text("Hello".into())], End::Open));
    let parts = [frame(TEXT_BEGIN, b"Hel"), frame(PING, b"?"), frame(LAST, b"lo")].concat();
    let messages = vec![Message::Ping(b"?".into()), Message::Text("Hello".into())];
    assert_eq!(hear([&parts[..]]), (messages, End::Open));
}

#[test]
fn frames_that_break_a_rule() {
    for first in [0x83, 0x87, 0x8B, 0x8F] {
        assert_broken(&frame(first, b""), PROTOCOL);
    }
    for reserved in [0xC1, 0xA1, 0x91] {
        assert_broken(&frame(reserved, b"x"), PROTOCOL);
    }
    assert_broken(&[0x81, 0x05], PROTOCOL); // No mask.
    assert_broken(&frame(0x09, b""), PROTOCOL); // A ping in parts.
    assert_broken(&frame(PING, &[b'x'; 126]), PROTOCOL);
    assert_broken(&frame(LAST, b"x"), PROTOCOL); // Nothing to continue.
    assert_broken(&[frame(TEXT_BEGIN, b"x"), frame(TEXT, b"y")].concat(), PROTOCOL);
    assert_broken(&[0x81, MASKED | LENGTH_IN_2, 0, 125, 0, 0, 0, 0], PROTOCOL); // A length too long.
    assert_broken(&[0x81, MASKED | LENGTH_IN_8, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0], PROTOCOL);
    assert_broken(&[0x81, MASKED | LENGTH_IN_8, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], PROTOCOL);
}

#[test]
fn a_header_is_refused_as_soon_as_it_can_be() {
    assert_broken(&[0x83, 0x80], PROTOCOL);
    assert_broken(&[0x89, MASKED | LENGTH_IN_2], PROTOCOL);
}

#[test]
fn close_frames() {
    for code in [1000, 1003, 1007, 1011, 1014, 3000, 4999_u16] {
        let bytes = frame(CLOSE, &[&code.to_be_bytes(), "reason €".as_bytes()].concat());
        let message = Decoder::new(MAX_BYTES).decode(&mut &bytes[..]).unwrap().unwrap();
        assert_eq!(message, Message::Close(Some(Farewell { code, reason: "reason €".into() })));
    }
    assert_eq!(hear([&frame(CLOSE, b"")[..]]).1, End::Closed);
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        assert_broken(&frame(CLOSE, &code.to_be_bytes()), PROTOCOL);
    }
    assert_broken(&frame(CLOSE, b"x"), PROTOCOL);
    assert_broken(&frame(CLOSE, &[0x03, 0xE8, 0xFF]), Violation::NotUtf8);
}

#[test]
fn text_that_is_no_utf8_is_refused_at_its_first_wrong_byte() {
    assert_broken(&frame(TEXT, &[0xC3, 0x28]), Violation::NotUtf8);
    let begin = frame(TEXT_BEGIN, "κόσμε".as_bytes());
    // A surrogate: wrong with its second byte, though the frame has more to come.
    let wrong = &frame(MORE, &[0xED, 0xA0, 0x80, b'x'])[..8];
    assert_broken(&[&begin, wrong].concat(), Violation::NotUtf8);
    assert_eq!(hear([&begin[..], &wrong[..7]]).1, End::Open);
    // A character that lacks its end when the message ends.
    assert_broken(&[begin, frame(LAST, &[0xF0, 0x9F])].concat(), Violation::NotUtf8);
}

#[test]
fn a_character_may_be_cut_anywhere() {
    let text = "aß界😀";
    let mut bytes: Vec<u8> = Vec::new();
    for (index, byte) in text.bytes().enumerate() {
        bytes.extend(frame(if index == 0 { TEXT_BEGIN } else { MORE }, &[byte]));
    }
    bytes.extend(frame(LAST, b""));
    assert_eq!(hear([&bytes[..]]), (vec![Message::Text(text.into())], End::Open));
}

#[test]
fn what_is_too_large_is_refused_before_it_comes() {
    let longest = frame(TEXT, &[b'x'; MAX_BYTES]);
    assert_eq!(hear([&longest[..]]).1, End::Open);
    assert_broken(&frame(TEXT, &[b'x'; MAX_BYTES + 1])[..8], Violation::TooLarge);
    let bomb = [0x82, MASKED | LENGTH_IN_8, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
    assert_broken(&bomb, Violation::TooLarge);
    let parts = [frame(TEXT_BEGIN, &[b'x'; 600]), frame(MORE, &[b'x'; 401])].concat();
    assert_broken(&parts[..parts.len() - 401], Violation::TooLarge);
}

#[test]
fn memory_is_taken_for_what_has_come_not_for_what_was_announced() {
    let mut decoder = Decoder::new(64 * 1024 * 1024);
    let mut begin = vec![0x82, MASKED | LENGTH_IN_8];
    begin.extend((64 * 1024 * 1024_u64).to_be_bytes());
    begin.extend([0, 0, 0, 0, 1, 2, 3]);
    assert_eq!(decoder.decode(&mut &begin[..]), Ok(None));
    assert!(decoder.message.unwrap().bytes.capacity() < 100);
}

#[test]
fn a_decoder_that_waits_holds_nothing() {
    let mut decoder = Decoder::new(MAX_BYTES);
    let bytes = [frame(TEXT, b"one"), frame(PING, b"two")].concat();
    let mut input = &bytes[..];
    while decoder.decode(&mut input).unwrap().is_some() {}
    assert!(decoder.message.is_none() && decoder.control.capacity() == 0);
}

/// A message as a client sends it.
#[derive(Debug, Clone)]
struct Sent {
    is_text: bool,
    payload: Vec<u8>,
    cuts: Vec<prop::sample::Index>,
    ping: Option<Vec<u8>>,
    mask: [u8; 4],
}

fn sent() -> impl Strategy<Value = Sent> {
    let payload = prop_oneof![
        ".{0,40}".prop_map(|text| (true, text.into_bytes())),
        "[a-z界😀]{100,200}".prop_map(|text| (true, text.into_bytes())),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| (false, bytes)),
    ];
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let ping = prop::option::of(prop::collection::vec(any::<u8>(), 0..126));
    (payload, cuts, ping, any::<[u8; 4]>()).prop_map(|((is_text, payload), cuts, ping, mask)| Sent {
        is_text,
        payload,
        cuts,
        ping,
        mask,
    })
}

impl Sent {
    /// The frames, encoded by the other implementation; a ping comes before the last one.
    fn encode(&self, to: &mut Vec<u8>) {
        let mut cuts: Vec<usize> = self.cuts.iter().map(|cut| cut.index(self.payload.len() + 1)).collect();
        cuts.push(self.payload.len());
        cuts.sort_unstable();
        let mut begin = 0;
        for (index, &end) in cuts.iter().enumerate() {
            let is_last = index + 1 == cuts.len();
            if let (true, Some(ping)) = (is_last, &self.ping) {
                self.put(TheirFrame::ping(ping.clone()), to);
            }
            let data = match (index, self.is_text) {
                (0, true) => Data::Text,
                (0, false) => Data::Binary,
                _ => Data::Continue,
            };
            let payload = self.payload[begin..end].to_vec();
            self.put(TheirFrame::message(payload, TheirOpCode::Data(data), is_last), to);
            begin = end;
        }
    }

    fn put(&self, mut frame: TheirFrame, to: &mut Vec<u8>) {
        frame.header_mut().mask = Some(self.mask);
        frame.format(to).unwrap();
    }

    fn messages(&self) -> impl Iterator<Item = Message> {
        let payload = self.payload.clone();
        let message = match String::from_utf8(payload) {
            Ok(text) if self.is_text => Message::Text(text),
            _ => Message::Binary(self.payload.clone()),
        };
        self.ping.clone().map(Message::Ping).into_iter().chain([message])
    }
}

fn encode(sent: &[Sent]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for sent in sent {
        sent.encode(&mut bytes);
    }
    bytes
}

/// A socket from which bytes come, and into which nobody looks.
struct Bytes(Cursor<Vec<u8>>);

impl Read for Bytes {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the other implementation hears.
fn oracle(bytes: Vec<u8>) -> (Vec<Message>, End) {
    let config = WebSocketConfig::default().max_message_size(Some(MAX_BYTES)).max_frame_size(Some(MAX_BYTES));
    let mut socket = WebSocket::from_raw_socket(Bytes(Cursor::new(bytes)), Role::Server, Some(config));
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(tungstenite::Message::Text(text)) => messages.push(Message::Text(text.to_string())),
            Ok(tungstenite::Message::Binary(bytes)) => messages.push(Message::Binary(bytes.into())),
            Ok(tungstenite::Message::Ping(bytes)) => messages.push(Message::Ping(bytes.into())),
            Ok(tungstenite::Message::Pong(_)) => messages.push(Message::Pong),
            Ok(_close) => return (messages, End::Closed),
            Err(tungstenite::Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return (messages, End::Open),
            Err(_) => return (messages, End::Broken(PROTOCOL)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn what_was_sent_is_heard_however_it_is_cut(
        sent in prop::collection::vec(sent(), 0..6),
        size in 1..50_usize,
    ) {
        let bytes = encode(&sent);
        let expected: Vec<Message> = sent.iter().flat_map(Sent::messages).collect();
        prop_assert_eq!(hear([&bytes[..]]), (expected.clone(), End::Open));
        prop_assert_eq!(hear(bytes.chunks(size)), (expected, End::Open));
    }

    #[test]
    fn what_is_wrong_is_wrong_however_it_is_cut_and_for_others_too(
        sent in prop::collection::vec(sent(), 1..6),
        at in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
        size in 1..50_usize,
    ) {
        let mut bytes = encode(&sent);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let (messages, end) = hear([&bytes[..]]);
        prop_assert_eq!(hear(bytes.chunks(size)), (messages.clone(), end));
        let (theirs, their_end) = oracle(bytes);
        prop_assert!(theirs.starts_with(&messages));
        match (end, their_end) {
            // They wait for the rest of a frame before they judge it.
            (End::Broken(_), End::Broken(_) | End::Open) => {}
            // They take a length in more bytes than it needs, and answer a wrong code themselves.
            (End::Broken(Violation::Protocol(rule)), End::Closed) => {
                prop_assert!(rule.contains("length") || rule.contains("code"), "{}", rule);
            }
            (end, their_end) => prop_assert_eq!((end, messages), (their_end, theirs)),
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_hold_more_than_the_bound(
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        size in 1..50_usize,
    ) {
        let mut decoder = Decoder::new(MAX_BYTES);
        'all: for mut piece in bytes.chunks(size) {
            loop {
                match decoder.decode(&mut piece) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'all,
                }
            }
            let held = decoder.message.as_ref().map_or(0, |parts| parts.bytes.len());
            prop_assert!(held <= MAX_BYTES && decoder.control.len() <= CONTROL_MAX_BYTES);
        }
    }
}
