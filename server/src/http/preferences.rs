//! How somebody wants the page: chosen earlier and kept in plain cookies, or what their browser asks for.

use app::source::{Language, Preferences, Theme};
use axum::http::{HeaderMap, header};

use super::cookies;

/// The cookie of the language.
pub(crate) const LANG: &str = "lang";
/// The cookie of the colours.
pub(crate) const THEME: &str = "theme";
/// The cookie of the time zone.
const TIME_ZONE: &str = "tz";
/// Longest name of a time zone, in bytes; the longest in use has 32.
const TIME_ZONE_MAX_BYTES: usize = 64;

/// The preferences that a request shows.
pub(crate) fn read(headers: &HeaderMap) -> Preferences {
    let chosen = cookies::raw(headers, LANG).and_then(language);
    Preferences {
        language: chosen.unwrap_or_else(|| asked_language(headers)),
        theme: cookies::raw(headers, THEME).and_then(theme).unwrap_or_default(),
        time_zone: cookies::decoded(headers, TIME_ZONE).filter(|zone| is_time_zone(zone)),
    }
}

/// The language of a tag that a person or their browser gave.
pub(crate) fn language(tag: &str) -> Option<Language> {
    match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
        "en" => Some(Language::English),
        "zh" => Some(Language::Chinese),
        _ => None,
    }
}

/// The colours of that name.
pub(crate) fn theme(name: &str) -> Option<Theme> {
    match name {
        "system" => Some(Theme::System),
        "light" => Some(Theme::Light),
        "dark" => Some(Theme::Dark),
        _ => None,
    }
}

/// The language that `Accept-Language` likes best among those the page speaks.
fn asked_language(headers: &HeaderMap) -> Language {
    let asked =
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best: Option<(f32, Language)> = None;
    for item in asked.split(',') {
        let (tag, weight) = match item.split_once(';') {
            Some((tag, q)) => (tag, q.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0)),
            None => (item, 1.0),
        };
        let is_better = weight > 0.0 && best.is_none_or(|(held, _)| weight > held);
        if let Some(language) = language(tag.trim()).filter(|_| is_better) {
            best = Some((weight, language));
        }
    }
    best.map_or_else(Language::default, |(_, language)| language)
}

/// Whether a text has the form of an IANA time zone's name; whether there is such a zone the page finds out.
fn is_time_zone(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
    };
    name.len() <= TIME_ZONE_MAX_BYTES && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, cookie: &str, expected: Language) {
        let headers: HeaderMap =
            [(header::ACCEPT_LANGUAGE, accept.parse().unwrap()), (header::COOKIE, cookie.parse().unwrap())]
                .into_iter()
                .collect();
        assert_eq!(read(&headers).language, expected, "{accept:?} {cookie:?}");
    }

    #[test]
    fn the_language_is_chosen_or_asked_for() {
        check("", "", Language::English);
        check("zh-CN,zh;q=0.9,en;q=0.8", "", Language::Chinese);
        check("en-US,en;q=0.9,zh-CN;q=0.8", "", Language::English);
        check("fr, zh-Hans;q=0.5, en;q=0.4", "", Language::Chinese);
        check("zh;q=0, en;q=0.1", "", Language::English);
        check("de, ja;q=0.5", "", Language::English);
        check("zh;q=x, *", "", Language::English);
        check("en", "lang=zh-CN", Language::Chinese);
        check("zh", "lang=<script>", Language::Chinese);
    }

    #[test]
    fn other_preferences_are_checked() {
        let read =
            |cookie: &'static str| read(&HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())]));
        let full = read("theme=dark; tz=America%2FArgentina%2FBuenos_Aires");
        assert_eq!(full.theme, Theme::Dark);
        assert_eq!(full.time_zone.as_deref(), Some("America/Argentina/Buenos_Aires"));
        assert_eq!(read("theme=pink; tz=../../etc/passwd"), Preferences::default());
        assert_eq!(read("tz=%00").time_zone, None);
    }
}
