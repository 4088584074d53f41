//! What both halves of the page know about who looks at it: on the server from the request, in the browser from a block
//! of data in the document's head, so that both render the same without asking again.

use protocol::api::User;
use serde::{Deserialize, Serialize};

use crate::source::{Preferences, RefusedForm, Viewer};

/// The `id` of the block of data.
#[cfg(any(feature = "ssr", feature = "hydrate"))]
const ELEMENT_ID: &str = "visitor";

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
    fn from(Viewer { user, preferences, refused, guests }: Viewer) -> Self {
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
        #[cfg(feature = "hydrate")]
        if let Some(data) = leptos::prelude::document().get_element_by_id(ELEMENT_ID) {
            return serde_json::from_str(&data.text_content().unwrap_or_default()).unwrap_or_default();
        }
        Self::default()
    }

    /// The block of data for the document's head. `<` is escaped, so that no name can end the block.
    #[cfg(feature = "ssr")]
    pub(crate) fn block(&self) -> impl leptos::IntoView + use<> {
        use leptos::prelude::*;

        let json = serde_json::to_string(self).unwrap_or_default().replace('<', "\\u003c");
        view! { <script type="application/json" id=ELEMENT_ID inner_html=json></script> }
    }
}
