//! The queue between whoever has something to say to a connection and its socket: bounded in bytes, so that one reader
//! who does not read costs a known amount of memory and nobody else's time.
//!
//! While nothing waits, whoever pushes writes to the socket at once, as far as it takes it: waking a task for each reader
//! and message would cost more than the message. What the socket does not take waits for the write pump. Whoever
//! writes holds the lock, so frames leave whole and in order.

use std::{
    array,
    collections::VecDeque,
    fmt,
    io::{self, IoSlice},
    mem,
    sync::{PoisonError, TryLockError},
};

use protocol::CloseCode;

use super::sync::{Mutex, MutexGuard, Notify};
use crate::websocket::{Frames, Sink};

/// What queued frames cost beside their bytes, in bytes: their place in the queue and their share of the allocation.
const FRAME_OVERHEAD_BYTES: usize = 64;
/// History is pushed only into a queue that is filled to at most one part in this many, so that catching up in one
/// room never cuts off a reader who keeps up with the others.
const HISTORY_SHARE: usize = 4;
/// What may be lost (that somebody types) is pushed only into a queue filled to at most one part in this many.
const EPHEMERAL_SHARE: usize = 2;
/// How many pieces are given to the socket at a time.
const WRITE_MAX_PIECES: usize = 64;

/// The queue takes nothing any more: the connection is being closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// What the write pump is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// Wait until the outbox is [`Outbox::filled`].
    All,
    /// Wait until the socket takes more.
    Full,
    /// End: the close frame is written, or the socket is broken.
    Ended,
}

/// A connection's queue and its socket. Any number may push; one pump flushes.
///
/// A message for thousands of readers finds nothing of them in the processor's caches, so what a push looks at lies together,
/// in one line of 64 bytes.
#[repr(C, align(64))]
pub struct Outbox<S: ?Sized = dyn Sink> {
    /// There is something for the pump.
    filled: Notify,
    /// There is room again.
    drained: Notify,
    // From here on it is what a push looks at.
    limit_bytes: usize,
    state: Mutex<State>,
    socket: S,
}

struct State {
    /// Whether the socket is still of use.
    is_connected: bool,
    /// Set together with the close frame, behind which nothing is queued.
    closing: Option<CloseCode>,
    /// What the socket has not taken; there only while it is something.
    waiting: Option<Box<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Frames>,
    /// How much of the first of these the socket has taken, in bytes.
    written: usize,
    /// What they cost.
    bytes: usize,
}

fn cost(frames: &Frames) -> usize {
    frames.len() + FRAME_OVERHEAD_BYTES
}

/// Whether a connection closed for this reason still sends what waits.
const fn is_graceful(code: CloseCode) -> bool {
    !matches!(code, CloseCode::TooSlow | CloseCode::SignedOut | CloseCode::Forbidden)
}

impl<S: Sink> Outbox<S> {
    /// A queue before `socket` that holds at most `limit_bytes`. Frames that are larger than that still pass when nothing
    /// else waits.
    pub fn new(socket: S, limit_bytes: usize) -> Self {
        let state = Mutex::new(State { is_connected: true, closing: None, waiting: None });
        Self { filled: Notify::new(), drained: Notify::new(), limit_bytes, state, socket }
    }
}

impl<S: Sink + ?Sized> Outbox<S> {
    /// What it stands before: to read from, and to wait for. What is written to it past the queue mixes with what waits.
    pub const fn socket(&self) -> &S {
        &self.socket
    }

    /// Sends frames: at once, or behind what waits. If they do not fit there, the connection is closed as too slow.
    pub fn push(&self, frames: &Frames) -> Result<(), Closed> {
        let mut state = self.lock();
        if state.is_idle() {
            return Turn::new(self, state).end(frames, self.socket.try_send(frames.bytes()));
        }
        self.enqueue(&mut state, frames.clone())
    }

