//! Typed nodes to elements. Text becomes text nodes, never HTML.

use leptos::{html, prelude::*};
use protocol::{
    Username,
    markdown::{Block, Inline, parse},
};

use super::{
    desk::Desk,
    icon::{Icon, icon},
};
use crate::i18n::{Locale, text};

/// Who reads, and in which language.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) locale: Locale,
    pub(crate) me: &'a Username,
}

/// The content of a message as elements.
pub(crate) fn markdown(content: &str, reader: Reader<'_>) -> AnyView {
    blocks(&parse(content).blocks, reader)
}

/// A plain element. By name and not as a tag of its own: for each kind of tag its code comes along in the page.
fn element(tag: &'static str, children: AnyView) -> AnyView {
    html::custom(tag).child(children).into_any()
}

fn blocks(blocks: &[Block], reader: Reader<'_>) -> AnyView {
    blocks.iter().map(|node| block(node, reader)).collect_view().into_any()
}

fn block(block: &Block, reader: Reader<'_>) -> AnyView {
    match block {
        Block::Paragraph(nodes) => view! { <p dir="auto">{inlines(nodes, reader)}</p> }.into_any(),
        Block::Code { language, text } => code_block(reader.locale, language.clone(), text.clone()),
        Block::Quote(children) => element("blockquote", blocks(children, reader)),
        Block::List { start, items } => {
            let items =
                items.iter().map(|item| element("li", blocks(item, reader))).collect_view().into_any();
            match start {
                Some(start) => view! { <ol start=start.to_string()>{items}</ol> }.into_any(),
                None => element("ul", items),
            }
        }
    }
}

/// Code, with a button to copy it. It scrolls by itself, and so it can be focused.
fn code_block(locale: Locale, language: Option<String>, code: String) -> AnyView {
    let desk = use_context::<Desk>();
    let label = language.clone().unwrap_or_else(|| text!(locale, message.code).to_owned());
    let to_copy = code.clone();
    view! {
        <div class="code">
            <div class="code-head">
                <span>{language}</span>
                <button
                    class="needs-js"
                    on:click=move |_| {
                        if let Some(desk) = desk {
                            desk.copy(to_copy.clone());
                        }
                    }
                >
                    {icon(Icon::Copy)}
                    {text!(locale, message.copy_code)}
                </button>
            </div>
            <pre tabindex="0" role="region" aria-label=label dir="ltr"><code>{code}</code></pre>
        </div>
    }
    .into_any()
}

fn inlines(nodes: &[Inline], reader: Reader<'_>) -> AnyView {
    nodes.iter().map(|node| inline(node, reader)).collect_view().into_any()
}

fn inline(node: &Inline, reader: Reader<'_>) -> AnyView {
    match node {
        Inline::Text(text) => text.clone().into_any(),
        Inline::Emphasis(children) => element("em", inlines(children, reader)),
        Inline::Strong(children) => element("strong", inlines(children, reader)),
        Inline::Strike(children) => element("s", inlines(children, reader)),
        Inline::Code(code) => element("code", code.clone().into_any()),
        Inline::Link { href, children } => view! {
            <a href=href.as_str().to_owned() rel="external noopener noreferrer nofollow" target="_blank">
                {inlines(children, reader)}
            </a>
        }
        .into_any(),
        Inline::Mention(name) => {
            let for_me = name.folded().eq(reader.me.folded());
            let class = if for_me { "mention at-me" } else { "mention" };
            view! { <span class=class>{format!("@{name}")}</span> }.into_any()
        }
        Inline::RoomLink(slug) => {
            view! { <a class="room-link" href=format!("/rooms/{slug}")>{format!("#{slug}")}</a> }.into_any()
        }
        Inline::LineBreak => view! { <br /> }.into_any(),
    }
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, parts: &[&str]) {
        let html = Owner::new().with(|| {
            let me: Username = "花子".parse().unwrap();
            markdown(content, Reader { locale: Locale::en, me: &me }).to_html()
        });
        // The marks that hydration finds its places by.
        let html = html.replace("<!>", "");
        for part in parts {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains(" style="), "the page's policy allows no style attributes: {html}");
    }

    #[test]
    fn what_people_write_never_becomes_a_tag() {
        check("<script>alert(1)</script>", &["&lt;script&gt;alert(1)&lt;/script&gt;"]);
        check("`<script>`", &["<code>&lt;script&gt;</code>"]);
        check("```\n</code><script>\n```", &["&lt;/code&gt;&lt;script&gt;"]);
    }

    #[test]
    fn only_safe_addresses_become_links() {
        check(
            "[x](https://example.org/?a=1&b=2)",
            &["href=\"https://example.org/?a=1&amp;b=2\"", "noopener"],
        );
        check("[x](javascript:alert(1))", &["javascript:alert(1)"]);
    }

    #[test]
    fn marks_become_elements() {
        check("**a** *b* ~~c~~", &["<strong>a</strong>", "<em>b</em>", "<s>c</s>"]);
        check(
            "@花子 and @bob",
            &["<span class=\"mention at-me\">@花子</span>", "<span class=\"mention\">@bob</span>"],
        );
        check("see #design", &["href=\"/rooms/design\""]);
        check("> q\n\n- a\n- b", &["<blockquote>", "<ul>", "<li>"]);
        check("3. a\n4. b", &["<ol start=\"3\">"]);
        check("```rust\nlet x;\n```", &["<span>rust</span>", "aria-label=\"rust\"", "let x;"]);
    }
}
