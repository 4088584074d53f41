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
    sync::{Arc, PoisonError},
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

/// A connection's queue. Any number may push; one pump flushes.
pub struct Outbox {
    limit_bytes: usize,
    state: Mutex<State>,
    /// There is something for the pump.
    filled: Notify,
    /// There is room again.
    drained: Notify,
}

struct State {
    /// None once it is of no use any more.
    socket: Option<Arc<dyn Sink>>,
    /// What the socket has not taken. Allocated only while something waits.
    waiting: VecDeque<Frames>,
    /// How much of the first of these the socket has taken, in bytes.
    written: usize,
    /// The cost of what waits.
    bytes: usize,
    /// Set together with the close frame, behind which nothing is queued.
    closing: Option<CloseCode>,
}

fn cost(frames: &Frames) -> usize {
    frames.len() + FRAME_OVERHEAD_BYTES
}

/// Whether a connection closed for this reason still sends what waits.
const fn is_graceful(code: CloseCode) -> bool {
    !matches!(code, CloseCode::TooSlow | CloseCode::SignedOut | CloseCode::Forbidden)
}

impl Outbox {
    /// A queue before `socket` that holds at most `limit_bytes`. Frames that are larger than that still pass when nothing
    /// else waits.
    pub fn new(socket: Arc<dyn Sink>, limit_bytes: usize) -> Self {
        let state =
            State { socket: Some(socket), waiting: VecDeque::new(), written: 0, bytes: 0, closing: None };
        Self { limit_bytes, state: Mutex::new(state), filled: Notify::new(), drained: Notify::new() }
    }

    /// Sends frames: at once, or behind what waits. If they do not fit there, the connection is closed as too slow.
    pub fn push(&self, frames: &Frames) -> Result<(), Closed> {
        let mut state = self.lock();
        match state.write_past_queue(frames) {
            Ok(taken) if taken == frames.len() => Ok(()),
            Ok(taken) => {
                self.enqueue(&mut state, frames.clone())?;
                state.written = state.written.max(taken);
                Ok(())
            }
            Err(_broken) => {
                state.disconnect();
                self.filled.notify_one();
                Err(Closed)
            }
        }
    }

    /// Sends frames with the next flush, together with whatever else waits then. For the task that flushes: many
    /// answers cost one write.
    pub fn queue(&self, frames: Frames) -> Result<(), Closed> {
        self.enqueue(&mut self.lock(), frames)
    }

    /// Sends frames that may as well be lost, unless the reader has more urgent things to read.
    pub fn offer(&self, frames: &Frames) {
        let is_behind = self.lock().bytes > self.limit_bytes / EPHEMERAL_SHARE;
        if !is_behind {
            // Closed: then there is nobody to tell.
            let _closed = self.push(frames);
        }
    }

    fn enqueue(&self, state: &mut State, frames: Frames) -> Result<(), Closed> {
        if !state.is_open() {
            return Err(Closed);
        }
        if state.bytes > 0 && state.bytes + cost(&frames) > self.limit_bytes {
            self.end(state, CloseCode::TooSlow, farewell(CloseCode::TooSlow));
            return Err(Closed);
        }
        state.put(frames);
        if state.waiting.len() == 1 {
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

    /// Lets go of the socket and of all that waits.
    pub fn disconnect(&self) {
        self.lock().disconnect();
        self.drained.notify_one();
    }

    /// Waits until there is something to flush. For one waiter at a time; safe to cancel.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Writes what waits, as far as the socket takes it: everything in one go where that is possible.
    pub fn flush(&self) -> Flushed {
        let mut state = self.lock();
        let flushed = match state.write() {
            Ok(()) if state.is_open() => Flushed::All,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Flushed::Full,
            Ok(()) | Err(_) => {
                state.disconnect();
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
        // No code that holds this lock can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("closing", &self.closing()).finish_non_exhaustive()
    }
}

impl State {
    fn is_open(&self) -> bool {
        self.closing.is_none() && self.socket.is_some()
    }

    fn has_room(&self, limit_bytes: usize) -> bool {
        self.bytes <= limit_bytes / HISTORY_SHARE
    }

    fn put(&mut self, frames: Frames) {
        self.bytes += cost(&frames);
        self.waiting.push_back(frames);
    }

    /// Writes frames at once if nothing waits, and says how many of their bytes the socket took.
    fn write_past_queue(&self, frames: &Frames) -> io::Result<usize> {
        match &self.socket {
            Some(socket) if self.waiting.is_empty() && self.is_open() => {
                match socket.try_send(frames.bytes()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                    taken => taken,
                }
            }
            _ => Ok(0),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.waiting.is_empty() {
            match self.write_some()? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                taken => self.advance(taken),
            }
        }
        self.waiting = VecDeque::new();
        Ok(())
    }

    fn write_some(&self) -> io::Result<usize> {
        let socket = self.socket.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let mut waiting = self.waiting.iter().map(Frames::bytes);
        let count = waiting.len().min(WRITE_MAX_PIECES);
        let mut begin = self.written;
        let pieces: [_; WRITE_MAX_PIECES] = array::from_fn(|_| {
            let bytes = waiting.next().unwrap_or_default();
            IoSlice::new(&bytes[mem::take(&mut begin)..])
        });
        socket.try_write(&pieces[..count])
    }

    /// So many bytes more are written.
    fn advance(&mut self, taken: usize) {
        self.written += taken;
        while let Some(first) = self.waiting.pop_front_if(|first| first.len() <= self.written) {
            self.written -= first.len();
            self.bytes -= cost(&first);
        }
    }

    /// Forgets what waits, except for the rest of a frame of which the other side has the beginning.
    fn throw_away(&mut self) {
        let begun = self.waiting.front().map(|first| first.begun(self.written));
        self.waiting = VecDeque::new();
        self.bytes = 0;
        match begun {
            Some(begun) if begun.len() > self.written => self.put(begun),
            _ => self.written = 0,
        }
    }

    fn disconnect(&mut self) {
        self.socket = None;
        self.waiting = VecDeque::new();
        (self.written, self.bytes) = (0, 0);
    }
}

fn farewell(code: CloseCode) -> Frames {
    Frames::close(code.code(), code.reason())
}

#[cfg(test)]
pub(super) mod tests;
