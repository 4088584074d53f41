//! What every answer tells the browser to keep to.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::Http;

/// Headers that every answer has, unless it says otherwise itself.
static DEFAULTS: [(HeaderName, HeaderValue); 7] = [
    // Answers depend on who asks. The files of the page say otherwise.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    // Pages bring a policy of their own; nothing else is to be drawn or run.
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // An invitation link must not leave with a click on a link to elsewhere.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// Two years, as is usual; only where people come by TLS anyway.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Middleware: adds what is missing.
pub(crate) async fn complete(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in &DEFAULTS {
        if !headers.contains_key(name) {
            headers.insert(name, value.clone());
        }
    }
    if http.front.public_url().is_some_and(crate::config::PublicUrl::is_https) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    response
}

/// The policy of a page whose scripts carry `nonce`, letters and digits of base64url. One that `is_watched` asks the
/// development server on another port for changes.
pub(crate) fn page_policy(nonce: &str, is_watched: bool) -> String {
    let also_connect = if is_watched { " ws:" } else { "" };
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{also_connect}; manifest-src 'self'; \
         object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}
