//! The browser's socket: the only place that touches one.

use js_sys::JsString;
use leptos::prelude::window;
use protocol::ClientFrame;
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

/// The code that browsers give a connection that broke off, or never came to be.
const BROKEN_OFF: u16 = 1006;

/// What a socket tells.
pub(super) enum News {
    /// It is open.
    Opened,
    /// Lines came in, each a frame of the protocol.
    Lines(JsString),
    /// It is over. Nothing follows.
    Closed {
        /// The code in the close frame.
        code: Option<u16>,
    },
}

/// A socket. Dropping it closes it, and nothing is told any more.
pub(super) struct Socket {
    socket: WebSocket,
    _listener: Closure<dyn Fn(Event)>,
}

impl Socket {
    /// Opens a socket to where the page came from; `tell` hears what becomes of it. `None` if the browser refuses.
    pub(super) fn open(tell: impl Fn(News) + 'static) -> Option<Self> {
        let socket = WebSocket::new(&address()?).ok()?;
        let listener = Closure::<dyn Fn(Event)>::new(move |event| {
            if let Some(news) = news(event) {
                tell(news);
            }
        });
        let listen = Some(listener.as_ref().unchecked_ref());
        socket.set_onopen(listen);
        socket.set_onmessage(listen);
        // An error says nothing more than the close that follows it.
        socket.set_onclose(listen);
        Some(Self { socket, _listener: listener })
    }

    /// Sends a frame. One that cannot be sent is dropped: the socket is about to tell that it is closed.
    pub(super) fn send(&self, frame: &ClientFrame) {
        let _ = self.socket.send_with_str(&frame.encode());
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

/// What an event of the socket means. Hubbub sends text and no bytes.
fn news(event: Event) -> Option<News> {
    match event.dyn_into::<MessageEvent>() {
        Ok(message) => message.data().dyn_into().ok().map(News::Lines),
        Err(event) => Some(match event.dyn_into::<CloseEvent>() {
            Ok(close) => News::Closed { code: Some(close.code()).filter(|code| *code != BROKEN_OFF) },
            Err(_) => News::Opened,
        }),
    }
}

fn address() -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    // A task of the browser for each event would keep the screen waiting where a thousand come at once.
    Some(format!("{scheme}://{}/ws?packing=lines", location.host().ok()?))
}
