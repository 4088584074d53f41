//! Addresses of this server's own pages: making them, and telling them from everything else.

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::RoomSlug;

/// Longest address that is led on to, in bytes.
const NEXT_MAX_BYTES: usize = 2_048;

/// What is encoded in one part of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What is encoded in an address that may have encoded parts already.
const WHOLE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// One part of a path.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// The page of a room.
pub(crate) fn room(slug: &RoomSlug) -> String {
    format!("/rooms/{}", segment(slug.as_str()))
}

/// `next` as an address of this server; `None` for one that leads elsewhere (`//elsewhere`, `https:…`) or nowhere.
pub(crate) fn local(next: &str) -> Option<Uri> {
    // Browsers read `\` as `/`, and skip tabs and line ends.
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= NEXT_MAX_BYTES
        && !next.contains(|c: char| c == '\\' || c.is_control());
    if !is_local {
        return None;
    }
    let without_fragment = next.split('#').next().unwrap_or(next);
    utf8_percent_encode(without_fragment, WHOLE).to_string().parse().ok()
}

/// 303: done, look there now. `to` is encoded.
pub(crate) fn see_other(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        let local = |next: &str| local(next).map(|uri| uri.to_string());
        assert_eq!(local("/rooms/general?before=7").as_deref(), Some("/rooms/general?before=7"));
        assert_eq!(local("/rooms/发布").as_deref(), Some("/rooms/%E5%8F%91%E5%B8%83"));
        assert_eq!(local("/rooms/%E5%8F%91#x").as_deref(), Some("/rooms/%E5%8F%91"));
        let long = format!("/{}", "x".repeat(NEXT_MAX_BYTES));
        for next in [
            "",
            "rooms",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            &long,
        ] {
            assert_eq!(local(next), None, "{next:?}");
        }
    }

    #[test]
    fn rooms_of_any_script_have_an_address() {
        assert_eq!(room(&"发布".parse().unwrap()), "/rooms/%E5%8F%91%E5%B8%83");
        assert_eq!(room(&"a_b-c".parse().unwrap()), "/rooms/a_b-c");
    }
}
