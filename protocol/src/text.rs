//! What people type, and what of it is accepted. Both sides run the same checks, so the page refuses a name or a
//! message in the same words as the server would.

mod invisible;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::{
    ids::RoomSlug,
    limits::{
        CONTENT_MAX_CHARS, EMOJI_MAX_CHARS, EXCERPT_MAX_CHARS, ROOM_NAME_MAX_CHARS, TOPIC_MAX_CHARS,
        USERNAME_MAX_CHARS,
    },
};

use self::invisible::is_in_place;
pub use self::invisible::is_invisible;

/// Why a text was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing a reader could see.
    #[error("there is nothing to see in it; write something")]
    Empty,
    /// More characters than allowed.
    #[error("it is {chars} characters long, {max} at most; shorten it")]
    TooLong {
        /// How long it is, in Unicode scalar values.
        chars: usize,
        /// How long it may be.
        max: usize,
    },
    /// A character that has no place there.
    #[error("{} cannot be used here; use letters, digits, emoji, - _ and . without spaces", spoken(*.0))]
    Character(char),
    /// A name that begins or ends with a mark.
    #[error("a name begins and ends with a letter, a digit or an emoji")]
    Edge,
    /// Not an emoji.
    #[error("this is not an emoji")]
    NotEmoji,
}

/// A character as one can speak of it: itself, or what it is where there would be nothing to see.
fn spoken(c: char) -> String {
    match c {
        c if c.is_whitespace() => "a space".to_owned(),
        c if c.is_control() || is_invisible(c) => format!("an invisible character (U+{:04X})", u32::from(c)),
        c => format!("“{c}”"),
    }
}

/// Whether `c` may stand in a username or, in lower case, in a room's slug: letters, marks and digits of any script,
/// emoji, and `-`, `_`, `.`. Punctuation, spaces, control and invisible characters may not.
pub fn is_name_char(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    }
    let punctuation = matches!(u32::from(c),
        0xA1..=0xA9 | 0xAB..=0xB4 | 0xB6..=0xB9 | 0xBB..=0xBF | 0xD7 | 0xF7
        | 0x2010..=0x205F | 0x2190..=0x25FF | 0x27C0..=0x2AFF | 0x2E00..=0x2E7F
        | 0x3001..=0x3004 | 0x3008..=0x3020 | 0x3030 | 0x303D..=0x303F | 0x30FB
        | 0xFE10..=0xFE1F | 0xFE30..=0xFE6F | 0xFF01..=0xFF0F | 0xFF1A..=0xFF20 | 0xFF3B..=0xFF40 | 0xFF5B..=0xFF65
        | 0xE000..=0xF8FF | 0xF0000..);
    let accepted = !punctuation || is_emoji_among_symbols(c);
    accepted && !c.is_control() && !c.is_whitespace() && !is_invisible(c)
}

/// Whether `c` is an emoji from the blocks of arrows, technical signs and shapes, of which most are none.
pub(crate) fn is_emoji_among_symbols(c: char) -> bool {
    matches!(u32::from(c),
        0x2194..=0x2199 | 0x21A9..=0x21AA | 0x231A..=0x231B | 0x2328 | 0x23CF | 0x23E9..=0x23F3 | 0x23F8..=0x23FA
        | 0x24C2 | 0x25AA..=0x25AB | 0x25B6 | 0x25C0 | 0x25FB..=0x25FE | 0x2934..=0x2935)
}

/// Whether a name may begin with `c`: with a letter, a digit, an emoji or `_`. A mark that is drawn onto the letter before
/// it would be drawn onto whatever stands before the name.
fn begins_name(c: char) -> bool {
    c.is_alphanumeric() || is_pictograph(c) || c == '_'
}

/// The beginning of `text` that may be a name: name characters, and invisible ones where they have their place.
pub(crate) fn name_prefix(text: &str) -> &str {
    let belongs =
        |at: usize, c: char| is_name_char(c) || is_in_place(&text[..at], c, &text[at + c.len_utf8()..]);
    let end = text.char_indices().find(|&(at, c)| !belongs(at, c));
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

fn check_length(text: &str, max: usize) -> Result<(), InvalidText> {
    let chars = text.chars().count();
    if chars > max { Err(InvalidText::TooLong { chars, max }) } else { Ok(()) }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_invisible(c))
}

