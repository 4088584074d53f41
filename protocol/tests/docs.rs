//! `docs/PROTOCOL.md` tells the truth: each JSON example is what this crate reads and writes, no frame, error or close
//! code is missing, and the bounds are those of `limits`.

#![expect(clippy::expect_used, reason = "a test: what is not there ends it, in these words")]

use std::collections::BTreeSet;

use protocol::{
    ClientFrame, CloseCode, ErrorCode, ServerFrame,
    api::{ErrorBody, GuestCreated, NewGuest, NewMessage, NewRoom, Posted, RoomList, RoomSummary, User},
    limits,
    timeline::Page,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

const REFERENCE: &str = include_str!("../../docs/PROTOCOL.md");

/// The fenced examples: what follows ```` ```json ````, and the text.
fn examples() -> Vec<(&'static str, &'static str)> {
    REFERENCE
        .split("\n```json ")
        .skip(1)
        .map(|rest| {
            let (label, rest) = rest.split_once('\n').expect("an example has a body");
            (label, rest.split_once("```").expect("an example ends").0)
        })
        .collect()
}

/// Reads `text` and writes it again: nothing may be missing from the example and nothing may be too much.
#[track_caller]
fn check<T: Serialize + DeserializeOwned>(text: &str) {
    let read: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    check_written(&read, text);
}

#[track_caller]
fn check_written<T: Serialize>(read: &T, text: &str) {
    let printed: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(serde_json::to_value(read).expect("writable"), printed, "{text}");
}

#[test]
fn examples_are_what_is_on_the_wire() {
    let examples = examples();
    assert!(examples.len() > 30, "found {} examples", examples.len());
    for (label, text) in examples {
        match label {
            "client" => {
                check::<ClientFrame>(text);
                ClientFrame::decode(text).unwrap_or_else(|refusal| panic!("{refusal}: {text}"));
            }
            "server" => {
                let frame = ServerFrame::decode(text).unwrap_or_else(|| panic!("unreadable: {text}"));
                check_written(&frame, text);
            }
            "ErrorBody" => check::<ErrorBody>(text),
            "GuestCreated" => check::<GuestCreated>(text),
            "NewGuest" => check::<NewGuest>(text),
            "NewMessage" => check::<NewMessage>(text),
            "NewRoom" => check::<NewRoom>(text),
            "Page" => check::<Page>(text),
            "Posted" => check::<Posted>(text),
            "RoomList" => check::<RoomList>(text),
            "RoomSummary" => check::<RoomSummary>(text),
            "User" => check::<User>(text),
            _ => panic!("an example of nothing known: {label}"),
        }
    }
}

#[test]
fn every_frame_has_an_example() {
    let types = |side: &str| -> BTreeSet<String> {
        examples()
            .into_iter()
            .filter(|(label, _)| *label == side)
            .filter_map(|(_, text)| {
                serde_json::from_str::<Value>(text).ok()?.get("type")?.as_str().map(str::to_owned)
            })
            .collect()
    };
    let known = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(
        types("client"),
        known(&["join", "leave", "send", "edit", "delete", "react", "typing", "read", "pong"])
    );
    assert_eq!(
        types("server"),
        known(&[
            "welcome", "joined", "left", "ack", "error", "presence", "typing", "read", "room", "ping",
            "message", "edited", "deleted", "reacted",
        ])
    );
}

/// The code after `code` in the order of their definition. A new code does not compile until it has its place here.
const fn after(code: ErrorCode) -> Option<ErrorCode> {
    use ErrorCode as E;
    Some(match code {
        E::BadFrame => E::UnknownType,
        E::UnknownType => E::BadField,
        E::BadField => E::BadCursor,
        E::BadCursor => E::ContentEmpty,
        E::ContentEmpty => E::ContentTooLong,
        E::ContentTooLong => E::TooLarge,
        E::TooLarge => E::BadName,
        E::BadName => E::NameTaken,
        E::NameTaken => E::RoomExists,
        E::RoomExists => E::RoomNotFound,
        E::RoomNotFound => E::TargetNotFound,
        E::TargetNotFound => E::IdConflict,
        E::IdConflict => E::LimitReached,
        E::LimitReached => E::RateLimited,
        E::RateLimited => E::Unavailable,
        E::Unavailable => E::Unauthorized,
        E::Unauthorized => E::Forbidden,
        E::Forbidden => E::ForeignOrigin,
        E::ForeignOrigin => E::GuestsOff,
        E::GuestsOff => E::NotFound,
        E::NotFound => E::MethodNotAllowed,
        E::MethodNotAllowed => E::UnsupportedMediaType,
        E::UnsupportedMediaType => E::Internal,
        E::Internal => return None,
    })
}

/// The first cells of the rows of the table under a heading, without back-ticks.
fn first_cells(heading: &str) -> Vec<&'static str> {
    let section = REFERENCE.split_once(&format!("\n## {heading}\n")).expect("the heading is there").1;
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    section
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| ")?.split_once(" |")?.0.trim_matches('`')))
        .skip(1)
        .collect()
}

#[test]
fn every_error_and_close_code_is_in_its_table() {
    let codes: Vec<&str> = std::iter::successors(Some(ErrorCode::BadFrame), |&code| after(code))
        .map(ErrorCode::as_str)
        .collect();
    assert_eq!(first_cells("Errors"), codes);
    let closes: Vec<String> = (1000..5000)
        .filter(|&code| CloseCode::from_code(code).is_some())
        .map(|code| code.to_string())
        .collect();
    assert_eq!(first_cells("Close codes"), closes);
}

#[test]
fn bounds_are_the_ones_of_the_code() {
    for (row, bound) in [
        ("| content | 8,000 characters |", limits::CONTENT_MAX_CHARS == 8_000),
        ("| username | 32 characters |", limits::USERNAME_MAX_CHARS == 32),
        (
            "| room name, slug | 48 characters each |",
            limits::ROOM_NAME_MAX_CHARS == 48 && limits::ROOM_SLUG_MAX_CHARS == 48,
        ),
        ("| topic | 200 characters |", limits::TOPIC_MAX_CHARS == 200),
        (
            "| emoji | 16 characters; 20 different ones on a message |",
            limits::EMOJI_MAX_CHARS == 16 && limits::REACTIONS_MAX_PER_MESSAGE == 20,
        ),
        ("| frame from the client | 64 KiB |", limits::FRAME_MAX_BYTES == 64 * 1024),
        (
            "| page | 50 messages, at most 100; fewer where they are long: at most 256 KiB of content but for the first |",
            limits::PAGE_DEFAULT_MESSAGES == 50
                && limits::PAGE_MAX_MESSAGES == 100
                && limits::PAGE_MAX_BYTES == 256 * 1024,
        ),
        ("| events in one `joined` | 500 |", limits::REPLAY_MAX_EVENTS == 500),
        ("| names in `here` | 200 |", limits::PRESENCE_MAX_NAMED == 200),
        ("| rooms joined on one connection | 200 |", limits::JOINED_MAX_ROOMS == 200),
    ] {
        assert!(REFERENCE.contains(row) && bound, "{row}");
    }
}
