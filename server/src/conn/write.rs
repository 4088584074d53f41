//! The write pump: writes what the socket did not take when it was sent.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    hub::{Outbox, outbox::Flushed},
    websocket::Writer,
};

/// How long the socket may take nothing at all. A peer that does not read for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Writes what waits, until the queue is closed or the socket breaks.
pub(super) async fn run(socket: Arc<Writer>, outbox: &Outbox) {
    loop {
        match outbox.flush() {
            Flushed::All => outbox.filled().await,
            Flushed::Full => match timeout(WRITE_TIMEOUT, socket.writable()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return outbox.disconnect(),
            },
            Flushed::Ended => return,
        }
    }
}
