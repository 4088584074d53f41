//! RFC 6455 as a client needs it who counts: frames are found by their headers, and nothing is copied that came whole.

use std::ops::Range;

/// The opcodes of section 5.2 that may come.
pub(crate) const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

/// The longest payload that is believed, in bytes. A page of history has some tens of thousands.
const PAYLOAD_MAX_BYTES: usize = 1 << 20;
/// A rest that has grown larger than this is given back once it is read, in bytes.
const REST_KEPT_BYTES: usize = 512;
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// The longest payload whose length stands in one byte, and the marks of the longer ones.
const SHORT_MAX: usize = 125;
const TWO_BYTES: u8 = 126;
const EIGHT_BYTES: u8 = 127;

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A frame that is masked, a fragment, or longer than we believe.
    Frame,
    /// The other side closes, with this code.
    Closed(u16),
}

/// Where the first frame lies in what has come.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    opcode: u8,
    payload: Range<usize>,
}

/// The first frame of `bytes`; `None` if it is not whole.
fn find(bytes: &[u8]) -> Result<Option<Found>, Broken> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if first & FIN == 0 || second & MASKED != 0 {
        return Err(Broken::Frame);
    }
    let (start, length) = match *second {
        TWO_BYTES => {
            let Some(length) = rest.first_chunk() else { return Ok(None) };
            (4, usize::from(u16::from_be_bytes(*length)))
        }
        EIGHT_BYTES => {
            let Some(length) = rest.first_chunk() else { return Ok(None) };
            (10, usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX))
        }
        length => (2, usize::from(length)),
    };
    if length > PAYLOAD_MAX_BYTES {
        return Err(Broken::Frame);
    }
    let payload = start..start + length;
    Ok((payload.end <= bytes.len()).then_some(Found { opcode: first & 0x0F, payload }))
}

/// Calls `each` with opcode and payload of every whole frame; answers how many bytes those take.
fn each_frame(bytes: &[u8], mut each: impl FnMut(u8, &[u8])) -> Result<usize, Broken> {
    let mut used = 0;
    while let Some(Found { opcode, payload }) = find(&bytes[used..])? {
        let end = used + payload.end;
        let payload = &bytes[used + payload.start..end];
        if opcode == CLOSE {
            return Err(Broken::Closed(payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code))));
        }
        each(opcode, payload);
        used = end;
    }
    Ok(used)
}

/// What has come of a stream and is not whole yet. Empty, and without an allocation, most of the time.
#[derive(Debug, Default)]
pub(crate) struct Rest(Vec<u8>);

impl Rest {
    /// Reads on: calls `each` with opcode and payload of every frame that is whole now.
    pub(crate) fn read(&mut self, bytes: &[u8], each: impl FnMut(u8, &[u8])) -> Result<(), Broken> {
        if self.0.is_empty() {
            let used = each_frame(bytes, each)?;
            self.0.extend_from_slice(&bytes[used..]);
        } else {
            self.0.extend_from_slice(bytes);
            let used = each_frame(&self.0, each)?;
            self.0.drain(..used);
            if self.0.is_empty() && self.0.capacity() > REST_KEPT_BYTES {
                self.0 = Vec::new();
            }
        }
        Ok(())
    }

    /// Reads the head of an HTTP answer. Once it is whole: whether it says that protocols are switched, and what came
    /// behind it.
    pub(crate) fn read_head(&mut self, bytes: &[u8]) -> Option<(bool, Vec<u8>)> {
        self.0.extend_from_slice(bytes);
        let end = self.0.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = std::mem::take(&mut self.0);
        Some((head.starts_with(b"HTTP/1.1 101 "), head[end..].to_vec()))
    }
}

/// Appends a client's frame. Its mask is of zeros: servers unmask it like any other, and we need not mask.
pub(crate) fn put(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_header(out, opcode, payload.len(), MASKED);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// Appends a server's frame of text.
pub(crate) fn put_unmasked(out: &mut Vec<u8>, payload: &[u8]) {
    put_header(out, TEXT, payload.len(), 0);
    out.extend_from_slice(payload);
}

fn put_header(out: &mut Vec<u8>, opcode: u8, length: usize, mask: u8) {
    out.push(FIN | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) if usize::from(length) <= SHORT_MAX => out.push(mask | length),
        (_, Ok(length)) => {
            out.push(mask | TWO_BYTES);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(mask | EIGHT_BYTES);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(lengths: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (n, &length) in (0_u8..).zip(lengths) {
            put_unmasked(&mut bytes, &vec![n; length]);
        }
        bytes
    }

    fn lengths(rest: &mut Rest, bytes: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        rest.read(bytes, |opcode, payload| {
            assert_eq!(opcode, TEXT);
            found.push(payload.len());
        })
        .unwrap();
        found
    }

    #[test]
    fn every_length_is_found_however_the_stream_is_cut() {
        let all = [0, 1, 125, 126, 300, 65_535, 65_536];
        let bytes = stream(&all);
        for cut in [0, 1, 2, 3, 5, 130, 400, 700, bytes.len() - 1, bytes.len()] {
            let mut rest = Rest::default();
            let mut found = lengths(&mut rest, &bytes[..cut]);
            found.extend(lengths(&mut rest, &bytes[cut..]));
            assert_eq!(found, all, "cut at {cut}");
            assert!(rest.0.is_empty() && rest.0.capacity() <= REST_KEPT_BYTES, "cut at {cut}");
        }
    }

    #[test]
    fn a_stream_byte_by_byte_is_the_same_stream() {
        let bytes = stream(&[3, 200, 0]);
        let mut rest = Rest::default();
        let found: Vec<usize> = bytes.iter().flat_map(|byte| lengths(&mut rest, &[*byte])).collect();
        assert_eq!(found, [3, 200, 0]);
    }

    #[test]
    fn what_no_server_may_send_breaks_the_stream() {
        let check = |bytes: &[u8], broken| {
            assert_eq!(Rest::default().read(bytes, |_, _| ()), Err(broken), "{bytes:?}");
        };
        check(&[FIN | CLOSE, 2, 0x0F, 0xA8], Broken::Closed(4008));
        check(&[FIN | CLOSE, 0], Broken::Closed(0));
        check(&[TEXT, 0], Broken::Frame);
        check(&[FIN | TEXT, MASKED], Broken::Frame);
        check(&[FIN | TEXT, EIGHT_BYTES, 255, 255, 255, 255, 255, 255, 255, 255], Broken::Frame);
    }

    #[test]
    fn a_head_is_read_to_its_end_and_no_further() {
        let mut rest = Rest::default();
        assert_eq!(rest.read_head(b"HTTP/1.1 101 Switching Protocols\r\n"), None);
        assert_eq!(rest.read_head(b"a: b\r\n\r\n\x81\x00"), Some((true, vec![0x81, 0])));
        assert_eq!(Rest::default().read_head(b"HTTP/1.1 401 No\r\n\r\n"), Some((false, vec![])));
    }

    #[test]
    fn a_client_masks() {
        let mut out = Vec::new();
        put(&mut out, PONG, b"hi");
        assert_eq!(out, [FIN | PONG, MASKED | 2, 0, 0, 0, 0, b'h', b'i']);
    }
}
