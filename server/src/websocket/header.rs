//! The header of a frame, as RFC 6455 lays it out in section 5.2.

use super::Violation;

/// The longest header: two bytes, a length of eight, a mask of four.
pub(super) const HEADER_MAX_BYTES: usize = 14;
/// Payload that the longest frame of control may have, in bytes.
pub(super) const CONTROL_MAX_BYTES: usize = 125;

const FIN: u8 = 0b1000_0000;
const RESERVED: u8 = 0b0111_0000;
const OPCODE: u8 = 0b0000_1111;
const MASKED: u8 = 0b1000_0000;
const LENGTH: u8 = 0b0111_1111;
/// In place of a length: it follows in two bytes.
const LENGTH_IN_2: u8 = 126;
/// In place of a length: it follows in eight bytes.
const LENGTH_IN_8: u8 = 127;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpCode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl OpCode {
    fn of(bits: u8) -> Result<Self, Violation> {
        Ok(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return Err(Violation::Protocol("an opcode that has no meaning")),
        })
    }

    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// What a client says of a frame before its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) is_final: bool,
    pub(super) opcode: OpCode,
    pub(super) mask: [u8; 4],
    /// Length of the payload in bytes. Not yet compared with any bound.
    pub(super) length: u64,
}

impl Header {
    /// How long the header is that begins with these bytes; as much as is known of it where they are too few.
    pub(super) fn bytes(begin: &[u8]) -> usize {
        2 + begin.get(1).map_or(0, |second| length_bytes(second & LENGTH) + mask_bytes(*second))
    }

    /// What a client must not say, as far as the first two bytes tell.
    pub(super) fn check(first: u8, second: u8) -> Result<(), Violation> {
        let opcode = OpCode::of(first & OPCODE)?;
        if first & RESERVED != 0 {
            return Err(Violation::Protocol("a reserved bit is set, and no extension was agreed on"));
        }
        if second & MASKED == 0 {
            return Err(Violation::Protocol("a client's frame has no mask"));
        }
        let is_long = usize::from(second & LENGTH) > CONTROL_MAX_BYTES;
        if opcode.is_control() && (is_long || first & FIN == 0) {
            return Err(Violation::Protocol("a frame of control is too long or in parts"));
        }
        Ok(())
    }

    /// Reads a whole header whose first two bytes were checked.
    pub(super) fn of_client(bytes: &[u8]) -> Result<Self, Violation> {
        const BROKEN_OFF: Violation = Violation::Protocol("a header that breaks off");
        let &[first, second, ref rest @ ..] = bytes else { return Err(BROKEN_OFF) };
        let (length, mask) = rest.split_at_checked(length_bytes(second & LENGTH)).ok_or(BROKEN_OFF)?;
        Ok(Self {
            is_final: first & FIN != 0,
            opcode: OpCode::of(first & OPCODE)?,
            mask: mask.try_into().map_err(|_| BROKEN_OFF)?,
            length: length_of(second & LENGTH, length)?,
        })
    }

    /// Writes the header of a server's frame: whole and without a mask.
    pub(super) fn write(opcode: OpCode, length: usize, to: &mut Vec<u8>) {
        to.push(FIN | opcode as u8);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length), _) if usize::from(length) <= CONTROL_MAX_BYTES => to.push(length),
            (_, Ok(length)) => {
                to.push(LENGTH_IN_2);
                to.extend(length.to_be_bytes());
            }
            _ => {
                to.push(LENGTH_IN_8);
                to.extend((length as u64).to_be_bytes());
            }
        }
    }

    /// The lengths of header and payload of the server's frame that `bytes` begin with. [`Frames`](super::Frames) holds
    /// nothing but whole frames, so anything else counts as one that is all header.
    pub(super) fn of_server(bytes: &[u8]) -> (usize, usize) {
        let begin = Self::bytes(bytes);
        let length = bytes.get(1).zip(bytes.get(2..begin));
        let length = length.and_then(|(second, length)| length_of(second & LENGTH, length).ok());
        match length.and_then(|length| usize::try_from(length).ok()) {
            Some(length) if begin + length <= bytes.len() => (begin, length),
            _ => (bytes.len(), 0),
        }
    }
}

const fn length_bytes(length: u8) -> usize {
    match length {
        LENGTH_IN_2 => 2,
        LENGTH_IN_8 => 8,
        _ => 0,
    }
}

const fn mask_bytes(second: u8) -> usize {
    if second & MASKED == 0 { 0 } else { 4 }
}

fn length_of(short: u8, long: &[u8]) -> Result<u64, Violation> {
    let length = long.iter().fold(0, |length, &byte| length << 8 | u64::from(byte));
    let least = match long.len() {
        0 => return Ok(short.into()),
        2 => LENGTH_IN_2.into(),
        _ => u64::from(u16::MAX) + 1,
    };
    if length < least {
        return Err(Violation::Protocol("a length takes more bytes than it needs"));
    }
    if length > u64::MAX >> 1 {
        return Err(Violation::Protocol("a length has its highest bit set"));
    }
    Ok(length)
}