    /// The turn to write next, for whoever writes to several sockets at once; `None` where that is for [`Self::push`]: something waits,
    /// or somebody else is at it. Never waits, so many may be held.
    pub fn try_turn(&self) -> Option<Turn<'_, S>> {
        let state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        state.is_idle().then(|| Turn::new(self, state))
    }

    /// Sends frames with the next flush, together with whatever else waits then. For the task that flushes: many
    /// answers cost one write.
    pub fn queue(&self, frames: Frames) -> Result<(), Closed> {
        self.enqueue(&mut self.lock(), frames)
    }

    /// Sends frames that may as well be lost, unless the reader has more urgent things to read.
    pub fn offer(&self, frames: &Frames) {
        let is_behind = self.lock().bytes() > self.limit_bytes / EPHEMERAL_SHARE;
        if !is_behind {
            // Closed: then there is nobody to tell.
            let _closed = self.push(frames);
        }
    }

    fn enqueue(&self, state: &mut State, frames: Frames) -> Result<(), Closed> {
        if !state.is_open() {
            return Err(Closed);
        }
        let is_first = state.waiting.is_none();
        if !is_first && state.bytes() + cost(&frames) > self.limit_bytes {
            self.end(state, CloseCode::TooSlow, farewell(CloseCode::TooSlow));
            return Err(Closed);
        }
        state.put(frames);
        if is_first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Closes the connection; the first reason counts. Where the reader may not or cannot read on, what waits is
    /// thrown away; otherwise it is written first.
    pub fn close(&self, code: CloseCode) {
        self.end(&mut self.lock(), code, farewell(code));
    }

    /// Answers the other side's close frame. It reads nothing any more.
    pub fn hang_up(&self, answer: Frames) {
        let mut state = self.lock();
        // Where a close frame of our own is queued already, that is the answer.
        if state.is_open() {
            state.throw_away();
        }
        self.end(&mut state, CloseCode::GoingAway, answer);
    }

    fn end(&self, state: &mut State, code: CloseCode, farewell: Frames) {
        if !state.is_open() {
            return;
        }
        if !is_graceful(code) {
            state.throw_away();
        }
        state.closing = Some(code);
        state.put(farewell);
        self.filled.notify_one();
        self.drained.notify_one();
    }

    /// Why the connection is being closed, if it is.
    pub fn closing(&self) -> Option<CloseCode> {
        self.lock().closing
    }

    /// Lets go of all that waits, and tells the other side that nothing more comes.
    pub fn disconnect(&self) {
        self.let_go(&mut self.lock());
        self.drained.notify_one();
    }

    fn let_go(&self, state: &mut State) {
        state.waiting = None;
        if mem::replace(&mut state.is_connected, false) {
            self.socket.end();
        }
    }

    /// Waits until there is something to flush. For one waiter at a time; safe to cancel.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Writes what waits, as far as the socket takes it: everything in one go where that is possible.
    pub fn flush(&self) -> Flushed {
        let mut state = self.lock();
        let flushed = match state.write(&self.socket) {
            Ok(()) if state.is_open() => Flushed::All,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Flushed::Full,
            Ok(()) | Err(_) => {
                self.let_go(&mut state);
                Flushed::Ended
            }
        };
        if state.has_room(self.limit_bytes) {
            self.drained.notify_one();
        }
        flushed
    }

    /// Waits until there is room for history. For one waiter at a time; safe to cancel.
    pub async fn room_for_history(&self) -> Result<(), Closed> {
        loop {
            {
                let state = self.lock();
                if !state.is_open() {
                    return Err(Closed);
                }
                if state.has_room(self.limit_bytes) {
                    return Ok(());
                }
            }
            self.drained.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds this lock can panic half way through a change; a turn that is not ended ends the connection.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Sink + ?Sized> fmt::Debug for Outbox<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("closing", &self.closing()).finish_non_exhaustive()
    }
}

/// The right to write next to a socket before which nothing waits. Whoever else has something for it is held up meanwhile, so it is for
/// a write, or for those that the system is asked for at once, and for nothing else. Unless it is ended, nobody knows what was written,
/// and the connection is given up.
#[must_use]
pub struct Turn<'o, S: Sink + ?Sized = dyn Sink> {
    outbox: &'o Outbox<S>,
    state: MutexGuard<'o, State>,
    is_ended: bool,
}

