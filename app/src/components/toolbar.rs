//! What can be done with the message that is pointed at or focused. One toolbar at a time is on the page; the arrow keys
//! move inside it, as in any toolbar.

use std::sync::Arc;

use leptos::{ev::MouseEvent, html, prelude::*};
use protocol::Message;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{
    desk::{Desk, Dialog, Picking, use_desk},
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
    let on = move |act: fn(&Desk, Arc<Message>)| -> Box<dyn Fn(MouseEvent)> {
        Box::new(move |_| {
            if let Some(message) = desk.actionable(key) {
                act(&desk, message);
            }
        })
    };
    let react = move |event: MouseEvent| {
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
    // The Tab key stops at the first alone.
    let button =
        |glyph: Icon, name: &'static str, tab_index: &'static str, press: Box<dyn Fn(MouseEvent)>| {
            view! {
                <button tabindex=tab_index aria-label=name title=name on:click=press>
                    {icon(glyph)}
                </button>
            }
            .into_any()
        };
    // A message may be taller than the window: the toolbar stays in sight, on a lane beside it.
    view! {
        <div class="toolbar-lane">
            <div
                node_ref=bar
                class="toolbar"
                role="toolbar"
                aria-label=text!(locale, message.actions)
                on:keydown=move |event| move_focus(bar, &event)
            >
                {button(Icon::SmilePlus, text!(locale, message.react), "0", Box::new(react))}
                {button(Icon::Reply, text!(locale, message.reply), "-1", on(Desk::reply))}
                {mine.then(|| button(Icon::Pencil, text!(locale, message.edit), "-1", on(Desk::edit)))}
                {mine.then(|| button(Icon::Trash, text!(locale, message.delete), "-1", on(Desk::ask_delete)))}
                {button(
                    Icon::Link,
                    text!(locale, message.copy_link),
                    "-1",
                    on(|desk, message| desk.copy_link(&message)),
                )}
            </div>
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
