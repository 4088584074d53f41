//! The write pump: writes what the socket did not take when it was sent, and keeps the heartbeat.

use std::{
    pin::pin,
    sync::{Arc, LazyLock},
    time::Duration,
};

use protocol::ServerFrame;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    hub::{self, Outbox, outbox::Flushed},
    websocket::{Frames, Writer},
};

/// How long the socket may take nothing at all. A peer that does not read for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The same for every connection.
static PING: LazyLock<Frames> = LazyLock::new(|| hub::encode(&ServerFrame::Ping));

/// Writes what the queue holds, and a ping in every `ping_interval`, until the queue is closed or the socket breaks.
pub(super) async fn run(socket: Arc<Writer>, outbox: &Outbox, ping_interval: Duration) {
    let mut ping_due = pin!(sleep(ping_interval));
    loop {
        match outbox.flush() {
            Flushed::All => tokio::select! {
                () = outbox.filled() => {}
                () = &mut ping_due => {
                    // Closed: the close frame is next.
                    let _closed = outbox.push(&PING);
                    ping_due.as_mut().reset(Instant::now() + ping_interval);
                }
            },
            Flushed::Full => match timeout(WRITE_TIMEOUT, socket.writable()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return outbox.disconnect(),
            },
            Flushed::Ended => return,
        }
    }
}
