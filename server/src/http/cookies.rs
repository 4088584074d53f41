//! Reading and writing cookies. Those of the page's preferences are plain; the session's is its own module.

use axum::http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;

/// How long a preference is kept, in seconds: 400 days, the most a browser grants.
pub(crate) const KEPT_SECONDS: u64 = 400 * 24 * 60 * 60;

/// The value of a cookie of the request, as it stands.
pub(crate) fn raw<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// The value of a cookie, percent-decoded.
pub(crate) fn decoded(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = raw(headers, name)?;
    percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A `Set-Cookie` that scripts may read. `value` must hold no `;`, space or control character: percent-encode it.
pub(crate) fn set_plain(name: &str, value: &str, https: bool) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={KEPT_SECONDS}; SameSite=Lax{secure}");
    HeaderValue::try_from(cookie).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_among_others() {
        let headers: HeaderMap = [
            (header::COOKIE, HeaderValue::from_static("a=1; tz=Asia%2FShanghai;b")),
            (header::COOKIE, HeaderValue::from_static("lang=en=x; atz=no")),
        ]
        .into_iter()
        .collect();
        assert_eq!(raw(&headers, "a"), Some("1"));
        assert_eq!(raw(&headers, "lang"), Some("en=x"));
        assert_eq!(raw(&headers, "b"), None);
        assert_eq!(decoded(&headers, "tz").as_deref(), Some("Asia/Shanghai"));
    }
}
