//! The write pump: writes what the socket did not take when it was sent.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    hub::{Outbox, outbox::Flushed},
    websocket::Socket,
};

/// How long the socket may take nothing at all. A peer that does not read for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Writes what waits, until the queue is closed or the socket breaks.
pub(super) async fn run(outbox: &Outbox<Socket>) {
    loop {
        match outbox.flush() {
            Flushed::All => outbox.filled().await,
            Flushed::Full => match timeout(WRITE_TIMEOUT, outbox.socket().writable()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return outbox.disconnect(),
            },
            Flushed::Ended => return,
        }
    }
}
