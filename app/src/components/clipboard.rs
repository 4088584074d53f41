//! The clipboard: also where the page came without TLS and the browser's own interface to it is missing, and what to do
//! where the browser keeps it from the page.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlTextAreaElement};

use super::desk::{Desk, Dialog, use_desk};
use crate::i18n::{language, text};

/// How long "copied" is shown.
const COPIED_SHOWN: Duration = Duration::from_secs(2);

impl Desk {
    /// Copies a text, and says so once that is done. Where it fails, the text is shown, to be copied by hand.
    pub(crate) fn copy(&self, text: String) {
        let Self { dialog, copied, .. } = *self;
        spawn_local(async move {
            if is_copied(&text).await {
                copied.set(true);
                set_timeout(move || copied.set(false), COPIED_SHOWN);
            } else {
                dialog.set(Dialog::Copy(text));
            }
        });
    }

    /// Copies an address of this site.
    pub(crate) fn copy_address(&self, path: &str) {
        let origin = window().location().origin().unwrap_or_default();
        self.copy(format!("{origin}{path}"));
    }
}

/// Copies a text; answers whether the clipboard has it.
async fn is_copied(text: &str) -> bool {
    if window().is_secure_context() { written(text).await } else { copy_by_selection(text).unwrap_or(false) }
}

#[cfg(feature = "hydrate")]
async fn written(text: &str) -> bool {
    let written = window().navigator().clipboard().write_text(text);
    wasm_bindgen_futures::JsFuture::from(written).await.is_ok()
}

/// The server has no clipboard.
#[cfg(not(feature = "hydrate"))]
fn written(_: &str) -> std::future::Ready<bool> {
    std::future::ready(false)
}

/// The old way: select the text in a field that nobody sees. Beside a modal dialog all else is inert, so it goes into
/// that.
fn copy_by_selection(text: &str) -> Option<bool> {
    let document = document().dyn_into::<HtmlDocument>().ok()?;
    let field = document.create_element("textarea").ok()?.dyn_into::<HtmlTextAreaElement>().ok()?;
    let place = document.query_selector("dialog:modal").ok()?.or_else(|| document.body().map(Into::into))?;
    field.set_class_name("visually-hidden");
    field.set_value(text);
    place.append_child(&field).ok()?;
    field.select();
    let copied = document.exec_command("copy");
    field.remove();
    copied.ok()
}

/// What could not be copied, selected.
#[component]
pub(crate) fn CopyByHand(text: String) -> impl IntoView {
    let locale = language();
    let desk = use_desk();
    let select = |field: HtmlTextAreaElement| field.select();
    view! {
        <h2>{text!(locale, copy.title)}</h2>
        <p>{text!(locale, copy.by_hand)}</p>
        <textarea
            class="by-hand"
            rows="3"
            readonly
            autofocus
            aria-label=text!(locale, copy.title)
            on:focus=move |event| select(event_target(&event))
        >
            {text}
        </textarea>
        <div class="modal-foot">
            <button class="button primary" on:click=move |_| desk.close()>
                {text!(locale, message.close)}
            </button>
        </div>
    }
}

/// Says for a moment that something was copied.
#[component]
pub(crate) fn Copied() -> impl IntoView {
    let locale = language();
    let copied = use_desk().copied;
    view! {
        <p class="copied" role="status">
            {move || copied.get().then(|| text!(locale, copy.done).to_owned())}
        </p>
    }
}
