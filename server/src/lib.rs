//! Hubbub's server as a library: [`Server::start`] wires its parts together, for the binary and for the tests alike.
//!
//! | module | what it hides |
//! |---|---|
//! | [`hub`] | the task that knows who is connected and who listens to which room |
//! | [`conn`] | one connection |
//! | [`websocket`] | the standard's frames on a socket |
//! | [`chat`] | the use cases; the only door through which anything changes |
//! | [`store`] | what outlives the process |
//! | [`bus`] | what one part tells the others |
//! | [`auth`] | who somebody is |
//! | [`limits`] | how much one may do |
//! | `http` | pages, JSON interface, forms, files, health, metrics |
//! | [`command`] | what the binary does beside serving |
//! | [`probe`] | whether a server elsewhere is ready |
//! | `crew` | threads for what takes time |
//! | [`config`], [`error`], [`clock`], [`random`] | leaves |

pub mod auth;
pub mod bus;
pub mod chat;
pub mod clock;
pub mod command;
pub mod config;
pub mod conn;
pub mod error;
pub mod hub;
pub mod limits;
pub mod probe;
pub mod random;
pub mod store;
pub mod websocket;

mod crew;
mod http;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, runtime::Handle, sync::mpsc, task::JoinSet, time::timeout};
use tokio_util::task::TaskTracker;

use crate::{
    auth::{Auth, Guests},
    bus::{Bus, local::LocalBus},
    chat::{Chat, ChatLimits},
    clock::Clock,
    config::{Config, PublicUrl},
    conn::Serving,
    error::StartError,
    http::{
        listen::{self, Entrance, Stages},
        metrics::{self, Holdings},
    },
    hub::{Ends, Hub, Repair},
    limits::Limits,
    store::{Committed, Store, sqlite::SqliteStore},
};

/// Batches of committed events that may wait to be published; then the store's writer waits.
const COMMITTED_MAX: usize = 256;
/// Most events that one repair reads from the log; a longer gap is repaired in several.
const REPAIR_MAX_EVENTS: u32 = 500;

/// Starts servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Opens the store, listens, and serves until [`Running::shutdown`].
    pub async fn start(config: Config) -> Result<Running, StartError> {
        // Whoever renders a page needs it; it stays once it is there.
        let _already_there = any_spawner::Executor::init_tokio();
        // The port first: the commonest mistake is a second server, and it must not wait for the first one's files.
        let (listener, local_addr) = listen(config.listen, "--listen").await?;
        let metrics = match config.metrics {
            Some(address) => Some(listen(address, "--metrics").await?),
            None => None,
        };

        let (commits, committed) = mpsc::channel(COMMITTED_MAX);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&config.data, commits).await?);
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::new());
        let clock = Clock::system();
        let chat_limits = ChatLimits { rooms_total: config.limits.max_rooms };
        let chat = Chat::new(Arc::clone(&store), Arc::clone(&bus), clock.clone(), chat_limits);
        let guests = if config.guests.is_on() { Guests::Welcome } else { Guests::Off };
        let auth = Auth::new(Arc::clone(&store), Arc::clone(&bus), clock, guests);
        let limits = Arc::new(Limits::new(&config.limits));
        let Ends { hub, commands, repair, repairs } = hub::channels();

        let mut parts = JoinSet::new();
        let notices = bus.subscribe().await;
        spawn(&mut parts, "hub", hub::run(commands, notices, repair));
        spawn(&mut parts, "publisher", chat::publisher(committed, bus));
        spawn(&mut parts, "repair", mend(repairs, chat.clone(), hub.clone()));
        spawn(&mut parts, "pruning of limits", Arc::clone(&limits).prune());
        chat.ensure_first_room().await.map_err(StartError::FirstRoom)?;

        let stages = Stages::default();
        let sockets = TaskTracker::new();
        let serving = Arc::new(Serving {
            chat,
            hub,
            limits: Arc::clone(&limits),
            settings: conn::Settings {
                outbox_bytes: config.limits.outbox_bytes,
                max_replay: config.limits.max_replay,
                ..conn::Settings::default()
            },
            shutdown: stages.stopping.clone(),
            tracker: sockets.clone(),
        });
        let metrics = metrics.map(|(listener, address)| {
            // Nobody is to be kept from asking, and who asks keeps nobody from stopping.
            let entrance = Entrance { listener, limits: None };
            let own = Stages {
                stopping: stages.stopping.clone(),
                closed: stages.closed.clone(),
                ..Stages::default()
            };
            let holdings =
                Holdings { sockets: sockets.clone(), stages: stages.clone(), runtime: Handle::current() };
            spawn(&mut parts, "metrics", listen::run(entrance, metrics::router(holdings), own));
            address
        });
        let entrance = Entrance { listener, limits: (config.trusted_proxies == 0).then_some(limits) };
        let http = http::Http::new(&config, auth, serving).map_err(StartError::NoThread)?;
        let router = http::router(Arc::new(http));
        let listening = listen::run(entrance, router, stages.clone());
        spawn(&mut parts, "listener", listening);

        let drain = Duration::from_secs(config.limits.drain_seconds);
        let public_url = config.public_url;
        Ok(Running { local_addr, metrics, public_url, stages, sockets, drain, store, parts })
    }
}

