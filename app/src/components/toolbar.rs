//! What can be done with the message that is pointed at or focused. One toolbar at a time is on the page; the arrow keys
//! move inside it, as in any toolbar.

use std::sync::Arc;

use leptos::{html, prelude::*};
use protocol::Message;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{
    clipboard::copy_address,
    desk::{Desk, Dialog, Picking, permalink, use_desk},
    icon::{Icon, icon},
};
use crate::{
    i18n::{language, text},
    state::RowKey,
};

/// The toolbar of a row. `key` finds the message as it is when a button is pressed.
#[component]
pub(crate) fn Toolbar(key: RowKey, mine: bool) -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let bar = NodeRef::<html::Div>::new();
    let on = move |act: fn(&Desk, Arc<Message>)| {
        move |_| {
            if let Some(message) = desk.actionable(key) {
                act(&desk, message);
            }
        }
    };
    let react = move |event: leptos::ev::MouseEvent| {
        if let Some(message) = desk.actionable(key) {
            let rect = event_target::<web_sys::Element>(&event)
                .closest("button")
                .ok()
                .flatten()
                .map(|button| button.get_bounding_client_rect());
            let at = rect.map(|rect| (rect.right(), rect.top()));
            desk.dialog.set(Dialog::Emoji(Picking::React(message.seq), at));
        }
    };
    view! {
        <div
            node_ref=bar
            class="toolbar"
            role="toolbar"
            aria-label=text!(locale, message.actions)
            on:keydown=move |event| move_focus(bar, &event)
        >
            <button
                aria-label=text!(locale, message.react)
                title=text!(locale, message.react)
                on:click=react
            >
                {icon(Icon::SmilePlus)}
            </button>
            <button
                tabindex="-1"
                aria-label=text!(locale, message.reply)
                title=text!(locale, message.reply)
                on:click=on(Desk::reply)
            >
                {icon(Icon::Reply)}
            </button>
            {mine
                .then(|| {
                    view! {
                        <button
                            tabindex="-1"
                            aria-label=text!(locale, message.edit)
                            title=text!(locale, message.edit)
                            on:click=on(Desk::edit)
                        >
                            {icon(Icon::Pencil)}
                        </button>
                        <button
                            tabindex="-1"
                            aria-label=text!(locale, message.delete)
                            title=text!(locale, message.delete)
                            on:click=on(Desk::ask_delete)
                        >
                            {icon(Icon::Trash)}
                        </button>
                    }
                })}
            <button
                tabindex="-1"
                aria-label=text!(locale, message.copy_link)
                title=text!(locale, message.copy_link)
                on:click=on(|desk, message| {
                    let room = desk.state.open_room().read_untracked().room.slug.clone();
                    copy_address(&permalink(&room, message.seq));
                })
            >
                {icon(Icon::Link)}
            </button>
        </div>
    }
}

/// Left and right go from button to button.
fn move_focus(bar: NodeRef<html::Div>, event: &leptos::ev::KeyboardEvent) {
    let step = match event.key().as_str() {
        "ArrowLeft" => -1,
        "ArrowRight" => 1,
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    let Some(buttons) = bar.get_untracked().map(|bar| bar.children()) else { return };
    let focused = document().active_element();
    let count = i64::from(buttons.length());
    let current = (0..buttons.length()).find(|&index| buttons.item(index) == focused).map_or(0, i64::from);
    let next = u32::try_from((current + step).rem_euclid(count.max(1))).unwrap_or_default();
    for index in 0..buttons.length() {
        let Some(button) = buttons.item(index).and_then(|button| button.dyn_into::<HtmlElement>().ok())
        else {
            continue;
        };
        button.set_tab_index(if index == next { 0 } else { -1 });
        if index == next {
            _ = button.focus();
        }
    }
}