/// The name that others see: 1 to 32 letters, marks, digits, emoji, `-`, `_`, `.`; beginning and ending with no mark of
/// punctuation, so that a mention ends where the name does. An emoji may be made of several characters; of those that
/// are not drawn there are none but inside an emoji and where they join or part letters: after a virama, and U+200C
/// between Arabic letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// The name as names are compared: in small letters, and only what is drawn of it. So nobody can be called `❤` with
    /// U+FE0F where somebody is called `❤` without.
    pub fn folded(&self) -> impl Iterator<Item = char> {
        self.0.chars().filter(|&c| !is_invisible(c)).flat_map(char::to_lowercase)
    }
}

impl FromStr for Username {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if is_blank(text) {
            return Err(InvalidText::Empty);
        }
        check_length(text, USERNAME_MAX_CHARS)?;
        if let Some(c) = text[name_prefix(text).len()..].chars().next() {
            return Err(InvalidText::Character(c));
        }
        let is_mark = |c| matches!(c, Some('-' | '.'));
        if !text.starts_with(begins_name) || is_mark(text.chars().next_back()) {
            return Err(InvalidText::Edge);
        }
        Ok(Self(text.to_owned()))
    }
}

/// What a message says. Line ends are `\n`, control characters but tab are dropped, blank ends are trimmed; 1 to 8,000
/// characters remain, at least one of them visible.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Content(String);

impl Content {
    /// The beginning of the content on one line, for a quotation.
    pub fn excerpt(&self) -> String {
        let mut excerpt = String::new();
        for (count, c) in self.0.split_whitespace().flat_map(|word| word.chars().chain([' '])).enumerate() {
            if count == EXCERPT_MAX_CHARS {
                excerpt.truncate(excerpt.trim_end().len());
                excerpt.push('…');
                return excerpt;
            }
            excerpt.push(c);
        }
        excerpt.truncate(excerpt.trim_end().len());
        excerpt
    }
}

impl FromStr for Content {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text: String = text.chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control()).collect();
        // Leading spaces of the first line may be meant (code); blank lines before it are not.
        let first = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
        let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
        let text = text[start..].trim_end();
        if is_blank(text) {
            return Err(InvalidText::Empty);
        }
        check_length(text, CONTENT_MAX_CHARS)?;
        Ok(Self(text.to_owned()))
    }
}

/// What a room is called: one line of 1 to 48 characters, with no more invisible ones than a [`Username`] has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct RoomName(String);

/// What a room is about: one line of at most 200 characters, or nothing; invisible ones as in a [`RoomName`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Topic(String);

/// One line, its runs of white space made single spaces. Control characters are dropped, and so is what is invisible
/// and has no place where it stands: it could turn the words around, or make two rooms look the same.
fn one_line(text: &str, max: usize) -> Result<String, InvalidText> {
    let words: Vec<String> = text.split_whitespace().map(visible).filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    check_length(&line, max)?;
    Ok(line)
}

fn visible(word: &str) -> String {
    let word: String = word.chars().filter(|c| !c.is_control()).collect();
    let stays = |&(at, c): &(usize, char)| {
        !is_invisible(c) || is_in_place(&word[..at], c, &word[at + c.len_utf8()..])
    };
    word.char_indices().filter(stays).map(|(_, c)| c).collect()
}

impl FromStr for RoomName {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let line = one_line(text, ROOM_NAME_MAX_CHARS)?;
        if is_blank(&line) { Err(InvalidText::Empty) } else { Ok(Self(line)) }
    }
}

/// What to call a room of which only the address is known: an address is one line, and no longer than a name may be.
impl From<&RoomSlug> for RoomName {
    fn from(slug: &RoomSlug) -> Self {
        Self(slug.to_string())
    }
}

impl FromStr for Topic {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        one_line(text, TOPIC_MAX_CHARS).map(Self)
    }
}

/// One emoji, joiners and modifiers included.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Emoji(String);

