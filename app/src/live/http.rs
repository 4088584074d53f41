//! The few requests that the page makes: pages of messages, a new room, signing out.

use std::time::Duration;

use leptos::prelude::window;
use protocol::{
    ErrorCode, RoomSlug,
    api::{ErrorBody, NewRoom, RoomSummary},
    frame::Refusal,
    json,
    limits::PAGE_DEFAULT_MESSAGES,
    timeline::Page,
};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, Response};

use super::clock;
use crate::source::Place;

/// How long a request may take, in milliseconds.
const REQUEST_TIMEOUT_MS: u32 = 15_000;
/// How often a page is asked for before the reader is told, in requests.
const PAGE_MAX_TRIES: u32 = 3;
/// The pause after the first failure; each further one is twice as long.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// The longest that a server may ask to wait before a page is asked for again.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);
/// The status of an answer to somebody who is not signed in.
const UNAUTHORIZED: u16 = 401;

/// A page of a room's messages.
pub(super) async fn page(room: &RoomSlug, place: Place) -> Result<Page, Refusal> {
    let slug = js_sys::encode_uri_component(room.as_str());
    let place = match place {
        Place::Newest => String::new(),
        Place::Around(seq) => format!("around={seq}&"),
        Place::Before(seq) => format!("before={seq}&"),
        Place::After(seq) => format!("after={seq}&"),
    };
    let path = format!("/api/v1/rooms/{slug}/messages?{place}limit={PAGE_DEFAULT_MESSAGES}");
    let mut pause = RETRY_PAUSE;
    for _ in 1..PAGE_MAX_TRIES {
        match get(&path).await {
            Err(refusal) if refusal.code.is_retryable() => {
                let asked = refusal.retry_after_ms.map_or(pause, Duration::from_millis);
                clock::wait(asked.max(pause).min(RETRY_PAUSE_MAX)).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    get(&path).await
}

/// Makes a room.
pub(super) async fn create_room(room: &NewRoom) -> Result<RoomSummary, Refusal> {
    post("/api/v1/rooms", room).await
}

/// Ends this user's session.
pub(super) async fn sign_out() -> Result<(), Refusal> {
    let init = RequestInit::new();
    init.set_method("POST");
    body(request("/api/v1/sign-out", &init).await).await.map(drop)
}

/// Whether the server says that nobody is signed in here. A socket that was refused does not tell why.
pub(super) async fn is_signed_out() -> bool {
    let init = RequestInit::new();
    matches!(request("/api/v1/rooms", &init).await, Ok(response) if response.status() == UNAUTHORIZED)
}

async fn get<T: DeserializeOwned>(path: &str) -> Result<T, Refusal> {
    answer(request(path, &RequestInit::new()).await).await
}

async fn post<B: Serialize, T: DeserializeOwned>(path: &str, body: &B) -> Result<T, Refusal> {
    let init = RequestInit::new();
    init.set_method("POST");
    let body = serde_json::to_string(body).map_err(|error| unreachable_server(&error.to_string()))?;
    init.set_body(&JsValue::from_str(&body));
    if let Ok(headers) = Headers::new()
        && headers.set("content-type", "application/json").is_ok()
    {
        init.set_headers(&headers);
    }
    answer(request(path, &init).await).await
}

async fn request(path: &str, init: &RequestInit) -> Result<Response, JsValue> {
    init.set_signal(Some(&AbortSignal::timeout_with_u32(REQUEST_TIMEOUT_MS)));
    JsFuture::from(window().fetch_with_str_and_init(path, init)).await?.dyn_into()
}

async fn answer<T: DeserializeOwned>(response: Result<Response, JsValue>) -> Result<T, Refusal> {
    let body = body(response).await?;
    json::read(&body).ok_or_else(|| unreachable_server("the answer cannot be read"))
}

/// The body of an answer, or why there is none.
async fn body(response: Result<Response, JsValue>) -> Result<String, Refusal> {
    let response = response.map_err(|_| unreachable_server("no answer"))?;
    let text = match response.text() {
        Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()),
        Err(_) => None,
    };
    let text = text.ok_or_else(|| unreachable_server("the answer broke off"))?;
    if response.ok() {
        return Ok(text);
    }
    let refused = json::read::<ErrorBody>(&text);
    Err(refused.map_or_else(|| unreachable_server("the answer cannot be read"), |refused| refused.error))
}

fn unreachable_server(why: &str) -> Refusal {
    Refusal::new(ErrorCode::Unavailable, format!("the server could not be reached ({why}); try again"))
}
