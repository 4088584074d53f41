//! Accepting connections: one task each, bounded in number and in patience.
//!
//! A server that stops finishes what is under way, and as long as that takes it goes on to accept: whoever asks on a new
//! connection is answered once, so that a load balancer hears from `/readyz` that it should send people elsewhere and
//! nobody is turned away meanwhile. Such late connections prolong the stop by [`LATE_PATIENCE`] at most.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioTimer;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use super::patience::Patient;
use crate::limits::Limits;

/// Most connections that speak HTTP at a time; sockets of the chat have left that state and are capped on their own. How many
/// of them one address may have is in [`Limits::visit`].
const HTTP_CONNECTIONS_MAX: usize = 4_096;
/// How long the head of a request may take to come, and how long a connection may idle between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// How much of a request's head is waited for, in bytes. One that came in one piece may be up to twice as long.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// How long to wait when the system cannot accept, commonly because file descriptors ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How much the system keeps for a connection and has not sent yet, in bytes. Left to itself it takes megabytes for a reader who is
/// slow, beside what the connection's own queue may hold, and tells that there is room again when a third of them is gone:
/// somebody who reads steadily would pass for somebody who does not read at all.
const UNSENT_MAX_BYTES: u32 = 32 * 1024;
/// How long a connection that came during the stop has for its one request, once everything else has ended.
const LATE_PATIENCE: Duration = Duration::from_millis(500);

/// How far a server has come with stopping, and what is still under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stages {
    /// Cancelled when the server begins to stop.
    pub(crate) stopping: CancellationToken,
    /// Cancelled when nothing is to be accepted any more.
    pub(crate) closed: CancellationToken,
    /// The connections that came before the stop.
    pub(crate) connections: TaskTracker,
    /// Those that came after.
    pub(crate) late: TaskTracker,
}

impl Stages {
    /// Waits until every request that came before the stop is answered and `others` have ended; then accepts no more, and
    /// waits for what was asked meanwhile.
    pub(crate) async fn drain(&self, others: impl Future<Output = ()>) {
        self.connections.close();
        tokio::join!(self.connections.wait(), others);
        self.closed.cancel();
        self.late.close();
        if timeout(LATE_PATIENCE, self.late.wait()).await.is_err() {
            tracing::debug!(
                connections = self.late.len(),
                "not everybody who came during the stop was answered"
            );
        }
    }

    /// What is valid for a connection that comes now.
    fn terms(&self) -> (Terms, &TaskTracker) {
        if self.stopping.is_cancelled() {
            (Terms { keep_alive: false, end: self.closed.clone() }, &self.late)
        } else {
            (Terms { keep_alive: true, end: self.stopping.clone() }, &self.connections)
        }
    }
}

/// How long a connection may go on.
struct Terms {
    /// Whether it may ask more than once.
    keep_alive: bool,
    /// Cancelled when it may ask no more; what it has begun to ask is answered.
    end: CancellationToken,
}

/// Where connections come in, and how many.
pub(crate) struct Entrance {
    pub(crate) listener: TcpListener,
    /// What holds for one address; nothing where addresses tell nothing, as behind a proxy, or nobody is to be kept out.
    pub(crate) limits: Option<Arc<Limits>>,
}

/// Listens at `address`.
pub(crate) async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    // What is accepted has it from here.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket2::SockRef::from(&listener).set_tcp_notsent_lowat(UNSENT_MAX_BYTES)?;
    Ok(listener)
}

/// Serves `router` to whoever comes in, until the entrance is closed.
pub(crate) async fn run(entrance: Entrance, router: Router, stages: Stages) {
    let Entrance { listener, limits } = entrance;
    let free = Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX));
    loop {
        let accepted = async {
            let place = Arc::clone(&free).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = stages.closed.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let visit = limits.as_ref().map(|limits| limits.visit(peer.ip())).transpose();
                let Ok(visit) = visit else {
                    tracing::debug!(%peer, "its address has as many connections as it gets");
                    continue;
                };
                let (terms, tracker) = stages.terms();
                let serving = serve(stream, peer, router.clone(), terms);
                tracker.spawn(async move {
                    serving.await;
                    drop((place, visit));
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether a failure to accept concerns only the connection that came, which is gone again.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};

    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, terms: Terms) {
    // Frames are small and each matters now: none waits to be sent with the next.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it was served");
        return;
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.clone().oneshot(request);
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(terms.keep_alive)
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_MAX_BYTES)
        .serve_connection(Patient::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = terms.end.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpSocket;

    use super::*;

    /// Writes until nothing more is taken, however long one waits; answers how much was.
    async fn fill(stream: &TcpStream) -> usize {
        let (junk, mut taken) = (vec![0; 16 * 1024], 0);
        while timeout(Duration::from_millis(300), stream.writable()).await.is_ok() {
            while let Ok(some) = stream.try_write(&junk) {
                taken += some;
            }
        }
        taken
    }

    #[tokio::test]
    async fn little_waits_in_the_system_for_whoever_does_not_read() {
        const RECEIVED_MAX_BYTES: u32 = 32 * 1024;
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let reader = TcpSocket::new_v4().unwrap();
        reader.set_recv_buffer_size(RECEIVED_MAX_BYTES).unwrap();
        let reader = reader.connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        // What is begun is taken whole, and the reader's system has twice as much room as it was asked for.
        let most = 2 * (UNSENT_MAX_BYTES + RECEIVED_MAX_BYTES) as usize;
        let taken = fill(&stream).await;
        assert!(taken <= most, "{taken} bytes");

        // Whoever reads on is written to again before they have read it all.
        let mut left = taken / 4 * 3;
        let mut buffer = vec![0; 4 * 1024];
        while left > 0 {
            reader.readable().await.unwrap();
            left = left.saturating_sub(reader.try_read(&mut buffer).unwrap_or_default());
        }
        timeout(Duration::from_secs(10), stream.writable()).await.unwrap().unwrap();
    }
}
