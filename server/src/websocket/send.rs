//! The writing half.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
};

use socket2::SockRef;
use tokio::net::tcp::OwnedWriteHalf;

use super::Sink;

/// The writing half of a socket. When it is dropped, the other side is told that nothing more comes.
#[derive(Debug)]
pub struct Writer(OwnedWriteHalf);

impl Writer {
    pub(super) const fn new(socket: OwnedWriteHalf) -> Self {
        Self(socket)
    }

    /// Waits until it is worth trying to write. For one waiter at a time; safe to cancel.
    pub async fn writable(&self) -> io::Result<()> {
        poll_fn(|cx| self.0.as_ref().poll_write_ready(cx)).await
    }
}

impl Sink for Writer {
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        match bytes {
            // Costs the system less than a list of one.
            [only] => self.0.try_write(only),
            several => self.0.try_write_vectored(several),
        }
    }

    /// Past tokio's book of who is ready: what is entered there is only wanted to wait, and looking it up for each reader
    /// and message costs as much as all else that is done for them here.
    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        SockRef::from(self.0.as_ref()).send(bytes)
    }
}
