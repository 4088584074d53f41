//! One connection: a read pump, a write pump and the queue between the server and the socket.
//!
//! The read pump takes the client's frames in order; operations are handed in one after another and answered in the
//! same order, without waiting for each commit, so that one commit may hold many of them. The write pump writes what
//! the queue holds and keeps the heartbeat. Catching up brings a reader from its cursor to the live stream.
//!
//! The promises kept here: whatever a client sends, it costs bounded memory and hurts nobody else; however a
//! connection ends, its pumps stop and the hub forgets it.

mod catch_up;
mod joins;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{Utf8Bytes, WebSocket};
use futures_util::{StreamExt, stream::SplitStream};
use protocol::{
    ServerFrame,
    api::User,
    limits::{Limits as FrameLimits, PING_GRACE_MS, PING_INTERVAL_MS, PROTOCOL_VERSION},
};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    chat::Chat,
    hub::{ConnId, Hub, Outbox, outbox::Closed},
    limits::Limits,
    store::Session,
};
use read::{End, Reader};

/// How long a connection that is being closed may take to write what waits and its close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the other side has to answer a close frame. Closing a socket with unread input would reset it, and the
/// close frame could be lost on the way.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// What every connection needs of the server.
pub struct Serving {
    /// The use cases.
    pub chat: Chat,
    /// Who tells this connection what happens.
    pub hub: Hub,
    /// How much one user and one connection may do.
    pub limits: Arc<Limits>,
    /// What whoever runs the server may move.
    pub settings: Settings,
    /// Cancelled when the server goes down: connections finish what they began and close with 1012.
    pub shutdown: CancellationToken,
    /// Knows every connection, so that a shutdown can wait for them.
    pub tracker: TaskTracker,
}

/// The bounds of a connection that whoever runs the server may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What may wait for one reader, in bytes; a reader beyond that is closed as too slow.
    pub outbox_bytes: usize,
    /// Most events that are replayed to a reader who was away; one who missed more gets the newest page.
    pub max_replay: u64,
    /// How often a sign of life is asked for.
    pub ping_interval: Duration,
    /// How much longer than that a client may be silent.
    pub ping_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            outbox_bytes: 1024 * 1024,
            max_replay: 10_000,
            ping_interval: Duration::from_millis(PING_INTERVAL_MS),
            ping_grace: Duration::from_millis(PING_GRACE_MS),
        }
    }
}

/// One connection, as its parts know it.
#[derive(Clone)]
struct Peer {
    serving: Arc<Serving>,
    outbox: Arc<Outbox>,
    user: Arc<User>,
    conn: ConnId,
}

impl Peer {
    /// Queues a frame. Closed: the connection is ending, and there is nobody to answer.
    fn answer(&self, frame: &ServerFrame) -> Result<(), Closed> {
        self.outbox.push(Utf8Bytes::from(frame.encode()))
    }
}

/// Makes the hub forget a connection, however it ends.
struct Attached(Peer);

impl Drop for Attached {
    fn drop(&mut self) {
        let (hub, conn) = (self.0.serving.hub.clone(), self.0.conn);
        self.0.serving.tracker.spawn(async move { hub.detach(conn).await });
    }
}

/// Serves one upgraded socket until it ends.
pub async fn serve(socket: WebSocket, session: Session, serving: Arc<Serving>) {
    let _tracked = serving.tracker.token();
    let (user, outbox) = (Arc::new(session.user), Arc::new(Outbox::new(serving.settings.outbox_bytes)));
    let Some(conn) = serving.hub.attach(Arc::clone(&user), session.token, Arc::clone(&outbox)).await else {
        return; // The hub is gone: the server is as good as down.
    };
    let attached = Attached(Peer { serving, outbox, user, conn });
    let peer = &attached.0;
    // The first frame of an empty queue always fits; a session that has just ended has closed it, and the pump says so.
    let _closed = peer.answer(&welcome(peer));

    let (mut sink, mut stream) = socket.split();
    let writing = write::run(&mut sink, &peer.outbox, peer.serving.settings.ping_interval);
    let mut writing = std::pin::pin!(writing);
    let end = tokio::select! {
        end = Reader::new(peer.clone()).run(&mut stream) => Some(end),
        () = &mut writing => None,
    };
    if let Some(End::Close(code)) = end {
        peer.outbox.close(code);
        let _too_late = timeout(CLOSE_TIMEOUT, writing).await;
    }
    let _too_late = timeout(LINGER_TIMEOUT, drain(&mut stream)).await;
}

fn welcome(peer: &Peer) -> ServerFrame {
    let ping_ms = u64::try_from(peer.serving.settings.ping_interval.as_millis()).unwrap_or(u64::MAX);
    let user = User::clone(&peer.user);
    ServerFrame::Welcome { protocol: PROTOCOL_VERSION, user, ping_ms, limits: FrameLimits::default() }
}

/// Reads until the other side has nothing more to say. This also answers its close frame.
async fn drain(stream: &mut SplitStream<WebSocket>) {
    while let Some(Ok(_)) = stream.next().await {}
}
