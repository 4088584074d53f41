//! A socket that speaks WebSocket by hand, for clients that no library would be: those that never read, that send garbage,
//! or that are too many to be anything more than a socket.

use std::{io, net::SocketAddr, time::Duration};

use anyhow::Context as _;
use client::protocol::{ClientFrame, ServerFrame};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// How long a server may say nothing: it asks every 20 seconds whether this side lives, and closes 10 later.
const ANSWER_WAIT: Duration = Duration::from_secs(40);
/// Most bytes of a frame that are read.
const FRAME_MAX_BYTES: usize = 4 * 1024 * 1024;
/// The mask of every frame; what it is does not matter here.
const MASK: [u8; 4] = [0x21, 0x43, 0x65, 0x87];

/// How much an idle one reads at a time, in bytes.
const IDLE_READ_BYTES: usize = 4_096;
/// What asks whether this side lives, and the answer.
const PING: &[u8] = br#"{"type":"ping"}"#;
pub(crate) const PONG: &[u8] = br#"{"type":"pong"}"#;

pub(crate) const TEXT: u8 = 0x81;

/// A socket after its handshake.
#[derive(Debug)]
pub(crate) struct Raw {
    stream: TcpStream,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Text(String),
    /// The server closed, with this code.
    Closed(u16),
    /// The connection ended without a word.
    Gone,
}

impl Raw {
    /// Connects as the user whose token it is, with a receive buffer of so many bytes, if it is to have another than usual.
    pub(crate) async fn connect(address: &str, token: &str, buffer: Option<u32>) -> anyhow::Result<Self> {
        match Self::try_connect(address, token, buffer).await? {
            Ok(raw) => Ok(raw),
            Err(status) => anyhow::bail!("a handshake was answered with {status}"),
        }
    }

    /// The same; where the server lets nobody in it is answered with which status.
    pub(crate) async fn try_connect(
        address: &str,
        token: &str,
        buffer: Option<u32>,
    ) -> anyhow::Result<Result<Self, u16>> {
        let target: SocketAddr = address.trim_start_matches("http://").parse()?;
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut stream = socket.connect(target).await?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {target}\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(ANSWER_WAIT, stream.read_u8()).await.context("no handshake comes")??;
            head.push(byte);
        }
        let head = String::from_utf8_lossy(&head);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok(match status.with_context(|| format!("no answer of HTTP: {head}"))? {
            101 => Ok(Self { stream }),
            status => Err(status),
        })
    }

    /// The address of this side, and that of the server.
    pub(crate) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.stream.local_addr()?, self.stream.peer_addr()?))
    }

    /// Sends a frame with this first byte.
    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(first, payload)).await
    }

    /// Sends these bytes, whatever they are.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Came> {
        let came = timeout(ANSWER_WAIT, self.read()).await.context("nothing comes")?;
        match came {
            Err(error) if is_end(&error) => Ok(Came::Gone),
            came => Ok(came?),
        }
    }

    async fn read(&mut self) -> io::Result<Came> {
        loop {
            let first = self.stream.read_u8().await?;
            let length = match self.stream.read_u8().await? & 0x7F {
                126 => self.stream.read_u16().await?.into(),
                127 => self.stream.read_u64().await?,
                short => short.into(),
            };
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > FRAME_MAX_BYTES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut payload = vec![0; length];
            self.stream.read_exact(&mut payload).await?;
            match first & 0x0F {
                0x1 => return Ok(Came::Text(String::from_utf8_lossy(&payload).into_owned())),
                0x8 => return Ok(Came::Closed(close_code(&payload))),
                _ => {}
            }
        }
    }

    /// Asks for an operation; answers with `ack` or `error`, whichever comes to it.
    pub(crate) async fn perform(&mut self, op: &ClientFrame) -> anyhow::Result<ServerFrame> {
        let id = op.op_id().context("no operation")?;
        self.send(TEXT, op.encode().as_bytes()).await?;
        loop {
            let Came::Text(text) = self.next().await? else { anyhow::bail!("closed instead of an answer") };
            match ServerFrame::decode(&text).context("an unreadable frame came")? {
                ServerFrame::Ping => self.send(TEXT, PONG).await?,
                ServerFrame::Ack(ack) if ack.id == id => return Ok(ServerFrame::Ack(ack)),
                ServerFrame::Error(refusal) if refusal.id == Some(id) => {
                    return Ok(ServerFrame::Error(refusal));
                }
                _ => {}
            }
        }
    }

    /// Stays, and says nothing but that it lives when it is asked; answers how the connection ended. Every text that comes is
    /// shown to `see`. It costs little: there may be ten thousand of them.
    pub(crate) async fn idle(mut self, mut see: impl FnMut(&[u8]) + Send) -> io::Result<Came> {
        let mut unread = Vec::new();
        loop {
            self.stream.readable().await?;
            let mut some = [0; IDLE_READ_BYTES];
            match self.stream.try_read(&mut some) {
                Ok(0) => return Ok(Came::Gone),
                Ok(length) => unread.extend_from_slice(&some[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) if is_end(&error) => return Ok(Came::Gone),
                Err(error) => return Err(error),
            }
            let (mut rest, mut is_asked) = (&unread[..], false);
            while let Some((opcode, payload, after)) = split_frame(rest) {
                match opcode {
                    0x1 => see(payload),
                    0x8 => return Ok(Came::Closed(close_code(payload))),
                    _ => {}
                }
                is_asked |= payload == PING;
                rest = after;
            }
            unread = rest.to_vec();
            if is_asked {
                self.send(TEXT, PONG).await?;
            }
        }
    }

    /// Reads on until the connection ends; answers with which code.
    pub(crate) async fn end(&mut self) -> anyhow::Result<Option<u16>> {
        loop {
            match self.next().await? {
                Came::Text(_) => {}
                Came::Closed(code) => return Ok(Some(code)),
                Came::Gone => return Ok(None),
            }
        }
    }
}

/// The code in a close frame; 1005 stands for none.
fn close_code(payload: &[u8]) -> u16 {
    payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
}

/// The kind of the first frame and what is in it, and what comes after it; `None` where a part of it is still to come.
fn split_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match second & 0x7F {
        126 => {
            rest.split_first_chunk().map(|(length, rest)| (u64::from(u16::from_be_bytes(*length)), rest))?
        }
        127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
        short => (short.into(), rest),
    };
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((first & 0x0F, payload, rest))
}

/// A masked frame with this first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.extend([0x80 | u8::try_from(length).unwrap_or_default()]),
        length @ 126..65_536 => {
            frame.push(0x80 | 0x7E);
            frame.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
        }
        length => {
            frame.push(0x80 | 0x7F);
            frame.extend(u64::try_from(length).unwrap_or_default().to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};

    matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe)
}
