//! Addresses: which are safe to open, and where one that was typed bare ends.

use std::{fmt, str::FromStr};

use super::count_work;
use crate::text::{is_invisible, is_name_char};

/// How many parentheses or brackets may be open at once in an address. It bounds the work on `](](](…`.
const OPEN_MAX: usize = 8;

/// An address that is safe to put into a link: `http`, `https` or `mailto`, without spaces, invisible characters or
/// quotation marks. Nobody has looked whether it leads anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SafeUrl(String);

/// Not an address that may be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an address begins with http://, https:// or mailto:")]
pub struct UnsafeUrl;

impl SafeUrl {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SafeUrl {
    type Err = UnsafeUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = after_web_scheme(text).or_else(|| strip_scheme(text, "mailto:")).ok_or(UnsafeUrl)?;
        let is_safe = rest.starts_with(begins_host) && text.chars().all(is_url_char);
        if is_safe { Ok(Self(text.to_owned())) } else { Err(UnsafeUrl) }
    }
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn after_web_scheme(text: &str) -> Option<&str> {
    strip_scheme(text, "https://").or_else(|| strip_scheme(text, "http://"))
}

fn begins_host(c: char) -> bool {
    c == '[' || is_name_char(c) && !matches!(c, '-' | '_' | '.')
}

fn is_url_char(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || is_invisible(c) || matches!(c, '<' | '>' | '"' | '`' | '\\'))
}

/// Punctuation of Chinese and Japanese, which ends an address: it is written without a space after one.
fn is_cjk_punctuation(c: char) -> bool {
    matches!(u32::from(c),
        0x2018..=0x201F | 0x2026 | 0x3001..=0x3003 | 0x3008..=0x3011 | 0x3014..=0x301F
        | 0xFF01..=0xFF0F | 0xFF1A..=0xFF20 | 0xFF3B..=0xFF3D | 0xFF5B..=0xFF65)
}

/// The address that `text` begins with, if it begins with one that was typed bare.
///
/// It ends before white space, marks of quotation, CJK punctuation and a bracket that it did not open; punctuation at
/// its end belongs to the sentence.
pub(super) fn bare(text: &str) -> Option<&str> {
    let host = after_web_scheme(text)?;
    if !host.starts_with(begins_host) {
        return None;
    }
    let mut open = Vec::new();
    let mut end = text.len();
    for (index, c) in text.char_indices() {
        count_work(1);
        let goes_on = match c {
            '(' | '[' => {
                open.push(c);
                open.len() <= OPEN_MAX
            }
            ')' => open.pop_if(|c| *c == '(').is_some(),
            ']' => open.pop_if(|c| *c == '[').is_some(),
            _ => is_url_char(c) && !is_cjk_punctuation(c),
        };
        if !goes_on {
            end = index;
            break;
        }
    }
    let url =
        text[..end].trim_end_matches(['.', ',', ':', ';', '!', '?', '*', '_', '~', '\'', '(', '[', '|']);
    let scheme = text.len() - host.len();
    (url.len() > scheme).then_some(url)
}

/// The address in `<…>` at the start of `text`, and how many bytes it takes with its marks.
pub(super) fn bracketed(text: &str) -> Option<(SafeUrl, usize)> {
    let inside = text.strip_prefix('<')?;
    let end = inside.find(|c| {
        count_work(1);
        !is_url_char(c)
    })?;
    if !inside[end..].starts_with('>') {
        return None;
    }
    Some((inside[..end].parse().ok()?, end + 2))
}

/// The address in `(…)` at the start of `text`, after a link's `[…]`, and how many bytes it takes with its marks. A
/// backslash keeps a parenthesis from counting.
pub(super) fn parenthesised(text: &str) -> Option<(SafeUrl, usize)> {
    let inside = text.strip_prefix('(')?;
    let mut url = String::new();
    let mut open = 0;
    let mut chars = inside.char_indices().peekable();
    while let Some((index, c)) = chars.next() {
        count_work(1);
        match c {
            ')' if open == 0 => return Some((url.parse().ok()?, index + 2)),
            ')' => open -= 1,
            '(' if open == OPEN_MAX => return None,
            '(' => open += 1,
            '\\' => {
                if let Some((_, escaped)) = chars.next_if(|(_, next)| next.is_ascii_punctuation()) {
                    url.push(escaped);
                    continue;
                }
            }
            _ if !is_url_char(c) => return None,
            _ => {}
        }
        url.push(c);
    }
    None
}
