//! One WebSocket: opening it, and moving frames through it without ever waiting in one direction only.

use std::{
    collections::VecDeque,
    future::{Future, pending, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Sink, SinkExt, StreamExt};
use protocol::{ClientFrame, CloseCode, ServerFrame};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode, header::AUTHORIZATION},
        protocol::WebSocketConfig,
    },
};

use crate::address::Address;

/// Largest frame that is taken from a server, in bytes: 500 events with 8,000 characters of four bytes each, and room for
/// escapes.
const FRAME_MAX_BYTES: usize = 64 * 1024 * 1024;
/// What is read from the socket at once, in bytes.
const READ_BUFFER_BYTES: usize = 16 * 1024;
/// How long saying goodbye may take.
const CLOSE_WAIT: Duration = Duration::from_secs(2);

type Stream = WebSocketStream<TcpStream>;
type Opening = Pin<Box<dyn Future<Output = tungstenite::Result<Stream>> + Send>>;

/// The socket of a client, if it has one.
pub(crate) enum Socket {
    Absent,
    Opening(Opening),
    Open { stream: Box<Stream>, outgoing: VecDeque<Message> },
}

/// What happens on a socket.
pub(crate) enum Happened {
    Opened,
    Frame(Box<ServerFrame>),
    Closed { code: Option<u16> },
}

impl Socket {
    pub(crate) fn open(address: &Address, token: &str) -> Self {
        Self::Opening(Box::pin(open(address.clone(), token.to_owned())))
    }

    /// Queues a frame; where there is no open socket it is dropped, and the session sends it again.
    pub(crate) fn send(&mut self, frame: &ClientFrame) {
        if let Self::Open { outgoing, .. } = self {
            outgoing.push_back(Message::text(frame.encode()));
        }
    }

    /// The next thing that happens; writes what is queued meanwhile. May be cancelled without loss.
    pub(crate) async fn next(&mut self, may_read: bool) -> Happened {
        match self {
            Self::Absent => pending().await,
            Self::Opening(opening) => match opening.await {
                Ok(stream) => {
                    *self = Self::Open { stream: Box::new(stream), outgoing: VecDeque::new() };
                    Happened::Opened
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot open the socket");
                    *self = Self::Absent;
                    Happened::Closed { code: refusal_code(&error) }
                }
            },
            Self::Open { stream, outgoing } => {
                let happened = poll_fn(|cx| poll_open(stream, outgoing, may_read, cx)).await;
                if let Happened::Closed { .. } = happened {
                    *self = Self::Absent;
                }
                happened
            }
        }
    }

    /// Says goodbye, for a bounded time.
    pub(crate) async fn close(self) {
        let Self::Open { mut stream, outgoing } = self else { return };
        let goodbye = async {
            for message in outgoing {
                stream.feed(message).await?;
            }
            stream.as_mut().close(None).await?;
            while stream.next().await.transpose()?.is_some() {}
            Ok::<(), tungstenite::Error>(())
        };
        if let Ok(Err(error)) = timeout(CLOSE_WAIT, goodbye).await {
            tracing::debug!(%error, "the socket did not close cleanly");
        }
    }
}

async fn open(address: Address, token: String) -> tungstenite::Result<Stream> {
    let mut request = address.socket().into_client_request()?;
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}"))?);
    let tcp = TcpStream::connect(address.target()).await?;
    tcp.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(FRAME_MAX_BYTES))
        .max_frame_size(Some(FRAME_MAX_BYTES));
    client_async_with_config(request, tcp, Some(config)).await.map(|(stream, _)| stream)
}

/// What a refused upgrade means, as a close code: it says whether to come back.
fn refusal_code(error: &tungstenite::Error) -> Option<u16> {
    match error {
        tungstenite::Error::Http(response) if response.status() == StatusCode::UNAUTHORIZED => {
            Some(CloseCode::SignedOut.code())
        }
        tungstenite::Error::Http(response) if response.status() == StatusCode::FORBIDDEN => {
            Some(CloseCode::Forbidden.code())
        }
        // A token that cannot stand in a header is no token.
        tungstenite::Error::HttpFormat(_) => Some(CloseCode::SignedOut.code()),
        _ => None,
    }
}

fn poll_open(
    stream: &mut Stream,
    outgoing: &mut VecDeque<Message>,
    may_read: bool,
    cx: &mut Context<'_>,
) -> Poll<Happened> {
    if let Poll::Ready(Err(error)) = poll_write(stream, outgoing, cx) {
        tracing::warn!(%error, "the socket failed");
        return Poll::Ready(Happened::Closed { code: None });
    }
    if !may_read {
        return Poll::Pending;
    }
    loop {
        let happened = match stream.poll_next_unpin(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(Message::Text(text)))) => match ServerFrame::decode(&text) {
                Some(frame) => Happened::Frame(Box::new(frame)),
                // A newer server may say things that this version does not know.
                None => continue,
            },
            Poll::Ready(Some(Ok(Message::Close(close)))) => {
                Happened::Closed { code: close.map(|close| close.code.into()) }
            }
            Poll::Ready(Some(Ok(_))) => continue,
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(%error, "the socket failed");
                Happened::Closed { code: None }
            }
            Poll::Ready(None) => Happened::Closed { code: None },
        };
        return Poll::Ready(happened);
    }
}

/// Writes what the socket takes.
fn poll_write(
    mut stream: &mut Stream,
    outgoing: &mut VecDeque<Message>,
    cx: &mut Context<'_>,
) -> Poll<tungstenite::Result<()>> {
    while !outgoing.is_empty() {
        std::task::ready!(Pin::new(&mut stream).poll_ready(cx))?;
        if let Some(message) = outgoing.pop_front() {
            Pin::new(&mut stream).start_send(message)?;
        }
    }
    Pin::new(&mut stream).poll_flush(cx)
}
