//! The JSON interface: messages, and every way in which a request can be wrong.

use protocol::{Seq, api::Posted, timeline::Page};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::server::{TestServer, assert_refused, body, header_of};

const MESSAGES: &str = "/rooms/general/messages";

#[tokio::test]
async fn what_is_posted_is_read_again() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let text = "**你好** مرحبا 👩‍👩‍👧‍👦\n\tlet x = 1;";
    let response = alice.post(MESSAGES, &json!({ "content": text })).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let first: Posted = body(response).await;
    let reply = alice.post(MESSAGES, &json!({ "content": "yes", "reply_to": first.seq })).await;
    assert_eq!(reply.status(), StatusCode::CREATED);

    let page: Page = body(alice.get(MESSAGES).await).await;
    let contents: Vec<_> = page.messages.iter().map(|m| m.content.as_ref().unwrap().as_str()).collect();
    assert_eq!(contents, [text, "yes"]);
    assert_eq!(page.messages[1].reply_to, Some(first.seq));
    assert_eq!((page.head, page.has_more_before, page.has_more_after), (Seq::new(2).unwrap(), false, false));
}

#[tokio::test]
async fn a_repeat_is_the_same_message() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let message = json!({ "id": "6a1f5d4e-9f0c-4a5b-8a36-0d9a1f0f6b11", "content": "once" });
    let first: Posted = body(alice.post(MESSAGES, &message).await).await;
    let again: Posted = body(alice.post(MESSAGES, &message).await).await;
    assert_eq!(first, again);
    let page: Page = body(alice.get(MESSAGES).await).await;
    assert_eq!(page.messages.len(), 1);
}

#[tokio::test]
async fn history_comes_in_pages() {
    let server = TestServer::with(&["--rate-limits", "off"]).await;
    let alice = server.guest("alice").await;
    for n in 1..=60 {
        alice.post(MESSAGES, &json!({ "content": format!("{n}") })).await;
    }
    let page = async |query: &str| {
        let page: Page = body(alice.get(&format!("{MESSAGES}{query}")).await).await;
        let seqs: Vec<u64> = page.messages.iter().map(|message| message.seq.get()).collect();
        (seqs, page.has_more_before, page.has_more_after)
    };
    assert_eq!(page("").await, ((11..=60).collect(), true, false));
    assert_eq!(page("?before=11&limit=5").await, ((6..=10).collect(), true, true));
    assert_eq!(page("?before=11").await, ((1..=10).collect(), false, true));
    assert_eq!(page("?after=55").await, ((56..=60).collect(), true, false));
    let (around, ..) = page("?around=30&limit=11").await;
    assert!(around.contains(&30) && around.len() == 11, "{around:?}");
    assert_eq!(page("?before=9007199254740991&limit=1").await, (vec![60], true, false));
}

#[tokio::test]
async fn wrong_places_are_refused() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    for query in
        ["before=x", "after=-1", "around=1.5", "before=", "before=9007199254740992", "before=1&after=1"]
    {
        assert_refused(alice.get(&format!("{MESSAGES}?{query}")).await, 400, "bad_cursor").await;
    }
    for query in ["limit=0", "limit=101", "limit=x", "before=1&before=2"] {
        assert_refused(alice.get(&format!("{MESSAGES}?{query}")).await, 400, "bad_field").await;
    }
}

#[tokio::test]
async fn wrong_messages_are_refused() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let refused = async |message: Value, status, code| {
        assert_refused(alice.post(MESSAGES, &message).await, status, code).await;
    };
    refused(json!({ "content": " \u{200B}\n" }), 422, "content_empty").await;
    refused(json!({ "content": "字".repeat(8_001) }), 422, "content_too_long").await;
    refused(json!({ "content": "x", "reply_to": 7 }), 404, "target_not_found").await;
    refused(json!({ "content": "x", "reply_to": -7 }), 400, "bad_field").await;
    refused(json!({ "content": "x", "id": "no" }), 400, "bad_field").await;
    refused(json!({ "content": 7 }), 400, "bad_field").await;
    refused(json!({}), 400, "bad_field").await;
    refused(json!([]), 400, "bad_field").await;
    let longest = alice.post(MESSAGES, &json!({ "content": "字".repeat(8_000) })).await;
    assert_eq!(longest.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn wrong_bodies_are_refused() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let send = async |kind: &str, bytes: Vec<u8>| {
        let request = alice.api(Method::POST, MESSAGES).header(header::CONTENT_TYPE, kind);
        request.body(bytes).send().await.unwrap()
    };
    assert_refused(send("application/json", b"{".into()).await, 400, "bad_frame").await;
    assert_refused(send("application/json", b"\xff\xfe".into()).await, 400, "bad_frame").await;
    assert_refused(send("text/plain", b"{\"content\":\"x\"}".into()).await, 415, "unsupported_media_type")
        .await;
    let big = format!("{{\"content\":\"{}\"}}", "x".repeat(200_000));
    assert_refused(send("application/json", big.into()).await, 413, "too_large").await;
    let page: Page = body(alice.get(MESSAGES).await).await;
    assert!(page.messages.is_empty());
}

#[tokio::test]
async fn unknown_addresses_are_json_too() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    for room in ["nowhere", "No%20Room", "%00", "..%2fetc", &"x".repeat(200)] {
        assert_refused(alice.get(&format!("/rooms/{room}/messages")).await, 404, "room_not_found").await;
    }
    assert_refused(alice.get("/nothing").await, 404, "not_found").await;
    assert_refused(server.get("/api/v2/rooms").await, 404, "not_found").await;
    let response = alice.api(Method::DELETE, "/rooms").send().await.unwrap();
    assert_eq!(header_of(&response, "allow"), "GET,HEAD,POST");
    assert_refused(response, 405, "method_not_allowed").await;
    let response =
        server.request(Method::POST, "/favicon.svg").header("origin", server.origin()).send().await.unwrap();
    assert_eq!((response.status().as_u16(), header_of(&response, "allow")), (405, "GET,HEAD".into()));
}

#[tokio::test]
async fn a_flood_is_stopped_and_others_write_on() {
    let server = TestServer::with(&["--op-rate", "3/1h"]).await;
    let (alice, bob) = (server.guest("alice").await, server.guest("bob").await);
    for _ in 0..3 {
        assert_eq!(alice.post(MESSAGES, &json!({ "content": "x" })).await.status(), StatusCode::CREATED);
    }
    let refusal =
        assert_refused(alice.post(MESSAGES, &json!({ "content": "x" })).await, 429, "rate_limited").await;
    assert!(refusal.retry_after_ms.is_some());
    assert_eq!(bob.post(MESSAGES, &json!({ "content": "x" })).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn an_address_that_asks_too_much_waits() {
    let server = TestServer::with(&["--request-rate", "3/1h"]).await;
    for _ in 0..3 {
        assert_eq!(server.get("/").await.status(), StatusCode::OK);
    }
    assert_refused(server.get("/api/v1/me").await, 429, "rate_limited").await;
    assert_eq!(server.get("/").await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(server.get("/no/such/page").await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);
}
