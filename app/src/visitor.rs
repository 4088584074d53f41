//! What both halves of the page know about who looks at it: on the server from the request, in the browser from a block
//! of data in the document's head.

use protocol::api::User;
use serde::{Deserialize, Serialize};

use crate::source::{Preferences, RefusedForm, Viewer};

/// The `id` of the block of data.
const BLOCK: &str = "visitor";

/// Who looks at the page, and how they want it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visitor {
    /// Who; `None` sees the sign-in page.
    pub(crate) user: Option<User>,
    /// How they want the page.
    pub(crate) preferences: Preferences,
    /// A form to show again, with why it was refused.
    pub(crate) refused: Option<RefusedForm>,
    /// Whether guests may come in.
    pub(crate) guests: bool,
}

impl From<Viewer> for Visitor {
    fn from(Viewer { user, preferences, refused, guests, address: _ }: Viewer) -> Self {
        Self { user, preferences, refused, guests }
    }
}

impl Visitor {
    /// Who looks at this document.
    #[cfg(feature = "ssr")]
    pub(crate) fn current() -> Self {
        leptos::prelude::use_context::<Viewer>().unwrap_or_default().into()
    }

    /// Who looks at this document.
    #[cfg(not(feature = "ssr"))]
    pub(crate) fn current() -> Self {
        crate::handover::read(BLOCK).unwrap_or_default()
    }

    /// The block of data for the document's head.
    #[cfg(feature = "ssr")]
    pub(crate) fn block(&self) -> String {
        crate::handover::block(BLOCK, self)
    }
}
