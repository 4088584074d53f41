//! What to know about the connection, and only when there is something to know.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    desk::use_desk,
    icon::{Icon, icon},
};
use crate::{
    i18n::{Locale, language, text},
    state::Connection,
};

/// How long a lost connection may be on its way back before anything is said about it.
const PATIENCE: Duration = Duration::from_secs(1);

/// What will happen to what was written.
fn waiting(locale: Locale, count: u32) -> String {
    match count {
        0 => text!(locale, connection.nothing_waiting).to_owned(),
        1 => text!(locale, connection.waiting_single).to_owned(),
        more => text!(locale, connection.waiting_several, count = more),
    }
}

/// The banner above the composer. The element is always there, so that a screen reader hears what comes into it.
#[component]
pub(crate) fn Banner() -> impl IntoView {
    let locale = language();
    let state = use_desk().state;
    let shown = RwSignal::new(Connection::Server);
    Effect::new(move |timer: Option<Option<TimeoutHandle>>| {
        if let Some(timer) = timer.flatten() {
            timer.clear();
        }
        let now = state.connection().get();
        if now == Connection::Reconnecting && shown.get_untracked() != Connection::Offline {
            return set_timeout_with_handle(move || shown.set(now), PATIENCE).ok();
        }
        shown.set(now);
        None
    });
    view! {
        <div class="banner" role="status">
            {move || match shown.get() {
                Connection::Server | Connection::Connecting | Connection::Online => None,
                Connection::Reconnecting => Some(notice(
                    Icon::Refresh,
                    text!(locale, connection.reconnecting),
                    waiting(locale, state.waiting().get()),
                    None,
                )),
                Connection::Offline => Some(notice(
                    Icon::CloudOff,
                    text!(locale, connection.offline),
                    waiting(locale, state.waiting().get()),
                    None,
                )),
                Connection::SignedOut => Some(notice(
                    Icon::LogOut,
                    text!(locale, connection.signed_out),
                    String::new(),
                    Some(text!(locale, connection.sign_in)),
                )),
                Connection::Forbidden => Some(notice(
                    Icon::Lock,
                    text!(locale, connection.forbidden),
                    String::new(),
                    None,
                )),
                Connection::Broken => Some(notice(
                    Icon::Refresh,
                    text!(locale, connection.broken),
                    String::new(),
                    Some(text!(locale, connection.reload)),
                )),
            }}
        </div>
    }
}

/// One notice; `reload` names a link that loads the page again.
fn notice(glyph: Icon, what: &'static str, then: String, reload: Option<&'static str>) -> AnyView {
    view! {
        <p class="notice">
            {icon(glyph)}
            <span>{what} " " {then}</span>
            {reload
                .map(|reload| {
                    view! {
                        <a href="" rel="external">
                            {reload}
                        </a>
                    }
                })}
        </p>
    }
    .into_any()
}
