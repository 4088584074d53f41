//! Language and colours. Both are plain forms, so that they work without JavaScript; with it, colours change at once.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlDocument;

use crate::{
    i18n::{language, text},
    source::{Language, Theme},
    visitor::Visitor,
};

impl Theme {
    /// The theme as forms, cookies and `data-theme` name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The two choices. After either the reader comes back to `next`.
#[component]
pub(crate) fn PreferenceForms(#[prop(into)] next: Signal<String>) -> impl IntoView {
    let locale = language();
    let chosen = use_context::<Visitor>().unwrap_or_default().preferences;
    let theme = RwSignal::new(chosen.theme);
    let themes = [
        (Theme::System, text!(locale, account.system)),
        (Theme::Light, text!(locale, account.light)),
        (Theme::Dark, text!(locale, account.dark)),
    ];
    view! {
        <p class="choice-label" aria-hidden="true">{text!(locale, account.theme)}</p>
        <form class="choice" method="post" action="/preferences" aria-label=text!(locale, account.theme)>
            <input type="hidden" name="next" value=next />
            {themes
                .map(|(choice, name)| {
                    view! {
                        <button
                            name="theme"
                            value=choice.name()
                            aria-pressed=move || (theme.get() == choice).to_string()
                            on:click=move |event| {
                                event.prevent_default();
                                theme.set(choice);
                                paint(choice);
                            }
                        >
                            {name}
                        </button>
                    }
                        .into_any()
                })
                .into_iter()
                .collect_view()}
        </form>
        <p class="choice-label" aria-hidden="true">{text!(locale, account.language)}</p>
        <form class="choice" method="post" action="/preferences" aria-label=text!(locale, account.language)>
            <input type="hidden" name="next" value=next />
            {[Language::English, Language::Chinese]
                .map(|choice| {
                    view! {
                        <button
                            name="lang"
                            value=choice.tag()
                            lang=choice.tag()
                            aria-pressed=(choice == chosen.language).to_string()
                        >
                            {choice.own_name()}
                        </button>
                    }
                        .into_any()
                })
                .into_iter()
                .collect_view()}
        </form>
    }
}

/// How long the choice is kept, in seconds: a year, as the server keeps it.
const KEPT_S: u32 = 365 * 24 * 60 * 60;

/// Shows the colours now and keeps the choice for the server's next page.
fn paint(theme: Theme) {
    let document = document();
    if let Some(root) = document.document_element() {
        _ = match theme {
            Theme::System => root.remove_attribute("data-theme"),
            Theme::Light | Theme::Dark => root.set_attribute("data-theme", theme.name()),
        };
    }
    if let Ok(document) = document.dyn_into::<HtmlDocument>() {
        let cookie = format!("theme={}; Path=/; Max-Age={KEPT_S}; SameSite=Lax", theme.name());
        _ = document.set_cookie(&cookie);
    }
}
