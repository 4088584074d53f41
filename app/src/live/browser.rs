//! What the browser's window knows and tells, beyond its socket and storage.

use leptos::{ev, leptos_dom::helpers::WindowListenerHandle, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, VisibilityState};

/// How long cookies of preference last, in seconds: a year.
const COOKIE_MAX_AGE_S: u32 = 365 * 24 * 60 * 60;

/// What the window tells.
pub(super) enum Heard {
    /// There is a network again.
    Online,
    /// There is no network.
    Offline,
    /// The page came into sight.
    Shown,
    /// The page went out of sight.
    Hidden,
    /// The page is about to go.
    Leaving,
    /// Another tab has changed an entry of the storage.
    Stored { key: Option<String>, value: Option<String> },
}

/// Listens to the window until the handles are removed.
pub(super) fn listen(tell: fn(Heard)) -> Vec<WindowListenerHandle> {
    vec![
        window_event_listener(ev::online, move |_| tell(Heard::Online)),
        window_event_listener(ev::offline, move |_| tell(Heard::Offline)),
        window_event_listener(ev::visibilitychange, move |_| {
            tell(if is_visible() { Heard::Shown } else { Heard::Hidden });
        }),
        window_event_listener_untyped("pagehide", move |_| tell(Heard::Leaving)),
        window_event_listener(ev::storage, move |event| {
            tell(Heard::Stored { key: event.key(), value: event.new_value() });
        }),
    ]
}

/// Whether the focus is on nothing but, perhaps, the composer: on no message, and in no window that was opened for one.
pub(super) fn is_nothing_at_hand() -> bool {
    let focused = document().active_element();
    focused.is_none_or(|element| matches!(element.tag_name().as_str(), "BODY" | "TEXTAREA"))
}

/// Tells the style and whoever measures that the page is live.
pub(super) fn mark_live() {
    if let Some(page) = document().document_element() {
        _ = page.set_attribute("data-live", "");
    }
    if let Some(performance) = window().performance() {
        let _ = performance.mark("live");
    }
}

/// Whether the page can be seen.
pub(super) fn is_visible() -> bool {
    document().visibility_state() != VisibilityState::Hidden
}

/// Whether there is a network to the server, as far as the browser knows. A server on this very machine needs none.
pub(super) fn has_network() -> bool {
    let host = window().location().hostname().unwrap_or_default();
    let is_this_machine = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    is_this_machine || window().navigator().on_line()
}

/// Keeps a preference for the server's next page.
pub(super) fn set_cookie(name: &str, value: &str) {
    write_cookie(name, value, COOKIE_MAX_AGE_S);
}

/// Lets go of a preference.
pub(super) fn forget_cookie(name: &str) {
    write_cookie(name, "", 0);
}

fn write_cookie(name: &str, value: &str, max_age_s: u32) {
    if let Ok(document) = document().dyn_into::<HtmlDocument>() {
        let _ = document.set_cookie(&format!("{name}={value}; Path=/; Max-Age={max_age_s}; SameSite=Lax"));
    }
}
