//! The door to the socket: who may connect, from where, and how many at once.

use std::sync::Arc;

use axum::{
    extract::{Query, Request, State},
    http::{Uri, header},
    response::Response,
};
use protocol::{ErrorCode, frame::Refusal, limits::FRAME_MAX_BYTES};
use serde::Deserialize;

use super::{
    Http,
    answer::Failure,
    identity::{Proof, unauthorized},
    origin::{self, Provenance},
    patience::Patient,
};
use crate::{
    conn::{Connection, Serving},
    limits::ConnectionPermit,
    store::Session,
    websocket::{Handshake, Packing},
};

/// `GET /ws`
pub(crate) async fn upgrade(
    State(http): State<Arc<Http>>,
    mut request: Request,
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
    let handshake = Handshake::of(&mut request).ok_or_else(|| {
        let message = "this address speaks WebSocket only: send an upgrade request, version 13";
        Failure::new(ErrorCode::BadFrame, message)
    })?;
    if http.stopping.is_cancelled() {
        let message = "the server restarts; come back in a moment";
        return Err(Refusal::for_now(ErrorCode::Unavailable, message, 1_000).into());
    }
    let packing = packing(request.uri())?;
    let permit = http.limits.connection(session.user.id, arrival.address)?;

    let response = handshake.response();
    http.serving.tracker.spawn(begin(handshake, packing, session, permit, Arc::clone(&http.serving)));
    Ok(response)
}

/// How events that come together are to be packed.
fn packing(uri: &Uri) -> Result<Packing, Failure> {
    let Query(Wish { packing }) =
        Query::try_from_uri(uri).map_err(|error| Failure::new(ErrorCode::BadField, error.body_text()))?;
    match packing.as_deref() {
        None | Some("frames") => Ok(Packing::Frames),
        Some("lines") => Ok(Packing::Lines),
        Some(_) => Err(Failure::new(ErrorCode::BadField, "`packing` is `frames` or `lines`")),
    }
}

#[derive(Deserialize)]
struct Wish {
    packing: Option<String>,
}

/// Finishes the handshake. The connection is served by a task of its own, so that nothing of this one is held for its
/// whole life.
async fn begin(
    handshake: Handshake,
    packing: Packing,
    session: Session,
    permit: ConnectionPermit,
    serving: Arc<Serving>,
) {
    match handshake.socket(Patient::into_socket, FRAME_MAX_BYTES).await {
        Ok(socket) => {
            let begun = Connection::begin(socket, packing, session, permit, Arc::clone(&serving)).await;
            if let Some(connection) = begun {
                serving.tracker.spawn(connection.serve());
            }
        }
        Err(error) => tracing::debug!(%error, "a connection ended before it was upgraded"),
    }
}
