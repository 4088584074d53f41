//! What is kept is what would be drawn.

use serde_json::{Value, json};

use super::Fragments;
use crate::{
    render,
    source::{Assets, ChatPage, Content, Language, Place, Preferences, Viewer},
};

/// Somebody before the page: who they are, and what they see of it by themselves.
#[derive(Clone, Copy)]
struct Looker {
    id: u32,
    language: Language,
    time_zone: Option<&'static str>,
    place: Place,
}

const ANN: Looker = Looker { id: 1, language: Language::English, time_zone: None, place: Place::Newest };
const BOB: Looker = Looker { id: 2, ..ANN };
const CEM: Looker = Looker { id: 3, ..ANN };

fn name(id: u32) -> &'static str {
    ["", "Ann", "Bob", "Cem", "Dan"][id as usize]
}

fn user(id: u32) -> Value {
    json!({ "id": uuid(id), "username": name(id), "role": "guest" })
}

fn uuid(n: u32) -> String {
    format!("00000000-0000-7000-8000-{n:012}")
}

/// A message of Ann's where `n` is odd, of Bob's where it is even.
fn said(n: u32, content: &str) -> Value {
    let author = 2 - n % 2;
    json!({
        "seq": n, "version": n, "id": uuid(n), "user_id": uuid(author), "username": name(author),
        "content": content, "timestamp": format!("2026-11-25T2{}:05:00Z", n % 4), "reply_to": null,
    })
}

fn with(mut message: Value, part: &str, value: Value) -> Value {
    message[part] = value;
    message
}

/// Everything that a message can be.
fn messages() -> Vec<Value> {
    let by = |ids: &[u32]| {
        let users: Vec<Value> =
            ids.iter().map(|&id| json!({ "user_id": uuid(id), "username": name(id) })).collect();
        json!([{ "emoji": "👍", "users": users }])
    };
    let quote = json!({ "user_id": uuid(1), "username": "Ann", "excerpt": "plain" });
    vec![
        said(1, "plain"),
        said(2, "**bold** <b> `code`"),
        said(3, "@Bob, look at #random"),
        said(4, "> @Ann said so"),
        with(
            with(said(5, "I edited this"), "version", json!(20)),
            "edited_at",
            json!("2026-11-25T22:00:00Z"),
        ),
        with(said(6, "x"), "content", Value::Null),
        with(with(said(7, "to you"), "reply_to", json!(1)), "quote", quote),
        with(said(8, "liked by Ann"), "reactions", by(&[1])),
        with(said(9, "liked by both"), "reactions", by(&[2, 3])),
        with(said(10, "one more"), "timestamp", json!("2026-11-26T03:00:00Z")),
        said(11, "the last of Ann's, and"),
        with(said(13, "goes on, unless Bob comes between"), "timestamp", said(11, "")["timestamp"].clone()),
    ]
}

fn summary(slug: &str) -> Value {
    json!({
        "slug": slug, "name": slug, "topic": "", "visibility": "public", "invite": null,
        "epoch": "e1", "head": 30, "read": 4, "unread": 0, "mentions": 0,
    })
}

/// The log of the room as HTML.
#[track_caller]
fn drawn(looker: Looker, room: &str, messages: &[Value], fragments: Option<&Fragments>) -> String {
    let page: ChatPage = serde_json::from_value(json!({
        "me": user(looker.id), "rooms": [summary("general"), summary("random")], "room": room,
        "page": {
            "epoch": "e1", "head": 30, "messages": messages, "has_more_before": false, "has_more_after": false,
        },
        "here": [], "here_count": 0,
    }))
    .unwrap();
    let viewer = Viewer {
        user: Some(page.me.clone()),
        preferences: Preferences {
            language: looker.language,
            time_zone: looker.time_zone.map(str::to_owned),
            ..Preferences::default()
        },
        ..Viewer::default()
    };
    let assets = Assets { css: "c".into(), js: "j".into(), wasm: "w".into() };
    let mut html = String::new();
    let content = Content::Chat { page: Box::new(page), place: looker.place };
    render(content, viewer, assets, "n", fragments, &mut html);
    let log = html.find("class=\"log-list\"").expect("a log");
    html.drain(..log);
    html.truncate(html.find("jump-lane").expect("the log's end"));
    html
}

#[test]
fn whoever_looked_before_changes_nothing() {
    let lookers = [
        ANN,
        BOB,
        CEM,
        Looker { language: Language::Chinese, ..CEM },
        Looker { time_zone: Some("Asia/Shanghai"), ..CEM },
        Looker { place: Place::Around("7".parse().unwrap()), ..CEM },
        Looker { id: 4, ..ANN },
    ];
    let first = messages();
    // A word is edited, a reaction comes, an answered message changes, one is deleted, somebody comes between.
    let mut second = messages();
    second[0] =
        with(with(said(1, "changed"), "version", json!(21)), "edited_at", json!("2026-11-25T23:00:00Z"));
    second[1]["reactions"] =
        json!([{ "emoji": "🎉", "users": [{ "user_id": uuid(4), "username": name(4) }] }]);
    second[6]["quote"]["excerpt"] = json!("changed");
    second[8]["content"] = Value::Null;
    second[8]["reactions"] = json!([]);
    second.insert(11, said(12, "between"));
    second.push(said(14, "after the last"));

    let fragments = Fragments::new(1024 * 1024);
    for state in [&first, &second, &first] {
        for room in ["general", "random"] {
            for looker in lookers {
                let kept = drawn(looker, room, state, Some(&fragments));
                assert_eq!(kept, drawn(looker, room, state, None), "{} in {room}", name(looker.id));
                assert_eq!(kept.matches("<article").count(), state.len());
                let goes_on = usize::from(!state.iter().any(|message| message["seq"] == 12));
                assert_eq!(kept.matches("class=\"message head").count(), state.len() - goes_on);
            }
        }
    }
}

#[test]
fn who_sees_the_same_is_given_the_same() {
    let fragments = Fragments::new(1024 * 1024);
    let messages = messages();
    let first = drawn(CEM, "general", &messages, Some(&fragments));
    let count = fragments.0.len();
    // All but the two in which somebody is named and the one that Cem likes.
    assert_eq!(count, messages.len() - 3);
    let again = drawn(CEM, "general", &messages, Some(&fragments));
    assert_eq!((again, fragments.0.len()), (first, count));
    // Dan does not like that one, so it is his as well as anybody's.
    drawn(Looker { id: 4, ..CEM }, "general", &messages, Some(&fragments));
    assert_eq!(fragments.0.len(), count + 1);
}

#[test]
fn what_is_kept_is_bounded() {
    const MAX_BYTES: u64 = 32 * 1024;
    let fragments = Fragments::new(MAX_BYTES);
    for n in 1..=200 {
        let html = drawn(CEM, "general", &[said(n, &"long ".repeat(n as usize))], Some(&fragments));
        assert!(html.contains("<article"));
        assert!(fragments.0.weight() <= MAX_BYTES, "{}", fragments.0.weight());
    }
    assert!(!fragments.0.is_empty());
}
