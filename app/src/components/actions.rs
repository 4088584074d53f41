//! The dialogs about a message: what can be done with it (a long press opens that), whether it should be deleted, and
//! what of it the browser does not let the page copy. In the one that asks it is also asked whether to sign out.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::Message;

use super::{
    account::{SignOut, sign_out_title},
    clipboard::CopyByHand,
    desk::{Desk, Dialog, Picking, use_desk},
    emoji::FREQUENT,
    icon::{Icon, icon},
    log::focus_message,
    overlay::Modal,
};
use crate::i18n::{language, text};

/// Both dialogs; at most one is open.
#[component]
pub(crate) fn MessageDialogs() -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let close = Callback::new(move |()| desk.close());
    let acting = move || matches!(&*desk.dialog.read(), Dialog::Actions(_));
    let asking = move || match &*desk.dialog.read() {
        Dialog::Delete(_) => text!(locale, message.delete_title),
        Dialog::Copy(_) => text!(locale, copy.title),
        Dialog::SignOut(staying) => sign_out_title(locale, staying.unsent),
        _ => "",
    };
    view! {
        <Modal open=Signal::derive(acting) on_close=close label=text!(locale, message.actions).to_owned() class="sheet">
            {move || match desk.dialog.get() {
                Dialog::Actions(message) => Some(view! { <Actions message /> }),
                _ => None,
            }}
        </Modal>
        <Modal
            open=Signal::derive(move || !asking().is_empty())
            on_close=close
            label=Signal::derive(move || asking().to_owned())
            class="confirm"
        >
            {move || match desk.dialog.get() {
                Dialog::Delete(message) => Some(view! { <Delete message /> }.into_any()),
                Dialog::Copy(text) => Some(view! { <CopyByHand text /> }.into_any()),
                Dialog::SignOut(staying) => Some(view! { <SignOut staying /> }.into_any()),
                _ => None,
            }}
        </Modal>
    }
}

#[component]
fn Actions(message: Arc<Message>) -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let mine = desk.owns(&message);
    let item = |glyph: Icon, name: &'static str, act: Box<dyn Fn()>| {
        view! {
            <button class="menu-item" on:click=move |_| act()>
                {icon(glyph)}
                {name}
            </button>
        }
        .into_any()
    };
    let quick = FREQUENT
        .iter()
        .filter_map(|known| known.glyph.parse().ok())
        .map(|emoji: protocol::Emoji| {
            let message = Arc::clone(&message);
            let glyph = emoji.to_string();
            view! {
                <button
                    aria-label=text!(locale, message.react_with, emoji = &glyph)
                    on:click=move |_| {
                        desk.toggle_reaction(&message, &emoji);
                        desk.close();
                    }
                >
                    {glyph.clone()}
                </button>
            }
            .into_any()
        })
        .collect_view();
    let seq = message.seq;
    let with = |act: fn(&Desk, Arc<Message>)| -> Box<dyn Fn()> {
        let message = Arc::clone(&message);
        Box::new(move || act(&desk, Arc::clone(&message)))
    };
    view! {
        <div class="quick" tabindex="-1" autofocus>
            {quick}
            <button
                aria-label=text!(locale, message.react)
                on:click=move |_| desk.dialog.set(Dialog::Emoji(Picking::React(seq), None))
            >
                {icon(Icon::SmilePlus)}
            </button>
        </div>
        {item(Icon::Reply, text!(locale, message.reply), with(Desk::reply))}
        {mine
            .then(|| item(Icon::Pencil, text!(locale, message.edit), with(Desk::edit)))}
        {item(
            Icon::Copy,
            text!(locale, message.copy_text),
            with(|desk, message| {
                desk.close();
                if let Some(content) = &message.content {
                    desk.copy(content.to_string());
                }
            }),
        )}
        {item(
            Icon::Link,
            text!(locale, message.copy_link),
            with(|desk, message| {
                desk.close();
                desk.copy_link(&message);
            }),
        )}
        {mine
            .then(|| {
                item(Icon::Trash, text!(locale, message.delete), with(Desk::ask_delete))
            })}
    }
}

#[component]
fn Delete(message: Arc<Message>) -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let excerpt = message.content.as_ref().map(protocol::Content::excerpt);
    let seq = message.seq;
    view! {
        <h2>{text!(locale, message.delete_title)}</h2>
        <blockquote class="excerpt">{excerpt}</blockquote>
        <p>{text!(locale, message.delete_text)}</p>
        <div class="modal-foot">
            <button class="button quiet" autofocus on:click=move |_| desk.close()>
                {text!(locale, message.keep)}
            </button>
            <button
                class="button danger"
                on:click=move |_| {
                    desk.close();
                    desk.state.delete(seq);
                    // The dialog gives the focus back to where it came from, which may be a button that goes with the words.
                    request_animation_frame(move || focus_message(seq));
                }
            >
                {text!(locale, message.delete)}
            </button>
        </div>
    }
}
