//! Reading bodies: JSON from programs, forms from pages. What cannot be read is refused in the same shape as everything
//! else, with a sentence that says what would be right.

use axum::{
    Form,
    body::Bytes,
    extract::{FromRequest, Request, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use protocol::ErrorCode;
use serde::de::DeserializeOwned;

use super::answer::Failure;

/// Largest body, in bytes: a message of 8,000 characters, each of which a form may write as twelve bytes, and room for
/// the other fields.
pub(crate) const BODY_MAX_BYTES: usize = 128 * 1024;

/// A JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            return Err(Failure::new(
                ErrorCode::UnsupportedMediaType,
                "send JSON, with Content-Type: application/json",
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| unreadable(error.status()))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let code = if error.is_data() { ErrorCode::BadField } else { ErrorCode::BadFrame };
            Failure::new(code, format!("the body cannot be read: {error}"))
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mime = value.split(';').next().unwrap_or_default().trim();
    mime.eq_ignore_ascii_case("application/json")
}

/// The fields of a form.
pub(crate) struct Fields<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Fields<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Form::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(FormRejection::BytesRejection(error)) => Err(unreadable(error.status()).into_text()),
            Err(FormRejection::InvalidFormContentType(_)) => Err(Failure::new(
                ErrorCode::UnsupportedMediaType,
                "send a form, with Content-Type: application/x-www-form-urlencoded",
            )
            .into_text()),
            Err(error) => Err(Failure::new(ErrorCode::BadField, error.body_text()).into_text()),
        }
    }
}

fn unreadable(status: StatusCode) -> Failure {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        Failure::new(ErrorCode::TooLarge, format!("a body has at most {BODY_MAX_BYTES} bytes"))
    } else {
        Failure::new(ErrorCode::BadFrame, "the body ended before it was complete")
    }
}
