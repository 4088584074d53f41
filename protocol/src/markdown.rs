//! Content to typed nodes: the little Markdown of chat, made for people who type, not for documents.
//!
//! The result is data, never HTML: the page makes elements from it, so nothing that somebody wrote can become a tag or
//! a script. Both sides parse with this code; the echo of one's own message is exactly what others will see. Why it is
//! written by hand: `docs/adr/0001-markdown.md`.
//!
//! What is read: paragraphs, fenced code, `>` quotes, lists; `*`, `_`, `**`, `~~`, `` ` ``; links, bare addresses,
//! `@name`, `#room`; a backslash takes the meaning of the mark after it. Everything else (headings, tables, HTML,
//! images) stays as it was typed, and so does a mark without its partner.
//!
//! Promises: no input panics; the work grows in proportion to the input; nesting is bounded by [`BLOCK_DEPTH_MAX`] and
//! [`INLINE_DEPTH_MAX`], and the result, which every reader's browser has to draw, by [`NODES_MAX`]; no letter and no digit of the input is lost, and none is invented.

mod block;
mod emphasis;
mod inline;
mod link;
#[cfg(test)]
mod tests;

pub use link::{SafeUrl, UnsafeUrl};

use crate::{ids::RoomSlug, text::Username};

/// How deep quotes and lists nest, in levels; deeper marks stay text.
pub const BLOCK_DEPTH_MAX: usize = 6;
/// How deep emphasis and links nest, in levels; deeper marks stay text.
pub const INLINE_DEPTH_MAX: usize = 8;
/// Most nodes of a document: blocks, items and inlines. People stay far below it; what goes beyond, thousands of marks or of
/// lines, is shown as it was typed, like fenced code.
pub const NODES_MAX: usize = 2_000;

/// A content as nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// From top to bottom.
    pub blocks: Vec<Block>,
}

/// A part of a document that stands on lines of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Lines of text.
    Paragraph(Vec<Inline>),
    /// Fenced code, shown exactly as typed.
    Code {
        /// What was named after the fence: a short word of ASCII letters, digits and `+#._-`.
        language: Option<String>,
        /// The lines, without a line end after the last.
        text: String,
    },
    /// Lines that began with `>`.
    Quote(Vec<Block>),
    /// A list.
    List {
        /// The first number of a numbered list, which counts on by one; `None` for bullets.
        start: Option<u32>,
        /// What the items hold; never empty.
        items: Vec<Vec<Block>>,
    },
}

/// A part of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// Plain text, without line ends.
    Text(String),
    /// `*this*` or `_this_`.
    Emphasis(Vec<Inline>),
    /// `**this**` or `__this__`.
    Strong(Vec<Inline>),
    /// `~~this~~`.
    Strike(Vec<Inline>),
    /// `` `this` ``.
    Code(String),
    /// An address. Its children hold neither links nor mentions, for an element that can be clicked may hold no other.
    Link {
        /// Where it leads.
        href: SafeUrl,
        /// What it says: the address itself where it was typed bare.
        children: Vec<Inline>,
    },
    /// `@name`. Whether there is such a person is not known here.
    Mention(Username),
    /// `#room`. Whether there is such a room is not known here.
    RoomLink(RoomSlug),
    /// A line end, as typed.
    LineBreak,
}

/// Reads `content`. Any text is a document.
pub fn parse(content: &str) -> Document {
    let lines: Vec<&str> = content.split('\n').collect();
    let blocks = block::parse(&lines, 0);
    if count(&blocks) > NODES_MAX {
        return Document { blocks: vec![Block::Code { language: None, text: content.to_owned() }] };
    }
    Document { blocks }
}

/// How many nodes there are in `blocks`, themselves included.
fn count(blocks: &[Block]) -> usize {
    let inside = |block: &Block| match block {
        Block::Paragraph(nodes) => count_inlines(nodes),
        Block::Code { .. } => 0,
        Block::Quote(blocks) => count(blocks),
        Block::List { items, .. } => items.iter().map(|item| 1 + count(item)).sum(),
    };
    blocks.iter().map(|block| 1 + inside(block)).sum()
}

