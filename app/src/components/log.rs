//! The log: the rows, what lies at their two ends, and the way to the newest.

use leptos::prelude::*;
use protocol::Seq;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::{
    clipboard::Copied,
    desk::{Desk, Dialog, Picking, use_desk},
    icon::{Icon, icon},
    list::list,
    message::log_row,
    scroll::{Scroll, show},
    sidebar::room_words,
    touch::Touch,
    when::when,
};
use crate::{
    i18n::{Locale, language, text},
    state::{Existence, Row, RowKey},
};

/// Shows a message if it is on the page; otherwise its address has to be followed.
pub(crate) fn jump_to(seq: Seq) -> bool {
    show(seq).is_some()
}

/// The log.
#[component]
pub(crate) fn Log() -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let state = desk.state;
    let keys = state.keys();
    let scroll = Scroll::new(&state);
    scroll.watch();

    // The Tab key stops at one message: the one that was focused last, or the newest. A signal of two halves: a memo and an
    // `RwSignal` never strike rows that are gone off their list of readers.
    let find_stop = move || {
        keys.with(|keys| {
            let focused = desk.focused.get().filter(|focused| keys.contains(focused));
            focused.or_else(|| keys.iter().rfind(|key| matches!(key, RowKey::Message(..))).copied())
        })
    };
    let (stop, set_stop) = signal(untrack(find_stop));
    let touch = Touch::new(desk);
    Touch::catch_up();
    Effect::new(move |_| {
        let found = find_stop();
        if stop.get_untracked() != found {
            set_stop.set(found);
        }
    });

    // One's own message is always seen: at once, or when the newest are there. What is shown anew is shown from its end, unless the
    // address points at a message.
    Effect::new(move |before: Option<(u32, u32, bool)>| {
        let (sent, window, has_newer) = (desk.sent.get(), state.window().get(), state.has_newer());
        // Nothing was sent before the page came.
        let (sent_before, window_before, was_awaited) = before.unwrap_or((0, window, false));
        let (is_sent, is_new) = (sent != sent_before, window != window_before);
        if is_new {
            desk.point_at_nothing();
            desk.focused.set(None);
        }
        let is_awaited = is_sent || (was_awaited && !is_new);
        if is_sent || (is_awaited && !has_newer) || (is_new && state.target().get_untracked().is_none()) {
            scroll.show_end();
        }
        (sent, window, is_awaited && has_newer && !state.has_failed_newer())
    });
    // A permalink's message comes into the middle once it is there. A page that came with it stays where the browser, which goes to
    // the message itself, or its reader has moved it, and whoever has said something before there was a log looks at that.
    Effect::new(move |shown: Option<Option<Seq>>| {
        let target = state.target().get();
        state.window().track();
        match (shown, target) {
            (None, Some(target)) if !scroll.is_untouched() || desk.sent.get_untracked() > 0 => Some(target),
            (Some(Some(shown)), Some(target)) if shown == target => Some(shown),
            (_, Some(target)) => scroll.show_message(target).then_some(target),
            (_, None) => None,
        }
    });

    let name = move || state.open_room().with(|open| open.room.name.to_string());
    view! {
        <div class="log-frame">
            <div class="log" node_ref=scroll.scroller() on:scroll=move |_| scroll.scrolled()>
                <div
                    class="log-list"
                    node_ref=scroll.list()
                    role="log"
                    aria-live="off"
                    aria-label=move || text!(locale, log.label, room = name())
                    on:keydown=move |event| on_key(&desk, &scroll, &event)
                    on:pointerleave=move |_| desk.point_at_nothing()
                >
                    <OlderEdge />
                    {list(move || keys.get(), move |key| log_row(key, stop, touch))}
                    <NewerEdge />
                </div>
                <Jump away=Signal::derive(move || scroll.is_away()) leap=Callback::new(move |()| scroll.show_end()) />
            </div>
            <Copied />
        </div>
    }
}

/// The number of the first or the last message that has one.
fn edge(desk: &Desk, from_end: bool) -> Option<Seq> {
    let seq = |key: &RowKey| match desk.state.row(key) {
        Some(Row::Message(row)) => Some(row.message.seq).filter(|&seq| seq > Seq::ZERO),
        _ => None,
    };
    desk.state
        .keys()
        .with(|keys| if from_end { keys.iter().rev().find_map(seq) } else { keys.iter().find_map(seq) })
}

/// Above the first row: more, or the beginning of the room.
#[component]
fn OlderEdge() -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let state = desk.state;
    let name = move || state.open_room().with(|open| room_words(&open.room));
    let empty = Memo::new(move |_| state.keys().with(Vec::is_empty));
    view! {
        <div class="edge">
            {move || {
                if state.existence() == Existence::Missing {
                    nothing_here(locale)
                } else if empty.get() && state.is_loading_newer() {
                    view! { <Skeleton /> }.into_any()
                } else if state.has_older() {
                    further(desk, false)
                } else if empty.get() {
                    view! {
                        <div class="empty">
                            <h2>{text!(locale, log.empty_title)}</h2>
                            <p>{move || text!(locale, log.empty, room = name())}</p>
                        </div>
                    }
                        .into_any()
                } else {
                    view! { <p class="soft">{move || text!(locale, log.beginning, room = name())}</p> }.into_any()
                }
            }}
        </div>
    }
}

/// That there is no such room, with a way on: what the server's page says of it, too.
fn nothing_here(locale: Locale) -> AnyView {
    view! {
        <div class="empty" role="alert">
            <h2>{text!(locale, not_found.title)}</h2>
            <p>{text!(locale, not_found.room)}</p>
            <a class="button primary" href="/" rel="external">
                {text!(locale, not_found.back)}
            </a>
        </div>
    }
    .into_any()
}

