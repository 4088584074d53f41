//! The text of a paragraph to inline nodes.
//!
//! One pass from left to right cuts the text into pieces: finished nodes, runs of emphasis marks and opening brackets.
//! Emphasis is matched afterwards ([`emphasis`]), first inside each link and at last in what remains, so that a link
//! binds tighter than emphasis.

use super::{
    INLINE_DEPTH_MAX, Inline, count_work,
    emphasis::{self, Run},
    link::{self, SafeUrl},
};
use crate::{
    ids::RoomSlug,
    text::{Username, is_invisible, is_name_char, name_prefix},
};

/// A part of the text on the way to a node.
#[derive(Debug)]
pub(super) enum Piece {
    /// A node, and how deep others are inside it.
    Node(Inline, usize),
    /// Marks of emphasis that have no partner yet.
    Run(Run),
    /// A `[` that may begin a link.
    Bracket,
}

impl Piece {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Node(Inline::Text(text.into()), 0)
    }
}

/// The nodes of a paragraph.
pub(super) fn parse(text: &str) -> Vec<Inline> {
    let mut scanner = Scanner::new(text);
    while scanner.step() {}
    scanner.end_text();
    nodes(emphasis::resolve(scanner.pieces, INLINE_DEPTH_MAX))
}

/// Pieces as nodes, once all partners are found: what is left over is text, and neighbouring texts are one.
pub(super) fn nodes(pieces: Vec<Piece>) -> Vec<Inline> {
    let mut nodes: Vec<Inline> = Vec::new();
    for piece in pieces {
        count_work(1);
        let node = match piece {
            Piece::Node(node, _) => node,
            Piece::Run(run) => Inline::Text(run.into_text()),
            Piece::Bracket => Inline::Text("[".to_owned()),
        };
        match (nodes.last_mut(), node) {
            (Some(Inline::Text(before)), Inline::Text(text)) => before.push_str(&text),
            (_, node) => nodes.push(node),
        }
    }
    nodes
}

/// A `[` without its partner.
struct Bracket {
    /// Where in the pieces it is.
    piece: usize,
    /// Where what it brackets begins, in bytes.
    inside: usize,
    /// Whether a `!` stands before it: images stay as typed.
    image: bool,
}

