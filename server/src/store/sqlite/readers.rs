//! Connections that read, for whoever asks first. A query has one for itself, on a thread that may wait for the disk.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::Connection;
use tokio::{sync::Semaphore, time::timeout};

use super::{blocking, error::Error};
use crate::store::StoreError;

/// How many there are.
pub(super) const CONNECTIONS: u32 = 4;
/// How long a query waits for one.
const WAIT_MAX: Duration = Duration::from_secs(5);

type Idle = Arc<Mutex<Vec<Connection>>>;

#[derive(Debug)]
pub(super) struct Readers {
    idle: Idle,
    /// As many as there are connections.
    permits: Arc<Semaphore>,
}

impl Readers {
    /// `connections` are [`CONNECTIONS`].
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Arc::new(Mutex::new(connections)), permits }
    }

    /// Runs a query.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = timeout(WAIT_MAX, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| StoreError("too many ask at once".into()))?.map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let answer = blocking(move || {
            let mut lent = Lent::by(idle);
            let answer = lent.connection.as_mut().map(query);
            drop(lent);
            drop(permit);
            answer
        });
        Ok(answer.await.flatten().ok_or_else(closed)??)
    }

    /// Closes all of them when the queries that have begun are through. Later ones fail.
    pub(super) async fn close(&self) {
        // An error: they are closed already.
        if let Ok(_all) = self.permits.acquire_many(CONNECTIONS).await {
            self.permits.close();
            lock(&self.idle).clear();
        }
    }
}

fn closed() -> StoreError {
    StoreError("it is closed".into())
}

/// A connection in use; it goes back however that ends.
struct Lent {
    /// `None` where all of them are closed.
    connection: Option<Connection>,
    idle: Idle,
}

impl Lent {
    fn by(idle: Idle) -> Self {
        let connection = lock(&idle).pop();
        Self { connection, idle }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        lock(&self.idle).extend(self.connection.take());
    }
}

fn lock(idle: &Idle) -> MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
