//! Coming in: names, tokens and the session's cookie.

use protocol::api::{GuestCreated, User};
use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::server::{TestServer, assert_refused, body, cookies_of, header_of};

async fn come_in(server: &TestServer, username: &str) -> reqwest::Response {
    let request = server.request(Method::POST, "/api/v1/guests").json(&json!({ "username": username }));
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_guest_gets_a_token_and_a_cookie() {
    let server = TestServer::start().await;
    let response = come_in(&server, "小明").await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let cookies = cookies_of(&response);
    let GuestCreated { token, user } = body(response).await;
    assert_eq!(token.len(), 43);
    let expected = format!("hubbub_session={token}; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax");
    assert_eq!(cookies, [expected]);

    let me = server.request(Method::GET, "/api/v1/me").bearer_auth(&token).send().await.unwrap();
    assert_eq!(header_of(&me, "cache-control"), "no-store");
    assert_eq!(body::<User>(me).await, user);
    let me = server
        .request(Method::GET, "/api/v1/me")
        .header(header::COOKIE, format!("a=b; hubbub_session={token}"));
    assert_eq!(body::<User>(me.send().await.unwrap()).await, user);
}

#[tokio::test]
async fn over_tls_the_cookie_never_goes_without() {
    let server = TestServer::with(&["--public-url", "https://chat.example"]).await;
    let response = come_in(&server, "alice").await;
    let cookie = cookies_of(&response).remove(0);
    assert!(cookie.starts_with("__Host-hubbub_session="), "{cookie}");
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert_eq!(header_of(&response, "strict-transport-security"), "max-age=63072000");

    let token = body::<GuestCreated>(response).await.token;
    let me = |cookie: String| server.request(Method::GET, "/api/v1/me").header(header::COOKIE, cookie).send();
    assert_eq!(me(format!("__Host-hubbub_session={token}")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(me(format!("hubbub_session={token}")).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn names_are_unique_and_honest() {
    let server = TestServer::start().await;
    server.guest("Alice").await;
    assert_refused(come_in(&server, "alice").await, 409, "name_taken").await;
    assert_refused(come_in(&server, "ＡＬＩＣＥ").await, 409, "name_taken").await;
    for name in ["", "  ", "a b", "al\u{200B}ice", "\u{202E}bob", "@x", &"x".repeat(33)] {
        assert_refused(come_in(&server, name).await, 422, "bad_name").await;
    }
}

#[tokio::test]
async fn guests_can_be_kept_out() {
    let server = TestServer::with(&["--guests", "off"]).await;
    assert_refused(come_in(&server, "alice").await, 403, "guests_off").await;
}

#[tokio::test]
async fn a_crowd_from_one_address_is_told_to_wait() {
    let server = TestServer::with(&["--guest-rate", "2/1h"]).await;
    server.guest("a").await;
    server.guest("b").await;
    let response = come_in(&server, "c").await;
    let retry_after: u64 = header_of(&response, "retry-after").parse().unwrap();
    let refusal = assert_refused(response, 429, "rate_limited").await;
    assert_eq!(refusal.retry_after_ms.unwrap().div_ceil(1_000), retry_after);
    assert!((1..=1_801).contains(&retry_after));
}

#[tokio::test]
async fn whoever_is_not_known_is_told_so() {
    let server = TestServer::start().await;
    let forged = "A".repeat(43);
    for token in ["", "x", forged.as_str(), "' or 1=1 --"] {
        for path in ["/me", "/rooms", "/rooms/general/messages"] {
            let request = server.request(Method::GET, &format!("/api/v1{path}")).bearer_auth(token);
            let response = request.send().await.unwrap();
            assert_eq!(header_of(&response, "www-authenticate"), "Bearer");
            assert_refused(response, 401, "unauthorized").await;
        }
    }
    assert_refused(server.get("/api/v1/rooms").await, 401, "unauthorized").await;
}

#[tokio::test]
async fn a_forged_token_is_not_saved_by_a_cookie() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let request = alice.browser(Method::GET, "/api/v1/me").bearer_auth("forged");
    assert_refused(request.send().await.unwrap(), 401, "unauthorized").await;
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let response = alice.post("/sign-out", &json!(null)).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(cookies_of(&response), ["hubbub_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"]);
    assert_refused(alice.get("/me").await, 401, "unauthorized").await;
}

#[tokio::test]
async fn sessions_outlive_a_restart() {
    let server = TestServer::start().await;
    let token = server.guest("alice").await.token;
    let server = TestServer::on(server.stop().await, &[]).await;
    let me = server.request(Method::GET, "/api/v1/me").bearer_auth(token).send().await.unwrap();
    assert_eq!(body::<User>(me).await.username.as_str(), "alice");
}
