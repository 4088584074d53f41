//! Hubbub's page: rendered on the server (feature `ssr`), taken over in the browser (feature `hydrate`).
//!
//! Views take state in and emit intents out; they know neither the socket nor the storage.

// Deep views make deep types.
#![recursion_limit = "512"]

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};

use crate::{
    i18n::provide_language,
    pages::{InvitationPage, NotFoundPage, RoomPage, SignInPage},
    visitor::Visitor,
};

#[expect(unreachable_pub, reason = "what a component takes becomes a public type")]
mod components;
#[cfg(feature = "ssr")]
mod document;
mod i18n;
#[cfg(feature = "hydrate")]
mod live;
#[expect(unreachable_pub, reason = "what a component takes becomes a public type")]
mod pages;
pub mod source;
pub mod state;
mod visitor;

#[cfg(feature = "ssr")]
pub use document::shell;

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let visitor = Visitor::current();
    provide_language(visitor.preferences.language);
    let signed_in = visitor.user.is_some();
    provide_context(visitor);

    view! {
        <Title text="Hubbub" />
        <Router>
            {if signed_in {
                view! {
                    <Routes fallback=NotFoundPage>
                        <Route path=path!("/rooms/:slug/:seq?") view=RoomPage />
                        <Route path=path!("/join/:invite") view=InvitationPage />
                    </Routes>
                }
                    .into_any()
            } else {
                view! { <SignInPage /> }.into_any()
            }}
        </Router>
    }
}
