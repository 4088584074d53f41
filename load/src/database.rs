//! The server's database, as another process sees it.

use std::path::Path;

use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags};

use crate::report::Report;

/// Opens the database of a server.
fn open(file: &Path) -> anyhow::Result<Connection> {
    // Without making one where there is none.
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .with_context(|| format!("cannot open {}", file.display()))
}

/// Demands that SQLite finds nothing wrong with the database. No server may run on it.
pub(crate) fn demand_sound(file: &Path, report: &mut Report) -> anyhow::Result<()> {
    let connection = open(file)?;
    let mut check = connection.prepare("PRAGMA integrity_check")?;
    let said: Vec<String> = check.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    report.demand(said == ["ok"], format!("SQLite's integrity check says: {}", said.join(", ")));
    if said == ["ok"] {
        report.note("SQLite's integrity check finds nothing");
    }
    Ok(())
}

/// Takes the database's write lock; it is held as long as the connection.
pub(crate) fn lock(file: &Path) -> anyhow::Result<Connection> {
    let connection = open(file)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    Ok(connection)
}
