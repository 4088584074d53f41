use proptest::prelude::*;

use super::WORK;
use crate::{
    limits::CONTENT_MAX_CHARS,
    markdown::{BLOCK_DEPTH_MAX, Block, INLINE_DEPTH_MAX, Inline, mentions, parse},
};

/// The most steps that one character may cost: a line is looked at once for every level of blocks, a few times each.
const STEPS_PER_CHAR_MAX: usize = 30;

fn work(content: &str) -> usize {
    WORK.set(0);
    let document = parse(content);
    let (blocks, inlines) = depth(&document.blocks);
    assert!(blocks <= BLOCK_DEPTH_MAX + 1 && inlines <= INLINE_DEPTH_MAX, "{blocks} and {inlines} levels");
    WORK.get()
}

/// How deep blocks are, and how deep inlines.
fn depth(blocks: &[Block]) -> (usize, usize) {
    let (mut deepest_block, mut deepest_inline) = (0, 0);
    for block in blocks {
        let (blocks, inlines) = match block {
            Block::Paragraph(nodes) => (0, inline_depth(nodes)),
            Block::Code { .. } => (0, 0),
            Block::Quote(blocks) => depth(blocks),
            Block::List { items, .. } => {
                let depths: Vec<_> = items.iter().map(|item| depth(item)).collect();
                (depths.iter().map(|d| d.0).max().unwrap(), depths.iter().map(|d| d.1).max().unwrap())
            }
        };
        deepest_block = deepest_block.max(blocks + 1);
        deepest_inline = deepest_inline.max(inlines);
    }
    (deepest_block, deepest_inline)
}

fn inline_depth(nodes: &[Inline]) -> usize {
    let depth = |node: &Inline| match node {
        Inline::Emphasis(children)
        | Inline::Strong(children)
        | Inline::Strike(children)
        | Inline::Link { children, .. } => 1 + inline_depth(children),
        _ => 0,
    };
    nodes.iter().map(depth).max().unwrap_or(0)
}

/// Texts that make much work for a parser that is not careful, repeated to fill a message.
const REPEATED: &[&str] = &[
    "*",
    "_",
    "~",
    "[",
    "]",
    "(",
    ">",
    "`",
    "<",
    "@",
    "#",
    "\\",
    "!",
    "-",
    "h",
    "\n",
    "\t",
    " ",
    "> ",
    "- ",
    "1. ",
    "> - ",
    "- > ",
    "a\n\n",
    "- a\n",
    "- a\n\n",
    "  - a\n",
    "> a\n",
    ">\n",
    "```\n",
    "~~~\na\n",
    "*a",
    "a*",
    "*a ",
    "a* ",
    "**a",
    "*a_b",
    "a*_ ",
    "*a**b***c",
    "_a ",
    "~~a",
    "a**b",
    "。**重",
    "*_",
    "*a _b* ",
    "[a](",
    "[a](b",
    "](",
    "[a]",
    "![",
    "[](",
    "[a](https://x.org)",
    "[https://x.org](",
    "[[a]](",
    "<https://",
    "<a",
    "https://",
    "https://a",
    "https://a(",
    "https://a)",
    "https://a[",
    "https://a.",
    "http",
    "https://a*",
    "`a``",
    "``a`",
    "`a",
    "\\`",
    "@a",
    "@a.",
    "@-",
    "#a",
    "#a-",
    "#A",
    "a@",
    "@a@",
    "@字",
    "1",
    "1.",
    "[*a](",
    "*[a",
    "[a*](https://x.org)",
    "*a* ",
    "**a** ",
    "x\ty",
];

#[test]
fn hostile_contents_cost_no_more_than_others() {
    let nested = [
        ("*", "*"),
        ("*a ", " a*"),
        ("*a", "a*"),
        ("**a _b ", " b_ a**"),
        ("~~a", "a~~"),
        ("[", "](https://x.org)"),
        ("*[", "](https://x.org)*"),
        ("(", ")"),
        ("https://a(", ")"),
    ];
    for (open, close) in nested {
        check_linear(open, &|size| {
            let levels = size / (open.len() + close.len());
            format!("{}x{}", open.repeat(levels), close.repeat(levels))
        });
    }
    for text in REPEATED {
        check_linear(text, &|size| text.repeat(size / text.chars().count()));
    }
    // Indentation that grows by a level a line.
    check_linear("stairs", &|size| {
        (0..).map(|level| format!("{}- a\n", "  ".repeat(level))).take(size.isqrt()).collect()
    });
    // Runs of backticks, no two of one length.
    check_linear("lengths", &|size| {
        (1..(2 * size).isqrt()).flat_map(|length| ["`".repeat(length), " ".to_owned()]).collect()
    });
}

