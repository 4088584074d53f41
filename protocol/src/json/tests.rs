use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;

use super::*;

/// Everything that a type of ours is made of.
#[derive(Debug, PartialEq, Serialize, Deserialize, Clone)]
struct Sample {
    text: String,
    number: u64,
    small: Option<u8>,
    #[serde(default)]
    list: Vec<Kind>,
    is_so: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Clone)]
enum Kind {
    Alone,
    One(u32),
    Named { a: String, b: Option<Box<Kind>> },
}

/// What is read is what `serde_json` reads.
#[track_caller]
fn check<T: for<'a> Deserialize<'a> + std::fmt::Debug + PartialEq>(text: &str, is_taken: bool) {
    let value = read::<T>(text);
    assert_eq!(value, serde_json::from_str(text).ok(), "{text}");
    assert_eq!(value.is_some(), is_taken, "{text}");
}

#[test]
fn texts() {
    for text in [
        r#""""#,
        r#""a b""#,
        r#" "\"\\\/\b\f\n\r\t" "#,
        r#""\u0041\u00e9\u6587""#,
        r#""\ud83e\udd80!""#,
        r#""敏捷 🦀""#,
        "\"\u{7f}\"",
    ] {
        check::<String>(text, true);
    }
    for text in [
        "",
        "\"",
        "\"a",
        r#""\"#,
        r#""\x""#,
        r#""\u12"#,
        r#""\u12g4""#,
        r#""\u+123""#,
        r#""\ud83e""#,
        r#""\ud83ex""#,
        r#""\ud83e\n""#,
        r#""\ud83e\u0041""#,
        r#""\udd80""#,
        r#""\ud83e\ud83e""#,
        "\"a\nb\"",
        "\"\u{1}\"",
        "'a'",
        r#""a" "b""#,
        "1",
        "null",
        r#""\u00é9""#,
    ] {
        check::<String>(text, false);
    }
}

#[test]
fn numbers() {
    for text in ["0", " 7\n", "18446744073709551615"] {
        check::<u64>(text, true);
    }
    for text in ["", "-1", "-0", "+1", "01", "1.0", "1e3", "1 2", "18446744073709551616", "\"1\"", "0x1", "."]
    {
        check::<u64>(text, false);
    }
    check::<u8>("255", true);
    check::<u8>("256", false);
    check::<Option<u32>>("null", true);
    check::<Option<u32>>("nul", false);
    check::<bool>("true", true);
    check::<bool>("truth", false);
}

#[test]
fn lists_and_objects() {
    for text in ["[]", "[ ]", "[1]", " [ 1 , 2 ] "] {
        check::<Vec<u32>>(text, true);
    }
    for text in ["[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "{}", "[1}"] {
        check::<Vec<u32>>(text, false);
    }
    for text in ["{}", r#"{"a":1}"#, "{ \"a\" : 1 ,\t\"b\\n\":2 }"] {
        check::<BTreeMap<String, u32>>(text, true);
    }
    for text in ["{", "{a:1}", r#"{"a"}"#, r#"{"a":}"#, r#"{"a":1,}"#, r#"{"a" 1}"#, "{,}", "[]"] {
        check::<BTreeMap<String, u32>>(text, false);
    }
}

#[test]
fn kinds() {
    for text in [
        r#""Alone""#,
        r#"{"Alone":null}"#,
        r#"{"One":5}"#,
        r#"{ "Named" : {"a":"x","b":{"One":1}} }"#,
        r#"{"Named":{"a":""}}"#,
    ] {
        check::<Kind>(text, true);
    }
    for text in [
        r#""One""#,
        r#""Other""#,
        r#"{"Other":1}"#,
        r#"{"One":5,"Alone":null}"#,
        r#"{"One"}"#,
        "{}",
        r#"{"One":5"#,
        r#"{"Alone":1}"#,
        "5",
    ] {
        check::<Kind>(text, false);
    }
}

