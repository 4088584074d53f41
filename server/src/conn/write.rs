//! The write pump: the only one who writes to the socket.

use std::time::Duration;

use axum::{
    Error,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
};
use futures_util::{SinkExt, stream::SplitSink};
use protocol::{CloseCode, ServerFrame};
use tokio::time::{Instant, timeout, timeout_at};

use crate::hub::{Outbox, outbox::Next};

/// How long the socket may take to accept one frame. A peer that does not read for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The socket is of no use any more.
struct Broken;

/// Writes what the queue holds, and a ping in every `ping_interval`, until the queue is closed or the socket breaks.
pub(super) async fn run(sink: &mut SplitSink<WebSocket, Message>, outbox: &Outbox, ping_interval: Duration) {
    let mut ping_at = Instant::now() + ping_interval;
    loop {
        let next = timeout_at(ping_at, outbox.next()).await;
        if Instant::now() >= ping_at {
            // Closed: the close frame is next.
            let _closed = outbox.push(Utf8Bytes::from(ServerFrame::Ping.encode()));
            ping_at = Instant::now() + ping_interval;
        }
        let done = match next {
            Ok(Next::Frames(frames)) => write(sink, outbox, frames).await,
            Ok(Next::Close(code)) => close(sink, code).await,
            Err(_ping_is_due) => continue,
        };
        match done {
            Ok(More::Yes) => {}
            Ok(More::No) | Err(Broken) => return,
        }
    }
}

/// Whether there is more to write.
enum More {
    Yes,
    No,
}

async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    outbox: &Outbox,
    frames: impl IntoIterator<Item = Utf8Bytes>,
) -> Result<More, Broken> {
    for frame in frames {
        if outbox.is_cut_off() {
            return Ok(More::Yes); // The close frame is next; the rest is not for this reader any more.
        }
        in_time(sink.feed(Message::Text(frame.clone()))).await?;
        outbox.written(&frame);
    }
    in_time(sink.flush()).await?;
    Ok(More::Yes)
}

async fn close(sink: &mut SplitSink<WebSocket, Message>, code: CloseCode) -> Result<More, Broken> {
    let frame = CloseFrame { code: code.code(), reason: Utf8Bytes::from_static(code.reason()) };
    in_time(sink.send(Message::Close(Some(frame)))).await?;
    Ok(More::No)
}

async fn in_time(write: impl Future<Output = Result<(), Error>>) -> Result<(), Broken> {
    match timeout(WRITE_TIMEOUT, write).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Broken),
    }
}
