//! A backup put in the place of a data folder's database. At every moment the folder holds a database to start from: the
//! old one, then the new one.

use std::{
    fs::{self, DirBuilder},
    io,
    path::{Path, PathBuf},
};

use protocol::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use tokio::task::{JoinError, spawn_blocking};

use super::{
    backup::{open_private, sync_folder_of},
    open::{DATABASE_FILE, Folder, Form, LOCK_FILE, OpenError, migrate},
    seal,
};

/// The backup inside the data folder until it is in its place.
const INCOMING_FILE: &str = "hubbub.db.incoming";
/// The files that SQLite may keep beside a database: what is not moved into it yet, and an index of that.
const LOG: &str = "-wal";
const LOG_INDEX: &str = "-shm";

/// What to do with a database that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and refuse.
    Refuse,
    /// Keep it in a folder beside the new one.
    SetAside,
}

/// Why nothing was restored. The database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The folder cannot be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is a database already.
    #[error(
        "{} holds a database already. With --replace it is set aside and the backup takes its place",
        folder.display()
    )]
    Occupied {
        /// The data folder.
        folder: PathBuf,
    },
    /// The backup is none, or not whole.
    #[error("{} is no whole backup of hubbub ({cause}); nothing was changed", backup.display())]
    NoBackup {
        /// The backup.
        backup: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// It cannot be copied.
    #[error("cannot copy {} into the data folder: {cause}", backup.display())]
    Copy {
        /// The backup.
        backup: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The program goes down, or made a mistake.
    #[error("the restoring was broken off: {0}")]
    Interrupted(#[source] JoinError),
}

/// What was restored.
#[derive(Debug, PartialEq, Eq)]
pub struct Restored {
    /// How many rooms.
    pub rooms: u64,
    /// Where the database is that was there before.
    pub set_aside: Option<PathBuf>,
}

/// Puts a copy of `backup` into the folder `data`, which no server may be using. Each room's log begins a new life: no
/// reader's position of the log that is left takes effect in the one that is restored.
pub async fn restore(
    data: &Path,
    backup: &Path,
    existing: Existing,
    now: Timestamp,
) -> Result<Restored, RestoreError> {
    let (data, backup) = (data.to_owned(), backup.to_owned());
    let restored = spawn_blocking(move || restore_now(&data, &backup, existing, now));
    restored.await.map_err(RestoreError::Interrupted)?
}

fn restore_now(
    data: &Path,
    backup: &Path,
    existing: Existing,
    now: Timestamp,
) -> Result<Restored, RestoreError> {
    let folder = Folder { path: data };
    let _lock = folder.lock()?;
    belong_to_owner_of(data, &data.join(LOCK_FILE))
        .map_err(|cause| folder.not_writable(cause.to_string()))?;
    let occupied = ["", LOG].iter().any(|ending| beside(&data.join(DATABASE_FILE), ending).exists());
    if occupied && existing == Existing::Refuse {
        return Err(RestoreError::Occupied { folder: data.to_owned() });
    }
    let incoming = Incoming { path: data.join(INCOMING_FILE), backup };
    let rooms = incoming.prepare()?;
    let set_aside =
        if occupied { Some(data.join(format!("replaced-{now}").replace(':', "-"))) } else { None };
    let placed = match &set_aside {
        Some(aside) => keep(data, aside),
        None => Ok(()),
    };
    placed.and_then(|()| incoming.place(data)).map_err(|cause| incoming.copy_failed(cause))?;
    Ok(Restored { rooms, set_aside })
}

/// The path of a file that SQLite keeps beside a database.
fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The backup's copy on its way; gone with this unless it reached its place.
struct Incoming<'b> {
    path: PathBuf,
    backup: &'b Path,
}

impl Incoming<'_> {
    /// Makes the copy, looks whether it is whole and of a form that this program knows, and brings it up to date.
    /// Answers how many rooms it holds.
    fn prepare(&self) -> Result<u64, RestoreError> {
        self.clear();
        self.copy().map_err(|cause| self.copy_failed(cause))?;
        let no_backup = |error: rusqlite::Error| self.no_backup(error.to_string());
        let mut connection = self.connect().map_err(no_backup)?;
        let verdict: String =
            connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(no_backup)?;
        if verdict != "ok" {
            return Err(self.no_backup(verdict));
        }
        match Form::of(&connection).map_err(no_backup)? {
            Form::Ours => migrate(&mut connection).map_err(no_backup)?,
            Form::Newer => return Err(OpenError::Newer { file: self.backup.to_owned() }.into()),
            Form::Empty | Form::Foreign => {
                return Err(self.no_backup("it is the database of another program".into()));
            }
        }
        // Before they are sealed anew.
        if let Some(damaged) = first_damaged(&connection).map_err(no_backup)? {
            return Err(self.no_backup(format!("{damaged} is damaged")));
        }
        let rooms = begin_new_lives(&connection).map_err(no_backup)?;
        connection.close().map_err(|(_, error)| no_backup(error))?;
        Ok(rooms)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.path)?;
        seal::teach(&connection)?;
        // One file is left when it is closed.
        connection.pragma_update(None, "journal_mode", "DELETE")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(connection)
    }

    fn copy(&self) -> io::Result<()> {
        // A copy of a running server's files has a part of the database in the second.
        for ending in ["", LOG] {
            match fs::File::open(beside(self.backup, ending)) {
                Ok(mut from) => {
                    let mut to = open_private(&beside(&self.path, ending))?;
                    io::copy(&mut from, &mut to)?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && !ending.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Puts the copy in the place of the database, whose own files are kept elsewhere by now.
    fn place(&self, data: &Path) -> io::Result<()> {
        let database = data.join(DATABASE_FILE);
        fs::File::open(&self.path)?.sync_all()?;
        belong_to_owner_of(data, &self.path)?;
        // The log of the old database would be taken for the new one's.
        for ending in [LOG, LOG_INDEX] {
            remove(&beside(&database, ending))?;
        }
        fs::rename(&self.path, &database)?;
        sync_folder_of(&database)
    }

    fn clear(&self) {
        for ending in ["", LOG, LOG_INDEX, "-journal"] {
            // What cannot be removed is in the way of the copy, which says so.
            let _gone = fs::remove_file(beside(&self.path, ending));
        }
    }

    fn no_backup(&self, cause: String) -> RestoreError {
        RestoreError::NoBackup { backup: self.backup.to_owned(), cause }
    }

    fn copy_failed(&self, cause: io::Error) -> RestoreError {
        RestoreError::Copy { backup: self.backup.to_owned(), cause }
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A room or a user whose seal is broken, if there is one.
fn first_damaged(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT 'room ' || id FROM rooms WHERE seal <> seal(id, slug, name, topic, visibility, invite, epoch)
               UNION ALL SELECT 'user ' || username FROM users WHERE seal <> seal(id, username, name_key, role)
               LIMIT 1";
    connection.query_row(sql, [], |row| row.get(0)).optional()
}

/// Gives each room's log a new epoch and answers how many there are.
fn begin_new_lives(connection: &Connection) -> rusqlite::Result<u64> {
    let rooms = connection.execute("UPDATE rooms SET epoch = lower(hex(randomblob(8)))", [])?;
    connection
        .execute("UPDATE rooms SET seal = seal(id, slug, name, topic, visibility, invite, epoch)", [])?;
    Ok(u64::try_from(rooms).unwrap_or(u64::MAX))
}

/// Keeps the database of `data` in the new folder `aside`, whole; it stays where it is as well.
fn keep(data: &Path, aside: &Path) -> io::Result<()> {
    let database = data.join(DATABASE_FILE);
    // A sound database becomes one file by this; from one that is damaged everything is kept as it is.
    // Where there is only a log, nothing is made beside it: SQLite would take it for the log of an empty database.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if let Ok(old) = Connection::open_with_flags(&database, flags) {
        let checkpoint = old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = checkpoint.and(old.close().map_err(|(_, error)| error)) {
            tracing::debug!(%error, "the old database is damaged");
        }
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(aside)?;
    belong_to_owner_of(data, aside)?;
    for ending in ["", LOG] {
        let (from, to) = (beside(&database, ending), beside(&aside.join(DATABASE_FILE), ending));
        if from.exists() && fs::hard_link(&from, &to).is_err() {
            // Not every file system has links.
            fs::copy(&from, &to)?;
            fs::File::open(&to)?.sync_all()?;
        }
    }
    sync_folder_of(&aside.join(DATABASE_FILE))?;
    sync_folder_of(aside)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Gives `path` to whoever the data folder belongs to, for it is often root who restores and somebody else who serves.
#[cfg(unix)]
fn belong_to_owner_of(data: &Path, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};

    let (owner, own) = (fs::metadata(data)?, fs::metadata(path)?);
    if (owner.uid(), owner.gid()) == (own.uid(), own.gid()) {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

/// Files belong to nobody in particular here.
#[cfg(not(unix))]
fn belong_to_owner_of(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}
