//! Opening a data folder: alone in it, with a database that is whole and of a form that this program knows, or with a
//! sentence that says what to do.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use tokio::task::JoinError;

use super::{backfill::Heads, readers, seal};

/// The database inside the data folder. SQLite keeps two more files beside it, `-wal` and `-shm`.
pub const DATABASE_FILE: &str = "hubbub.db";
pub(super) const LOCK_FILE: &str = "hubbub.lock";

/// How long SQLite waits for another program's lock: less than the callers of the writer wait.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The log file of SQLite is cut to this size when it has been moved into the database, in bytes.
const WAL_SIZE_LIMIT_BYTES: &str = "67108864";
/// A database of at most this size is read through at every start, in bytes: a fraction of a second.
const FULL_CHECK_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Statements that a connection keeps ready: more than there are.
const STATEMENTS_MAX: usize = 64;
/// The first SQLite without the bug that damages a database when its log is reset: 3.51.3.
const SQLITE_MIN: i32 = 3_051_003;

/// Every step from an empty file to today's form, oldest first. What is published never changes its meaning; what changes it is
/// a step of its own. The database counts the steps that were taken (`user_version`).
pub(super) const STEPS: &[&str] =
    &[include_str!("../../../migrations/0001_begin.sql"), include_str!("../../../migrations/0002_seals.sql")];
/// What tells a database of ours from every other, in the file's header: "Hubb".
pub(super) const APPLICATION_ID: i32 = 0x4875_6262;

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it cannot be written.
    #[error(
        "cannot write in the data folder {}: {cause}. Give the user who runs hubbub the right to write there and room \
         on the disk, or choose another folder with --data", folder.display()
    )]
    NotWritable {
        /// The data folder.
        folder: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Another process has it.
    #[error(
        "the data folder {} is in use by another hubbub or another program. Stop that one, or choose another folder \
         with --data", folder.display()
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// The database cannot be read, or not all of it.
    #[error(
        "{} is damaged or is no database of hubbub ({cause}). To put a backup in its place: hubbub restore FILE --replace. \
         To start empty: move it away, together with the files beside it whose names begin alike", file.display()
    )]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// A newer hubbub has changed its form.
    #[error("{} was written by a newer hubbub. Start that version, or a newer one", file.display())]
    Newer {
        /// The database.
        file: PathBuf,
    },
    /// The system gives no thread to read and write.
    #[error("the system gives no more threads ({0}); let this user have more (ulimit -u)")]
    NoThread(#[source] io::Error),
    /// The program goes down, or made a mistake.
    #[error("the data folder was not opened: {0}")]
    Interrupted(#[source] JoinError),
    /// This program was built with a SQLite that can damage the database.
    #[error(
        "this hubbub was built with SQLite {found}, which can damage its database. Build it with 3.51.3 or newer"
    )]
    OldSqlite {
        /// Its version.
        found: &'static str,
    },
}

/// An open data folder.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) writer: Connection,
    pub(super) readers: Vec<Connection>,
    /// Keeps others out while it is open.
    pub(super) lock: File,
}

/// A database's file, and how it is connected to.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) file: PathBuf,
    /// Pages that it may have, where that is bounded.
    pub(super) page_max: Option<u32>,
}

