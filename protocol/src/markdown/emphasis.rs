//! Which marks of emphasis belong together.
//!
//! The rules are those of `CommonMark`, changed for scripts that put no spaces between words: a letter or punctuation of
//! such a script counts like a space where `CommonMark` asks whether a mark beside punctuation looks left or right. So
//! `**重要。**后面` and `这是**“重点”**内容` are strong, as their authors meant them.

use super::{
    Inline, count_work,
    inline::{Piece, depth, nodes},
};
use crate::text::{is_emoji_among_symbols, is_invisible, is_name_char};

/// Neighbouring marks of one kind.
#[derive(Debug)]
pub(super) struct Run {
    mark: char,
    /// How many have no partner yet.
    left: usize,
    /// How many there were.
    length: usize,
    opens: bool,
    closes: bool,
}

impl Run {
    /// The run of `length` marks between two characters; `None` if it can neither open nor close anything.
    pub(super) fn new(mark: char, length: usize, before: Option<char>, after: Option<char>) -> Option<Self> {
        if mark == '~' && length != 2 {
            return None;
        }
        // A product: 2*3*4.
        if before.is_some_and(|c| c.is_ascii_digit()) && after.is_some_and(|c| c.is_ascii_digit()) {
            return None;
        }
        let (before, after) = (Side::of(before), Side::of(after));
        let left_flanking = after != Side::Space && (after != Side::Punctuation || before != Side::Word);
        let right_flanking = before != Side::Space && (before != Side::Punctuation || after != Side::Word);
        let (opens, closes) = if mark == '_' {
            // Not inside_a_word.
            (left_flanking && !before.is_word(), right_flanking && !after.is_word())
        } else {
            (left_flanking, right_flanking)
        };
        (opens || closes).then_some(Self { mark, left: length, length, opens, closes })
    }

    /// The marks without a partner, as typed.
    pub(super) fn into_text(self) -> String {
        std::iter::repeat_n(self.mark, self.left).collect()
    }

    /// Whether a closing run may belong to this opening one. The rule of three keeps `*a**b*` one emphasis.
    fn pairs_with(&self, closer: &Self) -> bool {
        let ambiguous = self.closes || closer.opens;
        let odd = (self.length + closer.length).is_multiple_of(3)
            && !(self.length.is_multiple_of(3) && closer.length.is_multiple_of(3));
        self.mark == closer.mark && !(ambiguous && odd)
    }
}

/// What stands beside a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// White space, or the end of the text.
    Space,
    Punctuation,
    /// A letter, digit or mark of a script with spaces.
    Word,
    /// A letter of a script without spaces between words, or an emoji.
    Spaceless,
    /// Punctuation of such a script.
    SpacelessPunctuation,
}

impl Side {
    fn of(c: Option<char>) -> Self {
        match c {
            None => Self::Space,
            Some(c) if c.is_whitespace() => Self::Space,
            Some(c) if is_spaceless(c) && (is_name_char(c) || is_invisible(c)) => Self::Spaceless,
            Some(c) if is_spaceless(c) => Self::SpacelessPunctuation,
            Some(c) if is_name_char(c) && !matches!(c, '-' | '_' | '.') => Self::Word,
            Some(_) => Self::Punctuation,
        }
    }

    fn is_word(self) -> bool {
        matches!(self, Self::Word | Self::Spaceless)
    }
}

/// Whether `c` is of a script that is written without spaces between words (Korean is, around its particles), or an
/// emoji, which stands anywhere.
pub(super) fn is_spaceless(c: char) -> bool {
    matches!(u32::from(c),
        0xE00..=0xEFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x200D | 0x2300..=0x23FF
        | 0x2600..=0x27BF | 0x2E80..=0xA4CF | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF
        | 0xFE0F | 0xFE10..=0xFE1F | 0xFE30..=0xFE4F | 0xFF00..=0xFFEF | 0x1F000..=0x1FAFF | 0x20000..=0x3FFFF)
        || is_emoji_among_symbols(c)
}

/// Finds the partners among `pieces`, in time proportional to them. The result is at most `max_depth` deep.
pub(super) fn resolve(pieces: Vec<Piece>, max_depth: usize) -> Vec<Piece> {
    let mut matcher = Matcher { done: Vec::new(), openers: Vec::new(), searched: [0; KINDS], max_depth };
    for piece in pieces {
        count_work(1);
        match piece {
            Piece::Run(run) => matcher.add(run),
            piece => matcher.done.push(piece),
        }
    }
    matcher.done
}

/// The kinds of closing runs: by mark, by whether they open too, by length modulo three. Two of one kind find the same
/// partners.
const KINDS: usize = 3 * 2 * 3;

struct Matcher {
    done: Vec<Piece>,
    /// Where in `done` the runs are that may still open something.
    openers: Vec<usize>,
    /// By kind: how many of the first openers are known to be no partner.
    searched: [usize; KINDS],
    max_depth: usize,
}

impl Matcher {
    fn add(&mut self, mut run: Run) {
        while run.closes
            && run.left > 0
            && let Some(opener) = self.find_opener(&run)
        {
            self.pair(opener, &mut run);
        }
        if run.left > 0 {
            if run.opens {
                self.openers.push(self.done.len());
            }
            self.done.push(Piece::Run(run));
        }
    }

    /// Where in `openers` the nearest partner is.
    fn find_opener(&mut self, closer: &Run) -> Option<usize> {
        let kind = match closer.mark {
            '*' => 0,
            '_' => 1,
            _ => 2,
        };
        let kind = kind * 6 + usize::from(closer.opens) * 3 + closer.length % 3;
        let from = self.searched[kind];
        let found = self.openers[from..].iter().rposition(|&at| {
            count_work(1);
            matches!(&self.done[at], Piece::Run(opener) if opener.pairs_with(closer))
        });
        if found.is_none() {
            self.searched[kind] = self.openers.len();
        }
        found.map(|index| from + index)
    }

    /// Joins a closing run with the opener at `index` of `openers`; those after it are text.
    fn pair(&mut self, index: usize, closer: &mut Run) {
        let children = self.done.split_off(self.openers[index] + 1);
        let depth = depth(&children) + 1;
        let Some(Piece::Run(opener)) = self.done.last_mut() else {
            return;
        };
        if depth > self.max_depth {
            // Whatever opened earlier would be deeper still.
            self.done.extend(children);
            self.keep_openers(0);
            closer.closes = false;
            return;
        }
        let marks = opener.left.min(closer.left).min(2);
        opener.left -= marks;
        closer.left -= marks;
        if opener.left == 0 {
            self.done.pop();
            self.keep_openers(index);
        } else {
            self.keep_openers(index + 1);
        }
        let children = nodes(children);
        let node = match (closer.mark, marks) {
            ('~', _) => Inline::Strike(children),
            (_, 1) => Inline::Emphasis(children),
            _ => Inline::Strong(children),
        };
        self.done.push(Piece::Node(node, depth));
    }

    fn keep_openers(&mut self, count: usize) {
        self.openers.truncate(count);
        for searched in &mut self.searched {
            *searched = (*searched).min(count);
        }
    }
}
