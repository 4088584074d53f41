//! What a client hears when its frame cannot be read: the most telling code, and the id of the operation it meant.

#![expect(clippy::unwrap_used, reason = "what a test is given is right, or the test fails")]

use proptest::prelude::*;
use protocol::{ClientFrame, ErrorCode, OpId, Seq, limits::FRAME_MAX_BYTES};
use serde_json::{Value, json};

const ID: &str = "0198b000-0000-7000-8000-000000000001";

#[track_caller]
fn check_text(text: &str, code: ErrorCode, id: Option<&str>) {
    let refusal = ClientFrame::decode(text).unwrap_err();
    assert_eq!(refusal.code, code, "{refusal:?}");
    assert_eq!(refusal.id, id.map(|id| id.parse::<OpId>().unwrap()), "{refusal:?}");
    assert!(!refusal.message.is_empty() && !code.is_retryable(), "{refusal:?}");
}

#[track_caller]
fn check(frame: &Value, code: ErrorCode, id: Option<&str>) {
    check_text(&frame.to_string(), code, id);
}

/// A good `send` with one field changed, or taken out where `value` is `None`.
fn send_with(field: &str, value: Option<Value>) -> Value {
    let mut frame = json!({"type": "send", "room": "general", "id": ID, "content": "hi"});
    let fields = frame.as_object_mut().unwrap();
    match value {
        Some(value) => fields.insert(field.to_owned(), value),
        None => fields.remove(field),
    };
    frame
}

fn react_with(field: &str, value: Value) -> Value {
    let mut frame =
        json!({"type": "react", "room": "general", "id": ID, "target": 1, "emoji": "👍", "on": true});
    frame[field] = value;
    frame
}

fn join_with(epoch: &Value, after: &Value) -> Value {
    json!({"type": "join", "room": "general", "epoch": epoch, "after": after})
}

#[test]
fn what_is_no_frame() {
    for text in [
        "",
        "garbage",
        "[]",
        "[1, 2]",
        "1",
        "null",
        "\"send\"",
        "{",
        "{}",
        "{\"type\": 7}",
        "\u{0}",
        "{'type': 1}",
    ] {
        check_text(text, ErrorCode::BadFrame, None);
    }
    check(&json!({"id": ID, "content": "hi"}), ErrorCode::BadFrame, Some(ID));
    check_text(&"[".repeat(FRAME_MAX_BYTES), ErrorCode::BadFrame, None);
}

#[test]
fn types_that_nobody_knows() {
    check(&json!({"type": "shout"}), ErrorCode::UnknownType, None);
    check(&json!({"type": "shout", "id": ID}), ErrorCode::UnknownType, Some(ID));
    check(&json!({"type": "welcome"}), ErrorCode::UnknownType, None);
    check(&json!({"type": ""}), ErrorCode::UnknownType, None);
}

#[test]
fn frames_that_are_too_large() {
    check_text(&"x".repeat(FRAME_MAX_BYTES + 1), ErrorCode::TooLarge, None);
}

#[test]
fn fields_that_are_missing() {
    check(&send_with("room", None), ErrorCode::BadField, Some(ID));
    check(&send_with("content", None), ErrorCode::BadField, Some(ID));
    check(&send_with("id", None), ErrorCode::BadField, None);
    check(&json!({"type": "join"}), ErrorCode::BadField, None);
    check(&json!({"type": "read", "room": "general"}), ErrorCode::BadField, None);
    check(
        &json!({"type": "edit", "room": "general", "id": ID, "content": "hi"}),
        ErrorCode::BadField,
        Some(ID),
    );
}

#[test]
fn fields_of_another_type() {
    check(&send_with("room", Some(json!(7))), ErrorCode::BadField, Some(ID));
    check(&send_with("room", Some(json!(null))), ErrorCode::BadField, Some(ID));
    check(&send_with("content", Some(json!({"text": "hi"}))), ErrorCode::BadField, Some(ID));
    check(&send_with("content", Some(json!(["hi"]))), ErrorCode::BadField, Some(ID));
    check(&send_with("id", Some(json!(7))), ErrorCode::BadField, None);
    check(&react_with("on", json!("yes")), ErrorCode::BadField, Some(ID));
    check(&react_with("target", json!("1")), ErrorCode::BadField, Some(ID));
}