impl FromStr for Emoji {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_length(text, EMOJI_MAX_CHARS)?;
        let mut chars = text.chars();
        let starts = match chars.next() {
            None => return Err(InvalidText::Empty),
            // A keycap: the digit alone is no emoji.
            Some(c) if c.is_ascii_digit() || c == '#' || c == '*' => text.ends_with('\u{20E3}'),
            Some(c) => is_pictograph(c),
        };
        let joins =
            |c| is_pictograph(c) || matches!(u32::from(c), 0x200D | 0xFE0F | 0x20E3 | 0xE0020..=0xE007F);
        if starts && chars.all(joins) { Ok(Self(text.to_owned())) } else { Err(InvalidText::NotEmoji) }
    }
}

/// Whether `c` is drawn as a picture, by the blocks that hold Unicode's emoji.
fn is_pictograph(c: char) -> bool {
    matches!(u32::from(c),
        0xA9 | 0xAE | 0x203C | 0x2049 | 0x2122 | 0x2139 | 0x2190..=0x21FF | 0x2300..=0x23FF | 0x2460..=0x24FF
        | 0x25A0..=0x27BF | 0x2900..=0x297F | 0x2B00..=0x2BFF | 0x3030 | 0x303D | 0x3297 | 0x3299
        | 0x1F000..=0x1FAFF)
}

