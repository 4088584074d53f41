//! The binary as a process.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Output, Stdio},
};

/// The binary with these flags; its standard streams are the test's.
pub(crate) fn hubbub(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubbub"));
    command.args(flags).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub(crate) fn run(flags: &[&str]) -> Output {
    hubbub(flags).output().unwrap()
}

/// Checks that it ended with this code and said these words on standard error.
#[track_caller]
pub(crate) fn assert_fails(output: &Output, code: i32, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
}

/// A process that is ended with the test.
pub(crate) struct Process(pub(crate) Child);

/// Starts a server on a free port and waits until it says where.
pub(crate) fn serve(flags: &[&str]) -> (Process, String) {
    let mut process = Process(hubbub(flags).args(["--listen", "127.0.0.1:0"]).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("Hubbub is at http://");
    (process, address.unwrap_or_else(|| panic!("{line:?}")).to_owned())
}

impl Process {
    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}
