//! Characters that are never drawn, and the few places where they do something that is seen: inside an emoji, and
//! between letters that would join or must not. Everywhere else they only make two texts differ that look the same.

use super::is_pictograph;

/// Two pictures beside it are drawn as one; letters beside it are drawn as if they joined.
const JOINER: char = '\u{200D}';
/// Letters beside it are drawn as if they did not join.
const NON_JOINER: char = '\u{200C}';
/// What stands before it is drawn as an emoji.
const EMOJI_STYLE: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';
/// With tags after it, the flag of a country's part.
const BLACK_FLAG: char = '\u{1F3F4}';
const LAST_TAG: char = '\u{E007F}';
/// Longest name of such a part, in tags before the last.
const FLAG_TAGS_MAX: usize = 6;

/// Whether `c` is never drawn: Unicode's `Default_Ignorable_Code_Point`, unassigned ones included, the blank
/// Braille pattern and the null note head. Two names that differ only in such characters look the same.
pub fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
        | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3 | 0x1D159 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Whether the invisible character `c` is part of an emoji (as UTS 51 makes them: U+FE0F, U+200D, tags), or of a word:
/// U+200C and U+200D after a virama, U+200C also between Arabic letters (close to RFC 5892, A.1 and A.2). Looks at a few
/// characters only.
pub(crate) fn is_in_place(before: &str, c: char, after: &str) -> bool {
    let (left, right) = (before.chars().next_back(), after.chars().next());
    let is_after_virama = left.is_some_and(is_virama);
    match c {
        EMOJI_STYLE => left.is_some_and(is_picture) || is_in_keycap(left, right),
        JOINER => is_after_virama || ends_with_picture(before) && right.is_some_and(is_picture),
        NON_JOINER => is_after_virama || left.is_some_and(is_arabic) && right.is_some_and(is_arabic),
        LAST_TAG => (1..=FLAG_TAGS_MAX).contains(&tags_of_flag(before)),
        c if is_tag(c) => {
            let (so_far, to_come) = (tags_of_flag(before), tags(after.chars()));
            let is_ended = after.chars().nth(to_come) == Some(LAST_TAG);
            is_ended && (before.ends_with(BLACK_FLAG) || so_far > 0) && so_far + 1 + to_come <= FLAG_TAGS_MAX
        }
        _ => false,
    }
}

fn is_in_keycap(left: Option<char>, right: Option<char>) -> bool {
    left.is_some_and(|c| c.is_ascii_digit() || matches!(c, '#' | '*')) && right == Some(KEYCAP)
}

/// Whether `c` is a whole picture: neither a skin tone nor half of a flag.
fn is_picture(c: char) -> bool {
    is_pictograph(c) && !is_skin_tone(c) && !matches!(u32::from(c), 0x1F1E6..=0x1F1FF)
}

fn is_skin_tone(c: char) -> bool {
    matches!(u32::from(c), 0x1F3FB..=0x1F3FF)
}

/// Whether `text` ends with a picture, whatever its style and the colour of its skin.
fn ends_with_picture(text: &str) -> bool {
    let mut back = text.chars().rev();
    match back.next() {
        Some(c) if c == EMOJI_STYLE || is_skin_tone(c) => back.next().is_some_and(is_picture),
        last => last.is_some_and(is_picture),
    }
}

/// Whether `c` is a letter of a tag: a digit or a small letter.
fn is_tag(c: char) -> bool {
    matches!(u32::from(c), 0xE0030..=0xE0039 | 0xE0061..=0xE007A)
}

/// How many tags come first, as far as it matters.
fn tags(chars: impl Iterator<Item = char>) -> usize {
    chars.take(FLAG_TAGS_MAX + 1).take_while(|&c| is_tag(c)).count()
}

/// How many tags `text` ends with, if they stand after a flag; else none.
fn tags_of_flag(text: &str) -> usize {
    let count = tags(text.chars().rev());
    if text.chars().rev().nth(count) == Some(BLACK_FLAG) { count } else { 0 }
}

/// The sign that takes a letter's vowel, in the scripts of India and of Sinhala: it binds the letter to the next.
fn is_virama(c: char) -> bool {
    matches!(u32::from(c), 0x94D | 0x9CD | 0xA4D | 0xACD | 0xB4D | 0xBCD | 0xC4D | 0xCCD | 0xD4D | 0xDCA)
}

/// Whether `c` is a letter of the Arabic script, which joins; Persian, Urdu and many others are written in it.
fn is_arabic(c: char) -> bool {
    matches!(u32::from(c), 0x620..=0x64A | 0x66E..=0x66F | 0x671..=0x6D3 | 0x6FA..=0x6FF | 0x750..=0x77F)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of `text` without the invisible characters that have no place there.
    fn cleaned(text: &str) -> String {
        let belongs = |&(at, c): &(usize, char)| {
            !is_invisible(c) || is_in_place(&text[..at], c, &text[at + c.len_utf8()..])
        };
        text.char_indices().filter(belongs).map(|(_, c)| c).collect()
    }

    #[test]
    fn what_makes_an_emoji_or_a_word_stays() {
        for text in [
            "❤\u{FE0F}",
            "1\u{FE0F}\u{20E3}",
            "👩\u{200D}👩\u{200D}👧\u{200D}👦",
            "🧑🏿\u{200D}❤\u{FE0F}\u{200D}💋\u{200D}🧑🏾",
            "🏳\u{FE0F}\u{200D}🌈",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
            "می\u{200C}خواهم",
            "ශ\u{DCA}\u{200D}රී",
            "क\u{94D}\u{200C}ष",
            "അവന\u{D4D}\u{200D}",
        ] {
            assert_eq!(cleaned(text), text, "{}", text.escape_unicode());
        }
    }

    #[test]
    fn elsewhere_what_is_invisible_goes() {
        for text in [
            "a\u{FE0F}b",
            "1\u{FE0F}",
            "🏽\u{FE0F}",
            "🇨\u{FE0F}🇳",
            "❤\u{FE0E}",
            "a\u{200D}b",
            "👩\u{200D}",
            "\u{200D}👩",
            "👩\u{200D}a",
            "👩\u{200D}🏽",
            "👩\u{200D}\u{200D}👩",
            "a\u{200C}b",
            "ا\u{200C}",
            "ا\u{200C}a",
            "क\u{200D}ष",
            "🏴\u{E0067}\u{E0062}",
            "🏴\u{E007F}",
            "a\u{E0067}\u{E0062}\u{E0073}\u{E007F}",
            "🏴\u{E0061}\u{E0061}\u{E0061}\u{E0061}\u{E0061}\u{E0061}\u{E0061}\u{E007F}",
            "a\u{202E}b\u{2066}c\u{200F}d\u{61C}e\u{200B}f\u{2060}g\u{FEFF}h\u{AD}i",
        ] {
            assert!(!cleaned(text).contains(is_invisible), "{}", text.escape_unicode());
        }
        // What is one too many goes, and no more.
        assert_eq!(cleaned("❤\u{FE0F}\u{FE0F}"), "❤\u{FE0F}");
    }
}
