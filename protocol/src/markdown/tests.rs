//! What is read as what. Nodes are written down as tags, for people to read: `<em>`, `<@name>`, `<#room>`, `<br>`.

mod blocks;
mod hostile;
mod inlines;
mod links;

use std::{cell::Cell, fmt::Write as _};

use super::{Block, Inline, parse};

thread_local! {
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// Counts steps of the parser on this thread.
pub(super) fn count_work(steps: usize) {
    WORK.set(WORK.get() + steps);
}

/// Checks the whole document that `input` is.
#[track_caller]
fn check(input: &str, expected: &str) {
    assert_eq!(show(&parse(input).blocks), expected, "{input:?}");
}

/// Checks what the one paragraph that `input` is holds.
#[track_caller]
fn check_inline(input: &str, expected: &str) {
    check(input, &format!("<p>{expected}</p>"));
}

/// Checks that every mark in `input` stays as typed.
#[track_caller]
fn check_plain(input: &str) {
    check_inline(input, input);
}

fn show(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        match block {
            Block::Paragraph(nodes) => write!(out, "<p>{}</p>", show_inline(nodes)),
            Block::Code { language: Some(language), text } => write!(out, "<pre {language}>{text}</pre>"),
            Block::Code { language: None, text } => write!(out, "<pre>{text}</pre>"),
            Block::Quote(blocks) => write!(out, "<quote>{}</quote>", show(blocks)),
            Block::List { start, items } => {
                let items: String = items
                    .iter()
                    .flat_map(|item| ["<li>".to_owned(), show(item), "</li>".to_owned()])
                    .collect();
                match start {
                    Some(number) => write!(out, "<ol {number}>{items}</ol>"),
                    None => write!(out, "<ul>{items}</ul>"),
                }
            }
        }
        .unwrap();
    }
    out
}

fn show_inline(nodes: &[Inline]) -> String {
    let mut out = String::new();
    for node in nodes {
        match node {
            Inline::Text(text) => write!(out, "{text}"),
            Inline::Emphasis(children) => write!(out, "<em>{}</em>", show_inline(children)),
            Inline::Strong(children) => write!(out, "<strong>{}</strong>", show_inline(children)),
            Inline::Strike(children) => write!(out, "<s>{}</s>", show_inline(children)),
            Inline::Code(code) => write!(out, "<code>{code}</code>"),
            Inline::Link { href, children } => match show_inline(children) {
                text if text == href.as_str() => write!(out, "<{href}>"),
                text => write!(out, "<a {href}>{text}</a>"),
            },
            Inline::Mention(name) => write!(out, "<@{name}>"),
            Inline::RoomLink(slug) => write!(out, "<#{slug}>"),
            Inline::LineBreak => write!(out, "<br>"),
        }
        .unwrap();
    }
    out
}