/// Listens where `setting` says; answers with the address that it came to be, too.
async fn listen(address: SocketAddr, setting: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |cause| StartError::listen(address, setting, cause);
    let listener = listen::listen(address).await.map_err(refused)?;
    let local_addr = listener.local_addr().map_err(refused)?;
    Ok((listener, local_addr))
}

/// Runs a part of the server that is to live as long as the server does; it answers with its name when it ends.
fn spawn(
    parts: &mut JoinSet<&'static str>,
    name: &'static str,
    part: impl Future<Output = ()> + Send + 'static,
) {
    parts.spawn(async move {
        part.await;
        name
    });
}

/// Reads from the log what the hub has missed on the bus.
async fn mend(mut repairs: mpsc::Receiver<Repair>, chat: Chat, hub: Hub) {
    while let Some(Repair { room, after }) = repairs.recv().await {
        // The cause of a failure is in the log, and the room asks again.
        let Ok(events) = chat.events(room, after, REPAIR_MAX_EVENTS).await else { continue };
        let events = events.into_iter().map(|event| Committed { room, event: Arc::new(event) });
        hub.repaired(events.collect()).await;
    }
}

/// A server that runs. Dropping it stops it at once, as a crash would.
pub struct Running {
    local_addr: SocketAddr,
    metrics: Option<SocketAddr>,
    public_url: Option<PublicUrl>,
    stages: Stages,
    sockets: TaskTracker,
    drain: Duration,
    store: Arc<dyn Store>,
    parts: JoinSet<&'static str>,
}

impl Running {
    /// Where it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where it tells how much it holds.
    pub const fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// What to open in a browser.
    pub fn url(&self) -> String {
        match &self.public_url {
            Some(url) => url.to_string(),
            None => format!("http://{}", self.local_addr),
        }
    }

    /// Waits until a part that the server cannot do without has ended, which it never should, and says which.
    pub async fn broken(&mut self) -> &'static str {
        match self.parts.join_next().await {
            Some(Ok(part)) => part,
            // A panic, which has been logged.
            Some(Err(_)) | None => "server",
        }
    }

    /// Stops: says so on `/readyz`, accepts no new socket and closes the others with 1012, lets requests that are under way
    /// finish for a bounded time, and closes the store. What is asked meanwhile is answered.
    pub async fn shutdown(mut self) {
        self.stages.stopping.cancel();
        self.sockets.close();
        if timeout(self.drain, self.stages.drain(self.sockets.wait())).await.is_err() {
            let requests = self.stages.connections.len() + self.stages.late.len();
            let sockets = self.sockets.len();
            tracing::warn!(requests, sockets, "not everything that was under way has finished");
        }
        self.store.close().await;
        self.parts.shutdown().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stages.stopping.cancel();
        self.stages.closed.cancel();
    }
}
