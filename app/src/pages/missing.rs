//! What is shown where there is nothing to show: always with a way on.

use leptos::prelude::*;
use leptos_meta::Title;

use super::set_status;
use crate::{
    components::card::Card,
    i18n::{language, text},
    source::PageError,
};

/// There is no such address.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    view! { <NothingHere text=text!(language(), not_found.page) /> }
}

/// There is no such room, or it is not for this reader.
#[component]
pub(crate) fn MissingRoom() -> impl IntoView {
    view! { <NothingHere text=text!(language(), not_found.room) /> }
}

#[component]
fn NothingHere(text: &'static str) -> impl IntoView {
    set_status(PageError::NotFound);
    let locale = language();
    let title = text!(locale, not_found.title);
    view! {
        <Title text=format!("{title} · Hubbub") />
        <Card title>
            <p>{text}</p>
            <a class="button primary" href="/" rel="external">
                {text!(locale, not_found.back)}
            </a>
        </Card>
    }
}

/// The server cannot read its store.
#[component]
pub(crate) fn Unavailable() -> impl IntoView {
    set_status(PageError::Unavailable);
    let locale = language();
    let title = text!(locale, unavailable.title);
    view! {
        <Title text=format!("{title} · Hubbub") />
        <Card title>
            <p>{text!(locale, unavailable.text)}</p>
            <a class="button primary" href="" rel="external">
                {text!(locale, unavailable.again)}
            </a>
        </Card>
    }
}
