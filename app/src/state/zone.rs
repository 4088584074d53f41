//! The reader's time zone: which day and which minute a moment is for them.
//!
//! The server knows the zone from a cookie and carries the table of zones; the browser asks its own. Both give the same
//! answer for the same name, so what the server rendered is what hydration finds.

use protocol::Timestamp;

/// Minutes of a day.
const DAY_MINUTES: i64 = 24 * 60;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60 * 1_000;

/// A time zone: by its IANA name, the browser's own, or UTC where nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Zone {
    /// Nothing is known, or the name means nothing here.
    #[default]
    Utc,
    /// By name, like `Europe/Berlin`.
    Named(String),
    /// The one that the browser is in. Never on the server.
    Browser,
}

/// A moment on the clock and the calendar of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// Days since 1970-01-01.
    pub day: i64,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
}

impl Zone {
    /// The zone of that name; UTC without one.
    pub fn named(name: Option<String>) -> Self {
        name.filter(|name| offset::is_known(name)).map_or(Self::Utc, Self::Named)
    }

    /// The day of a moment, counted from 1970-01-01.
    pub fn day(&self, timestamp: Timestamp) -> i64 {
        self.local(timestamp).day
    }

    /// A moment on this zone's clock.
    pub fn local(&self, timestamp: Timestamp) -> Local {
        let utc = i64::try_from(timestamp.unix_ms()).unwrap_or(i64::MAX).div_euclid(MINUTE_MS);
        let local = utc + self.offset_minutes(timestamp);
        let minute_of_day = local.rem_euclid(DAY_MINUTES);
        Local {
            day: local.div_euclid(DAY_MINUTES),
            hour: u8::try_from(minute_of_day / 60).unwrap_or_default(),
            minute: u8::try_from(minute_of_day % 60).unwrap_or_default(),
        }
    }

    /// How far the zone's clock is ahead of UTC at that moment, in minutes.
    fn offset_minutes(&self, timestamp: Timestamp) -> i64 {
        match self {
            Self::Utc => 0,
            Self::Named(name) => offset::named(name, timestamp),
            Self::Browser => offset::browser(timestamp),
        }
    }
}

/// The server's table of zones.
#[cfg(all(feature = "ssr", not(feature = "hydrate")))]
mod offset {
    use jiff::tz::TimeZone;
    use protocol::Timestamp;

    pub(super) fn is_known(name: &str) -> bool {
        TimeZone::get(name).is_ok()
    }

    pub(super) fn named(name: &str, timestamp: Timestamp) -> i64 {
        let Ok(zone) = TimeZone::get(name) else { return 0 };
        let ms = i64::try_from(timestamp.unix_ms()).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(ms)
            .map_or(0, |moment| i64::from(zone.to_offset(moment).seconds()).div_euclid(60))
    }

    pub(super) fn browser(_: Timestamp) -> i64 {
        0
    }
}

/// The browser's table of zones.
#[cfg(feature = "hydrate")]
mod offset {
    pub(super) use crate::live::zone::{browser, is_known, named};
}

/// Without either half there is only UTC.
#[cfg(not(any(feature = "ssr", feature = "hydrate")))]
mod offset {
    use protocol::Timestamp;

    pub(super) fn is_known(_: &str) -> bool {
        false
    }

    pub(super) fn named(_: &str, _: Timestamp) -> i64 {
        0
    }

    pub(super) fn browser(_: Timestamp) -> i64 {
        0
    }
}
