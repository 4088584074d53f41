//! From the bytes that a client sends to its messages. Pure, and the same however the bytes are cut into pieces.
//!
//! The promise kept here: what is held for a message is what has come of it, never what its header announces, and never
//! more than the bound. What breaks a rule is told as soon as it can be known.

use std::str;

use super::header::{CONTROL_MAX_BYTES, HEADER_MAX_BYTES, Header, OpCode};

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text, whole.
    Text(String),
    /// Bytes, whole.
    Binary(Vec<u8>),
    /// To be answered with a pong that carries the same.
    Ping(Vec<u8>),
    /// An answer to a ping, or a sign of life.
    Pong,
    /// The last one: what comes after it does not count.
    Close(Option<Farewell>),
}

/// Why a client closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Farewell {
    /// The code, one of those that may stand in a frame.
    pub code: u16,
    /// For people who debug.
    pub reason: String,
}

/// A rule that a client has broken. The connection cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// Frames are not what they should be: this is why.
    Protocol(&'static str),
    /// Text is not in UTF-8.
    NotUtf8,
    /// A message is larger than the bound.
    TooLarge,
}

impl Violation {
    /// The code to close with (RFC 6455, section 7.4.1).
    pub const fn code(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::NotUtf8 => 1007,
            Self::TooLarge => 1009,
        }
    }
}

/// Takes bytes and gives messages.
#[derive(Debug)]
pub struct Decoder {
    message_max_bytes: usize,
    header: Beginning,
    frame: Option<Frame>,
    /// The message whose frames are coming.
    message: Option<Parts>,
    /// The payload of a frame of control, which may come between the frames of a message.
    control: Vec<u8>,
}

/// A header of which not everything has come.
#[derive(Debug, Default)]
struct Beginning {
    bytes: [u8; HEADER_MAX_BYTES],
    length: usize,
}

/// A frame whose payload is coming.
#[derive(Debug)]
struct Frame {
    is_final: bool,
    opcode: OpCode,
    /// Turned so that it begins with the byte for what comes next.
    mask: [u8; 4],
    left: usize,
}

/// What has come of a message.
#[derive(Debug)]
struct Parts {
    is_text: bool,
    bytes: Vec<u8>,
    /// How much of it is known to be UTF-8.
    checked: usize,
}

impl Decoder {
    /// A decoder of messages that have at most so many bytes.
    pub fn new(message_max_bytes: usize) -> Self {
        Self {
            message_max_bytes,
            header: Beginning::default(),
            frame: None,
            message: None,
            control: Vec::new(),
        }
    }

    /// Takes bytes from the front of `input` until a message is whole. `None`: all were taken and more are needed.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Message>, Violation> {
        loop {
            let frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.header.take(input)? {
                    Some(header) => self.begin(&header)?,
                    None => return Ok(None),
                },
            };
            let frame = self.fill(frame, input)?;
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            if let Some(message) = self.end(&frame)? {
                return Ok(Some(message));
            }
        }
    }

    /// Whether such a frame may come now.
    fn begin(&mut self, header: &Header) -> Result<Frame, Violation> {
        let &Header { is_final, opcode, mask, length } = header;
        match (opcode, &self.message) {
            (OpCode::Continuation, None) => {
                return Err(Violation::Protocol("there is no message to be continued"));
            }
            (OpCode::Text | OpCode::Binary, Some(_)) => {
                return Err(Violation::Protocol("a message begins before the last one has ended"));
            }
            (OpCode::Text | OpCode::Binary, None) => {
                self.message = Some(Parts { is_text: opcode == OpCode::Text, bytes: Vec::new(), checked: 0 });
            }
            _ => {}
        }
        let held = self.message.as_ref().map_or(0, |parts| parts.bytes.len());
        // Unlike those of a message, the frames of control are bounded by the standard.
        let free = if opcode.is_control() { CONTROL_MAX_BYTES } else { self.message_max_bytes - held };
        let left =
            usize::try_from(length).ok().filter(|&length| length <= free).ok_or(Violation::TooLarge)?;
        Ok(Frame { is_final, opcode, mask, left })
    }

    /// Takes what has come of a frame's payload.
    fn fill(&mut self, mut frame: Frame, input: &mut &[u8]) -> Result<Frame, Violation> {
        let (payload, rest) = input.split_at(frame.left.min(input.len()));
        *input = rest;
        frame.left -= payload.len();
        let to = match &mut self.message {
            Some(parts) if !frame.opcode.is_control() => &mut parts.bytes,
            _ => &mut self.control,
        };
        let begin = to.len();
        to.extend_from_slice(payload);
        unmask(&mut to[begin..], frame.mask);
        frame.mask.rotate_left(payload.len() % 4);
        match &mut self.message {
            // A text that is whole is checked once, when it becomes a string.
            Some(parts) if parts.is_text && !(frame.is_final && frame.left == 0) => parts.check()?,
            _ => {}
        }
        Ok(frame)
    }

    /// What the end of a frame makes of what has come.
    fn end(&mut self, frame: &Frame) -> Result<Option<Message>, Violation> {
        if frame.opcode.is_control() {
            let payload = std::mem::take(&mut self.control);
            return Ok(Some(match frame.opcode {
                OpCode::Close => Message::Close(farewell(&payload)?),
                OpCode::Ping => Message::Ping(payload),
                _ => Message::Pong,
            }));
        }
        self.message.take_if(|_| frame.is_final).map(Parts::whole).transpose()
    }
}

impl Beginning {
    /// Takes bytes until the header is whole. `None`: all were taken and more are needed.
    fn take(&mut self, input: &mut &[u8]) -> Result<Option<Header>, Violation> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            self.bytes[self.length] = byte;
            self.length += 1;
            let so_far = &self.bytes[..self.length];
            if let [first, second] = *so_far {
                Header::check(first, second)?;
            }
            if so_far.len() == Header::bytes(so_far) {
                let header = Header::of_client(so_far)?;
                self.length = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

impl Parts {
    /// Looks at what has come since the last time. A character may still lack its end.
    fn check(&mut self) -> Result<(), Violation> {
        self.checked += match str::from_utf8(&self.bytes[self.checked..]) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(Violation::NotUtf8),
        };
        Ok(())
    }

    fn whole(self) -> Result<Message, Violation> {
        if !self.is_text {
            return Ok(Message::Binary(self.bytes));
        }
        String::from_utf8(self.bytes).map(Message::Text).map_err(|_| Violation::NotUtf8)
    }
}

/// What a close frame says.
fn farewell(payload: &[u8]) -> Result<Option<Farewell>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        let is_empty = payload.is_empty();
        return if is_empty { Ok(None) } else { Err(Violation::Protocol("half a close code")) };
    };
    let code = u16::from_be_bytes(*code);
    if !is_for_the_wire(code) {
        return Err(Violation::Protocol("a close code that no frame may carry"));
    }
    let reason = str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?.to_owned();
    Ok(Some(Farewell { code, reason }))
}

/// Whether a frame may carry such a code: those of section 7.4 and of IANA's registry, without the ones that only stand
/// for what did not come.
const fn is_for_the_wire(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Section 5.3. Masking twice is not masking at all.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut();
    let word_mask = u32::from_ne_bytes(mask);
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ word_mask).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests;
