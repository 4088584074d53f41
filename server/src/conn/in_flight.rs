//! What one connection has handed in and not been answered yet: answered in the order in which it came, worked on at the
//! same time. Takes memory only while there is something.

use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesOrdered};

/// Work in order.
pub(super) struct InFlight<T>(Option<Box<FuturesOrdered<BoxFuture<'static, T>>>>);

impl<T> InFlight<T> {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |works| works.len())
    }

    /// Puts work behind the other.
    pub(super) fn push(&mut self, work: impl Future<Output = T> + Send + 'static) {
        self.0.get_or_insert_default().push_back(Box::pin(work));
    }

    /// What came of the first, as soon as it is done; `None` if there is nothing. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<T> {
        let works = self.0.as_mut()?;
        let done = works.next().await;
        if works.is_empty() {
            self.0 = None;
        }
        done
    }
}
