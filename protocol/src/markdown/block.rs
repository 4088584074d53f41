//! Lines to blocks.
//!
//! Unlike in documents, a block ends where its marks end: the line after a quote or a list belongs to it only if it is
//! marked or indented itself. Numbered items count on by one, or a new list begins, so that numbers stay as typed.

use super::{BLOCK_DEPTH_MAX, Block, count_work, inline};

/// How many columns a tab is wide.
const TAB_COLUMNS: usize = 4;
/// How much further than its list's mark a line is indented, at least, to belong to the item above it; in columns.
const ITEM_INDENT_COLUMNS: usize = 2;
/// Longest name of a language after a fence, in bytes.
const LANGUAGE_MAX_BYTES: usize = 24;
/// Longest number of an item, in digits, so that counting on never overflows.
const NUMBER_MAX_DIGITS: usize = 9;

/// What a line begins.
enum Line<'a> {
    Blank,
    Fence(Fence<'a>),
    Quote,
    Item(Item<'a>),
    Text,
}

/// The line that opens fenced code.
struct Fence<'a> {
    mark: char,
    length: usize,
    indent: usize,
    info: &'a str,
}

/// The first line of a list's item.
#[derive(Clone, Copy)]
struct Item<'a> {
    /// Columns before the mark.
    indent: usize,
    /// Columns before the text.
    text_column: usize,
    number: Option<u32>,
    text: &'a str,
}

/// The blocks that `lines` make, `depth` levels inside others.
pub(super) fn parse(lines: &[&str], depth: usize) -> Vec<Block> {
    let nests = depth < BLOCK_DEPTH_MAX;
    let mut blocks = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(&line) = lines.get(at) {
        count_work(line.len() + 1);
        let rest = &lines[at..];
        let parsed = match classify(line) {
            Line::Blank => {
                end_paragraph(&mut paragraph, &mut blocks);
                at += 1;
                continue;
            }
            Line::Fence(fence) => fence.parse(rest),
            Line::Quote if nests => Some(parse_quote(rest, depth)),
            Line::Item(item) if nests && (paragraph.is_empty() || item.may_interrupt()) => {
                Some(parse_list(rest, item, depth))
            }
            Line::Quote | Line::Item(_) | Line::Text => None,
        };
        if let Some((block, taken)) = parsed {
            end_paragraph(&mut paragraph, &mut blocks);
            blocks.push(block);
            at += taken;
        } else {
            paragraph.push(line);
            at += 1;
        }
    }
    end_paragraph(&mut paragraph, &mut blocks);
    blocks
}

fn end_paragraph(lines: &mut Vec<&str>, blocks: &mut Vec<Block>) {
    if !lines.is_empty() {
        blocks.push(Block::Paragraph(inline::parse(&lines.join("\n"))));
        lines.clear();
    }
}

fn classify(line: &str) -> Line<'_> {
    let text = line.trim_start();
    let indent = columns(&line[..line.len() - text.len()]);
    match text.chars().next() {
        None => Line::Blank,
        Some(mark @ ('`' | '~')) => Fence::open(text, mark, indent).map_or(Line::Text, Line::Fence),
        Some('>') if quoted(text).is_some() => Line::Quote,
        Some(_) => Item::open(text, indent).map_or(Line::Text, Line::Item),
    }
}

fn columns(space: &str) -> usize {
    space.chars().map(|c| if c == '\t' { TAB_COLUMNS } else { 1 }).sum()
}

/// The line without up to `columns` columns of white space at its start.
fn unindent(line: &str, columns: usize) -> &str {
    let mut column = 0;
    let end = line.char_indices().find(|&(_, c)| {
        let stays = column >= columns || !c.is_whitespace();
        column += if c == '\t' { TAB_COLUMNS } else { 1 };
        stays
    });
    end.map_or("", |(index, _)| &line[index..])
}

/// What a quoted line says. A space follows the mark, for `>_<` is a face.
fn quoted(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('>')?;
    let after_marks = inner.trim_start_matches('>');
    let is_mark = after_marks.is_empty() || after_marks.starts_with(char::is_whitespace);
    is_mark.then(|| inner.strip_prefix(' ').unwrap_or(inner))
}

fn parse_quote(lines: &[&str], depth: usize) -> (Block, usize) {
    let inner: Vec<&str> = lines.iter().map_while(|line| quoted(line.trim_start())).collect();
    (Block::Quote(parse(&inner, depth + 1)), inner.len())
}

