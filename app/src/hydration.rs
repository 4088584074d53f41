//! Taking the page over a piece at a time.
//!
//! To make a page full of messages live takes a tenth of a second, and on a phone half of one, in which nothing that is typed or touched is
//! answered. So what Leptos hydrates in one go is little more than the page's outline: its pieces ([`crate::components::piece`]) come after, in
//! tasks of their own. Each takes for granted that it is as the server has drawn it, so nothing is shown before all are live.

use std::{cell::RefCell, mem, time::Duration};

use leptos::prelude::{set_timeout, window};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{MessageChannel, MessagePort};

/// How long pieces are taken over in one task, in milliseconds.
const TASK_MS: f64 = 10.0;

type Work = Box<dyn FnOnce()>;

thread_local! {
    static LEFT: RefCell<Left> = RefCell::default();
    /// Where the page tells itself to go on: a timer that follows a timer waits for four milliseconds.
    static NEXT: Option<MessagePort> = channel();
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

/// Takes a piece of the page over, or does what comes before the pieces, in a later task.
pub(crate) fn later(piece: impl FnOnce() + 'static) {
    LEFT.with_borrow_mut(|left| left.pieces.push(Box::new(piece)));
    go_on_soon();
}

/// Does `work` once the whole page is live.
pub(crate) fn afterwards(work: impl FnOnce() + 'static) {
    LEFT.with_borrow_mut(|left| left.afterwards.push(Box::new(work)));
    go_on_soon();
}

fn channel() -> Option<MessagePort> {
    let channel = MessageChannel::new().ok()?;
    let heard = Closure::<dyn FnMut()>::new(go_on);
    channel.port1().set_onmessage(Some(heard.as_ref().unchecked_ref()));
    heard.forget();
    Some(channel.port2())
}

fn go_on_soon() {
    if !LEFT.with_borrow_mut(|left| mem::replace(&mut left.is_scheduled, true)) {
        let is_told =
            NEXT.with(|next| next.as_ref().is_some_and(|next| next.post_message(&JsValue::NULL).is_ok()));
        if !is_told {
            set_timeout(go_on, Duration::ZERO);
        }
    }
}

/// Does what there is time for in one task. Nothing is held meanwhile, for a piece may bring others along.
fn go_on() {
    let until = now() + TASK_MS;
    let next = || LEFT.with_borrow_mut(|left| left.pieces.pop());
    let mut is_busy = false;
    while let Some(piece) = next() {
        is_busy = true;
        piece();
        if now() >= until {
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
