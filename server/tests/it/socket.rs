//! The door to the socket: who may connect, and how many.

use protocol::frame::Welcome;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use protocol::ServerFrame;
use reqwest::{Method, header};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest as _,
        http::{HeaderName, Response},
    },
};

use crate::{
    server::{Guest, TestServer, assert_refused},
    wire::{Wire, send_of},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Longer than anything here takes, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

async fn connect(server: &TestServer, headers: &[(&str, &str)]) -> Result<Socket, Response<Option<Vec<u8>>>> {
    connect_to(server, "/ws", headers).await
}

async fn connect_to(
    server: &TestServer,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Socket, Response<Option<Vec<u8>>>> {
    let mut request = format!("ws://{}{path}", server.address()).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(*response),
        Err(other) => panic!("{other}"),
    }
}

async fn bearer(guest: &Guest<'_>, server: &TestServer) -> Result<Socket, Response<Option<Vec<u8>>>> {
    connect(server, &[("authorization", &format!("Bearer {}", guest.token))]).await
}

fn code_of(refused: Result<Socket, Response<Option<Vec<u8>>>>) -> (u16, String) {
    let response = refused.unwrap_err();
    let status = response.status().as_u16();
    let body: protocol::api::ErrorBody = serde_json::from_slice(response.body().as_deref().unwrap()).unwrap();
    (status, body.error.code.as_str().to_owned())
}

#[tokio::test]
async fn programs_come_with_a_token_and_browsers_with_a_cookie() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let (cookie, own) = (alice.cookie(), server.origin());
    let by_cookie = connect(&server, &[("cookie", &cookie), ("origin", &own)]).await;
    for socket in [bearer(&alice, &server).await, by_cookie] {
        let first = timeout(PATIENCE, socket.unwrap().next()).await.unwrap().unwrap().unwrap();
        let Some(ServerFrame::Welcome(Welcome { user, .. })) = ServerFrame::decode(first.to_text().unwrap())
        else {
            panic!("{first:?}")
        };
        assert_eq!(user, alice.user);
    }
}

#[tokio::test]
async fn strangers_and_foreign_pages_stay_outside() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let (cookie, own) = (alice.cookie(), server.origin());
    let refused = async |headers: &[(&str, &str)]| code_of(connect(&server, headers).await);
    let (unauthorized, foreign) = ((401, "unauthorized".to_owned()), (403, "foreign_origin".to_owned()));
    assert_eq!(refused(&[]).await, unauthorized);
    assert_eq!(refused(&[("authorization", "Bearer forged")]).await, unauthorized);
    assert_eq!(refused(&[("cookie", "hubbub_session=forged"), ("origin", &own)]).await, unauthorized);
    assert_eq!(refused(&[("cookie", &cookie)]).await, foreign);
    assert_eq!(refused(&[("cookie", &cookie), ("origin", "http://evil.example")]).await, foreign);
    assert_eq!(refused(&[("cookie", &cookie), ("origin", "null")]).await, foreign);
    assert_eq!(refused(&[("cookie", &cookie), ("sec-fetch-site", "same-origin")]).await, foreign);
}

#[tokio::test]
async fn whoever_speaks_no_websocket_is_told_so() {
    let server = TestServer::start().await;
    let alice = server.guest("alice").await;
    let request =
        server.request(Method::GET, "/ws").header(header::AUTHORIZATION, format!("Bearer {}", alice.token));
    assert_refused(request.send().await.unwrap(), 400, "bad_frame").await;
}

#[tokio::test]
async fn events_that_come_together_may_share_a_frame() {
    const TOGETHER: u64 = 50;
    let server = TestServer::with(&["--rate-limits", "off"]).await;
    let (alice, bob) = (server.guest("alice").await, server.guest("bob").await);
    let bearer = format!("Bearer {}", alice.token);
    let mut reader = connect_to(&server, "/ws?packing=lines", &[("authorization", &bearer)]).await.unwrap();
    reader.send(Message::text(r#"{"type":"join","room":"general"}"#)).await.unwrap();
    let joined = async {
        while !matches!(reader.next().await, Some(Ok(Message::Text(text))) if text.contains(r#""type":"joined""#))
        {
        }
    };
    timeout(PATIENCE, joined).await.unwrap();
    let mut writer = Wire::connect(server.address(), &bob.token).await;
    let mut next = 1;
    let shared = async {
        loop {
            let mut longest = 0;
            writer.say_all((0..TOGETHER).map(|n| send_of(&format!("{n}\nof many")))).await;
            let end = next + TOGETHER;
            while next < end {
                let message = reader.next().await.unwrap().unwrap();
                let frames =
                    message.to_text().unwrap().lines().map(|line| ServerFrame::decode(line).unwrap());
                let before = next;
                for frame in frames {
                    if let ServerFrame::Event(event) = frame {
                        assert_eq!(event.seq.get(), next);
                        next += 1;
                    }
                }
                longest = longest.max(next - before);
            }
            // Now and then each is written by itself.
            if longest > 1 {
                return;
            }
        }
    };
    timeout(PATIENCE, shared).await.expect("nothing ever shared a frame");

    let refused = connect_to(&server, "/ws?packing=boxes", &[("authorization", &bearer)]).await;
    assert_eq!(code_of(refused), (400, "bad_field".into()));
}

#[tokio::test]
async fn connections_are_counted_and_given_back() {
    let server = TestServer::with(&["--max-connections", "3", "--max-connections-per-user", "2"]).await;
    let (alice, bob) = (server.guest("alice").await, server.guest("bob").await);
    let mut first = bearer(&alice, &server).await.unwrap();
    let _second = bearer(&alice, &server).await.unwrap();
    assert_eq!(code_of(bearer(&alice, &server).await), (429, "limit_reached".into()));
    let _third = bearer(&bob, &server).await.unwrap();
    assert_eq!(code_of(bearer(&bob, &server).await), (503, "unavailable".into()));

    first.close(None).await.unwrap();
    let freed = async {
        loop {
            if let Ok(socket) = bearer(&alice, &server).await {
                return socket;
            }
        }
    };
    timeout(PATIENCE, freed).await.expect("a closed connection is still counted");
}

#[tokio::test]
async fn a_restart_is_told_to_every_socket() {
    let server = TestServer::start().await;
    let mut socket = bearer(&server.guest("alice").await, &server).await.unwrap();
    let last = async {
        let mut last = None;
        while let Some(Ok(message)) = socket.next().await {
            last = Some(message);
        }
        last
    };
    let (last, _) =
        timeout(PATIENCE, async { tokio::join!(last, server.stop()) }).await.expect("it does not stop");
    let Some(Message::Close(Some(close))) = last else { panic!("{last:?}") };
    assert_eq!(u16::from(close.code), 1012);
}