impl<'a> Fence<'a> {
    fn open(text: &'a str, mark: char, indent: usize) -> Option<Self> {
        let info = text.trim_start_matches(mark);
        let length = text.len() - info.len();
        (length >= 3 && !info.contains(mark)).then(|| Self { mark, length, indent, info: info.trim() })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.chars().all(|c| c == self.mark)
    }

    /// The code and how many lines it takes. A fence that is never closed runs to the end; one with nothing after it
    /// is text.
    fn parse(&self, lines: &[&str]) -> Option<(Block, usize)> {
        let inside = &lines[1..];
        let closed = inside.iter().position(|line| self.is_closed_by(line));
        if inside.is_empty() {
            return None;
        }
        let code = &inside[..closed.unwrap_or(inside.len())];
        let language = is_language(self.info).then(|| self.info.to_owned());
        // What follows the fence and names no language was meant to be read: it is the first line.
        let first = if language.is_none() && !self.info.is_empty() { Some(self.info) } else { None };
        let text: Vec<&str> =
            first.into_iter().chain(code.iter().map(|line| unindent(line, self.indent))).collect();
        let taken = 1 + code.len() + usize::from(closed.is_some());
        count_work(taken);
        Some((Block::Code { language, text: text.join("\n") }, taken))
    }
}

fn is_language(info: &str) -> bool {
    (1..=LANGUAGE_MAX_BYTES).contains(&info.len())
        && info.bytes().all(|b| b.is_ascii_alphanumeric() || b"+#._-".contains(&b))
}

impl<'a> Item<'a> {
    fn open(text: &'a str, indent: usize) -> Option<Self> {
        let (number, after) = Self::mark(text)?;
        let item = after.trim_start();
        // A line of marks alone is a ruler or a face, not an empty item.
        let says_something = item.chars().any(|c| !matches!(c, '-' | '*' | '+' | '•') && !c.is_whitespace());
        let width = columns(&text[..text.len() - after.len()]) + 1;
        (after.starts_with([' ', '\t']) && says_something).then_some(Self {
            indent,
            text_column: indent + width,
            number,
            text: item,
        })
    }

    /// The number, if any, and what follows the mark.
    fn mark(text: &'a str) -> Option<(Option<u32>, &'a str)> {
        if let Some(after) = text.strip_prefix(['-', '*', '+', '•']) {
            return Some((None, after));
        }
        let after = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &text[..text.len() - after.len()];
        let is_number =
            (1..=NUMBER_MAX_DIGITS).contains(&digits.len()) && (digits == "0" || !digits.starts_with('0'));
        let number = if is_number { digits.parse().ok()? } else { return None };
        Some((Some(number), after.strip_prefix(['.', ')'])?))
    }

    /// Whether a list may begin in the middle of a paragraph: a line that happens to begin with a year may not.
    const fn may_interrupt(&self) -> bool {
        matches!(self.number, None | Some(1))
    }

    fn is_followed_by(&self, next: &Self) -> bool {
        next.indent < self.indent + ITEM_INDENT_COLUMNS
            && match (self.number, next.number) {
                (None, None) => true,
                (Some(number), Some(next)) => next == number + 1,
                _ => false,
            }
    }
}

fn parse_list<'a>(lines: &[&'a str], first: Item<'a>, depth: usize) -> (Block, usize) {
    let mut items = Vec::new();
    let mut item = first;
    let mut at = 0;
    loop {
        let mut inside = vec![item.text];
        let taken = take_item(&lines[at + 1..], &item, &mut inside);
        at += 1 + taken;
        items.push(parse(&inside, depth + 1));
        let blank = count_blank(&lines[at..]);
        match lines.get(at + blank).map(|line| classify(line)) {
            Some(Line::Item(next)) if item.is_followed_by(&next) => {
                item = next;
                at += blank;
            }
            _ => return (Block::List { start: first.number, items }, at),
        }
    }
}

/// Collects the lines that are indented under an item, and blank ones between them. Answers how many.
fn take_item<'a>(lines: &[&'a str], item: &Item<'_>, inside: &mut Vec<&'a str>) -> usize {
    let mut at = 0;
    loop {
        let blank = count_blank(&lines[at..]);
        let Some(&line) = lines.get(at + blank) else {
            return at;
        };
        count_work(line.len() + 1);
        if columns(&line[..line.len() - line.trim_start().len()]) < item.indent + ITEM_INDENT_COLUMNS {
            return at;
        }
        inside.extend(std::iter::repeat_n("", blank));
        inside.push(unindent(line, item.text_column));
        at += blank + 1;
    }
}

fn count_blank(lines: &[&str]) -> usize {
    let blank = lines.iter().take_while(|line| line.trim().is_empty()).count();
    count_work(blank);
    blank
}