struct Scanner<'a> {
    text: &'a str,
    /// Where the next step looks, in bytes.
    at: usize,
    /// Where the plain text began that is not yet a piece.
    plain_from: usize,
    pieces: Vec<Piece>,
    /// The brackets that may still begin a link, outermost first.
    brackets: Vec<Bracket>,
    /// By length: where the last run of so many backticks is. So a partner is only looked for where there is one.
    last_backticks: Vec<usize>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        let mut last_backticks = Vec::new();
        for (length, start) in backtick_runs(text) {
            if last_backticks.len() <= length {
                last_backticks.resize(length + 1, 0);
            }
            last_backticks[length] = start;
        }
        Self { text, at: 0, plain_from: 0, pieces: Vec::new(), brackets: Vec::new(), last_backticks }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The character before the current one.
    fn before(&self) -> Option<char> {
        self.text[..self.at].chars().next_back()
    }

    /// Makes the plain text up to here a piece.
    fn end_text(&mut self) {
        if self.plain_from < self.at {
            self.pieces.push(Piece::text(&self.text[self.plain_from..self.at]));
        }
        self.plain_from = self.at;
    }

    /// Adds a piece that stands for the next `length` bytes.
    fn push(&mut self, piece: Piece, length: usize) {
        self.end_text();
        self.pieces.push(piece);
        self.at += length;
        self.plain_from = self.at;
    }

    /// Looks at one character. Answers whether there was one.
    fn step(&mut self) -> bool {
        count_work(1);
        let rest = self.rest();
        let Some(c) = rest.chars().next() else {
            return false;
        };
        let found = match c {
            '\n' => Some((Inline::LineBreak, 1)),
            '`' => return self.code(),
            '*' | '_' | '~' => return self.emphasis(c),
            '[' => return self.open_bracket(),
            ']' => return self.close_bracket(),
            '\\' => return self.escape(),
            '<' => link::bracketed(rest).map(|(href, length)| (autolink(href), length)),
            'h' | 'H' => self.bare_link(),
            '@' => self.mention(),
            '#' => self.room_link(),
            _ => None,
        };
        match found {
            Some((node, length)) => {
                let depth = usize::from(matches!(node, Inline::Link { .. }));
                self.push(Piece::Node(node, depth), length);
            }
            None => self.at += c.len_utf8(),
        }
        true
    }

    /// The mark after a backslash is text.
    fn escape(&mut self) -> bool {
        let escaped = self.rest().chars().nth(1).filter(char::is_ascii_punctuation);
        match escaped {
            Some(c) => self.push(Piece::text(c), 2),
            None => self.at += 1,
        }
        true
    }

    fn code(&mut self) -> bool {
        let after = self.rest().trim_start_matches('`');
        let length = self.rest().len() - after.len();
        let inside = self.at + length;
        count_work(length);
        match self.find_backticks(length, inside) {
            Some(end) => {
                let code = self.text[inside..end].replace('\n', " ");
                let trimmed = code.strip_prefix(' ').and_then(|code| code.strip_suffix(' '));
                let code = trimmed.filter(|code| !code.trim().is_empty()).unwrap_or(&code).to_owned();
                self.push(Piece::Node(Inline::Code(code), 0), end + length - self.at);
            }
            None => self.at = inside,
        }
        true
    }

    /// Where the next run of exactly so many backticks begins, from `from` on.
    fn find_backticks(&self, length: usize, from: usize) -> Option<usize> {
        let last = *self.last_backticks.get(length)?;
        if last < from {
            return None;
        }
        backtick_runs(&self.text[from..]).find(|run| run.0 == length).map(|(_, start)| from + start)
    }

    fn emphasis(&mut self, mark: char) -> bool {
        let after = self.rest().trim_start_matches(mark);
        let length = self.rest().len() - after.len();
        count_work(length);
        match Run::new(mark, length, self.before(), after.chars().next()) {
            Some(run) => self.push(Piece::Run(run), length),
            None => self.at += length,
        }
        true
    }

    fn open_bracket(&mut self) -> bool {
        let image = self.before() == Some('!');
        self.push(Piece::Bracket, 1);
        self.brackets.push(Bracket { piece: self.pieces.len() - 1, inside: self.at, image });
        true
    }

    fn close_bracket(&mut self) -> bool {
        if let Some(bracket) = self.brackets.pop()
            && !bracket.image
            && self.text[bracket.inside..self.at].chars().any(|c| !c.is_whitespace() && !is_invisible(c))
            && let Some((href, length)) = link::parenthesised(&self.text[self.at + 1..])
        {
            self.end_text();
            self.link(bracket.piece, href);
            self.at += 1 + length;
            self.plain_from = self.at;
        } else {
            self.at += 1;
        }
        true
    }

    /// Makes a link of the pieces after the bracket at `bracket`.
    fn link(&mut self, bracket: usize, href: SafeUrl) {
        let pieces = emphasis::resolve(self.pieces.split_off(bracket + 1), INLINE_DEPTH_MAX - 1);
        self.pieces.truncate(bracket);
        let depth = depth(&pieces) + 1;
        let children = unlink(nodes(pieces));
        // No link stands in another.
        self.brackets.clear();
        self.pieces.push(Piece::Node(Inline::Link { href, children }, depth));
    }

    fn bare_link(&self) -> Option<(Inline, usize)> {
        if self.before().is_some_and(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        let url = link::bare(self.rest())?;
        Some((autolink(url.parse().ok()?), url.len()))
    }

    fn mention(&self) -> Option<(Inline, usize)> {
        let name = self.name(name_prefix)?.trim_end_matches(['-', '.']);
        Some((Inline::Mention(name.parse::<Username>().ok()?), 1 + name.len()))
    }

    /// A number is no room: `#123` more often means something else.
    fn room_link(&self) -> Option<(Inline, usize)> {
        let name =
            self.name(|text| text.split(|c| !is_name_char(c) || c == '.').next().unwrap_or_default())?;
        let name = name.trim_end_matches('-');
        if name.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some((Inline::RoomLink(name.parse::<RoomSlug>().ok()?), 1 + name.len()))
    }

    /// What `prefix` finds after the `@` or `#` here, unless the mark stands inside a word: an e-mail address, a path.
    /// After a script without spaces between words it may stand anywhere.
    fn name(&self, prefix: impl Fn(&'a str) -> &'a str) -> Option<&'a str> {
        let is_inside_word = |c: char| {
            let is_word = is_name_char(c) && !matches!(c, '-' | '_' | '.') && !emphasis::is_spaceless(c);
            is_word || matches!(c, '@' | '#' | '/' | '&')
        };
        if self.before().is_some_and(is_inside_word) {
            return None;
        }
        let name = prefix(&self.rest()[1..]);
        count_work(name.len());
        Some(name)
    }
}

/// The runs of backticks in `text`: their lengths and where they begin.
fn backtick_runs(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find('`')?;
        let length = text[start..].bytes().take_while(|&b| b == b'`').count();
        count_work(start + length - at);
        at = start + length;
        Some((length, start))
    })
}

fn autolink(href: SafeUrl) -> Inline {
    let children = vec![Inline::Text(href.as_str().to_owned())];
    Inline::Link { href, children }
}

/// How deep the deepest piece is.
pub(super) fn depth(pieces: &[Piece]) -> usize {
    count_work(pieces.len());
    pieces.iter().map(|piece| if let Piece::Node(_, depth) = piece { *depth } else { 0 }).max().unwrap_or(0)
}

/// Turns links, mentions and room links into what they say.
fn unlink(nodes: Vec<Inline>) -> Vec<Inline> {
    let mut plain = Vec::new();
    for node in nodes {
        count_work(1);
        plain.extend(match node {
            Inline::Link { children, .. } => children,
            Inline::Mention(name) => vec![Inline::Text(format!("@{name}"))],
            Inline::RoomLink(slug) => vec![Inline::Text(format!("#{slug}"))],
            Inline::Emphasis(children) => vec![Inline::Emphasis(unlink(children))],
            Inline::Strong(children) => vec![Inline::Strong(unlink(children))],
            Inline::Strike(children) => vec![Inline::Strike(unlink(children))],
            node @ (Inline::Text(_) | Inline::Code(_) | Inline::LineBreak) => vec![node],
        });
    }
    self::nodes(plain.into_iter().map(|node| Piece::Node(node, 0)).collect())
}
