//! What the server found out before it rendered the page, handed to the browser in blocks of data inside the document,
//! so that both render the same without asking again.

#[cfg(feature = "ssr")]
use serde::Serialize;
#[cfg(not(feature = "ssr"))]
use serde::de::DeserializeOwned;

/// A block of data for the document. `<` is escaped, so that nothing in it can end the block. Not an element of Leptos', which
/// would copy it twice.
#[cfg(feature = "ssr")]
pub(crate) fn block<T: Serialize>(id: &'static str, data: &T) -> String {
    let json = serde_json::to_string(data).unwrap_or_default();
    let json = if json.contains('<') { json.replace('<', "\\u003c") } else { json };
    format!(r#"<script type="application/json" id="{id}">{json}</script>"#)
}

/// Reads a block of data; `None` where there is none, or one of another version.
#[cfg(not(feature = "ssr"))]
pub(crate) fn read<T: DeserializeOwned>(id: &str) -> Option<T> {
    if !cfg!(feature = "hydrate") {
        return None;
    }
    let block = leptos::prelude::document().get_element_by_id(id)?;
    protocol::json::read(&block.text_content()?)
}
