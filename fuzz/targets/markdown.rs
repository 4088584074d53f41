//! Any text is a document: shallow, of few nodes, and with every letter that was typed and no other.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::markdown::{BLOCK_DEPTH_MAX, Block, INLINE_DEPTH_MAX, Inline, NODES_MAX, parse};

fuzz_target!(|content: &str| {
    let document = parse(content);
    let mut seen = Seen::default();
    seen.blocks(&document.blocks, 1);
    assert!(seen.nodes <= NODES_MAX, "{} nodes", seen.nodes);
    // What lies in the deepest quote or list is one level more.
    assert!(seen.block_depth <= BLOCK_DEPTH_MAX + 1, "{} levels of blocks", seen.block_depth);
    assert!(seen.inline_depth <= INLINE_DEPTH_MAX, "{} levels of inlines", seen.inline_depth);

    let typed = letters(content);
    assert!(is_part(&typed, &letters(&seen.everything)), "lost: {document:?}");
    assert!(is_part(&letters(&document.plain_text()), &typed), "invented: {document:?}");
});

/// What is in a document.
#[derive(Default)]
struct Seen {
    nodes: usize,
    block_depth: usize,
    inline_depth: usize,
    /// Texts, addresses, languages and numbers, in order.
    everything: String,
}

impl Seen {
    fn blocks(&mut self, blocks: &[Block], depth: usize) {
        for block in blocks {
            self.nodes += 1;
            self.block_depth = self.block_depth.max(depth);
            match block {
                Block::Paragraph(nodes) => self.inlines(nodes, 0),
                Block::Code { language, text } => {
                    self.everything.extend([language.as_deref().unwrap_or_default(), text]);
                }
                Block::Quote(blocks) => self.blocks(blocks, depth + 1),
                Block::List { start, items } => {
                    assert!(!items.is_empty(), "a list without items");
                    for (item, number) in items.iter().zip(start.unwrap_or(0)..) {
                        self.nodes += 1;
                        if start.is_some() {
                            self.everything += &number.to_string();
                        }
                        self.blocks(item, depth + 1);
                    }
                }
            }
        }
    }

    fn inlines(&mut self, nodes: &[Inline], depth: usize) {
        self.inline_depth = self.inline_depth.max(depth);
        for node in nodes {
            self.nodes += 1;
            match node {
                Inline::Text(text) | Inline::Code(text) => self.everything += text,
                Inline::Emphasis(children) | Inline::Strong(children) | Inline::Strike(children) => {
                    self.inlines(children, depth + 1);
                }
                Inline::Link { href, children } => {
                    self.inlines(children, depth + 1);
                    self.everything += href.as_str();
                }
                Inline::Mention(name) => self.everything += name.as_str(),
                Inline::RoomLink(slug) => self.everything += slug.as_str(),
                Inline::LineBreak => {}
            }
        }
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether what is in `part` stands in `whole` too, in the same order.
fn is_part(part: &str, whole: &str) -> bool {
    let mut whole = whole.chars();
    part.chars().all(|c| whole.any(|other| other == c))
}
