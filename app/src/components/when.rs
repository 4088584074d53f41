//! What is there only at times.

use leptos::prelude::*;

/// `view` while `condition` holds. What Leptos' `Show` does, but of one type whatever it shows, so that its code is in the page
/// once.
#[cfg(feature = "hydrate")]
pub(crate) fn when(
    condition: impl Fn() -> bool + Send + Sync + 'static,
    view: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    use leptos::tachys::reactive_graph::ReactiveFunction as _;

    let condition = Memo::new(move |_| condition());
    (move || condition.get().then(&view)).into_shared().into_any()
}

/// The same, drawn once.
#[cfg(not(feature = "hydrate"))]
pub(crate) fn when(
    condition: impl Fn() -> bool + Send + Sync + 'static,
    view: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    super::reactive::live(condition).then(view).into_any()
}
