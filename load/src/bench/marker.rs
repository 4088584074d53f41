//! What is said: 120 bytes that carry a number, so that a delivery is recognised without parsing what it is wrapped in.

/// Begins the number. It stands in no frame of a server's own.
const MARK: u8 = b'~';
/// Hexadecimal digits of a number.
const DIGITS: usize = 8;
const WORDS: &str = " The quick brown fox jumps over the lazy dog while everybody in the room reads along and nobody at all is left out of it.";
/// The length of what is said, in bytes.
const CONTENT_BYTES: usize = 120;
const _: () = assert!(1 + DIGITS + WORDS.len() >= CONTENT_BYTES);

/// What is said with this number.
pub(crate) fn content(number: u32) -> String {
    let mut content = format!("{}{number:0DIGITS$x}{WORDS}", char::from(MARK));
    content.truncate(CONTENT_BYTES);
    content
}

/// The number of what is said in `frame`.
pub(crate) fn number_in(frame: &[u8]) -> Option<u32> {
    let mark = memchr::memchr(MARK, frame)?;
    hexadecimal(frame.get(mark + 1..mark + 1 + DIGITS)?)
}

/// The number that these digits make.
pub(crate) fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0_u32, |number, &digit| Some(number.checked_mul(16)? + char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_from_any_wrapping() {
        for number in [0, 1, 0x1234_ABCD, u32::MAX] {
            let content = content(number);
            assert_eq!(content.len(), CONTENT_BYTES);
            assert_eq!(number_in(content.as_bytes()), Some(number));
            assert_eq!(
                number_in(format!(r#"{{"type":"message","content":"{content}"}}"#).as_bytes()),
                Some(number)
            );
        }
    }

    #[test]
    fn what_carries_no_number_has_none() {
        for frame in ["", "joined", "~", "~0000", "~0000000g"] {
            assert_eq!(number_in(frame.as_bytes()), None, "{frame}");
        }
    }
}