/// The innermost of these was once a level too deep: an address counted for none.
#[test]
fn an_address_is_a_level_too() {
    work(&format!("{}https://x.org{}", "*a ".repeat(12), " a*".repeat(12)));
    work(&format!("{}[a](https://x.org){}", "*a ".repeat(12), " a*".repeat(12)));
}

#[track_caller]
fn check_linear(what: &str, of_size: &dyn Fn(usize) -> String) {
    for size in [CONTENT_MAX_CHARS, 8 * CONTENT_MAX_CHARS] {
        let content = of_size(size);
        let per_char = work(&content) / content.chars().count().max(1);
        assert!(per_char <= STEPS_PER_CHAR_MAX, "{what:?} of {size}: {per_char} steps a character");
    }
}

/// What a document holds anywhere: its texts, addresses, languages and numbers, in order.
fn everything(blocks: &[Block]) -> String {
    let mut all = String::new();
    for block in blocks {
        match block {
            Block::Paragraph(nodes) => all += &everything_inline(nodes),
            Block::Code { language, text } => {
                all += language.as_deref().unwrap_or_default();
                all += text;
            }
            Block::Quote(blocks) => all += &everything(blocks),
            Block::List { start, items } => {
                for (item, number) in items.iter().zip(start.unwrap_or(0)..) {
                    if start.is_some() {
                        all += &number.to_string();
                    }
                    all += &everything(item);
                }
            }
        }
    }
    all
}

/// A message is drawn by every reader's browser, fifty at a time: what would take thousands of elements stays text.
#[test]
fn what_has_more_marks_than_people_make_is_shown_as_it_was_typed() {
    for part in ["@a ", "*a* ", "`a` ", "a\n", "- a\n", "> a\n\n", "#ab "] {
        let content = part.repeat(CONTENT_MAX_CHARS / part.len());
        let as_typed = [Block::Code { language: None, text: content.clone() }];
        assert_eq!(parse(&content).blocks, as_typed, "{part:?}");
    }
    let marked = "a *b* `c` @d\n".repeat(100);
    assert!(matches!(&*parse(&marked).blocks, [Block::Paragraph(_)]), "a long message of a person");
    assert!(!mentions(&"@bob ".repeat(1_600), &"bob".parse().unwrap()), "nor does it call anybody");
}

fn everything_inline(nodes: &[Inline]) -> String {
    let text = |node: &Inline| match node {
        Inline::Text(text) | Inline::Code(text) => text.clone(),
        Inline::Emphasis(children) | Inline::Strong(children) | Inline::Strike(children) => {
            everything_inline(children)
        }
        Inline::Link { href, children } => everything_inline(children) + href.as_str(),
        Inline::Mention(name) => name.to_string(),
        Inline::RoomLink(slug) => slug.to_string(),
        Inline::LineBreak => String::new(),
    };
    nodes.iter().map(text).collect()
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn is_subsequence(part: &str, whole: &str) -> bool {
    let mut whole = whole.chars();
    part.chars().all(|c| whole.any(|other| other == c))
}

/// Texts of the marks that mean something, in every mixture.
fn chat() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[ \n*_~`\\[\\]()<>#@!.\\\\-]{1,4}",
        3 => "[a-c重要だم。，“”🦀 ]{1,3}",
        1 => prop::sample::select(vec![
            "https://x.org", "[a](https://y.org)", "<mailto:a@b.c>", "```", "\n```rust\n", "\n> ", "\n- ", "\n  - ", "\n1. ",
            "\n2. ", "@bob", "#room", "**", "~~", "\t", "\n\n",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_document(content in "\\PC*") {
        prop_assert_eq!(parse(&content), parse(&content));
    }

    #[test]
    fn no_letter_is_lost_and_none_invented(content in chat()) {
        let document = parse(&content);
        let typed = letters(&content);
        prop_assert!(is_subsequence(&typed, &letters(&everything(&document.blocks))), "lost: {:?}", document);
        prop_assert!(is_subsequence(&letters(&document.plain_text()), &typed), "invented: {:?}", document);
    }

    #[test]
    fn every_mixture_of_marks_costs_little(content in chat()) {
        prop_assert!(work(&content) <= STEPS_PER_CHAR_MAX * (content.chars().count() + 1));
    }
}
