//! Messages as HTML, drawn once for all who see them alike.
//!
//! Hidden here: what makes two readers see the same. A fragment lies under everything that it shows, so what is found is what would
//! be drawn, and nobody has to be told of an edit.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use leptos::{prelude::*, tachys::html::InertElement};
use protocol::{RoomSlug, UserId, timeline::Reactor};
use quick_cache::{Weighter, sync::Cache};

use crate::{i18n::Locale, state::MessageRow};

/// What a fragment and its key take, in bytes, as a rule: the cache lays itself out for that.
const FRAGMENT_BYTES: u64 = 3 * 1024;

/// The fragments of a server: whoever draws a page takes from them, and leaves what was not there. A clone is the same store.
#[derive(Debug, Clone)]
pub struct Fragments(Arc<Cache<Look, Arc<str>, Bytes>>);

/// All that the HTML of a message is made of.
#[derive(PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) room: RoomSlug,
    pub(crate) row: MessageRow,
    /// Whether the Tab key stops at it.
    pub(crate) is_stop: bool,
    pub(crate) locale: Locale,
}

/// Counts what is kept.
#[derive(Clone)]
struct Bytes;

impl Fragments {
    /// Room for `max_bytes` of fragments. What was not asked for lately makes way.
    pub fn new(max_bytes: u64) -> Self {
        let estimated = usize::try_from(max_bytes / FRAGMENT_BYTES).unwrap_or(usize::MAX);
        Self(Arc::new(Cache::with_weighter(estimated, max_bytes, Bytes)))
    }

    /// A message as `me` sees it, as `draw` draws it.
    pub(crate) fn message(&self, look: Look, me: UserId, draw: impl FnOnce() -> AnyView) -> AnyView {
        if look.is_personal(me) {
            return draw();
        }
        let html = self.0.get(&look).unwrap_or_else(|| {
            let html: Arc<str> = draw().to_html().into();
            self.0.insert(look, Arc::clone(&html));
            html
        });
        InertElement::new(html.to_string()).into_any()
    }
}

impl Look {
    /// Whether it may show who looks: their name in the text, or their reaction.
    fn is_personal(&self, me: UserId) -> bool {
        let message = &self.row.message;
        message.content.as_ref().is_some_and(|content| content.as_str().contains('@'))
            || self.reactors().any(|reactor| reactor.user_id == me)
    }

    fn reactors(&self) -> impl Iterator<Item = &Reactor> {
        self.row.message.reactions.iter().flat_map(|reaction| &reaction.users)
    }
}

impl Hash for Look {
    /// What tells messages apart; the rest tells apart how one is seen.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.row.message.id.hash(state);
        self.row.message.version.hash(state);
    }
}

impl Weighter<Look, Arc<str>> for Bytes {
    fn weight(&self, look: &Look, html: &Arc<str>) -> u64 {
        let message = &look.row.message;
        let content = message.content.as_ref().map_or(0, |content| content.as_str().len());
        let named = |reactor: &Reactor| size_of::<Reactor>() + reactor.username.as_str().len();
        let reactors: usize = look.reactors().map(named).sum();
        // What is quoted and who said it stands in the HTML, so that counts for both.
        (size_of::<Look>() + size_of_val(&**message) + content + reactors + 2 * html.len()) as u64
    }
}

#[cfg(test)]
mod tests;
