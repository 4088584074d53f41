//! The browser's socket: the only place that touches one.

use futures_util::{
    FutureExt, SinkExt, StreamExt,
    future::{AbortHandle, abortable, poll_fn},
    stream::SplitSink,
};
use gloo_net::websocket::{Message, WebSocketError, futures::WebSocket};
use leptos::prelude::window;
use protocol::{ClientFrame, ServerFrame};
use wasm_bindgen_futures::spawn_local;

/// The code that browsers give a connection that broke off, or never came to be.
const BROKEN_OFF: u16 = 1006;

/// What a socket tells.
pub(super) enum News {
    /// It is open.
    Opened,
    /// A frame came in.
    Frame(ServerFrame),
    /// It is over. Nothing follows.
    Closed {
        /// The code in the close frame.
        code: Option<u16>,
    },
}

/// A socket. Dropping it closes it, and nothing is told any more.
pub(super) struct Socket {
    sink: SplitSink<WebSocket, Message>,
    reading: AbortHandle,
}

impl Socket {
    /// Opens a socket to where the page came from; `tell` hears what becomes of it. `None` if the browser refuses.
    pub(super) fn open(tell: impl Fn(News) + 'static) -> Option<Self> {
        let socket = WebSocket::open(&address()?).ok()?;
        let (sink, mut stream) = socket.split();
        let (opened, reading) = abortable(async move {
            let mut code = None;
            while let Some(message) = stream.next().await {
                match message {
                    Ok(Message::Text(text)) => {
                        if let Some(frame) = ServerFrame::decode(&text) {
                            tell(News::Frame(frame));
                        }
                    }
                    Err(WebSocketError::ConnectionClose(event)) => {
                        code = Some(event.code).filter(|code| *code != BROKEN_OFF);
                    }
                    // Hubbub sends no bytes, and an error is always followed by a close.
                    Ok(Message::Bytes(_)) | Err(_) => {}
                }
            }
            tell(News::Closed { code });
        });
        spawn_local(opened.map(drop));
        Some(Self { sink, reading })
    }

    /// Sends a frame. One that cannot be sent is dropped: the socket is about to tell that it is closed.
    pub(super) fn send(&mut self, frame: &ClientFrame) {
        let _ = self.sink.send(Message::Text(frame.encode())).now_or_never();
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

fn address() -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    Some(format!("{scheme}://{}/ws", location.host().ok()?))
}
