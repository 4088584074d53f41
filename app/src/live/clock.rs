//! The browser's clocks.

use std::time::Duration;

use futures_channel::oneshot;
use leptos::prelude::{set_timeout, window};
use protocol::{Timestamp, session::Millis};

/// Milliseconds since the page began to load; never goes back.
pub(super) fn now() -> Millis {
    millis(window().performance().map_or_else(js_sys::Date::now, |performance| performance.now()))
}

/// The moment, for people to read.
pub(super) fn timestamp() -> Timestamp {
    Timestamp::from_unix_ms(millis(js_sys::Date::now()))
}

/// Waits.
pub(super) async fn wait(duration: Duration) {
    let (done, waited) = oneshot::channel::<()>();
    set_timeout(
        move || {
            let _ = done.send(());
        },
        duration,
    );
    let _ = waited.await;
}

fn millis(ms: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a clock before its beginning becomes 0; until the year 9999 milliseconds stay far below 2^53"
    )]
    let ms = ms as u64;
    ms
}
