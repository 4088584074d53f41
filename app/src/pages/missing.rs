//! What is shown where there is nothing to show: always with a way on.

use leptos::prelude::*;

use crate::{
    components::card::Card,
    i18n::{language, text},
};

/// There is no such address.
#[component]
pub(crate) fn NoPage() -> impl IntoView {
    view! { <NothingHere text=text!(language(), not_found.page) /> }
}

/// There is no such room, or it is not for this reader.
#[component]
pub(crate) fn NoRoomPage() -> impl IntoView {
    view! { <NothingHere text=text!(language(), not_found.room) /> }
}

#[component]
fn NothingHere(text: &'static str) -> impl IntoView {
    let locale = language();
    view! {
        <Card title=text!(locale, not_found.title)>
            <p>{text}</p>
            <a class="button primary" href="/" rel="external">
                {text!(locale, not_found.back)}
            </a>
        </Card>
    }
}

/// The server cannot read its store.
#[component]
pub(crate) fn UnavailablePage() -> impl IntoView {
    let locale = language();
    view! {
        <Card title=text!(locale, unavailable.title)>
            <p>{text!(locale, unavailable.text)}</p>
            <a class="button primary" href="" rel="external">
                {text!(locale, unavailable.again)}
            </a>
        </Card>
    }
}
