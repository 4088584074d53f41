//! A relay in the way of chats over axum's WebSocket: one broadcast channel for each room, and for each connection a task
//! that reads and one that writes what the channel brings. Buffers are axum's own; nothing is tuned.

use std::{
    collections::HashMap,
    env,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use axum::{
    Router,
    extract::{
        Path, State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    response::Response,
    routing::get,
};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{net::TcpListener, sync::broadcast};

/// Messages that a slow reader may be behind.
const BEHIND_MAX: usize = 100;

type Room = broadcast::Sender<Utf8Bytes>;
type Rooms = Arc<Mutex<HashMap<String, Room>>>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = env::args().next_back().context("which address?")?;
    let relay = Router::new().route("/{room}", get(enter)).with_state(Rooms::default());
    axum::serve(TcpListener::bind(address).await?, relay).await?;
    Ok(())
}

async fn enter(upgrade: WebSocketUpgrade, Path(room): Path<String>, State(rooms): State<Rooms>) -> Response {
    let mut rooms = rooms.lock().unwrap_or_else(PoisonError::into_inner);
    let room = rooms.entry(room).or_insert_with(|| broadcast::channel(BEHIND_MAX).0).clone();
    upgrade.on_upgrade(|socket| stay(socket, room))
}

async fn stay(socket: WebSocket, room: Room) {
    let (mut sink, mut stream) = socket.split();
    let mut said = room.subscribe();
    if sink.send(Message::text("joined")).await.is_err() {
        return;
    }
    let mut write = tokio::spawn(async move {
        while let Ok(text) = said.recv().await {
            if sink.send(Message::Text(text)).await.is_err() {
                break;
            }
        }
    });
    let mut read = tokio::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Text(text) = message {
                // Without readers there is nobody to miss it.
                let _nobody = room.send(text);
            }
        }
    });
    tokio::select! {
        _ = &mut write => read.abort(),
        _ = &mut read => write.abort(),
    }
}
