//! One connection to a server: what it has said so far, and what it has not been told yet.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::SocketAddr,
};

use anyhow::Context as _;
use mio::{Interest, Registry, Token, net::TcpStream};

use super::frame::{self, Broken, Rest};

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The socket is not connected yet.
    Connecting,
    /// The upgrade is asked for.
    Upgrading,
    /// It speaks WebSocket and has not joined its room.
    Entering,
    /// It is where it was to be.
    In,
}

/// A connection of the generator.
pub(crate) struct Connection {
    pub(crate) phase: Phase,
    stream: TcpStream,
    rest: Rest,
    /// What the socket has not taken.
    unsent: Vec<u8>,
}

impl Connection {
    /// Begins to connect; its events come under `token`.
    pub(crate) fn open(address: SocketAddr, registry: &Registry, token: Token) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address).context("cannot connect")?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { phase: Phase::Connecting, stream, rest: Rest::default(), unsent: Vec::new() })
    }

    /// The socket is connected: asks for the upgrade.
    pub(crate) fn ask(&mut self, request: &str) -> anyhow::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error).context("cannot connect");
        }
        self.stream.set_nodelay(true)?;
        self.phase = Phase::Upgrading;
        self.unsent.extend_from_slice(request.as_bytes());
        self.flush()
    }

    /// Says something with the next [`Self::flush`].
    pub(crate) fn say(&mut self, opcode: u8, payload: &[u8]) {
        frame::put(&mut self.unsent, opcode, payload);
    }

    /// Writes what is unsent, as far as the socket takes it; it tells when it takes more.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(taken) => drop(self.unsent.drain(..taken)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("cannot write"),
            }
        }
        if self.phase != Phase::In {
            // Most connections never say anything again.
            self.unsent = Vec::new();
        }
        Ok(())
    }

    /// Reads once into `buffer`; `None` when nothing is there.
    pub(crate) fn read<'b>(&mut self, buffer: &'b mut [u8]) -> anyhow::Result<Option<&'b [u8]>> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => anyhow::bail!("the server hung up"),
                Ok(length) => return Ok(Some(&buffer[..length])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(io::Error::from(error.kind())).context("cannot read"),
            }
        }
    }

    /// Takes the head of the answer out of what came; once it is whole, what came behind it.
    pub(crate) fn upgraded(&mut self, bytes: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let Some((is_switched, behind)) = self.rest.read_head(bytes) else { return Ok(None) };
        anyhow::ensure!(is_switched, "the server does not upgrade");
        self.phase = Phase::Entering;
        Ok(Some(behind))
    }

    /// Calls `each` with opcode and payload of every frame that is whole with what came.
    pub(crate) fn hear(&mut self, bytes: &[u8], each: impl FnMut(u8, &[u8])) -> anyhow::Result<()> {
        self.rest.read(bytes, each).map_err(|broken| match broken {
            Broken::Closed(code) => anyhow::anyhow!("the server closes with {code}"),
            Broken::Frame => anyhow::anyhow!("the server sends what is no frame of its"),
        })
    }
}