#[test]
fn fields_that_are_not_what_they_must_be() {
    for room in ["", "has space", "General", "../etc", "a.b"] {
        check(&send_with("room", Some(json!(room))), ErrorCode::BadField, Some(ID));
    }
    for id in ["", "7", "not-a-uuid", "0198b000-0000-7000-8000-00000000000g"] {
        check(&send_with("id", Some(json!(id))), ErrorCode::BadField, None);
    }
    for emoji in ["", "x", "👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍👍", "<b>"] {
        check(&react_with("emoji", json!(emoji)), ErrorCode::BadField, Some(ID));
    }
    for target in [json!(-1), json!(1.5), json!(1_u64 << 53), json!(null)] {
        check(&react_with("target", target), ErrorCode::BadField, Some(ID));
    }
    check(&send_with("reply_to", Some(json!(-1))), ErrorCode::BadField, Some(ID));
    assert!(ClientFrame::decode(&send_with("reply_to", Some(json!(null))).to_string()).is_ok());
}

#[test]
fn contents_that_are_not_accepted() {
    for content in ["", " \n\t", "\u{200B}", "\u{7}"] {
        check(&send_with("content", Some(json!(content))), ErrorCode::ContentEmpty, Some(ID));
    }
    check(&send_with("content", Some(json!("字".repeat(8_001)))), ErrorCode::ContentTooLong, Some(ID));
    assert!(ClientFrame::decode(&send_with("content", Some(json!("字".repeat(8_000)))).to_string()).is_ok());
}

#[test]
fn cursors_that_cannot_be_read() {
    check(&join_with(&json!("e1"), &json!(null)), ErrorCode::BadCursor, None);
    check(&join_with(&json!(null), &json!(3)), ErrorCode::BadCursor, None);
    check(&json!({"type": "join", "room": "general", "epoch": "e1"}), ErrorCode::BadCursor, None);
    for after in [json!(-1), json!(1.5), json!("3"), json!(1_u64 << 53)] {
        check(&join_with(&json!("e1"), &after), ErrorCode::BadCursor, None);
    }
    for epoch in ["", "E1", "e-1", "123456789012345678901234567890123"] {
        check(&join_with(&json!(epoch), &json!(3)), ErrorCode::BadCursor, None);
    }
    assert!(ClientFrame::decode(&join_with(&json!("e1"), &json!(0)).to_string()).is_ok());
}

/// Any frame that a client may send.
fn frame() -> impl Strategy<Value = ClientFrame> {
    let room = || "[a-z0-9_字-]{1,48}".prop_map(|slug| slug.parse().unwrap());
    let id = || any::<u128>().prop_map(|id| OpId(uuid::Uuid::from_u128(id)));
    let seq = || (0..=Seq::MAX.get()).prop_map(|n| Seq::new(n).unwrap());
    let content = || "[ -~\n\t字🦀]{0,40}x".prop_map(|content| content.parse().unwrap());
    let emoji =
        || prop::sample::select(vec!["👍", "❤️", "1️⃣", "👩‍👩‍👧‍👦"]).prop_map(|emoji| emoji.parse().unwrap());
    let cursor = prop::option::of(("[a-z0-9]{1,32}", seq()));
    prop_oneof![
        (room(), cursor).prop_map(|(room, cursor)| {
            let (epoch, after) = cursor.map(|(epoch, after)| (epoch.parse().unwrap(), after)).unzip();
            ClientFrame::Join { room, epoch, after }
        }),
        room().prop_map(|room| ClientFrame::Leave { room }),
        (room(), id(), content(), prop::option::of(seq()))
            .prop_map(|(room, id, content, reply_to)| ClientFrame::Send { room, id, content, reply_to }),
        (room(), id(), seq(), content()).prop_map(|(room, id, target, content)| ClientFrame::Edit {
            room,
            id,
            target,
            content
        }),
        (room(), id(), seq()).prop_map(|(room, id, target)| ClientFrame::Delete { room, id, target }),
        (room(), id(), seq(), emoji(), any::<bool>())
            .prop_map(|(room, id, target, emoji, on)| ClientFrame::React { room, id, target, emoji, on }),
        room().prop_map(|room| ClientFrame::Typing { room }),
        (room(), seq()).prop_map(|(room, seq)| ClientFrame::Read { room, seq }),
        Just(ClientFrame::Pong),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_as_the_same(frame in frame()) {
        prop_assert_eq!(ClientFrame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC*") {
        let _ = ClientFrame::decode(&text);
    }

    #[test]
    fn no_damage_to_a_frame_breaks_the_reader(frame in frame(), cut in any::<prop::sample::Index>(), with in "\\PC{0,3}") {
        let mut chars: Vec<char> = frame.encode().chars().collect();
        let at = cut.index(chars.len());
        chars.splice(at..=at, with.chars());
        let _ = ClientFrame::decode(&chars.into_iter().collect::<String>());
    }
}
