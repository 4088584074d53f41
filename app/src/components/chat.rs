//! The chat page: rooms, the sheet with the conversation, people.

use leptos::prelude::*;

use super::{
    actions::MessageDialogs, banner::Banner, composer::Composer, desk::Desk, header::Header, help::Help,
    log::Log, people::People, picker::Picker, piece::piece, sidebar::Sidebar,
};
use crate::{
    i18n::{language, text},
    source::{ChatPage, Place},
    state::{ChatState, Existence},
    visitor::Visitor,
};

/// The page: `page` at first, and after that what the reader goes to.
#[component]
pub(crate) fn Chat(page: ChatPage, place: Place) -> impl IntoView {
    let zone = use_context::<Visitor>().and_then(|visitor| visitor.preferences.time_zone);
    let state = ChatState::new(page, place, zone);
    provide_context(state);
    let desk = Desk::new(&state);
    provide_context(desk);
    state.go_live();

    Effect::new(move |_| {
        let name = match state.existence() {
            Existence::Missing => text!(language(), not_found.title).to_owned(),
            _ => state.open_room().with(|open| open.room.name.to_string()),
        };
        document().set_title(&match state.unread_total() {
            0 => format!("{name} · Hubbub"),
            unread => format!("({unread}) {name} · Hubbub"),
        });
    });
    // Of the pieces the last becomes live first. So nobody can ask for a dialog that is not there yet.
    view! {
        <div class="chat" inert=desk.leaving>
            <Sidebar />
            <main class="sheet-page">
                {piece(|| view! { <Header /> }.into_any())}
                {piece(|| view! { <Log /> }.into_any())}
                <footer class="foot">
                    {piece(|| view! { <Banner /> }.into_any())}
                    <div hidden=move || state.existence() != Existence::There>
                        <Typing />
                        {piece(|| view! { <Composer /> }.into_any())}
                    </div>
                </footer>
            </main>
            {piece(|| view! { <People /> }.into_any())}
        </div>
        <p class="leaving" role="status">
            {move || desk.leaving.get().then(|| text!(language(), account.signing_out).to_owned())}
        </p>
        <MessageDialogs />
        <Picker />
        <Help />
        <div class="visually-hidden" aria-live="polite">
            {state.announcement()}
        </div>
    }
}

/// Who is writing. Its line is always there, so that nothing moves when somebody begins.
#[component]
fn Typing() -> impl IntoView {
    let locale = language();
    let names = super::desk::use_desk().state.typing();
    let words = move || {
        names.with(|names| match names.as_slice() {
            [] => None,
            [one] => Some(text!(locale, typing.single, a = one.as_str())),
            [one, two] => Some(text!(locale, typing.pair, a = one.as_str(), b = two.as_str())),
            _ => Some(text!(locale, typing.several).to_owned()),
        })
    };
    view! {
        <p class="typing">
            {move || {
                words()
                    .map(|words| {
                        view! {
                            <span class="dots" aria-hidden="true">
                                <i></i>
                                <i></i>
                                <i></i>
                            </span>
                            {words}
                        }
                            .into_any()
                    })
            }}
        </p>
    }
}
