//! Servers that only relay: the path is the room, and what somebody says goes to everybody in it as it is. They say
//! `joined` when a connection will hear what is said.

use std::{ffi::OsString, net::SocketAddr, path::Path, process::Command, rc::Rc};

use super::{House, Peer, Wire, Word, upgrade};
use crate::bench::marker;

/// A relay: a program that takes the address to listen on as its last argument.
pub(crate) struct Relay {
    name: &'static str,
    program: OsString,
    arguments: Vec<OsString>,
    /// How it is told of a file to keep things in.
    file_option: Option<&'static str>,
}

impl Relay {
    pub(crate) fn new(
        name: &'static str,
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Self {
        let arguments = arguments.into_iter().collect();
        Self { name, program: program.into(), arguments, file_option: None }
    }

    /// One that keeps what it relays in the file that comes after `option`.
    pub(crate) fn with_file(self, option: &'static str) -> Self {
        Self { file_option: Some(option), ..self }
    }
}

impl Peer for Relay {
    fn name(&self) -> &'static str {
        self.name
    }

    fn command(&self, address: SocketAddr, data: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        if let Some(option) = self.file_option {
            command.arg(option).arg(data.join("relayed"));
        }
        command.arg(address.to_string());
        command
    }

    fn prepare(&self, _address: SocketAddr, _house: House) -> anyhow::Result<Rc<dyn Wire>> {
        Ok(Rc::new(Plain))
    }
}

struct Plain;

impl Wire for Plain {
    fn request(&self, _n: usize, room: usize) -> String {
        upgrade(&format!("/room-{room}"), "")
    }

    fn join(&self, _room: usize) -> Option<String> {
        None
    }

    fn message(&self, _room: usize, number: u32) -> String {
        marker::content(number)
    }

    fn read(&self, frame: &[u8]) -> Word {
        match marker::number_in(frame) {
            Some(number) => Word::Message(number),
            None if frame == b"joined" => Word::Joined,
            None => Word::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_recognised() {
        assert_eq!(Plain.read(Plain.message(0, 77).as_bytes()), Word::Message(77));
        assert_eq!(Plain.read(b"joined"), Word::Joined);
        assert_eq!(Plain.read(b"anything"), Word::Other);
    }
}
