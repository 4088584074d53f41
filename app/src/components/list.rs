//! Lists whose rows come and go: each row is made once and stays as long as its key is there.
//!
//! What Leptos' `For` does, but a row that is gone leaves nothing behind. There every row is entered in a register of the
//! list's owner, for ever: 160 bytes for each message that ever passed through an open page.

use std::hash::Hash;

use leptos::{prelude::*, tachys::view::keyed::keyed};

/// Rows for the keys that `each` tells, in that order. In a row there are the desk and the language, and no other context.
#[cfg(feature = "hydrate")]
pub(crate) fn list<K: Clone + Eq + Hash + Send + 'static>(
    each: impl Fn() -> Vec<K> + Send + 'static,
    row: impl Fn(K) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    use leptos::tachys::reactive_graph::OwnedView;

    let (desk, locale) = (super::desk::use_desk(), crate::i18n::language());
    // Boxed, so that there is one list for each type of key and not for each list.
    let each: Box<dyn Fn() -> Vec<K> + Send> = Box::new(each);
    let row: StoredValue<Box<dyn Fn(K) -> AnyView + Send + Sync>> = StoredValue::new(Box::new(row));
    let rows = move || {
        keyed(each(), K::clone, move |_, key| {
            // Of this owner nobody knows but the row.
            let owner = Owner::default();
            let view = owner.with(|| {
                provide_context(desk);
                provide_context(locale);
                row.with_value(|row| row(key))
            });
            (drop, OwnedView::new_with_owner(view, owner))
        })
    };
    rows.into_any()
}

/// The same, drawn once: signals belong to the document's owner, which goes as soon as the document is made.
#[cfg(not(feature = "hydrate"))]
pub(crate) fn list<K: Clone + Eq + Hash + Send + 'static>(
    each: impl Fn() -> Vec<K>,
    row: impl Fn(K) -> AnyView + Send + 'static,
) -> AnyView {
    let rows = untrack(each);
    keyed(rows, K::clone, move |_, key| (drop, row(key))).into_any()
}
