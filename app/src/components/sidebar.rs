//! The rooms, and who one is. Beside the page on a wide screen, a drawer on a phone.

use leptos::{html, prelude::*};
use protocol::api::{UNREAD_MAX, Visibility};

use super::{
    account::Account,
    desk::use_desk,
    icon::{Icon, Mark, icon},
    new_room::{NEW_ROOM_ID, NewRoomDialog, open_new_room},
    overlay::{drawer_toggled, hide_popover},
};
use crate::{
    i18n::{Locale, language, text},
    state::RoomEntry,
};

/// The drawer's `id`.
pub(crate) const SIDEBAR_ID: &str = "rooms";

/// The sidebar.
#[component]
pub(crate) fn Sidebar() -> impl IntoView {
    let locale = language();
    let state = use_desk().state;
    let rooms = state.rooms();
    let nav = NodeRef::<html::Nav>::new();
    let dialog = NodeRef::<html::Dialog>::new();
    view! {
        <nav
            node_ref=nav
            class="side"
            id=SIDEBAR_ID
            popover="auto"
            aria-label=text!(locale, sidebar.rooms)
            on:toggle=move |_| {
                if let Some(nav) = nav.get_untracked() {
                    drawer_toggled(&nav);
                }
            }
        >
            <div class="side-top">
                <div class="brand">
                    <Mark />
                    "Hubbub"
                </div>
                <button
                    class="icon-button only-drawer"
                    popovertarget=SIDEBAR_ID
                    popovertargetaction="hide"
                    aria-label=text!(locale, sidebar.close)
                >
                    {icon(Icon::Close)}
                </button>
            </div>
            <div class="label">
                <h2>{text!(locale, sidebar.rooms)}</h2>
                <button
                    class="icon-button"
                    popovertarget=NEW_ROOM_ID
                    aria-label=text!(locale, sidebar.new_room)
                    title=text!(locale, sidebar.new_room)
                    on:click=move |event| {
                        event.prevent_default();
                        open_new_room(dialog);
                    }
                >
                    {icon(Icon::Plus)}
                </button>
            </div>
            <ul class="rooms">
                <For
                    each=move || rooms.get()
                    key=|entry| entry.room.slug.clone()
                    children=move |entry| view! { <RoomLink entry /> }
                />
            </ul>
            <Account />
        </nav>
        <NewRoomDialog dialog />
    }
}

/// One room of the list.
#[component]
fn RoomLink(entry: RoomEntry) -> impl IntoView {
    let locale = language();
    let state = use_desk().state;
    let slug = entry.room.slug.clone();
    // The list is keyed by slug: what changes in an entry is read here.
    let now = Memo::new(move |_| {
        state
            .rooms()
            .with(|rooms| rooms.iter().find(|now| now.room.slug == slug).cloned())
            .unwrap_or_else(|| entry.clone())
    });
    let slug = now.read_untracked().room.slug.clone();
    let href = format!("/rooms/{slug}");
    let open = Memo::new(move |_| state.open_room().with(|open| open.room.slug == slug));
    view! {
        <li>
            <a
                href=href
                class="room"
                class:unread=move || { now.read().unread > 0 }
                aria-current=move || open.get().then_some("page")
                on:click=move |_| hide_popover(SIDEBAR_ID)
            >
                {move || room_icon(locale, now.read().room.visibility)}
                <span class="name">{move || now.read().room.name.to_string()}</span>
                {move || badge(locale, &now.read())}
            </a>
        </li>
    }
}

/// What kind of room it is, as a picture.
pub(crate) fn room_icon(locale: Locale, visibility: Visibility) -> AnyView {
    match visibility {
        Visibility::Public => icon(Icon::Hash),
        Visibility::Private => view! {
            {icon(Icon::Lock)}
            <span class="visually-hidden">{text!(locale, sidebar.private)}</span>
        }
        .into_any(),
    }
}

/// How much is new in a room; in the accent's colour if it is for this reader.
fn badge(locale: Locale, entry: &RoomEntry) -> Option<AnyView> {
    let count = |n: u32| if n >= UNREAD_MAX { format!("{}+", UNREAD_MAX - 1) } else { n.to_string() };
    let (number, class, meaning) = match (entry.unread, entry.mentions) {
        (0, _) => return None,
        (unread, 0) => (count(unread), "badge", text!(locale, sidebar.unread, count = count(unread))),
        (_, mentions) => {
            (count(mentions), "badge at", text!(locale, sidebar.mentions, count = count(mentions)))
        }
    };
    let badge = view! {
        <span class=class>
            <span aria-hidden="true">{number}</span>
            <span class="visually-hidden">{meaning}</span>
        </span>
    };
    Some(badge.into_any())
}