#[test]
fn what_nobody_asked_for_is_passed_over_but_must_be_json() {
    let with = |value: &str| format!(r#"{{"text":"a","other":{value},"number":1,"is_so":false}}"#);
    for value in [
        "null",
        "true",
        "-1.5e-7",
        "0",
        "-0",
        "1E+2",
        r#"{"a":[{},[],"]",{"b":"\u0041}"}]}"#,
        "[[[1],2],3]",
        "\"\\\"\"",
    ] {
        check::<Sample>(&with(value), true);
    }
    for value in
        ["", "nil", "-", "1.", ".5", "1e", "01", "[1,]", "[}", r#"{"a"}"#, "{1:2}", "[1", "\"", "1 2", "+1"]
    {
        check::<Sample>(&with(value), false);
    }
    // Half of a character is looked at even here.
    assert_eq!(read::<Sample>(&with(r#""\ud800""#)), None);
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    check::<Sample>(&with(&nested(DEPTH_MAX)), true);
    assert_eq!(read::<Sample>(&with(&nested(DEPTH_MAX + 1))), None);
    assert_eq!(read::<Sample>(&with(&"[".repeat(1_000_000))), None);
}

#[test]
fn fields() {
    for text in [
        "{}",
        r#"{"text":"a","number":1,"is_so":false}"#,
        r#"{"text":"a","number":1}"#,
        r#"{"text":"a","text":"b","number":1,"is_so":false}"#,
        r#"{"text":"a","number":1,"is_so":false,"small":null,"list":["Alone"]}"#,
    ] {
        assert_eq!(read::<Sample>(text), serde_json::from_str(text).ok(), "{text}");
    }
}

#[test]
fn one_field_is_found_without_the_rest() {
    let kind = |text| field(text, "type");
    assert_eq!(kind(r#" {"type":"ping"}"#).as_deref(), Some("ping"));
    assert_eq!(kind(r#"{"a":{"type":"no"},"type":"p\u0069ng","b"#).as_deref(), Some("ping"));
    for text in [r#"{"a":1}"#, r#"{"type":1}"#, "{", "[]", "", r#"{"a":x,"type":"ping"}"#] {
        assert_eq!(kind(text), None, "{text}");
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![Just(Kind::Alone), any::<u32>().prop_map(Kind::One)];
    leaf.prop_recursive(3, 6, 1, |inner| {
        (any::<String>(), proptest::option::of(inner.prop_map(Box::new)))
            .prop_map(|(a, b)| Kind::Named { a, b })
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    let list = proptest::collection::vec(kind(), 0..4);
    (any::<String>(), any::<u64>(), any::<Option<u8>>(), list, any::<bool>())
        .prop_map(|(text, number, small, list, is_so)| Sample { text, number, small, list, is_so })
}

proptest! {
    #[test]
    fn what_is_written_is_read(sample in sample()) {
        prop_assert_eq!(read(&serde_json::to_string_pretty(&sample).unwrap()), Some(sample));
    }

    /// One character more, less, or another.
    #[test]
    fn what_is_damaged_is_read_alike_or_not_at_all(
        sample in sample(),
        at in any::<prop::sample::Index>(),
        new in proptest::option::of(prop::sample::select("\"\\{}[],: 01-.eunt\n\u{0}é".chars().collect::<Vec<_>>())),
        cut in 0..2_usize,
    ) {
        let mut text: Vec<char> = serde_json::to_string(&sample).unwrap().chars().collect();
        let at = at.index(text.len());
        text.splice(at..at + cut, new);
        let text: String = text.into_iter().collect();
        prop_assert_eq!(read::<Sample>(&text), serde_json::from_str(&text).ok(), "{}", text);
    }

    #[test]
    fn whatever_comes_does_not_panic(text in any::<String>()) {
        let _ = (read::<Sample>(&text), field(&text, "type"));
    }
}
