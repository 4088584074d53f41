//! Health: whether the process lives, and whether it should be sent requests.

use std::time::Duration;

use reqwest::StatusCode;
use sqlx::{ConnectOptions as _, Executor as _, sqlite::SqliteConnectOptions};
use tokio::time::timeout;

use crate::server::TestServer;

/// Longer than the server needs to notice, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_fresh_server_is_ready() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_store_that_cannot_write_is_not_ready_and_heals() {
    let server = TestServer::start().await;
    let file = SqliteConnectOptions::new().filename(server.data().join("hubbub.db"));
    let mut other = file.connect().await.unwrap();
    other.execute("begin immediate").await.unwrap();

    let until = async |expected| while server.get("/readyz").await.status() != expected {};
    timeout(PATIENCE, until(StatusCode::SERVICE_UNAVAILABLE)).await.expect("it does not notice");
    assert_eq!(server.get("/healthz").await.status(), StatusCode::OK);

    other.execute("rollback").await.unwrap();
    timeout(PATIENCE, until(StatusCode::OK)).await.expect("it does not heal");
}
