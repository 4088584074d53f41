//! The head of the sheet: which room this is, what it is about, who is there.

use leptos::prelude::*;
use web_sys::HtmlElement;

use super::{
    desk::use_desk,
    icon::{Icon, icon},
    people::PEOPLE_ID,
    sidebar::{SIDEBAR_ID, badge, room_icon},
};
use crate::{
    i18n::{language, text},
    state::{Existence, RoomEntry},
};

/// The header.
#[component]
pub(crate) fn Header() -> impl IntoView {
    let locale = language();
    let state = use_desk().state;
    let open = state.open_room();
    let here = state.here();
    let invite = Memo::new(move |_| open.with(|open| open.room.invite.clone()));
    let title = move || {
        let RoomEntry { room, existence, .. } = &*open.read();
        if *existence == Existence::Missing {
            return text!(locale, not_found.title).into_any();
        }
        view! {
            {room_icon(locale, room.visibility)}
            <span>{room.name.to_string()}</span>
        }
        .into_any()
    };
    let people = move || text!(locale, room.people_count, count = here.read().count);
    view! {
        <header class="sheet-head">
            <button class="icon-button drawer-opener rooms-opener" popovertarget=SIDEBAR_ID>
                {icon(Icon::Menu)}
                <span class="visually-hidden">{text!(locale, sidebar.open)}</span>
                {move || badge(locale, state.unread_elsewhere())}
            </button>
            <h1>{move || title()}</h1>
            <p class="topic" title=move || open.read().room.topic.to_string()>
                {move || open.read().room.topic.to_string()}
            </p>
            {move || invite.get().map(|path| view! { <Invite path /> }.into_any())}
            <button
                class="drawer-opener people-opener needs-js"
                popovertarget=PEOPLE_ID
                aria-label=people
                hidden=move || state.existence() != Existence::There
            >
                {icon(Icon::Users)}
                <span class="figure" aria-hidden="true">
                    {move || here.read().count.to_string()}
                </span>
            </button>
        </header>
    }
}

/// The invitation link of a private room. With JavaScript a button that copies it, else a link to copy by hand.
#[component]
fn Invite(path: String) -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let address = path.clone();
    view! {
        <a
            class="button quiet invite"
            href=path
            rel="external"
            role="button"
            on:keydown=move |event| {
                if event.key() == " " {
                    event.prevent_default();
                    event_target::<HtmlElement>(&event).click();
                }
            }
            on:click=move |event| {
                event.prevent_default();
                desk.copy_address(&address);
            }
        >
            {icon(Icon::Link)}
            <span>{text!(locale, room.copy_invite)}</span>
        </a>
    }
}