macro_rules! accepted_text {
    ($($name:ident)*) => {$(
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
accepted_text!(Username Content RoomName Topic Emoji);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromStr<Err = InvalidText> + AsRef<str>>(text: &str, expected: Result<&str, InvalidText>) {
        let parsed = text.parse::<T>();
        assert_eq!(parsed.as_ref().map(AsRef::as_ref).map_err(|&error| error), expected, "{text:?}");
    }

    #[test]
    fn usernames_in_many_scripts_are_welcome() {
        for name in
            ["Alice", "小明", "花子", "mary-ann", "محمد", "क्रिश", "Łukasz", "bob_2", "J.R", "🦀rust", "々木"]
        {
            check::<Username>(name, Ok(name));
        }
        check::<Username>("  Alice ", Ok("Alice"));
    }

    #[test]
    fn a_username_begins_with_what_stands_by_itself() {
        for name in ["\u{301}", "\u{301}\u{302}", "\u{94D}a", "€uro", "-a", ".a", "a-", "a."] {
            check::<Username>(name, Err(InvalidText::Edge));
        }
        check::<Username>("a\u{1D159}b", Err(InvalidText::Character('\u{1D159}')));
        for name in ["_a", "e\u{301}", "ñandú", "٣", "☃"] {
            check::<Username>(name, Ok(name));
        }
    }

    #[test]
    fn an_emoji_in_a_username_may_be_made_of_several_characters() {
        for name in ["❤️", "I❤️tea", "👩‍💻", "👩‍👩‍👧‍👦", "👋🏽", "🧑🏿‍🚀", "🏳️‍🌈", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇨🇳", "1️⃣", "⏰", "▶️", "☺"]
        {
            check::<Username>(name, Ok(name));
        }
    }

    #[test]
    fn usernames_join_and_part_letters_where_their_script_does() {
        for name in ["می\u{200C}خواهم", "ශ\u{DCA}\u{200D}රී", "र\u{94D}\u{200D}य"] {
            check::<Username>(name, Ok(name));
        }
        for (name, c) in
            [("ali\u{200C}ce", '\u{200C}'), ("ا\u{200D}ب", '\u{200D}'), ("علی\u{200C}", '\u{200C}')]
        {
            check::<Username>(name, Err(InvalidText::Character(c)));
        }
    }

    #[test]
    fn names_that_differ_in_nothing_that_is_drawn_are_compared_as_one() {
        let folded = |name: &str| name.parse::<Username>().unwrap().folded().collect::<String>();
        assert_eq!(folded("❤️"), folded("❤"));
        assert_eq!(folded("👩‍💻"), folded("👩💻"));
        assert_eq!(folded("می\u{200C}خواهم"), folded("میخواهم"));
        assert_eq!(folded("Alice"), "alice");
        assert_ne!(folded("👋🏽"), folded("👋"));
    }

    #[test]
    fn usernames_that_deceive_are_refused() {
        check::<Username>("", Err(InvalidText::Empty));
        check::<Username>("\u{200B}", Err(InvalidText::Empty));
        for c in [
            '\u{200B}', '\u{202E}', '\u{3164}', '\u{FE0F}', '\u{7}', ' ', '\u{3000}', '@', '，', '<',
            '\u{2800}',
        ] {
            check::<Username>(&format!("al{c}ice"), Err(InvalidText::Character(c)));
        }
        check::<Username>(&"x".repeat(33), Err(InvalidText::TooLong { chars: 33, max: 32 }));
        check::<Username>("alice.", Err(InvalidText::Edge));
    }

    #[test]
    fn what_cannot_be_seen_is_named() {
        for (name, named) in [
            ("a b", "a space"),
            ("a\u{3000}b", "a space"),
            ("a\u{200B}b", "an invisible character (U+200B)"),
            ("a\u{7}b", "an invisible character (U+0007)"),
            ("a\u{E0041}b", "an invisible character (U+E0041)"),
            ("a@b", "“@”"),
        ] {
            let error = name.parse::<Username>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{named} cannot be used here")), "{name:?}: {error}");
            assert!(!error.contains(|c: char| c != ' ' && (c.is_control() || is_invisible(c))), "{error:?}");
        }
    }

    #[test]
    fn content_keeps_what_was_typed_but_not_what_nobody_sees() {
        check::<Content>("a\r\nb\rc", Ok("a\nb\nc"));
        check::<Content>("\n\n  let x = 1;\n\n", Ok("  let x = 1;"));
        check::<Content>("bell\u{7} nul\0 tab\t.", Ok("bell nul tab\t."));
        check::<Content>("👩‍👩‍👧‍👦", Ok("👩‍👩‍👧‍👦"));
        check::<Content>(" \n\u{200B}\u{FEFF}\t", Err(InvalidText::Empty));
        check::<Content>(&"字".repeat(8_000), Ok(&"字".repeat(8_000)));
        check::<Content>(&"字".repeat(8_001), Err(InvalidText::TooLong { chars: 8_001, max: 8_000 }));
    }

    #[test]
    fn excerpts_are_one_short_line() {
        assert_eq!("two\n lines ".parse::<Content>().unwrap().excerpt(), "two lines");
        let long = "字".repeat(500).parse::<Content>().unwrap().excerpt();
        assert_eq!(long.chars().count(), EXCERPT_MAX_CHARS + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn emoji_are_emoji() {
        for emoji in ["👍", "❤️", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "☺", "🇨🇳", "👋🏽"]
        {
            check::<Emoji>(emoji, Ok(emoji));
        }
        for text in ["a", "1", "<b>", "👍x", " ", "\u{200D}"] {
            check::<Emoji>(text, Err(InvalidText::NotEmoji));
        }
    }

    #[test]
    fn names_and_topics_are_one_line() {
        check::<RoomName>(" The\n plan ", Ok("The plan"));
        check::<RoomName>("\u{7}", Err(InvalidText::Empty));
        check::<Topic>("", Ok(""));
    }

    #[test]
    fn names_and_topics_of_rooms_do_not_turn_words_around() {
        for c in [
            '\u{202A}', '\u{202B}', '\u{202C}', '\u{202D}', '\u{202E}', '\u{2066}', '\u{2067}', '\u{2068}',
            '\u{2069}', '\u{61C}', '\u{200E}', '\u{200F}', '\u{200B}', '\u{AD}', '\u{FEFF}', '\u{2060}',
            '\u{FE0F}', '\u{200D}',
        ] {
            check::<RoomName>(&format!("pay{c}roll"), Ok("payroll"));
            check::<Topic>(&format!("a {c} b{c}"), Ok("a b"));
            check::<RoomName>(&c.to_string(), Err(InvalidText::Empty));
        }
        for text in ["❤️ letters", "👩‍💻 at work", "می\u{200C}خواهم", "1️⃣ first"] {
            check::<RoomName>(text, Ok(text));
            check::<Topic>(text, Ok(text));
        }
    }
}