/// The way to more messages, older or newer ones; or that they could not be had, and how to try again.
fn further(desk: Desk, newer: bool) -> AnyView {
    let locale = language();
    let state = desk.state;
    let load = move || if newer { state.load_newer() } else { state.load_older() };
    if if newer { state.has_failed_newer() } else { state.has_failed_older() } {
        return view! {
            <p class="bad">
                {text!(locale, log.load_error)} " "
                <button on:click=move |_| load()>{text!(locale, message.try_again)}</button>
            </p>
        }
        .into_any();
    }
    let address = move || {
        let slug = state.open_room().with(|open| open.room.slug.clone());
        let place = if newer { "after" } else { "before" };
        edge(&desk, newer).map(|seq| format!("/rooms/{slug}?{place}={seq}"))
    };
    let words = move || match newer {
        true if state.is_loading_newer() => text!(locale, log.loading),
        false if state.is_loading_older() => text!(locale, log.loading),
        true => text!(locale, log.newer),
        false => text!(locale, log.older),
    };
    view! {
        <a
            class="button quiet"
            href=address
            on:click=move |event| {
                event.prevent_default();
                load();
            }
        >
            {words}
        </a>
    }
    .into_any()
}

/// Below the last row, where it is not the newest.
#[component]
fn NewerEdge() -> impl IntoView {
    let desk = use_desk();
    when(
        move || desk.state.has_newer(),
        move || view! { <div class="edge newer">{move || further(desk, true)}</div> }.into_any(),
    )
}

/// Messages that are on their way, drawn in the grid of those that are there.
#[component]
fn Skeleton() -> impl IntoView {
    let lines = (0..6)
        .map(|_| view! { <div class="skeleton"><i></i><b></b><s></s></div> }.into_any())
        .collect_view()
        .into_any();
    view! {
        <div class="skeletons">
            <span class="visually-hidden">{text!(language(), log.loading)}</span>
            {lines}
        </div>
    }
}

/// The way to the newest, with how many there are. It stands inside of what scrolls, so that the wheel works on it too.
#[component]
fn Jump(
    /// Whether the newest are out of view.
    away: Signal<bool>,
    /// Brings them into view.
    leap: Callback<()>,
) -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let state = desk.state;
    let unseen = state.unseen();
    let words = move || match unseen.get() {
        0 => text!(locale, log.jump).to_owned(),
        1 => text!(locale, log.jump_single).to_owned(),
        more => text!(locale, log.jump_several, count = more),
    };
    view! {
        <div class="jump-lane">
            {when(
                move || state.has_newer() || unseen.get() > 0 || away.get(),
                move || {
                    view! {
                        <button
                            class="jump needs-js"
                            class:news=move || { unseen.get() > 0 }
                            on:click=move |_| {
                                desk.state.jump_to_newest();
                                leap.run(());
                                // This button goes with it.
                                desk.go_on_writing();
                            }
                        >
                            {icon(Icon::ArrowDown)}
                            {move || words()}
                        </button>
                    }
                        .into_any()
                },
            )}
        </div>
    }
}

/// The keys that work on a focused message.
fn on_key(desk: &Desk, scroll: &Scroll, event: &KeyboardEvent) {
    let Some(row) = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok()) else { return };
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    if !row.class_list().contains("message") {
        // Out of its buttons back to the message.
        if event.key() == "Escape" {
            focus(row.closest(".message").ok().flatten());
        }
        return;
    }
    let message = desk.focused.get_untracked().and_then(|key| desk.actionable(key));
    // While the page becomes live, a row that is not yet may have the focus and have told nobody.
    let message = message.filter(|message| row.id() == format!("m{}", message.seq));
    match (event.key().as_str(), message) {
        ("ArrowUp", _) => focus(message_beside(&row, Element::previous_element_sibling)),
        ("ArrowDown", _) => focus(message_beside(&row, Element::next_element_sibling)),
        ("Home", _) => {
            focus(row.parent_element().and_then(|list| list.query_selector(".message").ok().flatten()));
        }
        ("End", _) => {
            scroll.show_end();
            if untrack(|| desk.state.has_newer()) {
                desk.state.jump_to_newest();
                desk.focus_field();
            } else {
                focus_newest();
            }
        }
        ("Escape", _) => desk.focus_field(),
        ("?", _) => desk.dialog.set(Dialog::Help),
        ("Enter", Some(message)) => desk.dialog.set(Dialog::Actions(message)),
        ("r" | "R", Some(message)) => desk.reply(message),
        ("e" | "E", Some(message)) => desk.edit(message),
        ("Delete" | "Backspace", Some(message)) => desk.ask_delete(message),
        ("l" | "L", Some(message)) => desk.copy_link(&message),
        ("+" | "=", Some(message)) => {
            let rect = row.get_bounding_client_rect();
            desk.dialog.set(Dialog::Emoji(Picking::React(message.seq), Some((rect.right(), rect.top()))));
        }
        _ => return,
    }
    event.prevent_default();
}

fn message_beside(row: &Element, step: fn(&Element) -> Option<Element>) -> Option<Element> {
    let mut beside = step(row);
    while let Some(row) = beside {
        if row.class_list().contains("message") {
            return Some(row);
        }
        beside = step(&row);
    }
    None
}

fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        _ = element.focus();
    }
}

/// To a message, if it is there.
pub(crate) fn focus_message(seq: Seq) {
    focus(document().get_element_by_id(&format!("m{seq}")));
}

/// To the last message there is.
pub(crate) fn focus_newest() {
    focus(document().query_selector(".log-list > article:last-of-type").ok().flatten());
}
