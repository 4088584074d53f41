//! Who asks: a program by its token in `Authorization`, a browser by its session's cookie.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use protocol::ErrorCode;

use super::{Http, answer::Failure, arrival::Arrival, session_cookie};
use crate::store::{Session, StoreError};

/// What a request shows to prove who asks. A token in `Authorization` counts alone: the cookie beside it is not read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// A program's.
    Bearer(&'a str),
    /// A browser's, which sends it whoever made it ask.
    Cookie(&'a str),
}

impl<'a> Proof<'a> {
    /// What a request shows, if anything.
    pub(crate) fn of(headers: &'a HeaderMap, arrival: Arrival) -> Option<Self> {
        match bearer(headers) {
            Some(token) => Some(Self::Bearer(token)),
            None => session_cookie::read(headers, arrival).map(Self::Cookie),
        }
    }

    /// The session that it proves; `None` for one that is forged or ended.
    pub(crate) async fn session(self, http: &Http) -> Result<Option<Session>, StoreError> {
        let (Self::Bearer(token) | Self::Cookie(token)) = self;
        http.auth.authenticate(token).await
    }
}

/// The token of an `Authorization: Bearer`. Of other schemes, such as the `Basic` of a proxy in front, nothing is read.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whoever asks, known by name. Refuses with 401 where nobody is.
#[derive(Debug)]
pub(crate) struct Caller(pub(crate) Session);

impl FromRequestParts<Arc<Http>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, http: &Arc<Http>) -> Result<Self, Failure> {
        let Ok(arrival) = Arrival::from_request_parts(parts, http).await;
        let Some(proof) = Proof::of(&parts.headers, arrival) else { return Err(unauthorized()) };
        proof.session(http).await?.map(Self).ok_or_else(unauthorized)
    }
}

/// The refusal of somebody who is not known.
pub(crate) fn unauthorized() -> Failure {
    let message = "this server does not know you: sign in again, or send the token that you got as \
                   Authorization: Bearer TOKEN";
    Failure::new(ErrorCode::Unauthorized, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_read() {
        let token = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer  abc ").as_deref(), Some("abc"));
        assert_eq!(token("Basic dTpw"), None);
        assert_eq!(token("Bearer"), None);
    }
}
