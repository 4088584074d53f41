//! The server's edge: pages, JSON interface, forms, files, health, and the door to the socket.
//!
//! Everything that comes in by HTTP is checked here: where it came from, who asks, how much and how large. Handlers
//! parse, call one use case and answer; refusals know their status ([`answer`]). What a request may not learn does not
//! leave: causes of failures go to the log.

mod address;
mod answer;
mod api;
mod arrival;
mod assets;
mod body;
mod compress;
mod cookies;
mod encoding;
mod forms;
mod headers;
mod health;
mod identity;
pub(crate) mod listen;
pub(crate) mod metrics;
mod origin;
mod pages;
mod patience;
mod preferences;
mod session_cookie;
mod sheet;
mod unsent;
mod ws;

use std::{io, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use app::source::Assets;
use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
    routing::get,
};
use futures_util::FutureExt as _;
use protocol::{ErrorCode, frame::Refusal};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::sync::CancellationToken;

use self::{answer::Failure, arrival::Front, body::BODY_MAX_BYTES, health::Readiness, pages::Pages};
use crate::{auth::Auth, chat::Chat, config::Config, conn::Serving, limits::Limits};

/// How long a request may take from its head to the head of its answer, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Answers full of messages that are made at a time: each holds megabytes at worst.
const MAKING_MAX: usize = 16;

/// What requests need of the server.
pub(crate) struct Http {
    chat: Chat,
    auth: Auth,
    limits: Arc<Limits>,
    front: Front,
    guests: bool,
    pages: Pages,
    /// Held by whoever reads messages, until the answer is made.
    making: Semaphore,
    readiness: Readiness,
    stopping: CancellationToken,
    serving: Arc<Serving>,
    /// Found out once: a release carries its files inside.
    assets: Assets,
}

impl Http {
    pub(crate) fn new(config: &Config, auth: Auth, serving: Arc<Serving>) -> io::Result<Self> {
        let (chat, hub) = (serving.chat.clone(), serving.hub.clone());
        Ok(Self {
            auth,
            limits: Arc::clone(&serving.limits),
            front: Front::new(config),
            guests: config.guests.is_on(),
            pages: Pages::new(chat.clone(), hub)?,
            making: Semaphore::new(MAKING_MAX),
            readiness: Readiness::default(),
            stopping: serving.shutdown.clone(),
            assets: assets::addresses(),
            chat,
            serving,
        })
    }

    fn assets(&self) -> Assets {
        // A page that is being worked on changes while the server runs.
        if cfg!(debug_assertions) { assets::addresses() } else { self.assets.clone() }
    }

    fn throttle(&self, request: &Request) -> Result<(), Refusal> {
        self.limits.request(self.front.of(request.headers(), request.extensions()).address)
    }
}

/// Every address of the server.
pub(crate) fn router(http: Arc<Http>) -> Router {
    let pages = Router::new()
        .route("/", get(pages::home))
        .route("/sign-in", get(pages::home).post(forms::sign_in))
        .route("/sign-out", get(pages::home).post(forms::sign_out))
        .route("/preferences", get(pages::home).post(forms::set_preferences))
        .route("/rooms", get(pages::home).post(forms::create_room))
        .route("/rooms/{slug}", get(pages::show).post(forms::post_message))
        .route("/rooms/{slug}/{seq}", get(pages::show))
        .route("/join/{invite}", get(pages::show).post(forms::join));
    pages
        .nest("/api/v1", api::routes())
        .route("/ws", get(ws::upgrade))
        .route_layer(from_fn_with_state(Arc::clone(&http), throttle))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .fallback(pages::fallback)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        // From here outwards: the last one sees a request first.
        .layer(from_fn_with_state(Arc::clone(&http), origin::guard))
        .layer(from_fn(bound_in_time))
        .layer(from_fn(compress::compress))
        .layer(from_fn_with_state(Arc::clone(&http), unsent::count))
        .layer(from_fn(outlive_panics))
        .layer(from_fn_with_state(Arc::clone(&http), headers::complete))
        .layer(from_fn(log))
        .with_state(http)
}

/// Middleware: no address asks more than its share.
async fn throttle(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    match http.throttle(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => Failure::from(refusal).into_response_at(request.uri()),
    }
}

/// Middleware: no request takes for ever, however slowly its body comes.
async fn bound_in_time(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let answered = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        let message = "this took too long; try again";
        Failure::from(Refusal::for_now(ErrorCode::Unavailable, message, 1_000)).into_response_at(&uri)
    })
}

/// Middleware: what was asked and answered, for whoever debugs. Without the address itself: invitations are secret.
async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    tracing::debug!(%method, route, status = response.status().as_u16(), took = ?began.elapsed(), "request");
    response
}

/// Middleware: a mistake in one request is that request's alone. The panic hook has logged which.
async fn outlive_panics(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_logged| {
        let message = "the server made a mistake; its log says which. Try again";
        Failure::new(ErrorCode::Internal, message).into_response_at(&uri)
    })
}

#[cfg(test)]
mod tests;
