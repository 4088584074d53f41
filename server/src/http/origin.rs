//! No other site's page may act for somebody who is signed in here. Whatever changes something, and the socket, must
//! come from this server's own pages, or from a program with a token of its own.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use protocol::ErrorCode;

use super::{Http, answer::Failure, arrival::Front, identity, session_cookie};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a request says it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// A page of this server.
    Own,
    /// Another site's page.
    Foreign,
    /// It does not say: no browser that carries cookies across sites.
    Unknown,
}

impl Provenance {
    pub(crate) fn of(headers: &HeaderMap, front: &Front) -> Self {
        if let Some(origin) = headers.get(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            return if is_own_origin(origin, headers, front) { Self::Own } else { Self::Foreign };
        }
        match headers.get(&SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
            Some(b"same-origin" | b"none") => Self::Own,
            Some(_) => Self::Foreign,
            None => Self::Unknown,
        }
    }
}

fn is_own_origin(origin: &str, headers: &HeaderMap, front: &Front) -> bool {
    if let Some(public) = front.public_url() {
        return origin.eq_ignore_ascii_case(public.origin());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match (authority, host) {
        (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// The refusal of a request from elsewhere.
pub(crate) fn foreign() -> Failure {
    Failure::new(
        ErrorCode::ForeignOrigin,
        "this came from another site's page; open this server's own page, or send an Authorization header. \
         Behind a proxy, the server needs --public-url",
    )
}

/// Middleware: refuses what would change something and does not come from here. A bearer's token is never
/// sent by a browser on its own, so it needs no such check.
pub(crate) async fn guard(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let headers = request.headers();
    if changes && identity::bearer(headers).is_none() {
        let refused = match Provenance::of(headers, &http.front) {
            Provenance::Own => false,
            Provenance::Foreign => true,
            Provenance::Unknown => session_cookie::is_there(headers),
        };
        if refused {
            return foreign().into_response_at(request.uri()).into_response();
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::config::Config;

    #[track_caller]
    fn check(flags: &[&str], headers: &[(&str, &str)], expected: Provenance) {
        let config = Config::try_parse_from(["hubbub"].iter().chain(flags)).unwrap();
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        assert_eq!(Provenance::of(&headers, &Front::new(&config)), expected, "{flags:?} {headers:?}");
    }

    #[test]
    fn own_pages_are_told_from_others() {
        let host = ("host", "chat.example:3000");
        check(&[], &[host, ("origin", "http://chat.example:3000")], Provenance::Own);
        check(&[], &[host, ("origin", "https://chat.example:3000")], Provenance::Own);
        check(&[], &[host, ("origin", "http://chat.example")], Provenance::Foreign);
        check(&[], &[host, ("origin", "http://evil.example")], Provenance::Foreign);
        check(&[], &[host, ("origin", "null")], Provenance::Foreign);
        check(&[], &[host, ("origin", "")], Provenance::Foreign);
        check(&[], &[("origin", "http://chat.example")], Provenance::Foreign);
        check(&[], &[host], Provenance::Unknown);
        check(&[], &[host, ("sec-fetch-site", "same-origin")], Provenance::Own);
        check(&[], &[host, ("sec-fetch-site", "same-site")], Provenance::Foreign);
        check(&[], &[host, ("sec-fetch-site", "cross-site")], Provenance::Foreign);
    }

    #[test]
    fn a_public_url_is_the_only_origin() {
        let public = ["--public-url", "https://chat.example"];
        check(&public, &[("host", "127.0.0.1:3000"), ("origin", "https://chat.example")], Provenance::Own);
        check(
            &public,
            &[("host", "127.0.0.1:3000"), ("origin", "http://127.0.0.1:3000")],
            Provenance::Foreign,
        );
        check(&public, &[("host", "chat.example"), ("origin", "http://chat.example")], Provenance::Foreign);
    }
}
