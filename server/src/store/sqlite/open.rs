//! Opening a data folder: alone in it, with a database that is whole and of a form that this program knows, or with a
//! sentence that says what to do.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use protocol::limits::PAGE_MAX_MESSAGES;
use sqlx::{
    ConnectOptions as _, SqlStr, SqliteConnection, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// The database inside the data folder. SQLite keeps two more files beside it, `-wal` and `-shm`.
pub const DATABASE_FILE: &str = "hubbub.db";
pub(super) const LOCK_FILE: &str = "hubbub.lock";

/// Connections that read.
const READ_CONNECTIONS: u32 = 4;
/// How long a query waits for one of them.
const READ_WAIT_MAX: Duration = Duration::from_secs(5);
/// Rows that SQLite's thread may be ahead of whoever reads them: a whole page, so that the two do not wait for each other.
const ROWS_AHEAD: usize = PAGE_MAX_MESSAGES as usize + 1;
/// How long SQLite waits for another program's lock: less than the callers of the writer wait.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The log file of SQLite is cut to this size when it has been moved into the database, in bytes.
const WAL_SIZE_LIMIT_BYTES: &str = "67108864";
/// A database of at most this size is read through at every start, in bytes: a fraction of a second.
const FULL_CHECK_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// The first SQLite without the bug that damages a database when its log is reset.
const SQLITE_MIN: (u32, u32, u32) = (3, 51, 3);

/// Every step from an empty file to today's form, oldest first. What is published never changes; what changes is a step of
/// its own. Listed here because the macro that would read the folder costs every build a second SQLite.
pub(super) static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let step = |version, name: &'static str, sql| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    };
    Migrator::with_migrations(vec![step(1, "begin", include_str!("../../../migrations/0001_begin.sql"))])
});

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
    /// This program was built with a SQLite that can damage the database.
    #[error(
        "this hubbub was built with SQLite {found}, which can damage its database. Build it with 3.51.3 or newer"
    )]
    OldSqlite {
        /// Its version.
        found: String,
    },
}

/// An open data folder.
pub(super) struct Opened {
    pub(super) writer: SqliteConnection,
    /// How to open `writer` again.
    pub(super) reconnect: SqliteConnectOptions,
    pub(super) readers: SqlitePool,
    /// Keeps others out while it is open.
    pub(super) lock: File,
}

/// Opens the folder `data`, or makes it.
pub(super) async fn open(data: &Path) -> Result<Opened, OpenError> {
    open_with(data, |writer| writer).await
}

/// The same, with changes to how the writer connects.
pub(super) async fn open_with(
    data: &Path,
    change: impl FnOnce(SqliteConnectOptions) -> SqliteConnectOptions,
) -> Result<Opened, OpenError> {
    let folder = Folder { path: data };
    let lock = folder.lock()?;
    let file = data.join(DATABASE_FILE);
    let is_new = !file.exists();
    let common = SqliteConnectOptions::new()
        .filename(&file)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .row_buffer_size(ROWS_AHEAD)
        .disable_statement_logging();
    let reconnect = common
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // Deleted words are overwritten, not only forgotten.
        .pragma("secure_delete", "ON")
        .pragma("journal_size_limit", WAL_SIZE_LIMIT_BYTES);
    let reconnect = change(reconnect);
    let explain = |error: sqlx::Error| folder.explain(&error);

    let mut writer = reconnect.connect().await.map_err(explain)?;
    require_sqlite(&mut writer).await.map_err(explain)??;
    if !is_new {
        folder.check(&mut writer, &file).await?;
    }
    MIGRATIONS.run(&mut writer).await.map_err(|error| folder.explain_migration(error))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READ_CONNECTIONS)
        .acquire_timeout(READ_WAIT_MAX)
        // There is no network in between that could have gone away.
        .test_before_acquire(false)
        .connect_with(common.read_only(true))
        .await
        .map_err(explain)?;
    Ok(Opened { writer, reconnect, readers, lock })
}

async fn require_sqlite(connection: &mut SqliteConnection) -> Result<Result<(), OpenError>, sqlx::Error> {
    let found: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(connection).await?;
    let mut parts = found.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    let version = (part(), part(), part());
    Ok(if version >= SQLITE_MIN { Ok(()) } else { Err(OpenError::OldSqlite { found }) })
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
    async fn check(&self, connection: &mut SqliteConnection, file: &Path) -> Result<(), OpenError> {
        let explain = |error: sqlx::Error| self.explain(&error);
        // After this the file alone is the database, so that its size tells whether it is whole. Unless somebody reads it,
        // as a backup does: then a part stays in the log.
        let (is_busy, ..): (bool, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut *connection)
            .await
            .map_err(explain)?;
        let size: i64 =
            sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                .fetch_one(&mut *connection)
                .await
                .map_err(explain)?;
        let held = fs::metadata(file).map_err(|error| self.not_writable(error.to_string()))?.len();
        if !is_busy && u64::try_from(size).is_ok_and(|size| held < size) {
            return Err(self.damaged(format!("it has {held} bytes and should have {size}")));
        }
        if held > FULL_CHECK_MAX_BYTES {
            return Ok(());
        }
        let verdict: String =
            sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(connection).await.map_err(explain)?;
        if verdict == "ok" { Ok(()) } else { Err(self.damaged(verdict)) }
    }

    fn explain_migration(&self, error: MigrateError) -> OpenError {
        match error {
            newer if is_newer(&newer) => OpenError::Newer { file: self.path.join(DATABASE_FILE) },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => self.explain(&error),
            other => self.damaged(other.to_string()),
        }
    }

    /// What an error of SQLite means for the folder, by its primary result code (see sqlite.org/rescode.html).
    fn explain(&self, error: &sqlx::Error) -> OpenError {
        const BUSY: i32 = 5;
        const LOCKED: i32 = 6;
        const ERROR: i32 = 1;
        const CORRUPT: i32 = 11;
        const NOT_A_DATABASE: i32 = 26;
        let code = error
            .as_database_error()
            .and_then(|error| error.code()?.parse::<i32>().ok())
            .map(|extended| extended & 0xff);
        match code {
            Some(BUSY | LOCKED) => OpenError::InUse { folder: self.path.to_owned() },
            Some(ERROR | CORRUPT | NOT_A_DATABASE) => self.damaged(error.to_string()),
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

/// Whether a newer program has changed the database's form.
pub(super) const fn is_newer(error: &MigrateError) -> bool {
    matches!(error, MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..))
}

/// Makes the folder so that only its owner can look into it: it holds what was said in private.
fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
