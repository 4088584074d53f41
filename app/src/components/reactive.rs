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

/// A part of a value, by itself: whoever shows it is woken when that part changes, and not when another one does.
#[cfg(feature = "hydrate")]
pub(crate) fn part<T, P>(whole: Known<T>, find: fn(&T) -> P) -> impl Fn() -> P + Copy + Send + Sync + 'static
where
    T: PartialEq + Send + Sync + 'static,
    P: PartialEq + Clone + Send + Sync + 'static,
{
    let part = Memo::new(move |_| whole.with(find));
    move || part.get()
}
#[cfg(not(feature = "hydrate"))]
pub(crate) fn part<T, P>(whole: Known<T>, find: fn(&T) -> P) -> impl Fn() -> P + Copy + Send + Sync + 'static
where
    T: Send + Sync + 'static,
    P: 'static,
{
    move || whole.with(find)
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
