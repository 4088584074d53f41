//! The door to the socket: who may connect, from where, and how many at once.

use std::sync::Arc;

use axum::{
    extract::{Request, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{StatusCode, header},
    response::Response,
};
use protocol::{ErrorCode, frame::Refusal, limits::FRAME_MAX_BYTES};

use super::{
    Http,
    answer::Failure,
    identity::{Proof, unauthorized},
    origin::{self, Provenance},
};
use crate::conn;

/// What one read of a socket may take, in bytes. Small: it is held for as long as the connection lives.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Most bytes of unwritten frames inside the socket's own buffer; the queue before it is the one that bounds a reader.
const WRITE_BUFFER_MAX_BYTES: usize = 4 * 1024 * 1024;

/// `GET /ws`
pub(crate) async fn upgrade(
    State(http): State<Arc<Http>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let arrival = http.front.of(request.headers(), request.extensions());
    let proof = Proof::of(request.headers(), arrival).ok_or_else(unauthorized)?;
    // A browser sends the cookie whichever page asks, and always says which; a program's token is its own.
    if let Proof::Cookie(_) = proof
        && (Provenance::of(request.headers(), &http.front) != Provenance::Own
            || !request.headers().contains_key(header::ORIGIN))
    {
        return Err(origin::foreign());
    }
    let session = proof.session(&http).await?.ok_or_else(unauthorized)?;
    let upgrade = upgrade.map_err(|_| {
        let message = "this address speaks WebSocket only: send an upgrade request, version 13";
        Failure::with_status(StatusCode::BAD_REQUEST, ErrorCode::BadFrame, message)
    })?;
    if http.stopping.is_cancelled() {
        let message = "the server restarts; come back in a moment";
        return Err(Refusal::for_now(ErrorCode::Unavailable, message, 1_000).into());
    }
    let permit = http.limits.connection(session.user.id, arrival.address)?;

    let serving = Arc::clone(&http.serving);
    let tracked = serving.tracker.token();
    Ok(upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_MAX_BYTES)
        .max_message_size(FRAME_MAX_BYTES)
        .max_frame_size(FRAME_MAX_BYTES)
        .on_failed_upgrade(|error| tracing::debug!(%error, "a connection ended before it was upgraded"))
        .on_upgrade(async move |socket| {
            let _held = (permit, tracked);
            conn::serve(socket, session, serving).await;
        }))
}
