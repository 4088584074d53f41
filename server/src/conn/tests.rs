//! The heartbeat and the end of a connection, with a heart that beats faster than a server lets it be set.

use std::{
    mem,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use clap::Parser as _;
use futures_util::{SinkExt, StreamExt};
use protocol::{
    ClientFrame, CloseCode, ServerFrame, Timestamp, UserId,
    api::{Role, User},
    frame::Welcome,
    limits::FRAME_MAX_BYTES,
};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role as Side},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{Connection, Serving, Settings};
use crate::{
    bus::{Bus, Notice, local::LocalBus},
    chat::{Chat, ChatLimits},
    clock::Clock,
    config::Config,
    hub,
    limits::Limits,
    store::{Session, TokenHash, sqlite::SqliteStore},
    websocket,
};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the task of a connection holds, in bytes. It only ever comes down.
const FUTURE_MAX_BYTES: usize = 1_300;

struct Rig {
    serving: Arc<Serving>,
    bus: Arc<LocalBus>,
    served: Mutex<JoinSet<()>>,
    listener: TcpListener,
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
            chat: Chat::new(store, Arc::clone(&bus) as _, Clock::system(), ChatLimits::default()),
            hub: ends.hub,
            limits: Arc::new(Limits::new(&config.limits)),
            settings,
            shutdown: CancellationToken::new(),
            tracker: TaskTracker::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { serving, bus, served: Mutex::default(), listener, _data: data }
    }

    /// A connection, from after the handshake on.
    async fn connect(&self) -> WebSocketStream<TcpStream> {
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).await.unwrap();
        let served = self.serving.tracker.track_future(self.accept().await.serve());
        self.served.lock().unwrap().spawn(served);
        WebSocketStream::from_raw_socket(client, Side::Client, None).await
    }

    /// The server's side of it.
    async fn accept(&self) -> Connection {
        let (accepted, _) = self.listener.accept().await.unwrap();
        let socket = websocket::open(accepted, &[], FRAME_MAX_BYTES);
        let permit = self.serving.limits.connection(session().user.id, Ipv4Addr::LOCALHOST.into()).unwrap();
        Connection::begin(socket, websocket::Packing::Frames, session(), permit, Arc::clone(&self.serving))
            .await
            .unwrap()
    }

    /// Waits until nothing is left of any connection, and that each ended as it should.
    async fn is_over(&self) {
        let served = mem::take(&mut *self.served.lock().unwrap());
        timeout(PATIENCE, served.join_all()).await.unwrap();
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
    assert!(matches!(next(&mut socket).await, Ok(ServerFrame::Welcome(Welcome { ping_ms: 50, .. }))));
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
    assert!(matches!(next(&mut socket).await, Ok(ServerFrame::Welcome(_))));
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
        assert!(matches!(next(socket).await, Ok(ServerFrame::Welcome(_))));
    }
    assert_eq!(rig.serving.hub.connections().await, 2);
    polite.close(None).await.unwrap();
    assert_eq!(next(&mut polite).await, Err(None), "the goodbye is answered");
    drop(lost);
    rig.is_over().await;
}

#[tokio::test]
async fn whoever_is_signed_out_is_told_so_and_nothing_else() {
    let rig = Rig::start(Settings::default()).await;
    let mut socket = rig.connect().await;
    assert!(matches!(next(&mut socket).await, Ok(ServerFrame::Welcome { .. })));
    rig.bus.publish(Notice::SignedOut { session: session().token }).await;
    assert_eq!(next(&mut socket).await, Err(Some(CloseCode::SignedOut)));
    assert_eq!(next(&mut socket).await, Err(None));
    rig.is_over().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_costs_little() {
    let rig = Rig::start(Settings::default()).await;
    let _client = TcpStream::connect(rig.listener.local_addr().unwrap()).await.unwrap();
    let connection = rig.accept().await;
    let bytes = mem::size_of_val(&connection.serve());
    assert!(bytes <= FUTURE_MAX_BYTES, "{bytes} bytes");
}