fn count_inlines(nodes: &[Inline]) -> usize {
    let inside = |node: &Inline| match node {
        Inline::Emphasis(children)
        | Inline::Strong(children)
        | Inline::Strike(children)
        | Inline::Link { children, .. } => count_inlines(children),
        Inline::Text(_) | Inline::Code(_) | Inline::Mention(_) | Inline::RoomLink(_) | Inline::LineBreak => 0,
    };
    nodes.iter().map(|node| 1 + inside(node)).sum()
}

/// Whether `content` mentions `name`, whatever the case.
pub fn mentions(content: &str, name: &Username) -> bool {
    content.contains('@') && parse(content).mentions().any(|mention| mention.folded().eq(name.folded()))
}

impl Document {
    /// Everybody it speaks to, in order. Who is named in a quote is spoken of, not to.
    pub fn mentions(&self) -> impl Iterator<Item = &Username> {
        let mut names = Vec::new();
        collect_mentions(&self.blocks, &mut names);
        names.into_iter()
    }

    /// The document without its marks, for notifications and labels. Blocks and lines stand on lines of their own.
    pub fn plain_text(&self) -> String {
        let mut text = String::new();
        write_blocks(&self.blocks, &mut text);
        text
    }
}

fn collect_mentions<'a>(blocks: &'a [Block], names: &mut Vec<&'a Username>) {
    fn collect_inline<'a>(nodes: &'a [Inline], names: &mut Vec<&'a Username>) {
        for node in nodes {
            match node {
                Inline::Mention(name) => names.push(name),
                Inline::Emphasis(children) | Inline::Strong(children) | Inline::Strike(children) => {
                    collect_inline(children, names);
                }
                Inline::Link { .. }
                | Inline::Text(_)
                | Inline::Code(_)
                | Inline::RoomLink(_)
                | Inline::LineBreak => {}
            }
        }
    }
    for block in blocks {
        match block {
            Block::Paragraph(nodes) => collect_inline(nodes, names),
            Block::List { items, .. } => items.iter().for_each(|item| collect_mentions(item, names)),
            Block::Quote(_) | Block::Code { .. } => {}
        }
    }
}

fn write_blocks(blocks: &[Block], text: &mut String) {
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        match block {
            Block::Paragraph(nodes) => write_inline(nodes, text),
            Block::Code { text: code, .. } => text.push_str(code),
            Block::Quote(blocks) => write_blocks(blocks, text),
            Block::List { start, items } => write_list(*start, items, text),
        }
    }
}

fn write_list(start: Option<u32>, items: &[Vec<Block>], text: &mut String) {
    for (index, (item, number)) in items.iter().zip(start.unwrap_or(0)..).enumerate() {
        if index > 0 {
            text.push('\n');
        }
        match start {
            Some(_) => text.extend([number.to_string().as_str(), ". "]),
            None => text.push_str("- "),
        }
        write_blocks(item, text);
    }
}

fn write_inline(nodes: &[Inline], text: &mut String) {
    for node in nodes {
        match node {
            Inline::Text(plain) | Inline::Code(plain) => text.push_str(plain),
            Inline::Emphasis(children)
            | Inline::Strong(children)
            | Inline::Strike(children)
            | Inline::Link { children, .. } => write_inline(children, text),
            Inline::Mention(name) => {
                text.push('@');
                text.push_str(name.as_str());
            }
            Inline::RoomLink(slug) => {
                text.push('#');
                text.push_str(slug.as_str());
            }
            Inline::LineBreak => text.push('\n'),
        }
    }
}

/// Counts the parser's work, so that tests can tell linear from quadratic without a clock. Costs nothing elsewhere.
#[cfg(not(test))]
#[inline]
const fn count_work(_steps: usize) {}

#[cfg(test)]
use tests::count_work;
