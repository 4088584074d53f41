//! One connection: a read pump, a write pump and the queue between the server and the socket.
//!
//! The read pump takes the client's frames in order; operations are handed in one after another and answered in the
//! same order, without waiting for each commit, so that one commit may hold many of them. It also keeps the heartbeat. The
//! write pump writes what the queue holds. Catching up brings a reader from its cursor to the live stream.
//!
//! The promises kept here: whatever a client sends, it costs bounded memory and hurts nobody else; however a
//! connection ends, its pumps stop and the hub forgets it.

mod catch_up;
mod in_flight;
mod joins;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::{pin::pin, sync::Arc, time::Duration};

use protocol::{
    ServerFrame,
    api::User,
    frame::Welcome,
    limits::{Limits as FrameLimits, PING_GRACE_MS, PING_INTERVAL_MS, PROTOCOL_VERSION},
};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    chat::Chat,
    hub::{self, ConnId, Hub, Outbox, outbox::Closed},
    limits::{ConnectionPermit, Limits},
    store::Session,
    websocket::{Message, Packing, Receiver, Socket},
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
    outbox: Arc<Outbox<Socket>>,
    user: Arc<User>,
    conn: ConnId,
}

impl Peer {
    /// Queues a frame. Closed: the connection is ending, and there is nobody to answer.
    fn answer(&self, frame: &ServerFrame) -> Result<(), Closed> {
        self.outbox.queue(hub::encode(frame))
    }
}

/// What has to be given back when a connection ends, however it ends: its place in the hub, its socket, its permit.
struct Attached {
    peer: Peer,
    _permit: ConnectionPermit,
}

impl Drop for Attached {
    fn drop(&mut self) {
        let Peer { serving, outbox, conn, .. } = self.peer.clone();
        outbox.disconnect();
        serving.tracker.clone().spawn(async move { serving.hub.detach(conn).await });
    }
}

/// A connection that the hub knows.
pub struct Connection {
    attached: Attached,
    receiver: Receiver,
}

impl Connection {
    /// Makes the socket known to the hub after its handshake. `None`: the hub is gone, the server as good as down.
    pub async fn begin(
        (socket, receiver): (Socket, Receiver),
        packing: Packing,
        session: Session,
        permit: ConnectionPermit,
        serving: Arc<Serving>,
    ) -> Option<Self> {
        let outbox = Arc::new(Outbox::new(socket, serving.settings.outbox_bytes));
        let user = Arc::new(session.user);
        let conn =
            serving.hub.attach(Arc::clone(&user), session.token, Arc::clone(&outbox) as _, packing).await?;
        let attached = Attached { peer: Peer { serving, outbox, user, conn }, _permit: permit };
        Some(Self { attached, receiver })
    }

    /// Serves it until it ends. To be run by the tracker of [`Serving`].
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn holds its arguments twice, for as long as it runs"
    )]
    pub fn serve(mut self) -> impl Future<Output = ()> + Send + 'static {
        async move {
            let (peer, receiver) = (&self.attached.peer, &mut self.receiver);
            // The first frame of an empty queue always fits; a session that has just ended has closed it, and the pump
            // says so.
            let _closed = peer.answer(&welcome(peer));
            let writing = write::run(&peer.outbox);
            let mut writing = pin!(writing);
            let mut reader = Reader::new(peer.clone());
            let end = tokio::select! {
                end = reader.run(receiver) => Some(end),
                () = &mut writing => None,
            };
            match &end {
                Some(End::Close(code) | End::Broken(code)) => peer.outbox.close(*code),
                Some(End::Left(answer)) => peer.outbox.hang_up(answer.clone()),
                Some(End::Gone) => return,
                // The write pump has said why.
                None => {}
            }
            if end.is_some() {
                let _too_late = timeout(CLOSE_TIMEOUT, writing).await;
            }
            part(receiver, peer, end).await;
        }
    }
}

/// Lets the other side read our close frame before the socket is closed.
async fn part(receiver: &mut Receiver, peer: &Peer, end: Option<End>) {
    let heard = async {
        match end {
            Some(End::Broken(_)) => {
                peer.outbox.disconnect();
                receiver.discard(peer.outbox.socket()).await;
            }
            Some(End::Left(_) | End::Gone) => {}
            Some(End::Close(_)) | None => until_farewell(receiver, peer.outbox.socket()).await,
        }
    };
    let _too_late = timeout(LINGER_TIMEOUT, heard).await;
}

fn welcome(peer: &Peer) -> ServerFrame {
    let ping_ms = u64::try_from(peer.serving.settings.ping_interval.as_millis()).unwrap_or(u64::MAX);
    let user = User::clone(&peer.user);
    ServerFrame::Welcome(Welcome {
        protocol: PROTOCOL_VERSION,
        user,
        ping_ms,
        limits: FrameLimits::default(),
    })
}

/// Reads until the other side has answered our close frame.
async fn until_farewell(receiver: &mut Receiver, socket: &Socket) {
    while receiver.next(socket).await.is_ok_and(|message| !matches!(message, Message::Close(_))) {}
}
