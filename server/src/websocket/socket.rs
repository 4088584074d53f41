//! The socket under a connection, for whoever reads and whoever writes.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    task::{Context, Poll, ready},
};

use rustix::{
    fd::{AsFd as _, BorrowedFd},
    net::{RecvFlags, SendFlags, Shutdown},
};
use tokio::{io::Interest, net::TcpStream};

use super::Sink;

/// A socket after the handshake.
#[derive(Debug)]
pub struct Socket(TcpStream);

impl Socket {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self(stream)
    }

    /// Waits until it is worth trying to write. For one waiter at a time; safe to cancel.
    pub async fn writable(&self) -> io::Result<()> {
        poll_fn(|cx| self.0.poll_write_ready(cx)).await
    }

    /// Reads what is there and says how much that was: nothing when the other side has ended. For one reader at a time.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            let mut some = None;
            let read = self.0.try_io(Interest::READABLE, || {
                let read = rustix::net::recv(&self.0, &mut *buffer, RecvFlags::empty())?.0;
                if read == 0 || read == buffer.len() {
                    return Ok(read);
                }
                // The system has given all there is and tells when more comes, so there is no need to ask once more.
                some = Some(read);
                Err(io::ErrorKind::WouldBlock.into())
            });
            match (some, read) {
                (Some(read), _) => return Poll::Ready(Ok(read)),
                (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                (None, read) => return Poll::Ready(read),
            }
        }
    }
}

impl Sink for Socket {
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
        Ok(rustix::net::send(&self.0, bytes, SendFlags::empty())?)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }

    fn end(&self) {
        // An error: the connection is broken, and the other side knows or never will.
        let _broken = rustix::net::shutdown(&self.0, Shutdown::Write);
    }
}
