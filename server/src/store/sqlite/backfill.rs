//! How far SQLite has moved its log into the database's file, seen before the log is laid over it again.
//!
//! After a crash SQLite takes its log up to the first frame that is not whole, as after a loss of power it must. But where a frame was
//! damaged since, or the file cut, what stood behind may be in the database already; and the log's beginning over that is a room as it
//! never was. So the log must know of each room at least what the file alone knows.

use std::{collections::HashMap, path::Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, OpenFlags};

/// What stands for itself in the path of a URI.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// The last event of each room. It only grows, and rooms are for ever.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heads(HashMap<i64, i64>);

impl Heads {
    /// Those of the database's file without its log; none where that says nothing by itself.
    pub(super) fn of_file(file: &Path) -> Self {
        let path = percent_encode(file.as_os_str().as_encoded_bytes(), PATH);
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let read = || Self::of(&Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)?);
        read().unwrap_or_default()
    }

    /// Those of the database as it is to be used. Looks only where there are any in its file.
    pub(super) fn are_known_to(&self, connection: &Connection) -> rusqlite::Result<bool> {
        if self.0.is_empty() {
            return Ok(true);
        }
        let Self(known) = Self::of(connection)?;
        Ok(self.0.iter().all(|(room, moved)| known.get(room).is_some_and(|head| head >= moved)))
    }

    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT id, head FROM rooms")?;
        let heads = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        heads.collect::<rusqlite::Result<_>>().map(Self)
    }
}