impl<'o, S: Sink + ?Sized> Turn<'o, S> {
    fn new(outbox: &'o Outbox<S>, state: MutexGuard<'o, State>) -> Self {
        Self { outbox, state, is_ended: false }
    }

    /// What is to be written to.
    pub const fn socket(&self) -> &'o S {
        &self.outbox.socket
    }

    /// The socket took so many bytes of the frames, or answered with an error. What it did not take waits.
    pub fn end(mut self, frames: &Frames, sent: io::Result<usize>) -> Result<(), Closed> {
        let taken = match sent {
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_broken) => return Err(Closed),
        };
        self.is_ended = true;
        if taken < frames.len() {
            self.outbox.enqueue(&mut self.state, frames.clone())?;
            if let Some(waiting) = &mut self.state.waiting {
                waiting.written = taken;
            }
        }
        Ok(())
    }
}

impl<S: Sink + ?Sized> Drop for Turn<'_, S> {
    fn drop(&mut self) {
        if !self.is_ended {
            self.outbox.let_go(&mut self.state);
            self.outbox.filled.notify_one();
        }
    }
}

impl<S: Sink + ?Sized> fmt::Debug for Turn<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

impl State {
    fn is_open(&self) -> bool {
        self.closing.is_none() && self.is_connected
    }

    /// Whether whoever has something may write it at once.
    fn is_idle(&self) -> bool {
        self.waiting.is_none() && self.is_open()
    }

    /// The cost of what waits.
    fn bytes(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.bytes)
    }

    fn has_room(&self, limit_bytes: usize) -> bool {
        self.bytes() <= limit_bytes / HISTORY_SHARE
    }

    fn put(&mut self, frames: Frames) {
        self.waiting.get_or_insert_default().put(frames);
    }

    fn write(&mut self, socket: &(impl Sink + ?Sized)) -> io::Result<()> {
        if !self.is_connected {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.write(socket)?;
        }
        self.waiting = None;
        Ok(())
    }

    /// Forgets what waits, except for the rest of a frame of which the other side has the beginning.
    fn throw_away(&mut self) {
        self.waiting = self.waiting.take().and_then(Waiting::begun);
    }
}

impl Waiting {
    fn put(&mut self, frames: Frames) {
        self.bytes += cost(&frames);
        self.frames.push_back(frames);
    }

    fn write(&mut self, socket: &(impl Sink + ?Sized)) -> io::Result<()> {
        while !self.frames.is_empty() {
            match self.write_some(socket)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                taken => self.advance(taken),
            }
        }
        Ok(())
    }

    fn write_some(&self, socket: &(impl Sink + ?Sized)) -> io::Result<usize> {
        let mut frames = self.frames.iter().map(Frames::bytes);
        let count = frames.len().min(WRITE_MAX_PIECES);
        let mut begin = self.written;
        let pieces: [_; WRITE_MAX_PIECES] = array::from_fn(|_| {
            let bytes = frames.next().unwrap_or_default();
            IoSlice::new(&bytes[mem::take(&mut begin)..])
        });
        socket.try_write(&pieces[..count])
    }

    /// So many bytes more are written.
    fn advance(&mut self, taken: usize) {
        self.written += taken;
        while let Some(first) = self.frames.pop_front_if(|first| first.len() <= self.written) {
            self.written -= first.len();
            self.bytes -= cost(&first);
        }
    }

    /// Only the rest of a frame of which the other side has the beginning.
    fn begun(mut self: Box<Self>) -> Option<Box<Self>> {
        let begun = self.frames.front()?.begun(self.written);
        let is_more = begun.len() > self.written;
        self.bytes = cost(&begun);
        self.frames = VecDeque::from([begun]);
        is_more.then_some(self)
    }
}

fn farewell(code: CloseCode) -> Frames {
    Frames::close(code.code(), code.reason())
}

#[cfg(test)]
pub(super) mod tests;
