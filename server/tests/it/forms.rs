//! The forms of the pages, as a browser posts them with JavaScript off.

use protocol::timeline::Page;
use reqwest::{Method, StatusCode, header};

use crate::server::{TestServer, body, cookies_of, header_of};

#[tokio::test]
async fn signing_in_leads_on() {
    let server = TestServer::start().await;
    let sign_in = async |username: &str, next: &str| {
        let request = server.request(Method::POST, "/sign-in").header(header::ORIGIN, server.origin());
        request.form(&[("username", username), ("next", next)]).send().await.unwrap()
    };
    let response = sign_in("alice", "/rooms/general?before=7").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(header_of(&response, "location"), "/rooms/general?before=7");
    assert!(cookies_of(&response)[0].starts_with("hubbub_session="));

    for (n, elsewhere) in
        ["//evil.example", "https://evil.example", "/\\evil.example", "", "x"].iter().enumerate()
    {
        assert_eq!(header_of(&sign_in(&format!("bob{n}"), elsewhere).await, "location"), "/");
    }
    assert_eq!(header_of(&sign_in("carol", "/rooms/发布").await, "location"), "/rooms/%E5%8F%91%E5%B8%83");
}

#[tokio::test]
async fn a_refused_name_shows_the_page_again() {
    let server = TestServer::start().await;
    server.guest("alice").await;
    for (name, status) in [("a b", StatusCode::UNPROCESSABLE_ENTITY), ("alice", StatusCode::CONFLICT)] {
        let request = server.request(Method::POST, "/sign-in").header(header::ORIGIN, server.origin());
        let response = request.form(&[("username", name), ("next", "/rooms/general")]).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(cookies_of(&response), Vec::<String>::new());
        let page = response.text().await.unwrap();
        assert!(page.contains(&format!("value=\"{name}\"")), "what was typed is gone");
        assert!(page.contains("value=\"/rooms/general\""), "it does not lead on any more");
    }
}

#[tokio::test]
async fn signing_out_takes_the_cookie_away() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let response = alice.form("/sign-out", &[]).await;
    assert_eq!((response.status(), header_of(&response, "location")), (StatusCode::SEE_OTHER, "/".into()));
    assert_eq!(cookies_of(&response), ["hubbub_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"]);
    assert_eq!(alice.get("/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_message_is_posted_without_javascript() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let id = "6a1f5d4e-9f0c-4a5b-8a36-0d9a1f0f6b11";
    for _ in 0..2 {
        let response =
            alice.form("/rooms/general", &[("content", "你好\r\nline"), ("id", id), ("reply_to", "")]).await;
        assert_eq!(
            (response.status(), header_of(&response, "location")),
            (StatusCode::SEE_OTHER, "/rooms/general".into())
        );
    }
    alice.form("/rooms/general", &[("content", "an answer"), ("reply_to", "1")]).await;
    let page: Page = body(alice.get("/rooms/general/messages").await).await;
    let said: Vec<_> = page.messages.iter().map(|m| m.content.as_ref().unwrap().as_str()).collect();
    assert_eq!(said, ["你好\nline", "an answer"]);
    assert_eq!(page.messages[1].reply_to.unwrap().get(), 1);
}

#[tokio::test]
async fn a_refused_message_is_not_lost() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let long = "x".repeat(8_001);
    let response = alice.form("/rooms/general", &[("content", &long)]).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(response.text().await.unwrap().contains(&long));
    let empty = alice.form("/rooms/general", &[("content", "  ")]).await;
    assert_eq!(empty.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(alice.form("/rooms/nowhere", &[("content", "x")]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_form_of_nobody_asks_to_sign_in() {
    let server = TestServer::start().await;
    for path in ["/rooms/general", "/rooms"] {
        let request = server.request(Method::POST, path).header(header::ORIGIN, server.origin());
        let response = request.form(&[("content", "x"), ("name", "x")]).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(response.text().await.unwrap().contains("action=\"/sign-in\""));
    }
}

#[tokio::test]
async fn a_room_is_made_without_javascript() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let fields = [("name", "发布"), ("topic", ""), ("visibility", "private")];
    let response = alice.form("/rooms", &fields).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(header_of(&response, "location"), "/rooms/%E5%8F%91%E5%B8%83");

    let again = alice.form("/rooms", &fields).await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert!(again.text().await.unwrap().contains("value=\"发布\""), "what was typed is gone");
    let wrong = alice.form("/rooms", &[("name", "x"), ("visibility", "hidden")]).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn preferences_are_kept_in_cookies() {
    let server = TestServer::start().await;
    let choose = async |fields: &[(&str, &str)]| {
        let request = server.request(Method::POST, "/preferences").header(header::ORIGIN, server.origin());
        request.form(fields).send().await.unwrap()
    };
    let response = choose(&[("lang", "zh-CN"), ("next", "/rooms/general")]).await;
    assert_eq!(
        (response.status(), header_of(&response, "location")),
        (StatusCode::SEE_OTHER, "/rooms/general".into())
    );
    assert_eq!(cookies_of(&response), ["lang=zh-CN; Path=/; Max-Age=34560000; SameSite=Lax"]);
    let response = choose(&[("theme", "dark"), ("lang", "xx"), ("next", "//evil.example")]).await;
    assert_eq!(header_of(&response, "location"), "/");
    assert_eq!(cookies_of(&response), ["theme=dark; Path=/; Max-Age=34560000; SameSite=Lax"]);
    assert_eq!(cookies_of(&choose(&[("theme", "x; Domain=evil")]).await), Vec::<String>::new());
}

#[tokio::test]
async fn forms_that_are_too_large_or_no_forms_are_refused() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let huge = alice.form("/rooms/general", &[("content", &"x".repeat(200_000))]).await;
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let post = alice.browser(Method::POST, "/rooms/general").header(header::ORIGIN, server.origin());
    let json = post.header(header::CONTENT_TYPE, "application/json").body("{}").send().await.unwrap();
    assert_eq!(json.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
