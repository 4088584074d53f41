//! The floor: what the kernel asks for alone. A relay that does one `write` of a ready frame for each reader and message
//! (where messages came together: for each reader and batch) and nothing else that could be left out. No chat server
//! that writes to a socket for each reader can be much below it.
//!
//! With a file, and frames as long as an event's, it is the floor of those that keep what they are told: one write and one
//! `fdatasync` for each turn before it is relayed, into a place that the file system knows already, and nothing that could
//! read it again.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, ErrorKind, Read as _, Write as _},
    net::SocketAddr,
    os::unix::fs::FileExt as _,
    path::Path,
};

use mio::{
    Events, Interest, Poll, Registry, Token,
    net::{TcpListener, TcpStream},
};

use super::frame;

const LISTENER: Token = Token(usize::MAX);
const EVENTS_MAX: usize = 1024;
/// What is read at a time, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;
/// The longest request or frame that is waited for, in bytes.
const WAITING_MAX_BYTES: usize = 64 * 1024;
/// How long the file gets before it is written over, in bytes.
const FILE_BYTES: usize = 4 * 1024 * 1024;
/// A client's header in front of at most 125 bytes: two bytes, and the mask.
const HEADER_BYTES: usize = 6;
const LENGTH: u8 = 0x7F;
/// To the key of the standard's example, which is the only one that comes.
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Relays until the process is ended, in frames of at least `frame_bytes`. What is relayed is in `file` before, where there
/// is one.
pub(crate) fn run(address: SocketAddr, file: Option<&Path>, frame_bytes: usize) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let disk = file.map(Disk::new).transpose()?;
    let mut floor = Floor { frame_bytes, disk, ..Floor::default() };
    let mut events = Events::with_capacity(EVENTS_MAX);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                floor.accept(&listener, poll.registry())?;
            } else {
                floor.serve(event.token().0, event.is_readable(), event.is_writable());
            }
        }
        floor.keep()?;
        floor.deliver();
    }
}

/// A file that is written to round and round, so that nothing but its bytes ever changes.
struct Disk {
    file: File,
    place: usize,
}

impl Disk {
    fn new(path: &Path) -> io::Result<Self> {
        let file = File::create_new(path)?;
        file.write_all_at(&vec![0; FILE_BYTES], 0)?;
        file.sync_all()?;
        Ok(Self { file, place: 0 })
    }

    fn keep<'b>(&mut self, batches: impl Iterator<Item = &'b [u8]>) -> io::Result<()> {
        let mut is_new = false;
        for batch in batches {
            if self.place + batch.len() > FILE_BYTES {
                self.place = 0;
            }
            self.file.write_all_at(batch, self.place as u64)?;
            self.place += batch.len();
            is_new = true;
        }
        if is_new { self.file.sync_data() } else { Ok(()) }
    }
}

struct Reader {
    stream: TcpStream,
    /// None before its request is read.
    room: Option<usize>,
    heard: Vec<u8>,
    unsent: Vec<u8>,
}

#[derive(Default)]
struct Room {
    readers: Vec<usize>,
    /// Frames that came in this turn.
    batch: Vec<u8>,
}

