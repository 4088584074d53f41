//! Who is in the room now. Beside the page on a wide screen, a drawer elsewhere.

use leptos::prelude::*;
use protocol::{UserId, api::User};

use super::{
    avatar::avatar,
    desk::use_desk,
    list::list,
    overlay::{drawer_closer, drawer_toggled},
};
use crate::{
    i18n::{Locale, language, text},
    state::{Connection, Existence},
};

/// The drawer's `id`.
pub(crate) const PEOPLE_ID: &str = "people";

/// The panel.
#[component]
pub(crate) fn People() -> impl IntoView {
    let locale = language();
    let state = use_desk().state;
    let here = state.here();
    let me = state.me().id;
    let connection = state.connection();
    // Cut off, one does not know who is still there.
    let is_unsure =
        move || !matches!(connection.get(), Connection::Server | Connection::Connecting | Connection::Online);
    let note = move || {
        let here = here.read();
        let named = u32::try_from(here.users.len()).unwrap_or(u32::MAX);
        match here.count.saturating_sub(named) {
            0 if here.users.iter().all(|user| user.id == me) && connection.get() == Connection::Online => {
                Some(text!(locale, room.nobody).to_owned())
            }
            0 => None,
            more => Some(text!(locale, room.more_people, count = more)),
        }
    };
    view! {
        <aside
            class="people needs-js"
            class:stale=is_unsure
            id=PEOPLE_ID
            popover="auto"
            aria-label=text!(locale, room.people)
            hidden=move || state.existence() != Existence::There
            on:toggle=|_| drawer_toggled("aside:focus-within", ".people-opener")
        >
            <div class="label">
                <h2>
                    {text!(locale, room.here_now)} " · "
                    <span class="figure">{move || here.read().count.to_string()}</span>
                </h2>
                {drawer_closer(PEOPLE_ID, text!(locale, message.close))}
            </div>
            <ul>
                {list(move || here.get().users, move |user| person(locale, user, me))}
            </ul>
            {move || note().map(|note| view! { <p class="soft note">{note}</p> }.into_any())}
        </aside>
    }
}

/// Somebody who is here.
fn person(locale: Locale, User { id, username, .. }: User, me: UserId) -> AnyView {
    let name = username.to_string();
    view! {
        <li class="person">
            {avatar(id, &name, "av s here")}
            <span class="name">{name}</span>
            {(id == me).then(|| view! { <span class="soft">{text!(locale, room.you)}</span> }.into_any())}
        </li>
    }
    .into_any()
}
