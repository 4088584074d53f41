//! Taking the page over a piece at a time.
//!
//! To make a page full of messages live takes a tenth of a second, and on a phone half of one, in which nothing that is typed or touched is
//! answered. So what Leptos hydrates in one go is little more than the page's outline: its pieces ([`crate::components::piece`]) come after, in
//! tasks of their own. Each takes for granted that it is as the server has drawn it, so nothing is shown before all are live.

use std::{cell::RefCell, mem, time::Duration};

use leptos::prelude::{document, set_timeout, window};

/// How long pieces are taken over in one task, in milliseconds: half a frame.
const TASK_MS: f64 = 8.0;

type Work = Box<dyn FnOnce()>;

thread_local! {
    static LEFT: RefCell<Left> = RefCell::default();
}

/// What is not done yet.
#[derive(Default)]
struct Left {
    /// The last comes first: of a log that is the newest message, and what a piece brings along belongs to it.
    pieces: Vec<Work>,
    afterwards: Vec<Work>,
    /// Whether a task for it is on its way.
    is_scheduled: bool,
}

/// Takes a piece of the page over in a later task. Nothing that it shows may change before.
pub(crate) fn later(piece: impl FnOnce() + 'static) {
    LEFT.with_borrow_mut(|left| left.pieces.push(Box::new(piece)));
    go_on_soon();
}

/// Does `work` once the whole page is live.
pub(crate) fn afterwards(work: impl FnOnce() + 'static) {
    LEFT.with_borrow_mut(|left| left.afterwards.push(Box::new(work)));
    go_on_soon();
}

fn go_on_soon() {
    if !LEFT.with_borrow_mut(|left| mem::replace(&mut left.is_scheduled, true)) {
        set_timeout(go_on, Duration::ZERO);
    }
}

/// Does what there is time for in one task. Nothing is held meanwhile, for a piece may bring others along.
fn go_on() {
    let until = now() + TASK_MS;
    let is_over = || now() >= until && !document().hidden();
    let next = || LEFT.with_borrow_mut(|left| left.pieces.pop());
    let mut is_busy = false;
    while let Some(piece) = next() {
        is_busy = true;
        piece();
        // Out of sight nobody waits for a frame, and there one timer waits a second for the other.
        if is_over() {
            break;
        }
    }
    LEFT.with_borrow_mut(|left| left.is_scheduled = false);
    if is_busy {
        // Also behind the last: what it has brought to run is done first.
        go_on_soon();
    } else {
        for work in LEFT.with_borrow_mut(|left| mem::take(&mut left.afterwards)) {
            work();
        }
    }
}

fn now() -> f64 {
    window().performance().map_or_else(js_sys::Date::now, |performance| performance.now())
}
