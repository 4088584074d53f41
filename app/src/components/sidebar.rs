//! The rooms, and who one is. Beside the page on a wide screen, a drawer on a phone.

use leptos::{html, prelude::*};
use protocol::{
    RoomSlug,
    api::{Room, UNREAD_MAX, Visibility},
};

use super::{
    account::Account,
    desk::use_desk,
    icon::{Icon, Mark, icon},
    list::list,
    new_room::{NEW_ROOM_ID, NewRoomDialog, open_new_room},
    overlay::{drawer_closer, drawer_toggled, heed_drawers, hide_popover},
    piece::piece,
};
use crate::{
    i18n::{Locale, language, text},
    state::RoomEntry,
};

/// What a room has around it while it has the focus.
const RING_PX: f64 = 4.0;
/// The drawer's `id`.
pub(crate) const SIDEBAR_ID: &str = "rooms";

/// The sidebar.
#[component]
pub(crate) fn Sidebar() -> impl IntoView {
    let locale = language();
    let state = use_desk().state;
    let rooms = state.rooms();
    let slugs = move || rooms.with(|rooms| rooms.iter().map(|entry| entry.room.slug.clone()).collect());
    let dialog = NodeRef::<html::Dialog>::new();
    let side = move || {
        // One may have been opened before that was heard.
        Effect::new(|_| {
            heed_drawers();
        });
        let open = Memo::new(move |_| state.open_room().with(|open| open.room.slug.clone()));
        Effect::new(move |_| bring_into_view(&open.read()));
        view! {
            <nav
                class="side"
                id=SIDEBAR_ID
                popover="auto"
                aria-label=text!(locale, sidebar.rooms)
                on:toggle=move |_| {
                    drawer_toggled("nav:focus-within", ".rooms-opener");
                    bring_into_view(&open.read_untracked());
                }
            >
                <div class="side-top">
                    <div class="brand">
                        <Mark />
                        "Hubbub"
                    </div>
                    {drawer_closer(SIDEBAR_ID, text!(locale, sidebar.close))}
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
                    {list(slugs, room_link)}
                </ul>
                <Account />
            </nav>
        }
        .into_any()
    };
    view! {
        {piece(side)}
        {piece(move || view! { <NewRoomDialog dialog /> }.into_any())}
    }
}

/// Brings a room of the list into view, however many there are. By hand: with `scrollIntoView` the Tab key would go on from there.
fn bring_into_view(room: &RoomSlug) {
    let find = |selector: &str| document().query_selector(selector).ok().flatten();
    let Some((list, link)) = find(".rooms").zip(find(&format!(".room[href='/rooms/{room}']"))) else {
        return;
    };
    let (frame, rect) = (list.get_bounding_client_rect(), link.get_bounding_client_rect());
    let (above, below) = (rect.top() - frame.top() - RING_PX, rect.bottom() - frame.bottom() + RING_PX);
    if above < 0.0 || below > 0.0 {
        list.scroll_by_with_x_and_y(0.0, if above < 0.0 { above } else { below });
    }
}

/// One room of the list.
fn room_link(slug: RoomSlug) -> AnyView {
    let locale = language();
    let state = use_desk().state;
    let this = slug.clone();
    // What changes of a room is read here. One that is about to go shows what it showed.
    let now = Memo::new(move |last: Option<&RoomEntry>| {
        let entry = state.rooms().with(|rooms| rooms.iter().find(|now| now.room.slug == this).cloned());
        entry.or_else(|| last.cloned()).unwrap_or_else(|| state.open_room().get())
    });
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
                {move || badge(locale, now.with(|now| (now.unread, now.mentions)))}
            </a>
        </li>
    }
    .into_any()
}

/// What kind of room it is, also for those who see no picture.
pub(crate) fn room_icon(locale: Locale, visibility: Visibility) -> AnyView {
    let glyph = match visibility {
        Visibility::Public => Icon::Hash,
        Visibility::Private => Icon::Lock,
    };
    let private = (visibility == Visibility::Private)
        .then(|| view! { <span class="visually-hidden">{text!(locale, sidebar.private)}</span> }.into_any());
    view! {
        {icon(glyph)}
        {private}
    }
    .into_any()
}

/// A room in the middle of words: as people write a link to it, where anybody can follow that.
pub(crate) fn room_words(room: &Room) -> String {
    match room.visibility {
        Visibility::Public => format!("#{}", room.name),
        Visibility::Private => room.name.to_string(),
    }
}

/// How many messages are unread, in the accent's colour if any of them mentions this reader; how many do is said as well.
pub(crate) fn badge(locale: Locale, unread: (u32, u32)) -> Option<AnyView> {
    let count = |n: u32| if n >= UNREAD_MAX { format!("{}+", UNREAD_MAX - 1) } else { n.to_string() };
    let (number, class, meaning) = match unread {
        (0, _) => return None,
        (unread, 0) => (count(unread), "badge", text!(locale, sidebar.unread, count = count(unread))),
        (unread, mentions) => {
            let words = text!(locale, sidebar.mentions, unread = count(unread), count = count(mentions));
            (count(unread), "badge at", words)
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
