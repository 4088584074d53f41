//! The heartbeat and the end of a connection, with a heart that beats faster than a server lets it be set.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::WebSocketUpgrade, routing::any};
use clap::Parser as _;
use futures_util::{SinkExt, StreamExt};
use protocol::{
    ClientFrame, CloseCode, ServerFrame, Timestamp, UserId,
    api::{Role, User},
};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{Serving, Settings, serve};
use crate::{
    bus::{Bus, local::LocalBus},
    chat::{Chat, ChatLimits},
    clock::Clock,
    config::Config,
    hub,
    limits::Limits,
    store::{Session, TokenHash, sqlite::SqliteStore},
};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Rig {
    serving: Arc<Serving>,
    address: SocketAddr,
    _data: TempDir,
}

impl Rig {
    async fn start(settings: Settings) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (commits, _committed) = mpsc::channel(1);
        let store = Arc::new(SqliteStore::open(data.path(), commits).await.unwrap());
        let bus = Arc::new(LocalBus::new());
        let ends = hub::channels();
        tokio::spawn(hub::run(ends.commands, bus.subscribe().await, ends.repair));
        let config = Config::try_parse_from(["hubbub"]).unwrap();
        let serving = Arc::new(Serving {
            chat: Chat::new(store, bus, Clock::system(), ChatLimits::default()),
            hub: ends.hub,
            limits: Arc::new(Limits::new(&config.limits)),
            settings,
            shutdown: CancellationToken::new(),
            tracker: TaskTracker::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::clone(&serving);
        let route = any(async move |upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(move |socket| serve(socket, session(), served))
        });
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/ws", route)).await });
        Self { serving, address, _data: data }
    }

    async fn connect(&self) -> WebSocketStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        client_async(format!("ws://{}/ws", self.address), stream).await.unwrap().0
    }

    /// Waits until nothing is left of any connection.
    async fn is_over(&self) {
        self.serving.tracker.close();
        timeout(PATIENCE, self.serving.tracker.wait()).await.unwrap();
        assert_eq!(self.serving.hub.connections().await, 0);
    }
}

fn session() -> Session {
    let id = UserId(Uuid::from_u128(1));
    let user = User { id, username: "ann".parse().unwrap(), role: Role::Guest };
    Session { token: TokenHash([0; 32]), user, expires: Timestamp::from_unix_ms(u64::MAX) }
}

/// What comes next: a frame, or the code of a close.
async fn next(socket: &mut WebSocketStream<TcpStream>) -> Result<ServerFrame, Option<CloseCode>> {
    match timeout(PATIENCE, socket.next()).await.unwrap() {
        Some(Ok(Message::Text(text))) => Ok(ServerFrame::decode(&text).unwrap()),
        Some(Ok(Message::Close(Some(close)))) => Err(CloseCode::from_code(close.code.into())),
        _ => Err(None),
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_is_taken_for_dead() {
    let beat = Duration::from_millis(50);
    let rig = Rig::start(Settings { ping_interval: beat, ping_grace: beat, ..Settings::default() }).await;
    let mut socket = rig.connect().await;
    assert!(matches!(next(&mut socket).await, Ok(ServerFrame::Welcome { ping_ms: 50, .. })));
    let code = loop {
        match next(&mut socket).await {
            Ok(ServerFrame::Ping) => {}
            Ok(other) => panic!("{other:?}"),
            Err(code) => break code,
        }
    };
    assert_eq!(code, Some(CloseCode::GoingAway));
    rig.is_over().await;
}

#[tokio::test]
async fn a_client_that_answers_pings_stays() {
    let ping_interval = Duration::from_millis(50);
    let rig = Rig::start(Settings { ping_interval, ping_grace: PATIENCE, ..Settings::default() }).await;
    let mut socket = rig.connect().await;
    assert!(matches!(next(&mut socket).await, Ok(ServerFrame::Welcome { .. })));
    for _ in 0..4 {
        assert_eq!(next(&mut socket).await, Ok(ServerFrame::Ping));
        socket.send(Message::text(ClientFrame::Pong.encode())).await.unwrap();
    }
    assert_eq!(rig.serving.hub.connections().await, 1);
    drop(socket);
    rig.is_over().await;
}

#[tokio::test]
async fn a_closed_or_lost_socket_leaves_nothing_behind() {
    let rig = Rig::start(Settings::default()).await;
    let (mut polite, mut lost) = (rig.connect().await, rig.connect().await);
    for socket in [&mut polite, &mut lost] {
        assert!(matches!(next(socket).await, Ok(ServerFrame::Welcome { .. })));
    }
    assert_eq!(rig.serving.hub.connections().await, 2);
    polite.close(None).await.unwrap();
    assert_eq!(next(&mut polite).await, Err(None), "the goodbye is answered");
    drop(lost);
    rig.is_over().await;
}
