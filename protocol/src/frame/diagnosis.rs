//! What is wrong with a frame that could not be read.

use serde_json::{Map, Value};

use super::{ErrorCode, Refusal};
use crate::{
    ids::{Epoch, InvalidId, OpId, RoomSlug, Seq},
    text::{Content, Emoji},
};

/// Finds out what is wrong with a frame that could not be read. Slow and careful: this is the unusual path.
pub(super) fn diagnose(text: &str, error: &serde_json::Error) -> Refusal {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return Refusal::new(ErrorCode::BadFrame, "a frame is one JSON object with a type");
    };
    let id = fields.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let Some(Value::String(kind)) = fields.get("type") else {
        return Refusal::new(ErrorCode::BadFrame, "a frame has a type, which is a string").of(id);
    };
    if !["join", "leave", "send", "edit", "delete", "react", "typing", "read", "pong"]
        .contains(&kind.as_str())
    {
        return Refusal::new(ErrorCode::UnknownType, "this server does not know that type of frame").of(id);
    }
    diagnose_fields(&fields)
        .unwrap_or_else(|| Refusal::new(ErrorCode::BadField, format!("a field is wrong: {error}")))
        .of(id)
}

fn diagnose_fields(fields: &Map<String, Value>) -> Option<Refusal> {
    fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
        fields.get(name).and_then(Value::as_str)
    }
    let bad_field = |name: &str, error: &dyn std::fmt::Display| {
        Refusal::new(ErrorCode::BadField, format!("{name}: {error}"))
    };
    if let Some(Err(error)) = text(fields, "content").map(str::parse::<Content>) {
        return Some(Refusal::from(error));
    }
    if let Some(Err(error)) = text(fields, "room").map(str::parse::<RoomSlug>) {
        return Some(bad_field("room", &error));
    }
    if let Some(Err(error)) = text(fields, "emoji").map(str::parse::<Emoji>) {
        return Some(bad_field("emoji", &error));
    }
    if let Some(Err(error)) = text(fields, "epoch").map(str::parse::<Epoch>) {
        return Some(Refusal::new(ErrorCode::BadCursor, format!("epoch: {error}")));
    }
    if let Some(Err(_)) = text(fields, "id").map(str::parse::<OpId>) {
        return Some(bad_field("id", &"an id is a UUID"));
    }
    for name in ["after", "target", "reply_to", "seq"] {
        if fields
            .get(name)
            .is_some_and(|value| !value.is_null() && value.as_u64().and_then(Seq::new).is_none())
        {
            let code = if name == "after" { ErrorCode::BadCursor } else { ErrorCode::BadField };
            return Some(Refusal::new(code, format!("{name}: {}", InvalidId::Seq)));
        }
    }
    None
}
