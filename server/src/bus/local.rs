//! The bus of a server that is alone: bounded queues in memory. It loses nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{Bus, NOTICES_MAX, Notice};

/// The bus inside one process.
#[derive(Debug, Default)]
pub struct LocalBus {
    subscribers: Mutex<Vec<mpsc::Sender<Notice>>>,
}

impl LocalBus {
    /// A bus that nobody listens to yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The list is whole after every change, so a panic elsewhere while it was held did no harm.
    fn subscribers(&self) -> MutexGuard<'_, Vec<mpsc::Sender<Notice>>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, notice: Notice) {
        let subscribers = self.subscribers().clone();
        let mut gone = false;
        for subscriber in subscribers {
            gone |= subscriber.send(notice.clone()).await.is_err();
        }
        if gone {
            self.subscribers().retain(|subscriber| !subscriber.is_closed());
        }
    }

    async fn subscribe(&self) -> mpsc::Receiver<Notice> {
        let (subscriber, notices) = mpsc::channel(NOTICES_MAX);
        self.subscribers().push(subscriber);
        notices
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::LocalBus;
    use crate::bus::contract;

    contract::bus_contract!(|| Arc::new(LocalBus::new()));
}
