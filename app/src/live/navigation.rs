//! Going from room to room without a new document: links to rooms and the browser's history.

use std::cell::RefCell;

use leptos::{ev, leptos_dom::helpers::WindowListenerHandle, prelude::*};
use protocol::RoomSlug;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAnchorElement, MouseEvent};

use crate::{address::Address, source::Place};

thread_local! {
    /// The path and the query of the address that is shown, to tell a step to it from one within it.
    static SHOWN: RefCell<(String, String)> = RefCell::default();
}

/// Tells of every room that a link or the history leads to, until the handles are removed. The document is made anew for
/// all other addresses.
pub(super) fn listen(tell: fn(RoomSlug, Place)) -> [WindowListenerHandle; 2] {
    [
        window_event_listener(ev::click, move |event| {
            let Some(link) = link(&event) else { return };
            let address = (link.pathname(), link.search());
            // Browsers go to a place in the page that is shown better than we do, but a message may not be in it.
            if let Some((room, place)) = room_at(&address)
                && (link.hash().is_empty() || place != Place::Newest)
            {
                event.prevent_default();
                go(&link.href());
                tell(room, place);
            }
        }),
        window_event_listener(ev::popstate, move |_| {
            let now = here();
            // A step to another place of the same page is one, too.
            if SHOWN.replace(now.clone()) == now {
                return;
            }
            match room_at(&now) {
                Some((room, place)) => tell(room, place),
                None => _ = window().location().reload(),
            }
        }),
    ]
}

/// The page shows the window's address.
pub(super) fn begin() {
    SHOWN.replace(here());
}

/// Takes in what nobody has heard of: the room of the window's address, and whether that is another address since [`begin`].
pub(super) fn catch_up() -> Option<(RoomSlug, Place, bool)> {
    let now = here();
    let has_moved = SHOWN.replace(now.clone()) != now;
    room_at(&now).map(|(room, place)| (room, place, has_moved))
}

/// Leaves for a room's document.
pub(super) fn leave_for(room: &RoomSlug) {
    _ = window().location().assign(&format!("/rooms/{room}"));
}

/// Makes the address of a room the window's, as one more step of its history.
pub(super) fn go_to(room: &RoomSlug) {
    go(&format!("/rooms/{room}"));
}

/// Makes the address of a room the window's, in the place of the one that led there.
pub(super) fn readdress(room: &RoomSlug) {
    if let Ok(history) = window().history() {
        _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&format!("/rooms/{room}")));
    }
    SHOWN.replace(here());
}

fn go(href: &str) {
    let is_here = window().location().href().is_ok_and(|here| here == href);
    if let Ok(history) = window().history()
        && !is_here
    {
        _ = history.push_state_with_url(&JsValue::NULL, "", Some(href));
    }
    SHOWN.replace(here());
}

/// The path and the query of the window's address.
fn here() -> (String, String) {
    let location = window().location();
    (location.pathname().unwrap_or_default(), location.search().unwrap_or_default())
}

fn room_at((path, search): &(String, String)) -> Option<(RoomSlug, Place)> {
    match Address::parse(path, search.trim_start_matches('?')) {
        Address::Room(room, place) => Some((room, place)),
        Address::Invitation(_) | Address::Unknown => None,
    }
}

/// The link of this site that a click follows in this window; `None` where the reader or the page wants something else.
fn link(event: &MouseEvent) -> Option<HtmlAnchorElement> {
    if event.default_prevented()
        || event.button() != 0
        || event.ctrl_key()
        || event.meta_key()
        || event.shift_key()
        || event.alt_key()
    {
        return None;
    }
    let clicked: Element = event.target()?.dyn_into().ok()?;
    let link: HtmlAnchorElement = clicked.closest("a[href]").ok()??.dyn_into().ok()?;
    let is_ours = Some(link.origin()) == window().location().origin().ok()
        && link.target().is_empty()
        && !link.has_attribute("download")
        && !link.rel().split_whitespace().any(|word| word == "external");
    is_ours.then_some(link)
}
