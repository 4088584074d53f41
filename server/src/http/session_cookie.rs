//! The cookie that carries a session's token. Scripts cannot read it, other sites cannot use it, and where people come
//! by TLS it never goes without.

use axum::http::{HeaderMap, HeaderValue};

use super::{arrival::Arrival, cookies};
use crate::auth::SESSION_LIFETIME;

const PLAIN: &str = "hubbub_session";
/// A browser takes a cookie of this prefix only over TLS, for this host alone and for all its paths.
const SECURE: &str = "__Host-hubbub_session";

const fn name(arrival: Arrival) -> &'static str {
    if arrival.https { SECURE } else { PLAIN }
}

/// The token that came with a request.
pub(crate) fn read(headers: &HeaderMap, arrival: Arrival) -> Option<&str> {
    cookies::raw(headers, name(arrival)).filter(|token| !token.is_empty())
}

/// Whether a request carries a session's cookie of either kind.
pub(crate) fn is_there(headers: &HeaderMap) -> bool {
    [PLAIN, SECURE].into_iter().any(|name| cookies::raw(headers, name).is_some())
}

/// The cookie that hands over `token`, or renews it.
pub(crate) fn give(token: &str, arrival: Arrival) -> Option<HeaderValue> {
    set(token, SESSION_LIFETIME.as_secs(), arrival)
}

/// The cookie that takes the token away.
pub(crate) fn take_away(arrival: Arrival) -> Option<HeaderValue> {
    set("", 0, arrival)
}

fn set(token: &str, max_age_seconds: u64, arrival: Arrival) -> Option<HeaderValue> {
    let secure = if arrival.https { "; Secure" } else { "" };
    let name = name(arrival);
    let cookie = format!("{name}={token}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}
