//! The pages: complete without JavaScript, for the right reader, in their language.

use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::server::{TestServer, cookies_of, header_of};

#[tokio::test]
async fn whoever_is_new_picks_a_name_wherever_there_may_be_something() {
    let server = TestServer::start().await;
    for path in ["/", "/sign-in", "/rooms/general", "/rooms/general?before=7", "/rooms/%E5%8F%91/7"] {
        let page = server.get(path).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        assert_eq!(header_of(&page, "cache-control"), "no-store");
        let page = page.text().await.unwrap();
        assert!(page.contains("action=\"/sign-in\""), "{path}");
        assert!(page.contains("name=\"next\""), "{path}");
    }
}

#[tokio::test]
async fn the_first_paint_has_the_history() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    for content in ["first <b>words</b>", "second 你好"] {
        alice.post("/rooms/general/messages", &json!({ "content": content })).await;
    }
    let page = alice.page("/rooms/general").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(header_of(&page, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header_of(&page, "cache-control"), "no-store");
    let html = page.text().await.unwrap();
    assert!(html.contains("first &lt;b&gt;words&lt;/b&gt;"), "{html}");
    assert!(html.contains("second 你好") && html.contains("alice"));
    assert_eq!(alice.page("/rooms/general/1").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_permalink_to_a_message_that_is_not_there_says_so_above_the_newest() {
    let server = TestServer::with(&["--rate-limits", "off"]).await;
    let alice = server.guest("alice").await;
    for n in 1..=120 {
        alice.post("/rooms/general/messages", &json!({ "content": format!("word {n}") })).await;
    }
    let last = alice.post("/rooms/general/messages", &json!({ "content": "last" })).await;
    assert_eq!(last.status(), StatusCode::CREATED);
    let said = "This message is not here";
    assert!(!alice.page("/rooms/general/60").await.text().await.unwrap().contains(said));
    for seq in ["0", "122", "9007199254740991"] {
        let page = alice.page(&format!("/rooms/general/{seq}")).await;
        assert_eq!(page.status(), StatusCode::OK, "{seq}");
        let page = page.text().await.unwrap();
        assert!(page.contains(said) && page.contains("last"), "{seq}: {page}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_not_there() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    for path in ["/rooms/nowhere", "/rooms/NOT%20A%20ROOM", "/nothing", "/rooms/general/1/2"] {
        let page = alice.page(path).await;
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header_of(&page, "content-type"), "text/html; charset=utf-8", "{path}");
    }
}

#[tokio::test]
async fn strangers_learn_what_no_page_can_be_and_not_which_rooms_there_are() {
    let server = TestServer::start().await;
    let open = async |path: &str, language: &str| {
        let request = server.request(Method::GET, path).header(header::ACCEPT_LANGUAGE, language);
        let page = request.send().await.unwrap();
        (page.status(), page.text().await.unwrap())
    };
    for path in ["/nope", "/metrics", "/rooms", "/sign-out", "/rooms/general/seven", "/rooms/NOT%20A%20ROOM"]
    {
        for (language, title) in [("en", "Nothing here"), ("zh-CN", "这里什么都没有")] {
            let (status, html) = open(path, language).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert!(html.contains(title) && !html.contains("action=\"/sign-in\""), "{path}: {html}");
        }
    }
    for path in ["/rooms/general", "/rooms/nowhere", "/rooms/nowhere/7"] {
        assert_eq!(open(path, "en").await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_door_leads_to_the_room_that_was_looked_at_last() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    alice.room("发布", "public").await;
    let home = alice.page("/").await;
    assert_eq!(
        (home.status(), header_of(&home, "location")),
        (StatusCode::SEE_OTHER, "/rooms/general".into())
    );

    let room = "/rooms/%E5%8F%91%E5%B8%83";
    let seen = cookies_of(&alice.page(room).await);
    let last = seen.iter().find(|cookie| cookie.starts_with("room=")).expect("the room is kept");
    let (last, _) = last.split_once(';').unwrap();
    let cookies = format!("{}; {last}", alice.cookie());
    let home = server.request(Method::GET, "/").header(header::COOKIE, cookies).send().await.unwrap();
    assert_eq!(header_of(&home, "location"), room);
}

#[tokio::test]
async fn a_visit_renews_the_cookie() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let cookies = cookies_of(&alice.page("/rooms/general").await);
    assert!(
        cookies
            .iter()
            .any(|cookie| cookie.starts_with(&alice.cookie()) && cookie.contains("Max-Age=7776000"))
    );
    let stranger = cookies_of(&server.get("/rooms/general").await);
    assert_eq!(stranger, Vec::<String>::new());
}

#[tokio::test]
async fn the_language_and_the_colours_are_the_readers() {
    let server = TestServer::start().await;
    let page = async |accept: &str, cookie: &str| {
        let request = server.request(Method::GET, "/").header(header::ACCEPT_LANGUAGE, accept);
        request.header(header::COOKIE, cookie).send().await.unwrap().text().await.unwrap()
    };
    assert!(page("en", "").await.contains("<html lang=\"en\""));
    assert!(page("zh-CN,en;q=0.5", "").await.contains("<html lang=\"zh-CN\""));
    assert!(page("en", "lang=zh-CN").await.contains("<html lang=\"zh-CN\""));
    assert!(page("en", "theme=dark").await.contains("data-theme=\"dark\""));
    assert!(!page("en", "theme=\"><script>").await.contains("data-theme"));
}

#[tokio::test]
async fn only_the_pages_own_scripts_run() {
    let server = TestServer::start().await;
    let nonce = async || {
        let page = server.get("/").await;
        let policy = header_of(&page, "content-security-policy");
        for part in ["default-src 'none'", "'strict-dynamic'", "frame-ancestors 'none'", "form-action 'self'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        assert_eq!(header_of(&page, "x-content-type-options"), "nosniff");
        assert_eq!(header_of(&page, "referrer-policy"), "same-origin");
        assert_eq!(header_of(&page, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(header_of(&page, "strict-transport-security"), "", "not without TLS");
        let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0.to_owned();
        let html = page.text().await.unwrap();
        assert!(html.contains(&format!("nonce=\"{nonce}\"")), "{html}");
        assert!(!html.contains(" style=\""), "a style attribute is against the policy");
        nonce
    };
    assert_ne!(nonce().await, nonce().await);
}

#[tokio::test]
async fn pages_are_compressed_for_whoever_can_read_it() {
    let server = TestServer::start().await;
    let page = async |accept: &str| {
        server.request(Method::GET, "/").header(header::ACCEPT_ENCODING, accept).send().await.unwrap()
    };
    let gzip = page("gzip, br").await;
    assert_eq!(header_of(&gzip, "content-encoding"), "gzip");
    assert!(header_of(&gzip, "vary").contains("accept-encoding"));
    assert_eq!(header_of(&page("identity").await, "content-encoding"), "");
}
