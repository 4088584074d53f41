//! Hubbub's page.
use leptos::prelude::*;

pub mod source;

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    view! { <p>"Hubbub"</p> }
}
