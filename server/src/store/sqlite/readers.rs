//! Connections that read, for whoever asks first. A query has one for itself, on a thread that may wait for the disk.

use std::{io, time::Duration};

use rusqlite::Connection;
use tokio::{sync::Semaphore, time::timeout};

use super::error::Error;
use crate::{
    crew::{Crew, NotDone},
    store::StoreError,
};

/// How many there are.
pub(super) const CONNECTIONS: u32 = 4;
/// How long a query waits for one.
const WAIT_MAX: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Readers {
    crew: Crew<Connection>,
    /// As many as there are connections.
    permits: Semaphore,
}

impl Readers {
    /// `connections` are [`CONNECTIONS`].
    pub(super) fn new(connections: Vec<Connection>) -> io::Result<Self> {
        let permits = Semaphore::new(connections.len());
        Ok(Self { crew: Crew::new("reads", connections)?, permits })
    }

    /// Runs a query.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = timeout(WAIT_MAX, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| StoreError("too many ask at once".into()))?.map_err(|_| closed())?;
        let answer = self.crew.ask(query).await.map_err(|NotDone| StoreError("a query panicked".into()))?;
        Ok(answer?)
    }

    /// Closes all of them when the queries that have begun are through. Later ones fail.
    pub(super) async fn close(&self) {
        self.permits.close();
        self.crew.go_home().await;
    }
}

fn closed() -> StoreError {
    StoreError("it is closed".into())
}
