//! The browser's table of time zones.

use std::cell::RefCell;

use js_sys::{Array, Date, Function, Intl::DateTimeFormat, Object, Reflect};
use protocol::Timestamp;
use wasm_bindgen::{JsCast, JsValue};

/// Milliseconds of a minute.
const MINUTE_MS: f64 = 60_000.0;

/// Length of the spans, in milliseconds, at whose edges alone a zone's clock is ever changed.
const SPAN_MS: u64 = 15 * 60 * 1_000;

/// A zone's clock in one span.
struct Known {
    zone: String,
    span: u64,
    minutes: i64,
}

thread_local! {
    /// Asking the browser takes long, and neighbouring messages ask the same.
    static LAST: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// The name of the zone that the browser is in.
pub(crate) fn name() -> Option<String> {
    let format = DateTimeFormat::new(&Array::new(), &Object::new());
    Reflect::get(&format.resolved_options(), &"timeZone".into()).ok()?.as_string()
}

/// Whether the browser knows a zone of that name.
pub(crate) fn is_known(name: &str) -> bool {
    // Made by reflection, for the constructor throws at a name that it does not know.
    let construct = || {
        let intl = Reflect::get(&js_sys::global(), &"Intl".into())?;
        let format: Function = Reflect::get(&intl, &"DateTimeFormat".into())?.dyn_into()?;
        let options = Object::new();
        Reflect::set(&options, &"timeZone".into(), &name.into())?;
        Reflect::construct(&format, &Array::of2(&JsValue::UNDEFINED, &options))
    };
    construct().is_ok()
}

/// How far the clock of the browser's own zone is ahead of UTC, in minutes.
pub(crate) fn browser(timestamp: Timestamp) -> i64 {
    minutes(-Date::new(&JsValue::from_f64(ms(timestamp))).get_timezone_offset())
}

/// How far the clock of a zone [that is known](is_known) is ahead of UTC, in minutes.
pub(crate) fn named(name: &str, timestamp: Timestamp) -> i64 {
    let span = timestamp.unix_ms() / SPAN_MS;
    LAST.with_borrow_mut(|last| match last {
        Some(known) if known.span == span && known.zone == name => known.minutes,
        _ => {
            let ms = ms(timestamp);
            let minutes = wall_clock(name, ms).map_or(0, |wall| minutes((wall - ms) / MINUTE_MS));
            *last = Some(Known { zone: name.to_owned(), span, minutes });
            minutes
        }
    })
}

/// What the clock of a named zone shows, read as if it were UTC, in milliseconds.
fn wall_clock(name: &str, ms: f64) -> Option<f64> {
    let date = Date::new(&JsValue::from_f64(ms));
    let options = Object::new();
    Reflect::set(&options, &"timeZone".into(), &name.into()).ok()?;
    Reflect::set(&options, &"hourCycle".into(), &"h23".into()).ok()?;
    // "Swedish" writes dates the ISO way: 2026-11-22 09:41:00.
    let written = date.to_locale_string("sv-SE", &options);
    let iso = format!("{}Z", String::from(written).replace(' ', "T"));
    let wall = Date::parse(&iso);
    wall.is_finite().then_some(wall + ms.rem_euclid(1_000.0))
}

fn ms(timestamp: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "until the year 9999 milliseconds stay far below 2^53")]
    let ms = timestamp.unix_ms() as f64;
    ms
}

fn minutes(minutes: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "zones are at most 14 hours from UTC")]
    let minutes = minutes.round() as i64;
    minutes
}
