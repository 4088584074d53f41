//! The WebAssembly entry: hydrate, nothing else.

#![forbid(unsafe_code)]

/// Takes over the server-rendered page.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_body(app::App);
}
