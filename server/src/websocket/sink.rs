//! What frames are written to.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use rustix::fd::BorrowedFd;

/// Something that takes bytes at once or not at all.
pub trait Sink: Send + Sync {
    /// Writes what can be written now and says how much that was; [`io::ErrorKind::WouldBlock`] where it is nothing.
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;

    /// The same for one piece, and for whoever does not wait where it is refused, but leaves it to somebody who tries for
    /// themselves.
    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(&[IoSlice::new(bytes)])
    }

    /// What the system knows it by, if [`Self::try_send`] is nothing but its `send`: then many can be asked at once
    /// ([`Volley`](super::Volley)).
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Tells the other side that nothing more comes.
    fn end(&self);
}

impl<S: Sink + ?Sized> Sink for Arc<S> {
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        S::try_write(self, bytes)
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        S::try_send(self, bytes)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        S::descriptor(self)
    }

    fn end(&self) {
        S::end(self);
    }
}
