//! Frames as they go out.

use std::{cell::RefCell, sync::Arc};

use super::{
    Farewell,
    header::{CONTROL_MAX_BYTES, HEADER_MAX_BYTES, Header, OpCode},
};

/// The code of a close frame, in bytes.
const CODE_BYTES: usize = 2;

/// What a longer message leaves behind is not kept, in bytes.
const SCRATCH_MAX_BYTES: usize = 64 * 1024;

thread_local! {
    /// What messages are written in before it is known how long they are: one for each thread.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How somebody reads messages that come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// Each is a frame.
    #[default]
    Frames,
    /// They share a frame, in which each is a line. A browser wakes once for a frame, however much is in it.
    Lines,
}

/// One or more frames, byte for byte as they go to the socket. Encoded once and shared by everybody who gets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames(Arc<[u8]>);

impl Frames {
    /// A message of text.
    pub fn text(text: &str) -> Self {
        Self::one(OpCode::Text, text.as_bytes())
    }

    /// The message of text that `write` puts into an empty buffer. It must not make another one meanwhile.
    pub fn text_by(write: impl FnOnce(&mut Vec<u8>)) -> Self {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.clear();
            write(scratch);
            let length = scratch.len();
            Header::write(OpCode::Text, length, scratch);
            scratch.rotate_left(length);
            let frame = Self(scratch.as_slice().into());
            scratch.clear();
            scratch.shrink_to(SCRATCH_MAX_BYTES);
            frame
        })
    }

    /// A message of bytes.
    pub fn binary(bytes: &[u8]) -> Self {
        Self::one(OpCode::Binary, bytes)
    }

    /// The answer to a ping: what the ping carried. What is longer than a ping can be is cut off.
    pub fn pong(payload: &[u8]) -> Self {
        Self::one(OpCode::Pong, &payload[..payload.len().min(CONTROL_MAX_BYTES)])
    }

    /// The end of a connection, and why. A reason longer than such a frame takes is cut off.
    pub fn close(code: u16, reason: &str) -> Self {
        let reason = &reason[..reason.floor_char_boundary(CONTROL_MAX_BYTES - CODE_BYTES)];
        Self::one(OpCode::Close, &[&code.to_be_bytes(), reason.as_bytes()].concat())
    }

    /// The end of a connection, without a reason.
    pub fn close_without_code() -> Self {
        Self::one(OpCode::Close, &[])
    }

    /// The answer to a goodbye: its own code.
    pub fn answer_to(farewell: Option<&Farewell>) -> Self {
        farewell.map_or_else(Self::close_without_code, |farewell| Self::close(farewell.code, ""))
    }

    /// Frames that go out one after the other, as one. Those that are to share a frame are text without line breaks.
    pub fn together<'f>(packing: Packing, frames: impl ExactSizeIterator<Item = &'f Self> + Clone) -> Self {
        if frames.len() == 1
            && let Some(only) = frames.clone().next()
        {
            return only.clone();
        }
        match packing {
            Packing::Frames => {
                let mut bytes = Vec::with_capacity(frames.clone().map(Self::len).sum());
                frames.for_each(|some| bytes.extend_from_slice(some.bytes()));
                Self(bytes.into())
            }
            Packing::Lines => {
                let mut lines = Vec::with_capacity(frames.clone().map(Self::len).sum());
                for line in frames.flat_map(|some| Self::payloads(some.bytes())) {
                    if !lines.is_empty() {
                        lines.push(b'\n');
                    }
                    debug_assert!(!line.contains(&b'\n'), "a line breaks");
                    lines.extend_from_slice(line);
                }
                Self::one(OpCode::Text, &lines)
            }
        }
    }

    /// What goes to the socket.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// How much that is, in bytes; never nothing.
    #[expect(clippy::len_without_is_empty, reason = "a frame has a header")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Those of the frames that have begun when so many bytes are written, as one: the socket can take another frame only
    /// after them.
    #[must_use]
    pub fn begun(&self, written: usize) -> Self {
        let mut end = 0;
        while end < written.min(self.len()) {
            let (header, payload) = Header::of_server(&self.0[end..]);
            end += header + payload;
        }
        if end == self.len() { self.clone() } else { Self(self.0[..end].into()) }
    }

    fn one(opcode: OpCode, payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_MAX_BYTES + payload.len());
        Header::write(opcode, payload.len(), &mut bytes);
        bytes.extend_from_slice(payload);
        Self(bytes.into())
    }

    /// The payloads, one after the other.
    pub(crate) fn payloads(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            let (header, payload) = (!rest.is_empty()).then(|| Header::of_server(rest))?;
            let (frame, others) = rest.split_at(header + payload);
            rest = others;
            Some(&frame[header..])
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio_tungstenite::tungstenite::{
        Message, WebSocket,
        protocol::{CloseFrame, Role},
    };

    use super::*;

    #[test]
    fn another_implementation_reads_what_was_meant() {
        for length in [0, 1, 125, 126, 65_535, 65_536, 100_000] {
            let (text, bytes) = ("x".repeat(length), vec![0xFF; length]);
            assert_eq!(
                Frames::text_by(|buffer| buffer.extend_from_slice(text.as_bytes())),
                Frames::text(&text)
            );
            let frames = [Frames::text(&text), Frames::binary(&bytes), Frames::pong(b"p")];
            let goodbye = Frames::close(4008, "slow");
            let all = frames.iter().chain([&goodbye]).collect::<Vec<_>>();
            let all = Frames::together(Packing::Frames, all.into_iter());
            let socket = Cursor::new(all.bytes().to_vec());
            let mut socket = WebSocket::from_raw_socket(socket, Role::Client, None);
            let close = CloseFrame { code: 4008.into(), reason: "slow".into() };
            let expected = [
                Message::text(text),
                Message::binary(bytes),
                Message::Pong("p".into()),
                Message::Close(Some(close)),
            ];
            for expected in expected {
                assert_eq!(socket.read().unwrap(), expected);
            }
        }
        let nothing = Cursor::new(Frames::close_without_code().bytes().to_vec());
        let message = WebSocket::from_raw_socket(nothing, Role::Client, None).read();
        assert_eq!(message.unwrap(), Message::Close(None));
    }

    #[test]
    fn those_that_share_a_frame_are_its_lines() {
        let frames = [Frames::text("one"), Frames::text("two"), Frames::text(&"three".repeat(100_000))];
        for some in [&frames[..1], &frames[..2], &frames] {
            let packed = Frames::together(Packing::Lines, some.iter());
            let payloads: Vec<_> = Frames::payloads(packed.bytes()).collect();
            let lines: Vec<_> = some.iter().flat_map(|frame| Frames::payloads(frame.bytes())).collect();
            assert_eq!(payloads, [lines.join(&b'\n')]);
        }
    }

    #[test]
    fn what_has_begun_ends_with_a_frame() {
        let frames = [Frames::text("one"), Frames::text(&"two".repeat(100)), Frames::text("three")];
        let all = Frames::together(Packing::Frames, frames.iter());
        let (first, second) = (frames[0].len(), frames[0].len() + frames[1].len());
        let begun = |written| all.begun(written).len();
        assert_eq!([begun(0), begun(1), begun(first)], [0, first, first]);
        assert_eq!([begun(first + 1), begun(second), begun(second + 1)], [second, second, all.len()]);
    }

    #[test]
    fn what_does_not_fit_into_a_frame_of_control_is_cut_between_characters() {
        let close = Frames::close(4008, &"界".repeat(100));
        let payload: Vec<_> = Frames::payloads(close.bytes()).collect();
        assert_eq!(payload, [[&4008_u16.to_be_bytes(), "界".repeat(41).as_bytes()].concat()]);
        assert_eq!(Frames::pong(&[7; 200]).len(), 2 + CONTROL_MAX_BYTES);
    }
}
