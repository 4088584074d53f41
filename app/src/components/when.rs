//! What is there only at times.

use leptos::{prelude::*, tachys::reactive_graph::ReactiveFunction};

/// `view` while `condition` holds. What Leptos' `Show` does, but of one type whatever it shows, so that its code is in the page
/// once.
pub(crate) fn when(
    condition: impl Fn() -> bool + Send + Sync + 'static,
    view: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let condition = Memo::new(move |_| condition());
    (move || condition.get().then(&view)).into_shared().into_any()
}
