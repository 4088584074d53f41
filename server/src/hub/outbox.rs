//! The queue between whoever has something to say to a connection and its write pump: bounded in bytes, so that one
//! reader who does not read costs a known amount of memory and nobody else's time.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use protocol::CloseCode;
use tokio::sync::Notify;

/// What a queued frame costs beside its text, in bytes: its place in the queue and its share of the allocation.
const FRAME_OVERHEAD_BYTES: usize = 64;
/// History is pushed only into a queue that is filled to at most one part in this many, so that catching up in one
/// room never cuts off a reader who keeps up with the others.
const HISTORY_SHARE: usize = 4;
/// What may be lost (that somebody types) is pushed only into a queue filled to at most one part in this many.
const EPHEMERAL_SHARE: usize = 2;

/// The queue takes nothing any more: the connection is being closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// What the write pump is to do next.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// Write these, flush once, and say for each that it is [`Outbox::written`].
    Frames(VecDeque<Utf8Bytes>),
    /// Write a close frame with this code and end.
    Close(CloseCode),
}

/// A connection's queue. Any number may push; one pump takes.
#[derive(Debug)]
pub struct Outbox {
    limit_bytes: usize,
    state: Mutex<State>,
    /// There is something for the pump.
    filled: Notify,
    /// The pump made room.
    drained: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Allocated only while something waits.
    waiting: VecDeque<Utf8Bytes>,
    /// The cost of what waits and of what the pump has taken and not yet written.
    bytes: usize,
    closing: Option<CloseCode>,
}

fn cost(frame: &Utf8Bytes) -> usize {
    frame.len() + FRAME_OVERHEAD_BYTES
}

/// Whether a connection closed for this reason still sends what waits.
const fn is_graceful(code: CloseCode) -> bool {
    !matches!(code, CloseCode::TooSlow | CloseCode::SignedOut | CloseCode::Forbidden)
}

impl Outbox {
    /// A queue that holds at most `limit_bytes`. A single frame larger than that still passes when nothing else waits.
    pub fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, state: Mutex::default(), filled: Notify::new(), drained: Notify::new() }
    }

    /// Queues a frame. If it does not fit, the connection is closed as too slow.
    pub fn push(&self, frame: Utf8Bytes) -> Result<(), Closed> {
        let mut state = self.lock();
        if state.closing.is_some() {
            return Err(Closed);
        }
        let bytes = state.bytes + cost(&frame);
        if bytes > self.limit_bytes && state.bytes > 0 {
            drop(state);
            self.close(CloseCode::TooSlow);
            return Err(Closed);
        }
        state.bytes = bytes;
        state.waiting.push_back(frame);
        let is_first = state.waiting.len() == 1;
        drop(state);
        if is_first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Queues a frame that may as well be lost, unless the reader has more urgent things to read.
    pub fn offer(&self, frame: Utf8Bytes) {
        if self.lock().bytes <= self.limit_bytes / EPHEMERAL_SHARE {
            // Closed: then there is nobody to tell.
            let _closed = self.push(frame);
        }
    }

    /// Closes the connection; the first reason counts. Where the reader may not or cannot read on, what waits is
    /// thrown away; otherwise it is written first.
    pub fn close(&self, code: CloseCode) {
        let mut state = self.lock();
        if state.closing.is_some() {
            return;
        }
        state.closing = Some(code);
        if !is_graceful(code) {
            let thrown = mem::take(&mut state.waiting);
            state.bytes = state.bytes.saturating_sub(thrown.iter().map(cost).sum());
        }
        drop(state);
        self.filled.notify_one();
        self.drained.notify_one();
    }

    /// Why the connection is being closed, if it is.
    pub fn closing(&self) -> Option<CloseCode> {
        self.lock().closing
    }

    /// Whether the pump is to stop in the middle of what it has taken.
    pub fn is_cut_off(&self) -> bool {
        self.closing().is_some_and(|code| !is_graceful(code))
    }

    /// Everything that waits, as soon as something does. Safe to cancel.
    pub async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.filled.notified().await;
        }
    }

    fn take(&self) -> Option<Next> {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            return state.closing.map(Next::Close);
        }
        Some(Next::Frames(mem::take(&mut state.waiting)))
    }

    /// The pump has written this frame.
    pub fn written(&self, frame: &Utf8Bytes) {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(cost(frame));
        let has_room = state.bytes <= self.limit_bytes / HISTORY_SHARE;
        drop(state);
        if has_room {
            self.drained.notify_one();
        }
    }

    /// Waits until there is room for history. For one waiter at a time; safe to cancel.
    pub async fn room_for_history(&self) -> Result<(), Closed> {
        loop {
            {
                let state = self.lock();
                if state.closing.is_some() {
                    return Err(Closed);
                }
                if state.bytes <= self.limit_bytes / HISTORY_SHARE {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Utf8Bytes {
        Utf8Bytes::from("x".repeat(bytes - FRAME_OVERHEAD_BYTES))
    }

    fn frames(next: Next) -> usize {
        match next {
            Next::Frames(frames) => frames.len(),
            Next::Close(code) => panic!("closed with {code:?}"),
        }
    }

    #[tokio::test]
    async fn everything_that_waits_comes_at_once() {
        let outbox = Outbox::new(1000);
        outbox.push(frame(100)).unwrap();
        outbox.push(frame(100)).unwrap();
        assert_eq!(frames(outbox.next().await), 2);
    }

    #[tokio::test]
    async fn a_full_queue_closes_as_too_slow_and_throws_away_what_waits() {
        let outbox = Outbox::new(1000);
        for _ in 0..10 {
            outbox.push(frame(100)).unwrap();
        }
        assert_eq!(outbox.push(frame(100)), Err(Closed));
        assert_eq!(outbox.next().await, Next::Close(CloseCode::TooSlow));
        assert!(outbox.is_cut_off());
        assert_eq!(outbox.push(frame(100)), Err(Closed));
    }

    #[tokio::test]
    async fn frames_that_are_being_written_count_until_they_are_written() {
        let outbox = Outbox::new(1000);
        outbox.push(frame(900)).unwrap();
        let Next::Frames(taken) = outbox.next().await else { panic!("closed") };
        assert_eq!(outbox.room_for_history().now(), None);
        outbox.written(&taken[0]);
        assert_eq!(outbox.room_for_history().now(), Some(Ok(())));
        outbox.push(frame(900)).unwrap();
    }

    #[tokio::test]
    async fn a_frame_larger_than_the_bound_passes_alone() {
        let outbox = Outbox::new(1000);
        outbox.push(frame(5000)).unwrap();
        assert_eq!(outbox.push(frame(100)), Err(Closed));
    }

    #[tokio::test]
    async fn a_restart_lets_what_waits_pass_first() {
        let outbox = Outbox::new(1000);
        outbox.push(frame(100)).unwrap();
        outbox.close(CloseCode::Restart);
        outbox.close(CloseCode::SignedOut);
        assert_eq!(frames(outbox.next().await), 1);
        assert_eq!(outbox.next().await, Next::Close(CloseCode::Restart));
    }

    #[tokio::test]
    async fn what_may_be_lost_never_closes_a_queue() {
        let outbox = Outbox::new(1000);
        outbox.push(frame(900)).unwrap();
        outbox.offer(frame(200));
        assert_eq!(outbox.closing(), None);
        assert_eq!(frames(outbox.next().await), 1);
    }

    trait Now: Future + Sized {
        /// The result, if the future is ready at once.
        fn now(self) -> Option<Self::Output> {
            futures_util::FutureExt::now_or_never(self)
        }
    }
    impl<F: Future> Now for F {}
}
