use super::{check_inline, check_plain};
use crate::{
    markdown::{mentions, parse},
    text::Username,
};

#[test]
fn emphasis() {
    check_inline(
        "*a* _b_ **c** __d__ ~~e~~",
        "<em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong> <s>e</s>",
    );
    check_inline("***both***", "<em><strong>both</strong></em>");
    check_inline("**a *b* c**", "<strong>a <em>b</em> c</strong>");
    check_inline("*a **b** c*", "<em>a <strong>b</strong> c</em>");
    check_inline("*a**b*", "<em>a**b</em>");
    check_inline("~~*a* b~~", "<s><em>a</em> b</s>");
    check_inline("*over\nlines*", "<em>over<br>lines</em>");
    check_inline("un*frigging*believable", "un<em>frigging</em>believable");
    check_inline("\"*quoted*\", (*bracketed*).", "\"<em>quoted</em>\", (<em>bracketed</em>).");
    check_inline("**مهم** جدا", "<strong>مهم</strong> جدا");
    check_inline("**ключ**: да", "<strong>ключ</strong>: да");
}

#[test]
fn marks_without_a_partner_stay() {
    for text in [
        "*",
        "**",
        "****",
        "a * b * c",
        "** a **",
        "*a",
        "a*",
        "_a",
        "~a~",
        "~~~a~~~",
        "a ~~ b",
        "~~a",
        "*a_",
    ] {
        check_plain(text);
    }
    check_inline("**a*", "*<em>a</em>");
    check_inline("*a **b*", "*a *<em>b</em>");
}

#[test]
fn names_of_programs_and_products_of_numbers_are_no_emphasis() {
    check_plain("snake_case_name and __dunder__name");
    check_plain("2*3*4 = 24, 2**3**2");
    check_plain("变量_名字_在这里");
    check_plain("5 * 3 * 2");
}

#[test]
fn emphasis_works_next_to_chinese_and_japanese() {
    check_inline("**重要。**后面", "<strong>重要。</strong>后面");
    check_inline("这是**“重点”**内容", "这是<strong>“重点”</strong>内容");
    check_inline("这是*强调*的", "这是<em>强调</em>的");
    check_inline("请看**《红楼梦》**这本书", "请看<strong>《红楼梦》</strong>这本书");
    check_inline("**注意：**不要", "<strong>注意：</strong>不要");
    check_inline("前~~删除。~~后", "前<s>删除。</s>后");
    check_inline("これは**「重要」**です。", "これは<strong>「重要」</strong>です。");
    check_inline("**テスト。**テスト", "<strong>テスト。</strong>テスト");
    check_inline("이것은 **\"강조\"**는", "이것은 <strong>\"강조\"</strong>는");
    check_inline("**(注)**内容", "<strong>(注)</strong>内容");
    check_inline("价格**`100`**元", "价格<strong><code>100</code></strong>元");
    check_inline("，_强调_。", "，<em>强调</em>。");
    check_inline("**重要*的*事**", "<strong>重要<em>的</em>事</strong>");
    check_inline("**完成!**🎉", "<strong>完成!</strong>🎉");
    check_inline("👩‍👩‍👧‍👦*家*❤️**爱。**❤️", "👩‍👩‍👧‍👦<em>家</em>❤️<strong>爱。</strong>❤️");
}

#[test]
fn code() {
    check_inline("`a` ``b`c`` ` d `", "<code>a</code> <code>b`c</code> <code>d</code>");
    check_inline("`*not* @me #room https://x.org`", "<code>*not* @me #room https://x.org</code>");
    check_inline("*a `b*` c*", "<em>a <code>b*</code> c</em>");
    check_inline("`two\nlines`", "<code>two lines</code>");
    check_inline("`` ` ``", "<code>`</code>");
    check_inline("` `", "<code> </code>");
    check_inline("`\\`", "<code>\\</code>");
    check_plain("`open");
    check_plain("``a`");
    check_inline("`代码`，`コード`", "<code>代码</code>，<code>コード</code>");
}

#[test]
fn a_backslash_takes_the_meaning() {
    check_inline("\\*a\\* \\`b\\` \\[c](https://x.org) \\@d \\#e", "*a* `b` [c](<https://x.org>) @d #e");
    check_inline("\\\\ C:\\Users \\你 \\", "\\ C:\\Users \\你 \\");
    check_inline("\\``a`", "`<code>a</code>");
    check_inline("a\\\nb", "a\\<br>b");
}

#[test]
fn names_are_mentions_at_the_edge_of_a_word() {
    check_inline(
        "@bob hi @小明，@花子。(@محمد) @🦀rust!",
        "<@bob> hi <@小明>，<@花子>。(<@محمد>) <@🦀rust>!",
    );
    check_inline("thanks @bob. @j.r- ok", "thanks <@bob>. <@j.r>- ok");
    check_inline("请@小明 看", "请<@小明> 看");
    check_inline("🎉@bob **@ann**", "🎉<@bob> <strong><@ann></strong>");
    check_inline("@bob's", "<@bob>'s");
    check_inline("@👩‍💻 @❤️! @1️⃣", "<@👩‍💻> <@❤️>! <@1️⃣>");
    check_inline("@می\u{200C}خواهم.", "<@می\u{200C}خواهم>.");
    check_inline("@bob\u{200D}by", "<@bob>\u{200D}by");
    check_plain("mail bob@example.org or josé@example.org");
    check_plain("@ @. @- a@b @@bob x.org/@bob");
    check_plain(&format!("@{}", "x".repeat(33)));
    check_inline(&format!("@{}.", "x".repeat(32)), &format!("<@{}>.", "x".repeat(32)));
}

#[test]
fn slugs_are_room_links() {
    check_inline("see #general, #发布-计划 and #a_b-", "see <#general>, <#发布-计划> and <#a_b>-");
    check_inline("去#general 看", "去<#general> 看");
    check_inline("(#ops)", "(<#ops>)");
    check_plain("#123 fixes #4567");
    check_plain("C# F# a#b ## #General #");
    check_plain("1️⃣ #️⃣");
}

#[test]
fn mentions_are_found_without_regard_to_case() {
    let name = |text: &str| text.parse::<Username>().unwrap();
    assert!(mentions("hi @Alice!", &name("alice")));
    assert!(mentions("- **@ÜNAL**", &name("ünal")));
    assert!(mentions("hi @❤", &name("❤️")), "what is not drawn makes no difference");
    assert!(!mentions("hi @alice2", &name("alice")));
    assert!(!mentions("`@alice`", &name("alice")));
    assert!(!mentions("alice", &name("alice")));
    assert!(!mentions("> @alice can you?\ndone", &name("alice")), "she is quoted, not spoken to");
    let document = parse("@a *@b* [@c](https://x.org)\n\n1. @d\n> @e");
    let names: Vec<&str> = document.mentions().map(Username::as_str).collect();
    assert_eq!(names, ["a", "b", "d"]);
}

#[test]
fn plain_text_has_no_marks() {
    let plain = |text: &str| parse(text).plain_text();
    assert_eq!(plain("**Hi** @bob,\nsee [this](https://x.org) in #ops"), "Hi @bob,\nsee this in #ops");
    assert_eq!(plain("> 引用\n\n1. 一\n2. ~~二~~\n\n- x\n```rs\ncode\n```"), "引用\n1. 一\n2. 二\n- x\ncode");
}
