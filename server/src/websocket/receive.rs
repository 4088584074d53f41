//! The reading half: from the socket to messages, with no buffer of a connection's own while nothing comes.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};

use super::{Decoder, Message, Socket, Violation};

/// What one read of a socket takes at most, in bytes.
const READ_MAX_BYTES: usize = 16 * 1024;

thread_local! {
    /// What a socket is read into; empty again before anything is awaited. One for each thread, not for each connection.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_MAX_BYTES].into());
}

/// Why there is no next message.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The other side has broken a rule; it can be told so.
    Broken(Violation),
    /// The other side is gone, or says nothing any more.
    Gone,
}

impl From<Violation> for Ended {
    fn from(violation: Violation) -> Self {
        Self::Broken(violation)
    }
}

impl From<io::Error> for Ended {
    fn from(_lost: io::Error) -> Self {
        Self::Gone
    }
}

/// Reads messages, all from the same socket.
#[derive(Debug)]
pub struct Receiver {
    decoder: Decoder,
    /// What was read together with the last message and comes after it. Commonly nothing.
    rest: Bytes,
}

impl Receiver {
    pub(super) fn new(early: &[u8], message_max_bytes: usize) -> Self {
        // A copy: the little that came early, if anything, would keep the whole buffer of whoever read it.
        let rest = Bytes::copy_from_slice(early);
        Self { decoder: Decoder::new(message_max_bytes), rest }
    }

    /// The next message. Safe to cancel. Not to be asked again after an error.
    pub async fn next(&mut self, socket: &Socket) -> Result<Message, Ended> {
        poll_fn(|cx| self.poll_next(socket, cx)).await
    }

    /// Reads and throws away, until the other side has nothing more to send.
    pub async fn discard(&mut self, socket: &Socket) {
        self.rest = Bytes::new();
        let discarded = |cx: &mut Context<'_>| {
            loop {
                match ready!(self.poll_read(socket, cx, |_, input| Ok::<_, Ended>(input.len()))) {
                    Ok(_more) => {}
                    Err(_ended) => return Poll::Ready(()),
                }
            }
        };
        poll_fn(discarded).await;
    }

    fn poll_next(&mut self, socket: &Socket, cx: &mut Context<'_>) -> Poll<Result<Message, Ended>> {
        if !self.rest.is_empty() {
            let mut input = &self.rest[..];
            let message = self.decoder.decode(&mut input)?;
            let left = input.len();
            // The last of it gives the memory back.
            self.rest.advance(self.rest.len() - left);
            if left == 0 {
                self.rest = Bytes::new();
            }
            if let Some(message) = message {
                return Poll::Ready(Ok(message));
            }
        }
        loop {
            let message = ready!(self.poll_read(socket, cx, |this, mut input| {
                let message = this.decoder.decode(&mut input)?;
                this.rest = Bytes::copy_from_slice(input);
                Ok(message)
            }))?;
            if let Some(message) = message {
                return Poll::Ready(Ok(message));
            }
        }
    }

    /// Reads what is there and hands it to `take`. Its turn ends when tokio says so, however much there is to read.
    fn poll_read<T>(
        &mut self,
        socket: &Socket,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut Self, &[u8]) -> Result<T, Ended>,
    ) -> Poll<Result<T, Ended>> {
        SCRATCH.with_borrow_mut(|scratch| match ready!(socket.poll_read(cx, scratch))? {
            0 => Poll::Ready(Err(Ended::Gone)),
            read => Poll::Ready(take(self, &scratch[..read])),
        })
    }
}
