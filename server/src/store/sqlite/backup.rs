//! A copy of a data folder's database as it stands at one moment, taken while a server writes on.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};

use super::open::{BUSY_TIMEOUT, DATABASE_FILE};

/// What the name of a copy ends in while it is not whole.
const UNFINISHED: &str = "partial";

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The data folder holds no database.
    #[error("there is no database in {}; name the data folder of the server with --data", folder.display())]
    Missing {
        /// The data folder.
        folder: PathBuf,
    },
    /// Nothing is overwritten.
    #[error("{} is there already; choose another name", file.display())]
    Exists {
        /// Where the copy should go.
        file: PathBuf,
    },
    /// Somebody else writes the same copy.
    #[error("another backup to {} is under way; wait for it, or choose another name", file.display())]
    UnderWay {
        /// Where both copies should go.
        file: PathBuf,
    },
    /// The copy cannot be written.
    #[error("cannot write {}: {cause}; nothing was left behind", file.display())]
    Unwritable {
        /// Where the copy should go.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// SQLite cannot read the one or write the other.
    #[error("cannot copy {}: {cause}; nothing was left behind", database.display())]
    Failed {
        /// The database.
        database: PathBuf,
        /// What SQLite said.
        cause: sqlx::Error,
    },
}

/// Copies the database of the folder `data` into the new file `copy`, for its owner alone. When this answers, the copy is
/// whole and on disk. Writers do not wait for it; what they commit meanwhile is not in it.
pub async fn back_up(data: &Path, copy: &Path) -> Result<(), BackupError> {
    let database = data.join(DATABASE_FILE);
    if !database.is_file() {
        return Err(BackupError::Missing { folder: data.to_owned() });
    }
    let unfinished = Unfinished::begin(copy)?;
    if let Err(cause) = vacuum_into(&database, &unfinished.path).await {
        return Err(BackupError::Failed { database, cause });
    }
    unfinished.finish()
}

async fn vacuum_into(database: &Path, copy: &Path) -> Result<(), sqlx::Error> {
    let copy = copy.to_str().ok_or_else(|| sqlx::Error::Configuration("its name is no Unicode".into()))?;
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(BUSY_TIMEOUT);
    let mut connection = options.disable_statement_logging().connect().await?;
    sqlx::query("VACUUM INTO ?1").bind(copy).execute(&mut connection).await?;
    connection.close().await
}

/// A copy under another name until it is whole; gone with this if it never is.
struct Unfinished {
    path: PathBuf,
    copy: PathBuf,
    /// Locked as long as it is being written. A lock that its process did not survive is none.
    file: File,
}

impl Unfinished {
    fn begin(copy: &Path) -> Result<Self, BackupError> {
        let copy = copy.to_owned();
        if copy.exists() {
            return Err(BackupError::Exists { file: copy });
        }
        let mut name = copy.clone().into_os_string();
        name.push(".");
        name.push(UNFINISHED);
        let path = PathBuf::from(name);
        let unwritable = |cause| BackupError::Unwritable { file: copy.clone(), cause };
        let file = open_private(&path).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::UnderWay { file: copy }),
            Err(TryLockError::Error(cause)) => return Err(unwritable(cause)),
        }
        // What is left of one that was broken off.
        file.set_len(0).map_err(unwritable)?;
        Ok(Self { path, copy, file })
    }

    fn finish(self) -> Result<(), BackupError> {
        let finished = self.file.sync_all().and_then(|()| {
            if self.copy.exists() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(&self.path, &self.copy)?;
            sync_folder_of(&self.copy)
        });
        finished.map_err(|cause| BackupError::Unwritable { file: self.copy.clone(), cause })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Not there any more where it was finished.
        let _gone = fs::remove_file(&self.path);
    }
}

/// A file that only its owner can read: it holds what was said in private.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the names in the folder of `path` outlive a loss of power.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
