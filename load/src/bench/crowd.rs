//! Very many connections in one thread. It shares the machine with the server it loads, so it does as little as can be
//! done: one read for what has come, frames counted by their headers.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use mio::{Events, Poll, Token};

use super::{
    connection::{Connection, Phase},
    frame::{PING, PONG, TEXT},
    peer::{Wire, Word},
};

/// How many may be on their way in at a time.
const ENTERING_MAX: usize = 64;
/// How long the next of them may take to be in.
const ENTER_WAIT: Duration = Duration::from_secs(10);
/// Events taken from the kernel at a time.
const EVENTS_MAX: usize = 1024;
/// What is read at a time, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Whether those who come in follow a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// They join the room of their number.
    Join,
    /// They only connect.
    Stay,
}

/// Something that came to a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    pub(crate) word: Word,
    /// When it was read.
    pub(crate) at: Instant,
}

/// Connections to one server. The `n`th is in room `n` modulo the number of rooms.
pub(crate) struct Crowd {
    address: SocketAddr,
    wire: Rc<dyn Wire>,
    rooms: usize,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    connections: Vec<Connection>,
    /// How many of them are in.
    inside: usize,
    /// Those who have something to write at the end of this turn.
    talking: Vec<usize>,
    /// Reads that brought something.
    reads: u64,
    /// The number of what is said next. No server is ever told a number twice: Hubbub would take it for a repeat.
    next: u32,
}

impl Crowd {
    /// Nobody yet.
    pub(crate) fn new(address: SocketAddr, wire: Rc<dyn Wire>, rooms: usize) -> anyhow::Result<Self> {
        Ok(Self {
            address,
            wire,
            rooms,
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS_MAX),
            buffer: vec![0; BUFFER_BYTES],
            connections: Vec::new(),
            inside: 0,
            talking: Vec::new(),
            reads: 0,
            next: 0,
        })
    }

    /// Lets more in until there are `total`.
    pub(crate) fn admit(&mut self, total: usize, entry: Entry) -> anyhow::Result<()> {
        let mut last = (self.inside, Instant::now());
        while self.inside < total {
            while self.connections.len() < total && self.connections.len() - self.inside < ENTERING_MAX {
                let token = Token(self.connections.len());
                self.connections.push(Connection::open(self.address, self.poll.registry(), token)?);
            }
            self.turn_with(Some(ENTER_WAIT), entry, |_| ())?;
            if self.inside > last.0 {
                last = (self.inside, Instant::now());
            }
            anyhow::ensure!(last.1.elapsed() < ENTER_WAIT, "only {} of {total} came in", self.inside);
        }
        Ok(())
    }

    /// How often something was read.
    pub(crate) fn reads(&self) -> u64 {
        self.reads
    }

    /// The number of what is said next; each is one larger than the one before.
    pub(crate) fn next_number(&self) -> u32 {
        self.next
    }

    /// Says the next number in the room of the `n`th connection, with the next [`Self::flush`].
    pub(crate) fn say(&mut self, n: usize) {
        let payload = self.wire.message(n % self.rooms, self.next);
        self.next += 1;
        self.connections[n].say(TEXT, payload.as_bytes());
        self.talking.push(n);
    }

    /// Writes what was said since the last time, one write for each who said something.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        for n in self.talking.drain(..) {
            self.connections[n].flush()?;
        }
        Ok(())
    }

    /// Waits for at most `wait` until something comes, reads it all and calls `heard` with every message and
    /// acknowledgement in it.
    pub(crate) fn turn(&mut self, wait: Option<Duration>, heard: impl FnMut(Heard)) -> anyhow::Result<()> {
        self.turn_with(wait, Entry::Stay, heard)
    }

    fn turn_with(
        &mut self,
        wait: Option<Duration>,
        entry: Entry,
        mut heard: impl FnMut(Heard),
    ) -> anyhow::Result<()> {
        match self.poll.poll(&mut self.events, wait) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in &self.events {
            let n = event.token().0;
            let connection = &mut self.connections[n];
            let context = || format!("connection {n}");
            if event.is_writable() {
                match connection.phase {
                    Phase::Connecting => connection.ask(&self.wire.request(n, n % self.rooms)),
                    _ => connection.flush(),
                }
                .with_context(context)?;
            }
            // What is not filled was emptied: the kernel tells when more comes, and where the server hung up.
            let mut is_more = event.is_readable() && connection.phase != Phase::Connecting;
            while is_more {
                let Some(bytes) = connection.read(&mut self.buffer).with_context(context)? else { break };
                is_more = bytes.len() == BUFFER_BYTES || event.is_read_closed();
                self.reads += 1;
                let mut ear = Ear { wire: &*self.wire, room: n % self.rooms, entry, heard: &mut heard };
                let before = connection.phase;
                ear.listen(connection, bytes).with_context(context)?;
                if before != Phase::In && connection.phase == Phase::In {
                    self.inside += 1;
                }
            }
        }
        Ok(())
    }
}

/// What is done with what comes to a connection.
struct Ear<'t, F> {
    wire: &'t dyn Wire,
    room: usize,
    entry: Entry,
    heard: &'t mut F,
}

impl<F: FnMut(Heard)> Ear<'_, F> {
    fn listen(&mut self, connection: &mut Connection, bytes: &[u8]) -> anyhow::Result<()> {
        if connection.phase != Phase::Upgrading {
            return self.hear(connection, bytes);
        }
        let Some(behind) = connection.upgraded(bytes)? else { return Ok(()) };
        match self.entry {
            Entry::Stay => connection.phase = Phase::In,
            Entry::Join => {
                if let Some(join) = self.wire.join(self.room) {
                    connection.say(TEXT, join.as_bytes());
                    connection.flush()?;
                }
            }
        }
        self.hear(connection, &behind)
    }

    fn hear(&mut self, connection: &mut Connection, bytes: &[u8]) -> anyhow::Result<()> {
        let at = Instant::now();
        let (mut pongs, mut refused, mut is_joined) = (Vec::new(), None, false);
        connection.hear(bytes, |opcode, payload| match opcode {
            TEXT => match self.wire.read(payload) {
                word @ (Word::Message(_) | Word::Ack(_)) => (self.heard)(Heard { word, at }),
                Word::Joined => is_joined = true,
                Word::Ping(answer) => pongs.push((TEXT, answer.as_bytes().to_vec())),
                Word::Refused => refused = Some(String::from_utf8_lossy(payload).into_owned()),
                Word::Other => {}
            },
            PING => pongs.push((PONG, payload.to_vec())),
            _ => {}
        })?;
        if let Some(refused) = refused {
            anyhow::bail!("the server refuses: {refused}");
        }
        if is_joined && connection.phase == Phase::Entering {
            connection.phase = Phase::In;
        }
        if !pongs.is_empty() {
            for (opcode, payload) in &pongs {
                connection.say(*opcode, payload);
            }
            connection.flush()?;
        }
        Ok(())
    }
}
