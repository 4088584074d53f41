//! What the keyboard can do, told in a dialog.

use leptos::prelude::*;

use super::{
    desk::{Dialog, use_desk},
    overlay::Modal,
};
use crate::i18n::{language, text};

/// The dialog.
#[component]
pub(crate) fn Help() -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let writing = [
        ("Enter", text!(locale, help.send)),
        ("Shift Enter", text!(locale, help.line)),
        ("↑", text!(locale, help.edit_last)),
        ("Esc", text!(locale, help.cancel)),
        ("Alt ↑", text!(locale, help.to_log)),
    ];
    let on_message = [
        ("↑ ↓", text!(locale, help.walk)),
        ("+", text!(locale, help.react)),
        ("R", text!(locale, help.reply)),
        ("E", text!(locale, help.edit)),
        ("Del", text!(locale, help.delete)),
        ("L", text!(locale, help.copy)),
        ("Enter", text!(locale, help.actions)),
        ("End", text!(locale, help.to_end)),
        ("Esc", text!(locale, help.back)),
        ("?", text!(locale, help.this)),
    ];
    let list = |keys: &[(&'static str, &'static str)]| {
        keys.iter()
            .map(|&(keys, what)| {
                let keys = keys.split(' ').map(|key| view! { <kbd>{key}</kbd> }.into_any()).collect_view();
                view! {
                    <dt>{keys}</dt>
                    <dd>{what}</dd>
                }
                .into_any()
            })
            .collect_view()
            .into_any()
    };
    view! {
        <Modal
            open=Signal::derive(move || *desk.dialog.read() == Dialog::Help)
            on_close=Callback::new(move |()| desk.close())
            label=text!(locale, help.title).to_owned()
            class="help-dialog"
        >
            <h2>{text!(locale, help.title)}</h2>
            <h3>{text!(locale, help.composer)}</h3>
            <dl class="keys">{list(&writing)}</dl>
            <h3>{text!(locale, help.message)}</h3>
            <dl class="keys">{list(&on_message)}</dl>
            <div class="modal-foot">
                <button class="button primary" autofocus on:click=move |_| desk.close()>
                    {text!(locale, message.close)}
                </button>
            </div>
        </Modal>
    }
}
