//! Other sites' pages cannot act for whoever is signed in here.

use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::server::{Guest, TestServer, assert_refused};

const MESSAGES: &str = "/api/v1/rooms/general/messages";

fn post(alice: &Guest<'_>, path: &str, headers: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let request = alice.browser(Method::POST, path).json(&json!({ "content": "x" }));
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

#[tokio::test]
async fn a_cookie_acts_only_from_here() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let own = server.origin();
    for headers in [vec![("origin", own.as_str())], vec![("sec-fetch-site", "same-origin")]] {
        let response = post(&alice, MESSAGES, &headers).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED, "{headers:?}");
    }
    let foreign: [&[(&str, &str)]; 7] = [
        &[],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        // A proxy's own password is sent by the browser too, whichever page asks.
        &[("authorization", "Basic dTpw")],
    ];
    for headers in foreign {
        let response = post(&alice, MESSAGES, headers).send().await.unwrap();
        assert_refused(response, 403, "foreign_origin").await;
    }
}

#[tokio::test]
async fn no_form_acts_from_elsewhere() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    for path in ["/sign-out", "/rooms", "/rooms/general", "/preferences", "/join/x", "/sign-in"] {
        for origin in [Some("http://evil.example"), None] {
            let request = alice.browser(Method::POST, path).form(&[("content", "x"), ("username", "y")]);
            let request =
                origin.into_iter().fold(request, |request, origin| request.header(header::ORIGIN, origin));
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path} {origin:?}");
            assert!(response.text().await.unwrap().contains("another site"));
        }
    }
    assert_eq!(alice.get("/me").await.status(), StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn nobody_is_signed_in_from_elsewhere() {
    let server = TestServer::start().await;
    let request = server.request(Method::POST, "/sign-in").header(header::ORIGIN, "http://evil.example");
    let response = request.form(&[("username", "mallory")]).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_acts_from_anywhere() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let request =
        alice.api(Method::POST, "/rooms/general/messages").header(header::ORIGIN, "http://elsewhere.example");
    let response = request.json(&json!({ "content": "x" })).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_public_url_is_the_only_origin() {
    let server = TestServer::with(&["--public-url", "http://chat.example"]).await;
    let alice = server.guest("alice").await;
    let own = server.origin();
    let response = post(&alice, MESSAGES, &[("origin", "http://chat.example")]).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let response = post(&alice, MESSAGES, &[("origin", &own)]).send().await.unwrap();
    assert_refused(response, 403, "foreign_origin").await;
}
