//! Connections that read, for whoever asks first. A query has one for itself, on a thread that may wait for the disk.

use std::{io, time::Duration};

use rusqlite::Connection;
use tokio::time::timeout;

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
pub(super) struct Readers(Crew<Connection>);

impl Readers {
    /// `connections` are [`CONNECTIONS`].
    pub(super) fn new(connections: Vec<Connection>) -> io::Result<Self> {
        Crew::new("reads", connections).map(Self)
    }

    /// Runs a query.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = timeout(WAIT_MAX, self.0.turn()).await;
        let turn = turn.map_err(|_| StoreError("too many ask at once".into()))?;
        let turn = turn.map_err(|NotDone| StoreError("it is closed".into()))?;
        let answer = turn.ask(query).await;
        Ok(answer.map_err(|NotDone| StoreError("a query panicked, or it is closed".into()))??)
    }

    /// Closes all of them when the queries that have begun are through. Later ones fail.
    pub(super) async fn close(&self) {
        self.0.go_home().await;
    }
}
