//! A client that keeps to no rules: it says what a test tells it to and shows every frame that comes.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use protocol::{
    ClientFrame, CloseCode, Content, Cursor, OpId, RoomSlug, Seq, ServerFrame,
    frame::{Ack, History, Joined},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::header::AUTHORIZATION},
};
use uuid::Uuid;

/// How long a frame may take to come; far more than it needs.
const PATIENCE: Duration = Duration::from_secs(20);

/// One raw connection.
pub(crate) struct Wire {
    stream: WebSocketStream<TcpStream>,
    /// What came in one frame with what was taken last.
    came: VecDeque<ServerFrame>,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Came {
    Frame(ServerFrame),
    Closed(Option<CloseCode>),
}

/// A new id.
pub(crate) fn id() -> OpId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    OpId(Uuid::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into()))
}

pub(crate) fn room() -> RoomSlug {
    "general".parse().unwrap()
}

pub(crate) fn send_of(content: &str) -> ClientFrame {
    ClientFrame::Send { room: room(), id: id(), content: content.parse::<Content>().unwrap(), reply_to: None }
}

impl Wire {
    /// Connects and takes the `welcome`.
    pub(crate) async fn connect(server: SocketAddr, token: &str) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        Self::over(stream, server, "/ws", token).await
    }

    /// The same over a socket that the test has prepared, and to an address that is more than `/ws`.
    pub(crate) async fn over(stream: TcpStream, server: SocketAddr, path: &str, token: &str) -> Self {
        let mut request = format!("ws://{server}{path}").into_client_request().unwrap();
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        let (stream, _response) = client_async(request, stream).await.unwrap();
        let mut socket = Self { stream, came: VecDeque::new() };
        let welcome = socket.frame().await;
        assert!(matches!(welcome, ServerFrame::Welcome(_)), "{welcome:?}");
        socket
    }

    pub(crate) async fn say(&mut self, frame: &ClientFrame) {
        self.say_raw(Message::text(frame.encode())).await;
    }

    /// A lost connection is not the test's matter here: what the server said before is what it looks at next.
    pub(crate) async fn say_raw(&mut self, message: Message) {
        let _lost = self.stream.send(message).await;
    }

    /// Frames without waiting for each to leave.
    pub(crate) async fn say_all(&mut self, frames: impl IntoIterator<Item = ClientFrame>) {
        for frame in frames {
            let _lost = self.stream.feed(Message::text(frame.encode())).await;
        }
        let _lost = self.stream.flush().await;
    }

    /// What comes next, pings answered.
    pub(crate) async fn next(&mut self) -> Came {
        loop {
            match self.came.pop_front() {
                Some(ServerFrame::Ping) => self.say(&ClientFrame::Pong).await,
                Some(frame) => return Came::Frame(frame),
                None => {}
            }
            let message = timeout(PATIENCE, self.stream.next()).await.unwrap();
            match message {
                Some(Ok(Message::Text(text))) => {
                    self.came.extend(text.lines().map(|line| ServerFrame::decode(line).unwrap()));
                }
                Some(Ok(Message::Close(close))) => {
                    return Came::Closed(close.and_then(|close| CloseCode::from_code(close.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Came::Closed(None),
            }
        }
    }

    /// The next frame; presence is left out, for it comes when it likes.
    pub(crate) async fn frame(&mut self) -> ServerFrame {
        loop {
            match self.next().await {
                Came::Frame(ServerFrame::Presence(_)) => {}
                Came::Frame(frame) => return frame,
                Came::Closed(code) => panic!("closed with {code:?}"),
            }
        }
    }

    /// Why the server closes the connection; what comes before is passed over.
    pub(crate) async fn close_code(&mut self) -> Option<CloseCode> {
        loop {
            if let Came::Closed(code) = self.next().await {
                return code;
            }
        }
    }

    /// Joins a room and takes the answer.
    pub(crate) async fn join(&mut self, cursor: impl Into<Option<Cursor>>) -> Joined {
        let (epoch, after) = cursor.into().map(|cursor| (cursor.epoch, cursor.after)).unzip();
        self.say(&ClientFrame::Join { room: room(), epoch, after }).await;
        match self.frame().await {
            ServerFrame::Joined(joined) => *joined,
            other => panic!("{other:?}"),
        }
    }

    /// Sends a message and takes the answer; events are passed over.
    pub(crate) async fn post(&mut self, content: &str) -> Seq {
        let send = send_of(content);
        self.say(&send).await;
        loop {
            match self.frame().await {
                ServerFrame::Ack(Ack { id, seq, .. }) if Some(id) == send.op_id() => return seq,
                ServerFrame::Error(refusal) => panic!("{refusal:?}"),
                _ => {}
            }
        }
    }

    /// The numbers of the events that come, up to and with `last`.
    pub(crate) async fn events_to(&mut self, last: u64) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.last() != Some(&last) {
            if let ServerFrame::Event(event) = self.frame().await {
                numbers.push(event.seq.get());
            }
        }
        numbers
    }
}

/// The numbers of the events in a replay.
pub(crate) fn replayed(joined: &Joined) -> Vec<u64> {
    match &joined.history {
        History::Replay { events } => events.iter().map(|event| event.seq.get()).collect(),
        History::Snapshot { reason, .. } => panic!("no replay: {reason:?}"),
    }
}
