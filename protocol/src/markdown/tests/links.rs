use super::{check_inline, check_plain};
use crate::markdown::SafeUrl;

#[test]
fn bare_addresses_are_links() {
    check_inline("see https://example.org/a?b=c&d#e now", "see <https://example.org/a?b=c&d#e> now");
    check_inline("HTTP://EXAMPLE.ORG", "<HTTP://EXAMPLE.ORG>");
    check_inline("http://[::1]:3000/x", "<http://[::1]:3000/x>");
    check_inline("http://localhost:3000", "<http://localhost:3000>");
    check_inline("https://zh.wikipedia.org/wiki/维基百科", "<https://zh.wikipedia.org/wiki/维基百科>");
    check_inline("看https://example.org/路径", "看<https://example.org/路径>");
    check_inline("https://x.org/@bob/#room_x_", "<https://x.org/@bob/#room_x>_");
}

#[test]
fn an_address_ends_before_the_sentence_does() {
    for end in [".", ",", "!", "?", ":", ";", "...", "'", "。", "，", "）", "」", "”", "！", "…", "\"", "*"]
    {
        check_inline(&format!("https://example.org/a{end} b"), &format!("<https://example.org/a>{end} b"));
    }
    check_inline("https://example.org。后面", "<https://example.org>。后面");
    check_inline("（https://example.org）", "（<https://example.org>）");
    check_inline("https://a.org，https://b.org", "<https://a.org>，<https://b.org>");
    check_inline("https://a.org\nb", "<https://a.org><br>b");
}

#[test]
fn brackets_in_an_address_are_balanced() {
    check_inline("https://x.org/a_(b)", "<https://x.org/a_(b)>");
    check_inline("(https://x.org/a_(b))", "(<https://x.org/a_(b)>)");
    check_inline("(https://x.org)", "(<https://x.org>)");
    check_inline("[https://x.org]", "[<https://x.org>]");
    check_inline("https://x.org/(a", "<https://x.org/(a>");
}

#[test]
fn addresses_go_with_emphasis() {
    check_inline("**https://x.org**", "<strong><https://x.org></strong>");
    check_inline("~~https://x.org~~", "<s><https://x.org></s>");
    check_inline("_https://x.org/a_b_", "<em><https://x.org/a_b></em>");
    check_inline("**链接：https://x.org**。", "<strong>链接：<https://x.org></strong>。");
}

#[test]
fn what_is_no_address_stays_text() {
    check_plain("https:// http://. https://，");
    check_plain("xhttps://example.org");
    check_plain("ftp://example.org www.example.org example.org");
    check_plain("javascript:alert(1)");
    check_plain("mailto:bob@example.org");
    check_plain("https");
}

#[test]
fn links_with_a_text() {
    check_inline("[text](https://x.org)", "<a https://x.org>text</a>");
    check_inline(
        "a[**文档** `x`](https://x.org)b",
        "a<a https://x.org><strong>文档</strong> <code>x</code></a>b",
    );
    check_inline("[a](https://x.org/(b))", "<a https://x.org/(b)>a</a>");
    check_inline("[a](https://x.org/\\))", "<a https://x.org/)>a</a>");
    check_inline("[mail](mailto:bob@example.org)", "<a mailto:bob@example.org>mail</a>");
    check_inline("[a [b]](https://x.org)", "<a https://x.org>a [b]</a>");
    check_inline("*a [b* c](https://x.org)", "*a <a https://x.org>b* c</a>");
    check_inline("**[a](https://x.org)**", "<strong><a https://x.org>a</a></strong>");
    check_inline("<https://x.org> <mailto:a@b.org>", "<https://x.org> <mailto:a@b.org>");
}

#[test]
fn a_link_holds_no_other_link() {
    check_inline(
        "[@bob #room *https://y.org*](https://x.org)",
        "<a https://x.org>@bob #room <em>https://y.org</em></a>",
    );
    check_inline("[a [b](https://x.org) c](https://y.org)", "[a <a https://x.org>b</a> c](<https://y.org>)");
}

#[test]
fn unsafe_addresses_stay_as_typed() {
    for address in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//example.org",
        "/rooms/general",
        "example.org",
        "",
        "https:",
        "https://",
        "https:///x",
        "mailto:",
        "java\tscript:x",
        "x:https",
    ] {
        check_plain(&format!("[a]({address})"));
        check_plain(&format!("<{address}>"));
    }
    check_inline("[a](https://x.org/ y)", "[a](<https://x.org/> y)");
    check_inline("[a](https://x.org/\u{202E}gro)", "[a](<https://x.org/>\u{202E}gro)");
    assert!("https://x.org/\u{200B}".parse::<SafeUrl>().is_err());
    assert!("https://x.org/\"onclick=".parse::<SafeUrl>().is_err());
}

#[test]
fn half_a_link_stays_as_typed() {
    check_plain("[a] (b) [c");
    check_plain("[a][b] ]( [](");
    check_inline("[](https://x.org)", "[](<https://x.org>)");
    check_inline("[ ](https://x.org)", "[ ](<https://x.org>)");
    check_inline("![cat](https://x.org/cat.png)", "![cat](<https://x.org/cat.png>)");
    check_inline("[a ![b](https://x.org) c](https://y.org)", "<a https://y.org>a ![b](https://x.org) c</a>");
    check_inline("[a](https://x.org", "[a](<https://x.org>");
}
