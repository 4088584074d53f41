use super::{check, check_inline, check_plain};

#[test]
fn paragraphs_keep_their_lines() {
    check("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>");
    check("你好\n世界", "<p>你好<br>世界</p>");
    check("مرحبا\nبالعالم", "<p>مرحبا<br>بالعالم</p>");
    check("a\n \n\n\nb", "<p>a</p><p>b</p>");
    check("  indented\n    more", "<p>  indented<br>    more</p>");
    check("", "");
}

#[test]
fn what_documents_have_and_chat_has_not_stays_as_typed() {
    check_plain("# not a heading");
    check_plain("#### nor this");
    check("title\n=====", "<p>title<br>=====</p>");
    check("title\n---", "<p>title<br>---</p>");
    check_plain("---");
    check_plain("- - -");
    check_plain("* * *");
    check_plain("<b>bold</b> <script>alert(1)</script> <img src=x onerror=alert(1)>");
    check_plain("&lt; &#39; &amp;");
    check("| a | b |\n|---|---|\n| 1 | 2 |", "<p>| a | b |<br>|---|---|<br>| 1 | 2 |</p>");
    check_plain("[note]: somewhere");
    check("- [ ] milk\n- [x] bread", "<ul><li><p>[ ] milk</p></li><li><p>[x] bread</p></li></ul>");
    check_plain("1、第一");
    check_plain("１．全角");
}

#[test]
fn fences_hold_code_as_typed() {
    check("```rust\nfn main() {}\n\n    *x* = 1;\n```", "<pre rust>fn main() {}\n\n    *x* = 1;</pre>");
    check("```\n@bob #room <b>\n```\nafter", "<pre>@bob #room <b></pre><p>after</p>");
    check("~~~\n```\n~~~", "<pre>```</pre>");
    check("````\n```\n````", "<pre>```</pre>");
    check("before\n```c++\nint x;\n```", "<p>before</p><pre c++>int x;</pre>");
    check("  ```\n  two\n    four\n  ```", "<pre>two\n  four</pre>");
    check("```\n```", "<pre></pre>");
    check("```py\n打印(\"你好\")\n```", "<pre py>打印(\"你好\")</pre>");
}

#[test]
fn an_open_fence_runs_to_the_end() {
    check("```js\nlet x;\n\n> y", "<pre js>let x;\n\n> y</pre>");
    check("```\na\n``", "<pre>a\n``</pre>");
    check("```\na\n~~~", "<pre>a\n~~~</pre>");
    check_plain("```");
    check_plain("```rust");
}

#[test]
fn what_follows_a_fence_and_is_no_language_is_not_lost() {
    check("```so this\nis code\n```", "<pre>so this\nis code</pre>");
    check("```日本語\nx\n```", "<pre>日本語\nx</pre>");
    check(&format!("```{}\nx", "a".repeat(25)), &format!("<pre>{}\nx</pre>", "a".repeat(25)));
    check_inline("```code``` in a line", "<code>code</code> in a line");
    check_plain("~~~哈哈~~~");
}

#[test]
fn quotes_end_where_their_marks_end() {
    check(
        "> she said\n> *this*\nand I agree",
        "<quote><p>she said<br><em>this</em></p></quote><p>and I agree</p>",
    );
    check("> 引用\n回复", "<quote><p>引用</p></quote><p>回复</p>");
    check("hm\n> quote", "<p>hm</p><quote><p>quote</p></quote>");
    check("> a\n> > b\n> c", "<quote><p>a</p><quote><p>b</p></quote><p>c</p></quote>");
    check(">> deep", "<quote><quote><p>deep</p></quote></quote>");
    check("> a\n>\n> b", "<quote><p>a</p><p>b</p></quote>");
    check("> a\n\n> b", "<quote><p>a</p></quote><quote><p>b</p></quote>");
    check("> ```\n> x\n> ```", "<quote><pre>x</pre></quote>");
    check("> - a\n>   - b", "<quote><ul><li><p>a</p><ul><li><p>b</p></li></ul></li></ul></quote>");
}

#[test]
fn faces_are_no_quotes() {
    check_plain(">_<");
    check_plain(">:(");
    check_plain(">>:-)");
    check_plain("a > b");
}

#[test]
fn lists() {
    check("- a\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>");
    check("* a\n+ b\n• c", "<ul><li><p>a</p></li><li><p>b</p></li><li><p>c</p></li></ul>");
    check("买：\n- 牛奶\n- 面包", "<p>买：</p><ul><li><p>牛奶</p></li><li><p>面包</p></li></ul>");
    check("- a\nb", "<ul><li><p>a</p></li></ul><p>b</p>");
    check("- a\n  b", "<ul><li><p>a<br>b</p></li></ul>");
    check("- a\n\n  b\n\n- c", "<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>");
    check("- a\n\nb", "<ul><li><p>a</p></li></ul><p>b</p>");
    check("- > q\n- `c`", "<ul><li><quote><p>q</p></quote></li><li><p><code>c</code></p></li></ul>");
    check("- ```rs\n  x\n\n    y\n  ```\n- z", "<ul><li><pre rs>x\n\n  y</pre></li><li><p>z</p></li></ul>");
    check_plain("-a");
    check_plain("-");
    check_plain("-5 degrees");
    check_inline("*a* at the start", "<em>a</em> at the start");
}

#[test]
fn lists_nest_by_indentation() {
    let nested = "<ul><li><p>a</p><ul><li><p>b</p></li><li><p>c</p></li></ul></li><li><p>d</p></li></ul>";
    for indent in ["  ", "   ", "    ", "\t"] {
        check(&format!("- a\n{indent}- b\n{indent}- c\n- d"), nested);
    }
    check("1. a\n   - b\n2. c", "<ol 1><li><p>a</p><ul><li><p>b</p></li></ul></li><li><p>c</p></li></ol>");
    check("- a\n  1. b\n  2. c", "<ul><li><p>a</p><ol 1><li><p>b</p></li><li><p>c</p></li></ol></li></ul>");
    check("  - a\n- b", "<ul><li><p>a</p></li><li><p>b</p></li></ul>");
}

#[test]
fn numbers_stay_as_typed() {
    check("1. a\n2. b", "<ol 1><li><p>a</p></li><li><p>b</p></li></ol>");
    check("3) c\n4) d", "<ol 3><li><p>c</p></li><li><p>d</p></li></ol>");
    check("1. a\n3. b", "<ol 1><li><p>a</p></li></ol><ol 3><li><p>b</p></li></ol>");
    check("2. b\n1. a", "<ol 2><li><p>b</p></li></ol><ol 1><li><p>a</p></li></ol>");
    check("0. zero", "<ol 0><li><p>zero</p></li></ol>");
    check_plain("007. Bond");
    check_plain("1234567890. too many digits");
    check_plain("1.5 litres");
    check("It was in\n1986. Then", "<p>It was in<br>1986. Then</p>");
    check("Steps:\n1. go", "<p>Steps:</p><ol 1><li><p>go</p></li></ol>");
}
