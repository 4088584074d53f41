//! What changes while a page is open. The server draws a page once, so there it is a value and nothing that could react: that
//! was most of what it cost to draw a message.

use leptos::prelude::*;

/// A value that others are made from.
#[cfg(feature = "hydrate")]
pub(crate) type Known<T> = Memo<T>;
#[cfg(not(feature = "hydrate"))]
pub(crate) type Known<T> = Signal<T>;

/// What `find` says, which is told its last answer; anew whenever it may say something else.
#[cfg(feature = "hydrate")]
pub(crate) fn known<T: PartialEq + Send + Sync + 'static>(
    find: impl Fn(Option<&T>) -> T + Send + Sync + 'static,
) -> Known<T> {
    Memo::new(find)
}
#[cfg(not(feature = "hydrate"))]
pub(crate) fn known<T: Send + Sync + 'static>(find: impl Fn(Option<&T>) -> T) -> Known<T> {
    Signal::stored(untrack(|| find(None)))
}

/// What is shown: what `show` says now, and whenever it may say something else.
#[cfg(feature = "hydrate")]
pub(crate) fn live<T>(show: impl Fn() -> T + Send + 'static) -> impl Fn() -> T + Send + 'static {
    show
}
#[cfg(not(feature = "hydrate"))]
pub(crate) fn live<T>(show: impl Fn() -> T) -> T {
    untrack(show)
}
