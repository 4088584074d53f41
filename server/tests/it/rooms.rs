//! Rooms: making them, and who may see them.

use protocol::api::{RoomList, RoomSummary, Visibility};
use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::server::{Guest, TestServer, assert_refused, body, cookies_of, header_of};

async fn slugs(guest: &Guest<'_>) -> Vec<String> {
    let list: RoomList = body(guest.get("/rooms").await).await;
    list.rooms.iter().map(|summary| summary.room.slug.to_string()).collect()
}

#[tokio::test]
async fn a_new_server_has_a_room_to_talk_in() {
    let server = TestServer::start().await;
    assert_eq!(slugs(&server.guest("alice").await).await, ["general"]);
}

#[tokio::test]
async fn rooms_are_made_in_any_script() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let room: RoomSummary = alice.room("发布 计划", "public").await;
    assert_eq!(room.room.slug.as_str(), "发布-计划");
    assert_eq!(room.room.invite, None);
    let bob = server.guest("bob").await;
    assert!(slugs(&bob).await.contains(&"发布-计划".to_owned()));
    let path = "/rooms/%E5%8F%91%E5%B8%83-%E8%AE%A1%E5%88%92/messages";
    assert_eq!(bob.post(path, &json!({ "content": "好" })).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn wrong_rooms_are_refused() {
    let server = TestServer::with(&["--max-rooms", "2", "--room-rate", "20/1h"]).await;
    let alice = server.guest("alice").await;
    for name in ["", " ", "?!", &"x".repeat(49)] {
        assert_refused(alice.post("/rooms", &json!({ "name": name })).await, 422, "bad_name").await;
    }
    let long = json!({ "name": "x", "topic": "x".repeat(201) });
    assert_refused(alice.post("/rooms", &long).await, 422, "bad_name").await;
    assert_refused(alice.post("/rooms", &json!({ "name": "General" })).await, 409, "room_exists").await;
    let hidden = json!({ "name": "x", "visibility": "hidden" });
    assert_refused(alice.post("/rooms", &hidden).await, 400, "bad_field").await;
    alice.room("second", "public").await;
    assert_refused(alice.post("/rooms", &json!({ "name": "third" })).await, 429, "limit_reached").await;
}

#[tokio::test]
async fn rooms_are_made_at_a_bounded_rate() {
    let server = TestServer::with(&["--room-rate", "1/1h"]).await;
    let alice = server.guest("alice").await;
    alice.room("first", "public").await;
    assert_refused(alice.post("/rooms", &json!({ "name": "second" })).await, 429, "rate_limited").await;
}

#[tokio::test]
async fn a_private_room_does_not_exist_for_others() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.guest("alice").await, server.guest("bob").await);
    let room = alice.room("secret", "private").await;
    assert_eq!(room.room.visibility, Visibility::Private);
    assert!(slugs(&alice).await.contains(&"secret".to_owned()));

    assert_eq!(slugs(&bob).await, ["general"]);
    let real = assert_refused(bob.get("/rooms/secret/messages").await, 404, "room_not_found").await;
    let unreal = assert_refused(bob.get("/rooms/nowhere/messages").await, 404, "room_not_found").await;
    assert_eq!(real, unreal, "the refusal tells that the room is there");
    let message = json!({ "content": "let me in" });
    assert_refused(bob.post("/rooms/secret/messages", &message).await, 404, "room_not_found").await;
    assert_eq!(bob.page("/rooms/secret").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(bob.form("/rooms/secret", &[("content", "x")]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(alice.page("/rooms/secret").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_invitation_leads_into_its_room() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.guest("alice").await, server.guest("bob").await);
    let invite = alice.room("secret", "private").await.room.invite.unwrap();
    let page = bob.page(&invite).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.text().await.unwrap().contains("secret"));
    assert_eq!(
        bob.get("/rooms/secret/messages").await.status(),
        StatusCode::NOT_FOUND,
        "looking is not accepting"
    );

    for _ in 0..2 {
        let joined = bob.form(&invite, &[]).await;
        assert_eq!(
            (joined.status(), header_of(&joined, "location")),
            (StatusCode::SEE_OTHER, "/rooms/secret".into())
        );
    }
    assert_eq!(bob.get("/rooms/secret/messages").await.status(), StatusCode::OK);
    assert!(slugs(&bob).await.contains(&"secret".to_owned()));
}

#[tokio::test]
async fn a_made_up_invitation_leads_nowhere() {
    let server = TestServer::start().await;
    let bob = server.guest("bob").await;
    for invite in ["/join/x", "/join/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &format!("/join/{}", "x".repeat(500))]
    {
        assert_eq!(bob.page(invite).await.status(), StatusCode::NOT_FOUND, "{invite}");
        assert_eq!(bob.form(invite, &[]).await.status(), StatusCode::NOT_FOUND, "{invite}");
    }
}

#[tokio::test]
async fn an_invitation_leads_a_stranger_through_the_sign_in_into_its_room() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let invite = alice.room("secret", "private").await.room.invite.unwrap();
    let page = server.get(&invite).await;
    assert_eq!(page.status(), StatusCode::OK);
    let page = page.text().await.unwrap();
    assert!(page.contains("You are invited to secret"), "{page}");
    assert!(
        page.contains(&format!("value=\"{invite}\"")),
        "the sign-in page does not lead on to the invitation"
    );
    let post = |path: &str| server.request(Method::POST, path).header("origin", server.origin());
    assert_eq!(post(&invite).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let refused = post("/sign-in").form(&[("username", "no name"), ("next", &invite)]).send().await.unwrap();
    assert!(refused.text().await.unwrap().contains("You are invited to secret"));
    let entered = post("/sign-in").form(&[("username", "bob"), ("next", &invite)]).send().await.unwrap();
    assert_eq!(
        (entered.status(), header_of(&entered, "location")),
        (StatusCode::SEE_OTHER, "/rooms/secret".into())
    );
    let session = cookies_of(&entered).remove(0);
    let room = server.request(Method::GET, "/rooms/secret").header(header::COOKIE, session);
    assert_eq!(room.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_broken_invitation_says_so_before_it_asks_a_stranger_for_a_name() {
    let server = TestServer::start().await;
    for invite in ["/join/x", &format!("/join/{}", "x".repeat(500))] {
        let page = server.get(invite).await;
        assert_eq!(page.status(), StatusCode::NOT_FOUND, "{invite}");
        let page = page.text().await.unwrap();
        assert!(page.contains("This invitation does not work"), "{page}");
        assert!(!page.contains("action=\"/sign-in\""), "{page}");
    }
}
