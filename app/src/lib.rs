//! Hubbub's page: rendered on the server (feature `ssr`), taken over in the browser (feature `hydrate`).
//!
//! Views take state in and emit intents out; they know neither the socket nor the storage.

#![forbid(unsafe_code)]
// Deep views make deep types.
#![recursion_limit = "512"]

use leptos::prelude::*;

use crate::{
    components::chat::Chat,
    i18n::provide_language,
    pages::{InvitationPage, NoInvitationPage, NoPage, NoRoomPage, SignInPage, UnavailablePage},
    source::Content,
    visitor::Visitor,
};

pub mod address;
#[expect(unreachable_pub, reason = "what a component takes becomes a public type")]
mod components;
mod content;
#[cfg(feature = "ssr")]
mod document;
#[cfg(feature = "ssr")]
mod fragments;
mod handover;
#[cfg(feature = "hydrate")]
mod hydration;
mod i18n;
#[cfg(feature = "hydrate")]
mod live;
#[expect(unreachable_pub, reason = "what a component takes becomes a public type")]
mod pages;
pub mod source;
pub mod state;
mod visitor;

#[cfg(feature = "ssr")]
pub use document::{is_watched, render};
#[cfg(feature = "ssr")]
pub use fragments::Fragments;

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    let visitor = Visitor::current();
    provide_language(visitor.preferences.language);
    provide_context(visitor);

    match Content::take() {
        Content::SignIn { next, invited } => view! { <SignInPage next invited /> }.into_any(),
        Content::Chat { page, place } => view! { <Chat page=*page place /> }.into_any(),
        Content::Invitation(invitation) => view! { <InvitationPage invitation /> }.into_any(),
        Content::NoPage => view! { <NoPage /> }.into_any(),
        Content::NoRoom => view! { <NoRoomPage /> }.into_any(),
        Content::NoInvitation => view! { <NoInvitationPage /> }.into_any(),
        Content::Unavailable => view! { <UnavailablePage /> }.into_any(),
    }
}
