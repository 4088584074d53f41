//! Hubbub, with everything on: users, durable acknowledgements, an order, a log. Only its rates are off, as one address and
//! few users make all the load.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};

use anyhow::Context as _;

use super::{House, Peer, Wire, Word, upgrade};
use crate::bench::{http::Http, marker};

const PONG: &str = r#"{"type":"pong"}"#;
/// How the frames begin that matter here: an event with its room, all others with their type.
const EVENT: &[u8] = br#"{"room":"#;
const ACK: &[u8] = br#"{"type":"ack","id":""#;
const JOINED: &[u8] = br#"{"type":"joined","#;
const PING: &[u8] = br#"{"type":"ping""#;
const ERROR: &[u8] = br#"{"type":"error","#;
/// Where the number lies in an operation's id, in bytes: it is what follows the last dash.
const ID_NUMBER: std::ops::Range<usize> = 28..36;

/// A Hubbub's binary.
pub(crate) struct Hubbub {
    name: &'static str,
    binary: PathBuf,
    /// Rooms and users that are there besides: each of these users has made a room and said something there, once.
    idle: usize,
}

impl Hubbub {
    pub(crate) fn new(name: &'static str, binary: PathBuf) -> Self {
        Self { name, binary, idle: 0 }
    }

    /// Among so many rooms and users that are idle.
    pub(crate) fn among_idle(self, idle: usize) -> Self {
        Self { idle, ..self }
    }
}

impl Peer for Hubbub {
    fn name(&self) -> &'static str {
        self.name
    }

    fn command(&self, address: SocketAddr, data: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args([
                "--rate-limits",
                "off",
                "--max-rooms",
                "10000",
                "--log",
                "error",
                "--listen",
                &address.to_string(),
                "--data",
            ])
            .arg(data);
        command
    }

    fn prepare(&self, address: SocketAddr, house: House) -> anyhow::Result<Rc<dyn Wire>> {
        let mut http = Http::connect(address)?;
        let mut tokens = Vec::with_capacity(house.users);
        for n in 0..house.users {
            tokens.push(guest(&mut http, &format!("bench-{n}"))?);
        }
        let token = tokens.first().context("Hubbub lets nobody in without a name")?;
        for room in 0..house.rooms {
            let room = slug(room);
            http.post("/api/v1/rooms", Some(token), &format!(r#"{{"name":"{room}"}}"#))?;
            for n in 0..house.history {
                let body = format!(r#"{{"content":"{}"}}"#, marker::content(u32::try_from(n)?));
                http.post(&format!("/api/v1/rooms/{room}/messages"), Some(token), &body)?;
            }
        }
        for n in 0..self.idle {
            let token = guest(&mut http, &format!("idle-{n}"))?;
            http.post("/api/v1/rooms", Some(&token), &format!(r#"{{"name":"idle-{n}"}}"#))?;
            let body = format!(r#"{{"content":"{}"}}"#, marker::content(u32::try_from(n)?));
            http.post(&format!("/api/v1/rooms/idle-{n}/messages"), Some(&token), &body)?;
        }
        Ok(Rc::new(Protocol { tokens }))
    }
}

/// A new guest's token.
pub(crate) fn guest(http: &mut Http, name: &str) -> anyhow::Result<String> {
    let answer = http.post("/api/v1/guests", None, &format!(r#"{{"username":"{name}"}}"#))?;
    let answer = String::from_utf8(answer)?;
    let (_, token) = answer.split_once(r#""token":""#).context("a guest without a token")?;
    Ok(token.split('"').next().unwrap_or_default().to_owned())
}

/// The address of a room.
pub(crate) fn slug(room: usize) -> String {
    format!("bench-{room}")
}

struct Protocol {
    tokens: Vec<String>,
}

impl Wire for Protocol {
    fn request(&self, n: usize, _room: usize) -> String {
        let token = &self.tokens[n % self.tokens.len()];
        upgrade("/ws", &format!("Authorization: Bearer {token}\r\n"))
    }

    fn join(&self, room: usize) -> Option<String> {
        Some(format!(r#"{{"type":"join","room":"{}"}}"#, slug(room)))
    }

    fn message(&self, room: usize, number: u32) -> String {
        let (room, content) = (slug(room), marker::content(number));
        format!(
            r#"{{"type":"send","room":"{room}","id":"00000000-0000-4000-8000-0000{number:08x}","content":"{content}"}}"#
        )
    }

    fn read(&self, frame: &[u8]) -> Word {
        if frame.starts_with(EVENT) {
            marker::number_in(frame).map_or(Word::Other, Word::Message)
        } else if let Some(id) = frame.strip_prefix(ACK) {
            id.get(ID_NUMBER).and_then(marker::hexadecimal).map_or(Word::Other, Word::Ack)
        } else if frame.starts_with(JOINED) {
            Word::Joined
        } else if frame.starts_with(PING) {
            Word::Ping(PONG)
        } else if frame.starts_with(ERROR) {
            Word::Refused
        } else {
            Word::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use client::protocol::{ClientFrame, ServerFrame};

    use super::*;

    fn protocol() -> Protocol {
        Protocol { tokens: vec!["a".into(), "b".into()] }
    }

    /// What is read out of a frame as the server would write it.
    #[track_caller]
    fn check(frame: &str, word: Word) {
        let frame = ServerFrame::decode(frame).expect("a frame of the protocol").encode();
        assert_eq!(protocol().read(frame.as_bytes()), word, "{frame}");
    }

    #[test]
    fn what_is_said_is_what_the_protocol_takes() {
        let frame = ClientFrame::decode(&protocol().message(3, 0xBEEF)).unwrap();
        let ClientFrame::Send { room, .. } = frame else { panic!("{frame:?}") };
        assert_eq!(room.as_str(), "bench-3");
        assert!(matches!(ClientFrame::decode(&protocol().join(0).unwrap()), Ok(ClientFrame::Join { .. })));
        assert!(matches!(ClientFrame::decode(PONG), Ok(ClientFrame::Pong)));
    }

    #[test]
    fn what_the_server_says_is_recognised() {
        let id = format!("00000000-0000-4000-8000-0000{:08x}", 0xBEEF);
        let author = r#""user_id":"5b0a7d2e-93c4-4f4e-8d57-2f1c9a7e6b21","username":"bench-0""#;
        let at = r#""timestamp":"2026-11-22T09:41:00.000Z""#;
        let content = marker::content(0xBEEF);
        check(
            &format!(
                r#"{{"type":"message","room":"bench-0","seq":7,{author},{at},"id":"{id}","content":"{content}","reply_to":null}}"#
            ),
            Word::Message(0xBEEF),
        );
        check(&format!(r#"{{"type":"ack","id":"{id}","room":"bench-0","seq":7,{at}}}"#), Word::Ack(0xBEEF));
        check(r#"{"type":"ping"}"#, Word::Ping(PONG));
        check(r#"{"type":"error","code":"room_not_found","message":"no"}"#, Word::Refused);
        check(r#"{"type":"left","room":"bench-0"}"#, Word::Other);
    }

    #[test]
    fn users_take_turns() {
        assert!(protocol().request(1, 0).contains("Bearer b\r\n"));
        assert!(protocol().request(2, 0).contains("Bearer a\r\n"));
    }
}
