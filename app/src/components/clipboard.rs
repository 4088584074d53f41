//! The clipboard, also where the page came without TLS and the browser's own interface to it is missing.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlTextAreaElement};

/// Copies an address of this site.
pub(crate) fn copy_address(path: &str) {
    let origin = window().location().origin().unwrap_or_default();
    copy(&format!("{origin}{path}"));
}

/// Copies a text.
pub(crate) fn copy(text: &str) {
    if window().is_secure_context() {
        // Whether the browser allows it is known later; there is nothing to do about a refusal.
        drop(window().navigator().clipboard().write_text(text));
    } else {
        copy_by_selection(text);
    }
}

/// The old way: select the text in a field that nobody sees.
fn copy_by_selection(text: &str) {
    let Ok(document) = document().dyn_into::<HtmlDocument>() else { return };
    let Some(body) = document.body() else { return };
    let field = document
        .create_element("textarea")
        .ok()
        .and_then(|field| field.dyn_into::<HtmlTextAreaElement>().ok());
    if let Some(field) = field {
        field.set_class_name("visually-hidden");
        field.set_value(text);
        _ = body.append_child(&field);
        field.select();
        _ = document.exec_command("copy");
        field.remove();
    }
}