#[derive(Default)]
struct Floor {
    /// By token. None: gone; places are not used again, as the process lives for one run.
    readers: Vec<Option<Reader>>,
    rooms: Vec<Room>,
    names: HashMap<Vec<u8>, usize>,
    buffer: Vec<u8>,
    frame_bytes: usize,
    disk: Option<Disk>,
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener, registry: &Registry) -> io::Result<()> {
        loop {
            let (mut stream, _) = match listener.accept() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                accepted => accepted?,
            };
            stream.set_nodelay(true)?;
            let token = Token(self.readers.len());
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            self.readers.push(Some(Reader { stream, room: None, heard: Vec::new(), unsent: Vec::new() }));
        }
    }

    /// A reader whose connection breaks is forgotten.
    fn serve(&mut self, n: usize, is_readable: bool, is_writable: bool) {
        let Some(reader) = self.readers[n].as_mut() else { return };
        let written = if is_writable { reader.flush() } else { Ok(()) };
        let served = written.and_then(|()| if is_readable { self.hear(n) } else { Ok(()) });
        if served.is_err() {
            self.readers[n] = None;
        }
    }

    fn hear(&mut self, n: usize) -> io::Result<()> {
        let Some(reader) = self.readers[n].as_mut() else { return Ok(()) };
        self.buffer.resize(BUFFER_BYTES, 0);
        loop {
            match reader.stream.read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    reader.heard.extend_from_slice(&self.buffer[..length]);
                    if length < BUFFER_BYTES {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if reader.heard.len() > WAITING_MAX_BYTES {
            return Err(ErrorKind::InvalidData.into());
        }
        if reader.room.is_none() {
            let Some(room) = requested_room(&mut reader.heard) else { return Ok(()) };
            let room = *self.names.entry(room).or_insert_with(|| {
                self.rooms.push(Room::default());
                self.rooms.len() - 1
            });
            reader.room = Some(room);
            self.rooms[room].readers.push(n);
            let mut answer = ANSWER.to_vec();
            frame::put_unmasked(&mut answer, b"joined");
            reader.write(&answer)?;
        }
        if let Some(room) = reader.room {
            relay(&mut reader.heard, &mut self.rooms[room].batch, self.frame_bytes)?;
        }
        if reader.heard.is_empty() {
            reader.heard = Vec::new();
        }
        Ok(())
    }

    /// Writes to the file what was said in this turn.
    fn keep(&mut self) -> io::Result<()> {
        let Some(disk) = &mut self.disk else { return Ok(()) };
        disk.keep(self.rooms.iter().map(|room| &*room.batch).filter(|batch| !batch.is_empty()))
    }

    /// One write for each reader of a room in which something was said.
    fn deliver(&mut self) {
        for room in self.rooms.iter_mut().filter(|room| !room.batch.is_empty()) {
            room.readers.retain(|&n| {
                let kept = self.readers[n].as_mut().is_some_and(|reader| reader.write(&room.batch).is_ok());
                if !kept {
                    self.readers[n] = None;
                }
                kept
            });
            room.batch.clear();
        }
    }
}

impl Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        match self.stream.write(bytes) {
            Ok(taken) => self.unsent.extend_from_slice(&bytes[taken..]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.unsent.extend_from_slice(bytes),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.unsent);
        if waiting.is_empty() { Ok(()) } else { self.write(&waiting) }
    }
}

/// Takes a request's head off `heard` once it is whole; answers its path, which is the room.
fn requested_room(heard: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = heard.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let path = heard.split(|&byte| byte == b' ').nth(1).map(<[u8]>::to_vec);
    heard.drain(..end);
    path
}

/// Takes whole frames of a client off `heard` and appends them to `batch` as a server sends them, of at least `frame_bytes`.
fn relay(heard: &mut Vec<u8>, batch: &mut Vec<u8>, frame_bytes: usize) -> io::Result<()> {
    let mut used = 0;
    while let [first, second, ..] = heard[used..] {
        let length = usize::from(second & LENGTH);
        if first & 0x0F != frame::TEXT || length > 125 {
            return Err(ErrorKind::InvalidData.into());
        }
        let Some(bytes) = heard.get(used..used + HEADER_BYTES + length) else { break };
        let (header, masked) = bytes.split_at(HEADER_BYTES);
        let mut payload: Vec<u8> =
            masked.iter().zip(header[2..].iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        payload.resize(payload.len().max(frame_bytes), b' ');
        frame::put_unmasked(batch, &payload);
        used += HEADER_BYTES + length;
    }
    heard.drain(..used);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_room_once_it_is_whole() {
        let mut heard = b"GET /room-1 HTTP/1.1\r\nHost: a\r\n".to_vec();
        assert_eq!(requested_room(&mut heard), None);
        heard.extend_from_slice(b"\r\nrest");
        assert_eq!(requested_room(&mut heard), Some(b"/room-1".to_vec()));
        assert_eq!(heard, b"rest");
    }

    #[test]
    fn whole_frames_are_relayed_and_half_ones_wait() {
        let mut heard = Vec::new();
        frame::put(&mut heard, frame::TEXT, b"one");
        frame::put(&mut heard, frame::TEXT, b"two");
        let half = heard.split_off(heard.len() - 1);
        let mut batch = Vec::new();
        relay(&mut heard, &mut batch, 0).unwrap();
        assert_eq!(batch, b"\x81\x03one");
        heard.extend_from_slice(&half);
        relay(&mut heard, &mut batch, 0).unwrap();
        assert_eq!(batch, b"\x81\x03one\x81\x03two");
        assert!(heard.is_empty());
    }

    #[test]
    fn a_file_is_written_over_from_its_beginning_when_it_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        let mut disk = Disk::new(&path).unwrap();
        let half = vec![1; FILE_BYTES / 2 + 1];
        disk.keep([&half[..]].into_iter()).unwrap();
        disk.keep([&half[..], b"end"].into_iter()).unwrap();
        let kept = std::fs::read(&path).unwrap();
        assert_eq!((disk.place, kept.len()), (half.len() + 3, FILE_BYTES));
        assert_eq!(kept[half.len()..half.len() + 3], *b"end");
    }

    #[test]
    fn a_mask_is_taken_off_and_what_is_short_is_made_longer() {
        let mut batch = Vec::new();
        relay(&mut vec![0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2], &mut batch, 4).unwrap();
        assert_eq!(batch, b"\x81\x04hi  ");
    }
}
