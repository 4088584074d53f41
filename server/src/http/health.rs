//! Whether the process lives (`/healthz`) and whether it should be sent requests (`/readyz`).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{extract::State, http::StatusCode};

use super::Http;

/// How long an answer of the store is good for, so that nobody can keep it busy by asking.
const FRESH: Duration = Duration::from_secs(1);
/// How long the store may take to say that it can write.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// What was found out last, and when.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    last: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    fn recent(&self) -> Option<bool> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(at, _)| at.elapsed() < FRESH).map(|(_, ready)| ready)
    }

    fn remember(&self, ready: bool) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), ready));
    }
}

/// `GET /healthz`: the process answers.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: it is not about to stop, and its store can write.
pub(crate) async fn ready(State(http): State<Arc<Http>>) -> (StatusCode, &'static str) {
    if http.stopping.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    let ready = if let Some(ready) = http.readiness.recent() {
        ready
    } else {
        let checked = tokio::time::timeout(CHECK_TIMEOUT, http.chat.ready()).await;
        let ready = matches!(checked, Ok(Ok(())));
        http.readiness.remember(ready);
        ready
    };
    if ready {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store cannot write: see the log for the cause\n")
    }
}
