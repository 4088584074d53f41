//! What the page shows at first: on the server from the context, in the browser from a block of data at the document's end.

#[cfg(feature = "ssr")]
use crate::i18n::{Locale, text};
use crate::source::Content;

/// The `id` of the block of data.
const BLOCK: &str = "content";

impl Content {
    /// What this document shows. Whoever asks has it then: it is there once.
    #[cfg(feature = "ssr")]
    pub(crate) fn take() -> Self {
        leptos::prelude::take_context().unwrap_or(Self::Unavailable)
    }

    /// What this document shows.
    #[cfg(not(feature = "ssr"))]
    pub(crate) fn take() -> Self {
        crate::handover::read(BLOCK).unwrap_or(Self::Unavailable)
    }

    /// The block of data for the document.
    #[cfg(feature = "ssr")]
    pub(crate) fn block(&self) -> String {
        crate::handover::block(BLOCK, self)
    }

    /// The document's title.
    #[cfg(feature = "ssr")]
    pub(crate) fn title(&self, locale: Locale) -> String {
        let what = match self {
            Self::SignIn { invited: None, .. } => text!(locale, sign_in.title).to_owned(),
            Self::SignIn { invited: Some(room), .. } => text!(locale, invite.stranger_title, room),
            Self::Chat { page, .. } => {
                let open = page.rooms.iter().find(|summary| summary.room.slug == page.room);
                open.map_or_else(String::new, |summary| summary.room.name.to_string())
            }
            Self::Invitation(invitation) => text!(locale, invite.title, room = &invitation.name),
            Self::NoPage | Self::NoRoom => text!(locale, not_found.title).to_owned(),
            Self::NoInvitation => text!(locale, invite.not_found_title).to_owned(),
            Self::Unavailable => text!(locale, unavailable.title).to_owned(),
        };
        format!("{what} · Hubbub")
    }
}
