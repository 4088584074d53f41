//! Refusals as answers: the right status for each code, JSON for programs, a sentence for people, and no detail of what
//! went wrong inside.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use protocol::{ErrorCode, api::ErrorBody, frame::Refusal};

/// A request that is refused. Answers as `{"error": {"code", "message", "retry_after_ms"?}}`.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    refusal: Refusal,
}

impl Failure {
    /// Refuses with the status that belongs to `code`.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::from(Refusal::new(code, message))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> ErrorCode {
        self.refusal.code
    }

    /// The answer for whoever asked at `uri`: programs get JSON, people a sentence.
    pub(crate) fn into_response_at(self, uri: &Uri) -> Response {
        if is_for_programs(uri) { self.into_response() } else { self.into_text() }
    }

    /// The answer as a sentence.
    pub(crate) fn into_text(self) -> Response {
        let text = format!("{}\n", self.refusal.message);
        self.finish(text.into_response())
    }

    fn finish(&self, mut response: Response) -> Response {
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(ms) = self.refusal.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Whether an address belongs to the interface for programs.
fn is_for_programs(uri: &Uri) -> bool {
    uri.path().starts_with("/api/") || uri.path() == "/ws"
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { status: status_of(refusal.code), refusal }
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        crate::auth::unavailable(&error).into()
    }
}

impl From<crate::random::NoRandomness> for Failure {
    fn from(error: crate::random::NoRandomness) -> Self {
        crate::auth::no_randomness(error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(ErrorBody { error: self.refusal.clone() });
        self.finish(body.into_response())
    }
}

/// The status of each reason to refuse.
fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadFrame | ErrorCode::UnknownType | ErrorCode::BadField | ErrorCode::BadCursor => {
            StatusCode::BAD_REQUEST
        }
        ErrorCode::ContentEmpty | ErrorCode::ContentTooLong | ErrorCode::BadName => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::NameTaken | ErrorCode::RoomExists | ErrorCode::IdConflict => StatusCode::CONFLICT,
        ErrorCode::RoomNotFound | ErrorCode::TargetNotFound | ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::LimitReached | ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden | ErrorCode::ForeignOrigin | ErrorCode::GuestsOff => StatusCode::FORBIDDEN,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_status_that_the_reference_names() {
        let reference = include_str!("../../../docs/PROTOCOL.md");
        let (_, errors) = reference.split_once("\n## Errors\n").unwrap();
        let (errors, _) = errors.split_once("\n## ").unwrap();
        let rows = errors.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let mut count = 0;
        for (code, rest) in rows {
            let found: ErrorCode = serde_json::from_value(code.into()).unwrap();
            assert_eq!(status_of(found).as_str(), &rest[..3], "{code}");
            count += 1;
        }
        assert!(count > 20, "{count} rows");
    }
}
