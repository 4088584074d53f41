//! Says back whatever it hears over WebSocket, through the code that the chat's connections run through: handshake, receiver, queue
//! and socket. What a conformance suite talks to (`scripts/autobahn.sh`), for the chat itself answers no frame with the same:
//! `cargo run -p server --example echo -- [ADDRESS]`.

use std::{convert::Infallible, io, process::ExitCode, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use protocol::CloseCode;
use server::{
    hub::{Outbox, outbox::Flushed},
    websocket::{Ended, Frames, Handshake, Message, Receiver, Socket},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Far more than the chat takes: the largest message of the suite has 16 MiB.
const MESSAGE_MAX_BYTES: usize = 32 * 1024 * 1024;
/// How long whoever broke a rule has to read so.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    match run(&address).await {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(address: &str) -> io::Result<Infallible> {
    let listener = TcpListener::bind(address).await?;
    println!("ws://{}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(upgrade));
        tokio::spawn(connection.with_upgrades());
    }
}

async fn upgrade(mut request: Request<Incoming>) -> Result<axum::response::Response, &'static str> {
    let handshake = Handshake::of(&mut request).ok_or("this is no handshake")?;
    let response = handshake.response();
    tokio::spawn(async move {
        if let Ok((socket, receiver)) =
            handshake.socket(TokioIo::<TcpStream>::into_inner, MESSAGE_MAX_BYTES).await
        {
            // Nobody but this task pushes, and it waits for each answer to be written.
            converse(receiver, &Outbox::new(socket, usize::MAX)).await;
        }
    });
    Ok(response)
}

/// Answers until one side ends it.
async fn converse(mut receiver: Receiver, outbox: &Outbox<Socket>) {
    loop {
        let answer = match receiver.next(outbox.socket()).await {
            Ok(Message::Text(text)) => Frames::text(&text),
            Ok(Message::Binary(bytes)) => Frames::binary(&bytes),
            Ok(Message::Ping(payload)) => Frames::pong(&payload),
            Ok(Message::Pong) => continue,
            Ok(Message::Close(farewell)) => {
                outbox.hang_up(Frames::answer_to(farewell.as_ref()));
                return write(outbox).await;
            }
            Err(Ended::Broken(violation)) => {
                if let Some(code) = CloseCode::from_code(violation.code()) {
                    outbox.close(code);
                }
                write(outbox).await;
                let _too_late = timeout(LINGER_TIMEOUT, receiver.discard(outbox.socket())).await;
                return;
            }
            Err(Ended::Gone) => return,
        };
        // A closed queue: the socket is broken, and is about to say so.
        let _closed = outbox.queue(answer);
        write(outbox).await;
    }
}

/// Writes all that waits, however long the other side takes.
async fn write(outbox: &Outbox<Socket>) {
    while outbox.flush() == Flushed::Full {
        if outbox.socket().writable().await.is_err() {
            return outbox.disconnect();
        }
    }
}
