//! What is read as what.

use std::cell::Cell;

thread_local! {
    static WORK: Cell<usize> = const { Cell::new(0) };
}

/// Counts steps of the parser on this thread.
pub(super) fn count_work(steps: usize) {
    WORK.set(WORK.get() + steps);
}
