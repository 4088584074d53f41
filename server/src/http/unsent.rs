//! Answers that are not sent yet: how much memory they may take. Whoever does not read its answer has the server hold it, and
//! may hold only so much.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, HttpBody as _, to_bytes},
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use protocol::{ErrorCode, frame::Refusal};

use super::{Http, answer::Failure};
use crate::limits::UnsentPermit;

/// What is shorter is not counted, in bytes: there are no more answers at a time than connections.
const UNCOUNTED_MAX: u64 = 16 * 1_024;

/// An answer that counts until the socket has taken all of it.
struct Counted {
    bytes: Bytes,
    _permit: UnsentPermit,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Middleware: counts what an answer holds, and refuses where its address, or all together, hold too much.
pub(crate) async fn count(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    let address = http.front.of(request.headers(), request.extensions()).address;
    let uri = request.uri().clone();
    let response = next.run(request).await;
    let length = response.body().size_hint().exact().filter(|&length| length >= UNCOUNTED_MAX);
    // The files of the page are part of the binary, and no memory of their own.
    let (Some(length), false) = (length, response.headers().contains_key(header::ETAG)) else {
        return response;
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let permit = match http.limits.unsent(address, length) {
        Ok(permit) => permit,
        Err(refusal) => return Failure::from(refusal).into_response_at(&uri),
    };
    let (head, body) = response.into_parts();
    match to_bytes(body, length).await {
        Ok(bytes) => {
            let counted = Counted { bytes, _permit: permit };
            Response::from_parts(head, Body::from(Bytes::from_owner(counted)))
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be made");
            let message = "the answer could not be sent; try again";
            Failure::from(Refusal::for_now(ErrorCode::Internal, message, 1_000)).into_response()
        }
    }
}
