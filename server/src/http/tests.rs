//! What no request can bring about, because no handler makes such a mistake.

use axum::{Router, body::to_bytes, http::StatusCode};
use protocol::api::ErrorBody;
use tower::ServiceExt as _;

use super::*;

#[expect(clippy::panic, reason = "this is the mistake")]
async fn mistaken() -> &'static str {
    panic!("a mistake, made on purpose")
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_for_and_the_next_request_is_served() {
    let router = Router::new()
        .route("/api/v1/mistaken", get(mistaken))
        .route("/mistaken", get(mistaken))
        .route("/sound", get(async || "sound"))
        .layer(from_fn(outlive_panics));
    let ask = async |path: &str| {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, to_bytes(response.into_body(), 4_096).await.unwrap())
    };
    let (status, body) = ask("/api/v1/mistaken").await;
    let ErrorBody { error } = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, error.code), (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Internal));
    assert!(!error.message.contains("on purpose"), "the cause is for the log: {error:?}");
    let (status, body) = ask("/mistaken").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.starts_with(b"the server made a mistake"), "{body:?}");
    assert_eq!(ask("/sound").await.0, StatusCode::OK);
}
