//! An invitation to a private room, to be accepted.

use leptos::prelude::*;

use crate::{
    components::card::Card,
    i18n::{language, text},
    source::Invitation,
};

/// The page of an invitation.
#[component]
pub(crate) fn InvitationPage(invitation: Invitation) -> impl IntoView {
    let locale = language();
    view! {
        <Card title=text!(locale, invite.title, room = &invitation.name)>
            <p>{text!(locale, invite.text)}</p>
            <form method="post" action=invitation.accept>
                <button class="button primary wide" type="submit">
                    {text!(locale, invite.join)}
                </button>
            </form>
        </Card>
    }
}

/// There is no such invitation.
#[component]
pub(crate) fn NoInvitationPage() -> impl IntoView {
    let locale = language();
    view! {
        <Card title=text!(locale, invite.not_found_title)>
            <p>{text!(locale, invite.not_found)}</p>
            <a class="button primary" href="/" rel="external">
                {text!(locale, not_found.back)}
            </a>
        </Card>
    }
}
