//! Loom's locks, and tokio's `Notify` made of them: as far as one waiter can tell, the two are the same.

use std::{
    future::poll_fn,
    mem,
    task::{Poll, Waker},
};

pub use loom::sync::{Mutex, MutexGuard};

/// Keeps one call for whoever waits next.
pub struct Notify(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    is_called: bool,
    waiter: Option<Waker>,
}

impl Notify {
    /// Nobody has called.
    pub fn new() -> Self {
        Self(Mutex::new(Calls::default()))
    }

    /// Wakes whoever waits, or is remembered by whoever comes.
    pub fn notify_one(&self) {
        let waiter = {
            let mut calls = self.0.lock().unwrap();
            calls.is_called = true;
            calls.waiter.take()
        };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Waits for a call, unless there was one.
    pub async fn notified(&self) {
        poll_fn(|context| {
            let mut calls = self.0.lock().unwrap();
            if mem::take(&mut calls.is_called) {
                return Poll::Ready(());
            }
            calls.waiter = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}
