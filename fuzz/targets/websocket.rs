//! What a client's bytes mean does not depend on how the network cuts them; no message is larger than the bound; and what is heard
//! is heard again when it is said again.

#![no_main]

#[path = "../../server/src/websocket"]
mod websocket {
    //! The codec, taken out of the server: it needs nothing else, and the rest takes minutes to build.
    #![expect(dead_code, reason = "the server uses all of it")]
    #![allow(
        unfulfilled_lint_expectations,
        reason = "what a public interface is expected to be, a private one need not"
    )]

    pub(crate) mod decode;
    mod frames;
    mod header;

    pub(crate) use decode::{Decoder, Farewell, Message, Violation};
    pub(crate) use frames::Frames;
}

use libfuzzer_sys::fuzz_target;
use websocket::{Decoder, Farewell, Frames, Message, Violation};

/// Small, so that the fuzzer finds it.
const MESSAGE_MAX_BYTES: usize = 300;
/// Payload of the longest frame of control, in bytes (RFC 6455, section 5.5).
const CONTROL_MAX_BYTES: usize = 125;

type Heard = (Vec<Message>, Result<(), Violation>);

fuzz_target!(|input: (u64, &[u8])| {
    let (cuts, bytes) = input;
    let whole = hear([bytes]);
    let cut = hear(pieces(bytes, cuts));
    assert_eq!(whole, cut, "it matters where the network cuts");
    for message in &whole.0 {
        check(message);
    }
    let again: Vec<u8> = whole.0.iter().flat_map(say).collect();
    assert_eq!(hear([&again[..]]), (whole.0, Ok(())), "what is said again is heard otherwise");
});

/// What is heard of `bytes` until a rule is broken or the other side says goodbye.
fn hear<'b>(bytes: impl IntoIterator<Item = &'b [u8]>) -> Heard {
    let (mut decoder, mut messages) = (Decoder::new(MESSAGE_MAX_BYTES), Vec::new());
    for mut piece in bytes {
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(message)) => {
                    let is_last = matches!(message, Message::Close(_));
                    messages.push(message);
                    if is_last {
                        return (messages, Ok(()));
                    }
                }
                Ok(None) => break,
                Err(violation) => return (messages, Err(violation)),
            }
        }
        assert!(piece.is_empty(), "what was not taken is lost");
    }
    (messages, Ok(()))
}

/// `bytes` in pieces, as long as the bits of `cuts` say.
fn pieces(mut bytes: &[u8], mut cuts: u64) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = usize::try_from(cuts % 8 + 1).unwrap_or(1).min(bytes.len());
        cuts = cuts.rotate_right(3);
        let (piece, rest) = bytes.split_at(length);
        bytes = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn check(message: &Message) {
    match message {
        Message::Text(text) => assert!(text.len() <= MESSAGE_MAX_BYTES),
        Message::Binary(bytes) => assert!(bytes.len() <= MESSAGE_MAX_BYTES),
        Message::Ping(payload) => {
            let pong = Frames::pong(payload);
            assert_eq!(pong.bytes()[2..], payload[..], "a ping is answered with what it carries");
        }
        Message::Pong => {}
        Message::Close(farewell) => {
            let answer = Frames::answer_to(farewell.as_ref());
            let code = farewell.as_ref().map(|farewell| farewell.code.to_be_bytes());
            assert_eq!(answer.bytes()[2..], code.map_or(Vec::new(), |code| code.to_vec()));
        }
    }
}

/// A message as a client would send it.
fn say(message: &Message) -> Vec<u8> {
    match message {
        Message::Text(text) => frame(0x81, text.as_bytes()),
        Message::Binary(bytes) => frame(0x82, bytes),
        Message::Ping(payload) => frame(0x89, payload),
        Message::Pong => frame(0x8A, b"pong"),
        Message::Close(None) => frame(0x88, b""),
        Message::Close(Some(Farewell { code, reason })) => {
            frame(0x88, &[&code.to_be_bytes(), reason.as_bytes()].concat())
        }
    }
}

/// A client's frame: the server's form of it, with a mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [7, 0, 255, 1];
    let length = payload.len();
    let mut bytes = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if length <= CONTROL_MAX_BYTES => vec![first, 0x80 | short],
        (_, Ok(long)) => [&[first, 0xFE][..], &long.to_be_bytes()].concat(),
        _ => unreachable!("longer than the bound"),
    };
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}
