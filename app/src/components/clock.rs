//! Moments as people read them, in the reader's zone and language, by the 24-hour clock. The same arithmetic runs on both
//! sides, so that the server's text is the browser's.

use protocol::Timestamp;

use crate::{
    i18n::{Locale, text},
    state::{Local, Zone},
};

/// The clock's time of a moment: `09:41`.
pub(crate) fn time(local: Local) -> String {
    format!("{:02}:{:02}", local.hour, local.minute)
}

/// The day of a moment, by name where it is near: `Today`, `Friday 20 November`, `Friday 20 November 2020`.
pub(crate) fn day(locale: Locale, timestamp: Timestamp, now: Timestamp, zone: &Zone) -> String {
    let (day, today) = (zone.day(timestamp), zone.day(now));
    match today - day {
        0 => text!(locale, log.today).to_owned(),
        1 => text!(locale, log.yesterday).to_owned(),
        _ => date(locale, day, Calendar::of(today).year),
    }
}

/// Day and time of a moment, for a tooltip and a screen reader.
pub(crate) fn moment(locale: Locale, local: Local) -> String {
    let between = if locale == Locale::zh_CN { " " } else { ", " };
    format!("{}{between}{}", date(locale, local.day, 0), time(local))
}

fn date(locale: Locale, days: i64, this_year: i64) -> String {
    let Calendar { year, month, day } = Calendar::of(days);
    let (weekday, month) = (weekday(locale, days), month_name(locale, month));
    if year == this_year {
        text!(locale, date.full, weekday = weekday, day = day, month = month)
    } else {
        text!(locale, date.with_year, weekday = weekday, day = day, month = month, year = year)
    }
}

/// Now. What it decides (which day is today) may differ by a moment between server and browser, which nobody sees.
pub(crate) fn now() -> Timestamp {
    #[cfg(feature = "hydrate")]
    let ms = js_sys::Date::now();
    #[cfg(not(feature = "hydrate"))]
    let ms = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit for a long time")]
    #[cfg_attr(
        feature = "hydrate",
        expect(clippy::cast_sign_loss, reason = "a clock before 1970 becomes 1970")
    )]
    Timestamp::from_unix_ms(ms as u64)
}

/// A day of the Gregorian calendar.
#[derive(Debug, PartialEq, Eq)]
struct Calendar {
    year: i64,
    month: i64,
    day: i64,
}

impl Calendar {
    /// The day `days` after 1970-01-01, by the arithmetic of eras of 400 years that begin on the first of March
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
    fn of(days: i64) -> Self {
        const ERA_DAYS: i64 = 146_097;
        let days = days + 719_468;
        let era = days.div_euclid(ERA_DAYS);
        let day_of_era = days.rem_euclid(ERA_DAYS);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
        }
    }
}

fn weekday(locale: Locale, days: i64) -> &'static str {
    // 1970-01-01 was a Thursday.
    match (days + 4).rem_euclid(7) {
        0 => text!(locale, date.sunday),
        1 => text!(locale, date.monday),
        2 => text!(locale, date.tuesday),
        3 => text!(locale, date.wednesday),
        4 => text!(locale, date.thursday),
        5 => text!(locale, date.friday),
        _ => text!(locale, date.saturday),
    }
}

fn month_name(locale: Locale, month: i64) -> &'static str {
    match month {
        1 => text!(locale, date.january),
        2 => text!(locale, date.february),
        3 => text!(locale, date.march),
        4 => text!(locale, date.april),
        5 => text!(locale, date.may),
        6 => text!(locale, date.june),
        7 => text!(locale, date.july),
        8 => text!(locale, date.august),
        9 => text!(locale, date.september),
        10 => text!(locale, date.october),
        11 => text!(locale, date.november),
        _ => text!(locale, date.december),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_names() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-22T12:00:00Z");
        for (locale, moment, expected) in [
            (Locale::en, "2026-11-22T00:00:00Z", "Today"),
            (Locale::en, "2026-11-21T23:59:59Z", "Yesterday"),
            (Locale::en, "2026-11-20T09:41:00Z", "Friday 20 November"),
            (Locale::en, "2024-02-29T09:41:00Z", "Thursday 29 February 2024"),
            (Locale::en, "1970-01-01T00:00:00Z", "Thursday 1 January 1970"),
            (Locale::zh_CN, "2026-11-22T00:00:00Z", "今天"),
            (Locale::zh_CN, "2026-11-20T00:00:00Z", "11月20日 星期五"),
            (Locale::zh_CN, "2000-12-31T00:00:00Z", "2000年12月31日 星期日"),
        ] {
            assert_eq!(day(locale, at(moment), now, &Zone::Utc), expected, "{moment}");
        }
        let local = Zone::Utc.local(at("2026-11-22T09:05:00Z"));
        assert_eq!(time(local), "09:05");
        assert_eq!(moment(Locale::en, local), "Sunday 22 November 2026, 09:05");
        assert_eq!(moment(Locale::zh_CN, local), "2026年11月22日 星期日 09:05");
    }
}
