//! What to know about the connection and the place in the log, and only when there is something to know.

use std::time::Duration;

use leptos::prelude::*;

use super::{
    desk::use_desk,
    icon::{Icon, icon},
};
use crate::{
    i18n::{Locale, language, text},
    state::{ChatState, Connection},
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
    let desk = use_desk();
    let state = desk.state;
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
    let waiting = move || waiting(locale, state.waiting().get());
    view! {
        <div class="banner" role="status">
            {move || state.is_target_missing().get().then(|| missing(locale, &state))}
            {move || match shown.get() {
                Connection::Server | Connection::Connecting | Connection::Online => None,
                Connection::Reconnecting => {
                    let words = view! { {retrying(locale, &state)} " " {waiting()} }.into_any();
                    let now = view! {
                        <button on:click=move |_| {
                            state.hurry();
                            desk.go_on_writing();
                        }>{text!(locale, connection.try_now)}</button>
                    };
                    Some(notice(Icon::Refresh, words, Some(now.into_any())))
                }
                Connection::Offline => {
                    let words = view! { {text!(locale, connection.offline)} " " {waiting()} }.into_any();
                    Some(notice(Icon::CloudOff, words, None))
                }
                Connection::SignedOut => {
                    let again = reload(text!(locale, connection.sign_in));
                    Some(notice(Icon::LogOut, text!(locale, connection.signed_out).into_any(), Some(again)))
                }
                Connection::Forbidden => {
                    Some(notice(Icon::Lock, text!(locale, connection.forbidden).into_any(), None))
                }
                Connection::Broken => {
                    let again = reload(text!(locale, connection.reload));
                    Some(notice(Icon::Refresh, text!(locale, connection.broken).into_any(), Some(again)))
                }
            }}
        </div>
    }
}

/// One notice, with what can be done about it.
fn notice(glyph: Icon, words: AnyView, way_on: Option<AnyView>) -> AnyView {
    view! { <p class="notice">{icon(glyph)} <span>{words}</span> {way_on}</p> }.into_any()
}

/// A link that loads the page again.
fn reload(words: &'static str) -> AnyView {
    view! {
        <a href="" rel="external">
            {words}
        </a>
    }
    .into_any()
}

/// That a connection is tried for, and when it is tried again; a screen reader is not told every second.
fn retrying(locale: Locale, state: &ChatState) -> AnyView {
    let next_try_s = state.next_try_s();
    let retrying = text!(locale, connection.reconnecting);
    let seen = move || match next_try_s.get() {
        0 => retrying.to_owned(),
        count => text!(locale, connection.reconnecting_in, count = count),
    };
    view! {
        <span class="visually-hidden">{retrying}</span>
        <span aria-hidden="true">{move || seen()}</span>
    }
    .into_any()
}

/// That the message of a permalink is not there, until the reader has taken note.
fn missing(locale: Locale, state: &ChatState) -> AnyView {
    let room = state.open_room().with_untracked(|open| format!("/rooms/{}", open.room.slug));
    let close = view! {
        <a
            class="icon-button"
            href=room
            aria-label=text!(locale, message.close)
            title=text!(locale, message.close)
        >
            {icon(Icon::Close)}
        </a>
    };
    notice(Icon::Link, text!(locale, log.missing).into_any(), Some(close.into_any()))
}