impl Database {
    /// A connection that writes.
    pub(super) fn writer(&self) -> rusqlite::Result<Connection> {
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let pragmas = [
            ("journal_mode", "WAL"),
            ("synchronous", "FULL"),
            ("foreign_keys", "ON"),
            // Deleted words are overwritten, not only forgotten.
            ("secure_delete", "ON"),
            ("journal_size_limit", WAL_SIZE_LIMIT_BYTES),
        ];
        for (name, value) in pragmas {
            connection.pragma_update(None, name, value)?;
        }
        if let Some(pages) = self.page_max {
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        Ok(connection)
    }

    fn reader(&self) -> rusqlite::Result<Connection> {
        self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn connect(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        // Only one thread at a time uses it.
        let connection = Connection::open_with_flags(&self.file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // A statement is planned once, and not again for each value that is put into it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        seal::teach(&connection)?;
        Ok(connection)
    }
}

/// Opens the folder `data`, or makes it.
pub(super) fn open(data: &Path) -> Result<Opened, OpenError> {
    open_with(data, None)
}

/// The same with a database of at most so many pages.
pub(super) fn open_with(data: &Path, page_max: Option<u32>) -> Result<Opened, OpenError> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(OpenError::OldSqlite { found: rusqlite::version() });
    }
    let folder = Folder { path: data };
    let lock = folder.lock()?;
    let database = Database { file: data.join(DATABASE_FILE), page_max };
    let is_new = !database.file.exists();
    let explain = |error: rusqlite::Error| folder.explain(&error);

    let moved = if is_new { Heads::default() } else { Heads::of_file(&database.file) };
    let mut writer = database.writer().map_err(explain)?;
    if !is_new {
        // First, for a checkpoint makes one of the two.
        if !moved.are_known_to(&writer).map_err(explain)? {
            return Err(folder.damaged("its log has lost events that were in it".into()));
        }
        folder.check(&writer, &database.file)?;
    }
    match Form::of(&writer).map_err(explain)? {
        Form::Newer => return Err(OpenError::Newer { file: database.file }),
        Form::Foreign => return Err(folder.damaged("it is the database of another program".into())),
        Form::Empty | Form::Ours => migrate(&mut writer).map_err(explain)?,
    }
    let readers =
        (0..readers::CONNECTIONS).map(|_| database.reader()).collect::<Result<_, _>>().map_err(explain)?;
    Ok(Opened { database, writer, readers, lock })
}

/// What a database is to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing is in it.
    Empty,
    /// Of today's form, or of one that leads there.
    Ours,
    /// A newer hubbub has changed its form.
    Newer,
    /// Another program's.
    Foreign,
}

impl Form {
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let is_ours = number("application_id")? == i64::from(APPLICATION_ID);
        let is_empty =
            connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
        let steps = usize::try_from(number("user_version")?).unwrap_or(usize::MAX);
        Ok(match (is_ours, is_empty) {
            (true, _) if steps > STEPS.len() => Self::Newer,
            (true, _) => Self::Ours,
            (false, true) => Self::Empty,
            (false, false) => Self::Foreign,
        })
    }
}

/// Takes the steps that are left to today's form, each whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let taken: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (step, taken) in STEPS.iter().zip(1..).skip(taken) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", taken)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The data folder while it is being opened.
pub(super) struct Folder<'p> {
    pub(super) path: &'p Path,
}

impl Folder<'_> {
    /// Keeps others out as long as the file is open.
    pub(super) fn lock(&self) -> Result<File, OpenError> {
        let not_writable = |error: io::Error| self.not_writable(error.to_string());
        make_private_folder(self.path).map_err(not_writable)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path.join(LOCK_FILE))
            .map_err(not_writable)?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: self.path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(not_writable(error)),
        }
    }

    /// Looks for damage. A large database is not read through: its start must not take minutes. What is damaged deep
    /// inside it is found when it is read, and fails that request.
    fn check(&self, connection: &Connection, file: &Path) -> Result<(), OpenError> {
        let explain = |error: rusqlite::Error| self.explain(&error);
        // After this the file alone is the database, so that its size tells whether it is whole. Unless somebody reads it,
        // as a backup does: then a part stays in the log.
        let is_busy: bool =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(explain)?;
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let size: u64 = connection.query_row(sql, [], |row| row.get(0)).map_err(explain)?;
        let held = fs::metadata(file).map_err(|error| self.not_writable(error.to_string()))?.len();
        if !is_busy && held < size {
            return Err(self.damaged(format!("it has {held} bytes and should have {size}")));
        }
        if held > FULL_CHECK_MAX_BYTES {
            return Ok(());
        }
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(explain)?;
        if verdict == "ok" { Ok(()) } else { Err(self.damaged(verdict)) }
    }

    /// What an error of SQLite means for the folder (see sqlite.org/rescode.html).
    fn explain(&self, error: &rusqlite::Error) -> OpenError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                OpenError::InUse { folder: self.path.to_owned() }
            }
            // Unknown: the general error, as of SQL over tables that are not there.
            Some(ErrorCode::Unknown | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                self.damaged(error.to_string())
            }
            _ => self.not_writable(error.to_string()),
        }
    }

    fn damaged(&self, cause: String) -> OpenError {
        OpenError::Damaged { file: self.path.join(DATABASE_FILE), cause }
    }

    pub(super) fn not_writable(&self, cause: String) -> OpenError {
        OpenError::NotWritable { folder: self.path.to_owned(), cause }
    }
}

/// Makes the folder so that only its owner can look into it: it holds what was said in private.
fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
