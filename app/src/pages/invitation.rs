//! An invitation to a private room, to be accepted.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::Unavailable;
use crate::{
    components::card::Card,
    i18n::{language, text},
    source::{Invitation, PageError},
};

/// What the server knows about an invitation.
#[cfg(feature = "ssr")]
async fn load(invite: String) -> Result<Invitation, PageError> {
    use crate::{source::SharedSource, visitor::Visitor};

    let Some((source, user)) = use_context::<SharedSource>().zip(Visitor::current().user) else {
        return Err(PageError::NotFound);
    };
    source.invitation(&user, &invite).await
}

/// The browser finds the server's answer in the page and never asks itself.
#[cfg(not(feature = "ssr"))]
fn load(_: String) -> std::future::Ready<Result<Invitation, PageError>> {
    std::future::ready(Err(PageError::Unavailable))
}

/// The page of an invitation.
#[component]
pub(crate) fn InvitationPage() -> impl IntoView {
    let invite = use_params_map().read_untracked().get("invite").unwrap_or_default();
    let invitation = Resource::new_blocking(|| (), move |()| load(invite.clone()));
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match invitation.await {
                    Ok(invitation) => view! { <Invited invitation /> }.into_any(),
                    Err(PageError::NotFound) => view! { <NoInvitation /> }.into_any(),
                    Err(PageError::Unavailable) => view! { <Unavailable /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Invited(invitation: Invitation) -> impl IntoView {
    let locale = language();
    let title = text!(locale, invite.title, room = &invitation.name);
    view! {
        <Title text=format!("{title} · Hubbub") />
        <Card title=title>
            <p>{text!(locale, invite.text)}</p>
            <form method="post" action=invitation.accept>
                <button class="button primary wide" type="submit">
                    {text!(locale, invite.join)}
                </button>
            </form>
        </Card>
    }
}

#[component]
fn NoInvitation() -> impl IntoView {
    super::set_status(PageError::NotFound);
    let locale = language();
    let title = text!(locale, invite.not_found_title);
    view! {
        <Title text=format!("{title} · Hubbub") />
        <Card title>
            <p>{text!(locale, invite.not_found)}</p>
            <a class="button primary" href="/" rel="external">
                {text!(locale, not_found.back)}
            </a>
        </Card>
    }
}
