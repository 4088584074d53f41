//! The server's database, as another process sees it.

use std::path::Path;

use anyhow::Context as _;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, Row as _, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

use crate::report::Report;

/// Opens the database of a server.
pub(crate) async fn open(file: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(file).disable_statement_logging();
    options.connect().await.with_context(|| format!("cannot open {}", file.display()))
}

/// Demands that SQLite finds nothing wrong with the database. No server may run on it.
pub(crate) async fn demand_sound(file: &Path, report: &mut Report) -> anyhow::Result<()> {
    let mut connection = open(file).await?;
    let rows = connection.fetch_all("PRAGMA integrity_check").await?;
    connection.close().await?;
    let said: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    report.demand(said == ["ok"], format!("SQLite's integrity check says: {}", said.join(", ")));
    if said == ["ok"] {
        report.note("SQLite's integrity check finds nothing");
    }
    Ok(())
}

/// Takes the database's write lock; it is held as long as the connection.
pub(crate) async fn lock(file: &Path) -> anyhow::Result<SqliteConnection> {
    let mut connection = open(file).await?;
    connection.execute("BEGIN IMMEDIATE").await?;
    Ok(connection)
}
