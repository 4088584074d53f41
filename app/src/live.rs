//! The browser's half of the page: socket, storage, clock, network. It carries out what the pure parts decide.
//!
//! One [`Driver`] lives while the chat page does. Whatever happens comes to it as one [`Task`]; it hands the task to
//! [`protocol::session`] or to the state's model, carries out what they answer, and arranges for the views to be shown
//! the outcome: once per frame, however many messages came in it.
//!
//! | module | what it hides |
//! |---|---|
//! | [`driver`] | who hears of what, in which order |
//! | [`socket`] | the browser's WebSocket |
//! | [`storage`] | outbox and drafts across reloads and tabs |
//! | [`http`] | pages of messages, new rooms |
//! | [`navigation`] | links, the window's history |
//! | [`browser`] | sight, network, other tabs, cookies |
//! | [`clock`], [`random`], [`zone`] | time, chance, place |

use leptos::prelude::*;

use crate::{hydration, state::ChatState};

mod browser;
mod clock;
mod driver;
mod http;
mod navigation;
mod random;
mod socket;
mod storage;
pub(crate) mod zone;

/// Makes the page live after hydration, until the current owner goes.
pub(crate) fn go_live(state: ChatState) {
    navigation::begin();
    // An effect, so that it comes after the page's outline and before its pieces: whoever can act upon one of them is heard.
    Effect::new(move |_| hydration::later(move || driver::start(state)));
    on_cleanup(move || driver::stop(state));
}
