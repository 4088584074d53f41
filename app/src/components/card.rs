//! One sheet in the middle of the page, for everything that is no conversation.

use leptos::prelude::*;

use super::icon::Mark;

/// The sheet, under the brand.
#[component]
pub(crate) fn Card(#[prop(into)] title: String, children: Children) -> impl IntoView {
    view! {
        <main class="card-page">
            <div class="brand">
                <Mark />
                "Hubbub"
            </div>
            <section class="card">
                <h1>{title}</h1>
                {children()}
            </section>
        </main>
    }
}
