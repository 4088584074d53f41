//! The browser's socket: the only place that touches one.

use std::{cell::RefCell, rc::Rc};

use futures_util::{
    FutureExt, SinkExt, StreamExt,
    future::{AbortHandle, abortable, poll_fn},
    stream::{SplitSink, SplitStream},
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

type Sink = SplitSink<WebSocket, Message>;
type Item = Option<Result<Message, WebSocketError>>;

/// A socket. Dropping it closes it, and nothing is told any more.
pub(super) struct Socket {
    sink: Rc<RefCell<Sink>>,
    reading: AbortHandle,
}

impl Socket {
    /// Opens a socket to where the page came from; `tell` hears what becomes of it. `None` if the browser refuses.
    pub(super) fn open(tell: impl Fn(News) + 'static) -> Option<Self> {
        let (sink, stream) = WebSocket::open(&address()?).ok()?.split();
        let sink = Rc::new(RefCell::new(sink));
        let (reading, handle) = abortable(read(Rc::clone(&sink), stream, tell));
        spawn_local(reading.map(drop));
        Some(Self { sink, reading: handle })
    }

    /// Sends a frame. One that cannot be sent is dropped: the socket is about to tell that it is closed.
    pub(super) fn send(&mut self, frame: &ClientFrame) {
        let _ = self.sink.borrow_mut().send(Message::Text(frame.encode())).now_or_never();
    }
}

/// Tells what becomes of a socket, to its end.
async fn read(sink: Rc<RefCell<Sink>>, mut stream: SplitStream<WebSocket>, tell: impl Fn(News)) {
    let mut code = None;
    // Ready to send: it is open, or it has failed, and then the failure is the first thing to be read.
    let ready = poll_fn(|context| sink.borrow_mut().poll_ready_unpin(context)).await;
    let mut next = stream.next().now_or_never();
    if ready.is_ok() && !matches!(next, Some(None | Some(Err(_)))) {
        tell(News::Opened);
    }
    loop {
        let item: Item = match next.take() {
            Some(item) => item,
            None => stream.next().await,
        };
        match item {
            Some(Ok(Message::Text(text))) => {
                if let Some(frame) = ServerFrame::decode(&text) {
                    tell(News::Frame(frame));
                }
            }
            Some(Err(WebSocketError::ConnectionClose(event))) => {
                code = Some(event.code).filter(|code| *code != BROKEN_OFF);
            }
            // Hubbub sends no bytes, and an error is always followed by a close.
            Some(Ok(Message::Bytes(_)) | Err(_)) => {}
            None => break,
        }
    }
    tell(News::Closed { code });
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
