//! A copy of a data folder's database as it stands at one moment, taken while a server writes on.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};
use tokio::task::{JoinError, spawn_blocking};

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
    /// The copy would be written to wherever a link leads.
    #[error("{} is a link, and nothing is written through it; remove it or choose another name", file.display())]
    Link {
        /// The link.
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
    /// It is there, and could neither be made safe nor taken away.
    #[error("{} may not survive a loss of power: {cause}; remove it and try again", file.display())]
    Unsettled {
        /// The copy.
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
        cause: rusqlite::Error,
    },
    /// The program goes down, or made a mistake.
    #[error("the backup was not made: {0}")]
    Interrupted(#[source] JoinError),
}

/// Copies the database of the folder `data` into the new file `copy`, for its owner alone. When this answers, the copy is
/// whole and on disk. Writers do not wait for it; what they commit meanwhile is not in it.
pub async fn back_up(data: &Path, copy: &Path) -> Result<(), BackupError> {
    let (data, copy) = (data.to_owned(), copy.to_owned());
    spawn_blocking(move || back_up_now(&data, &copy)).await.map_err(BackupError::Interrupted)?
}

fn back_up_now(data: &Path, copy: &Path) -> Result<(), BackupError> {
    let database = data.join(DATABASE_FILE);
    if !database.is_file() {
        return Err(BackupError::Missing { folder: data.to_owned() });
    }
    let unfinished = Unfinished::begin(copy)?;
    if let Err(cause) = vacuum_into(&database, &unfinished.path) {
        return Err(BackupError::Failed { database, cause });
    }
    unfinished.finish()
}

fn vacuum_into(database: &Path, copy: &Path) -> rusqlite::Result<()> {
    let copy = copy.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(copy.to_owned()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute("VACUUM INTO ?1", [copy])?;
    connection.close().map_err(|(_, error)| error)
}

/// A copy under another name until it is whole; gone with this if it never is.
#[derive(Debug)]
struct Unfinished {
    path: PathBuf,
    copy: PathBuf,
    /// Locked as long as it is being written. A lock that its process did not survive is none. Whoever holds the lock of
    /// the file at `path`, and nobody else, renames or removes it.
    file: File,
}

impl Unfinished {
    fn begin(copy: &Path) -> Result<Self, BackupError> {
        if copy.exists() || copy.is_symlink() {
            return Err(BackupError::Exists { file: copy.to_owned() });
        }
        let mut name = copy.to_owned().into_os_string();
        name.push(".");
        name.push(UNFINISHED);
        let path = PathBuf::from(name);
        if path.is_symlink() {
            return Err(BackupError::Link { file: path });
        }
        let file = open_private(&path).map_err(|cause| unwritable(copy, cause))?;
        Self::claim(copy, path, file)
    }

    /// Makes the open file this backup's own. Since it was opened another backup may have finished it under the name that
    /// both want, or given it up.
    fn claim(copy: &Path, path: PathBuf, file: File) -> Result<Self, BackupError> {
        let copy = copy.to_owned();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::UnderWay { file: copy }),
            Err(TryLockError::Error(cause)) => return Err(unwritable(&copy, cause)),
        }
        let claimed = Self { path, copy, file };
        if claimed.copy.exists() {
            return Err(BackupError::Exists { file: claimed.copy.clone() });
        }
        if !claimed.is_in_its_place() {
            return Err(BackupError::UnderWay { file: claimed.copy.clone() });
        }
        // What is left of one that was broken off, whoever may have been able to read that.
        let empty = claimed.file.set_len(0).and_then(|()| make_private(&claimed.file));
        empty.map_err(|cause| unwritable(&claimed.copy, cause))?;
        Ok(claimed)
    }

    /// Whether `path` names the file that is locked, itself and not by a link.
    fn is_in_its_place(&self) -> bool {
        let (locked, named) = (self.file.metadata(), fs::symlink_metadata(&self.path));
        matches!((identity(locked), identity(named)), (Some(a), Some(b)) if a == b)
    }

    fn finish(self) -> Result<(), BackupError> {
        self.finish_with(sync_folder_of)
    }

    /// Gives the copy its name; `settle` makes that outlive a loss of power.
    fn finish_with(self, settle: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), BackupError> {
        let copy = &self.copy;
        self.file.sync_all().map_err(|cause| unwritable(copy, cause))?;
        if copy.exists() {
            return Err(BackupError::Exists { file: copy.clone() });
        }
        fs::rename(&self.path, copy).map_err(|cause| unwritable(copy, cause))?;
        settle(copy).map_err(|cause| {
            // A copy that may be gone tomorrow is none; the next attempt must not find it in its way.
            match fs::remove_file(copy) {
                Ok(()) => unwritable(copy, cause),
                Err(_) => BackupError::Unsettled { file: copy.clone(), cause },
            }
        })
    }
}

fn unwritable(copy: &Path, cause: io::Error) -> BackupError {
    BackupError::Unwritable { file: copy.to_owned(), cause }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Not there any more where it was finished, and perhaps another's by now.
        if self.is_in_its_place() {
            let _gone = fs::remove_file(&self.path);
        }
    }
}

/// What tells a file from every other, whatever its name.
#[cfg(unix)]
fn identity(metadata: io::Result<fs::Metadata>) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;

    metadata.ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Nothing better than its time of birth is to be had here.
#[cfg(not(unix))]
fn identity(metadata: io::Result<fs::Metadata>) -> Option<std::time::SystemTime> {
    metadata.and_then(|metadata| metadata.created()).ok()
}

#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn make_private(_file: &File) -> io::Result<()> {
    Ok(())
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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A folder, the copy that is to be made in it, and that copy's name while it is not whole.
    fn folder() -> (TempDir, PathBuf, PathBuf) {
        let folder = TempDir::new().unwrap();
        let copy = folder.path().join("copy.db");
        let path = folder.path().join("copy.db.partial");
        (folder, copy, path)
    }

    fn is_empty(folder: &TempDir) -> bool {
        fs::read_dir(folder.path()).unwrap().next().is_none()
    }

    #[test]
    fn a_backup_that_comes_late_does_not_empty_the_finished_one() {
        let (_folder, copy, path) = folder();
        let first = Unfinished::begin(&copy).unwrap();
        let late = open_private(&path).unwrap();
        fs::write(&first.path, "whole").unwrap();
        first.finish().unwrap();
        let refused = Unfinished::claim(&copy, path, late).unwrap_err();
        assert!(matches!(refused, BackupError::Exists { .. }), "{refused}");
        assert_eq!(fs::read_to_string(&copy).unwrap(), "whole");
    }

    #[test]
    fn a_file_that_another_backup_gave_up_is_not_written() {
        let (folder, copy, path) = folder();
        let first = Unfinished::begin(&copy).unwrap();
        let late = open_private(&path).unwrap();
        drop(first);
        let next = Unfinished::begin(&copy).unwrap();
        let refused = Unfinished::claim(&copy, path, late).unwrap_err();
        assert!(matches!(refused, BackupError::UnderWay { .. }), "{refused}");
        fs::write(&next.path, "whole").unwrap();
        next.finish().unwrap();
        assert_eq!(fs::read_to_string(&copy).unwrap(), "whole");
        drop(folder);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        use std::os::unix::fs::symlink;

        let (folder, copy, path) = folder();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "another's").unwrap();
        symlink(&elsewhere, &path).unwrap();
        let refused = Unfinished::begin(&copy).unwrap_err();
        assert!(matches!(refused, BackupError::Link { .. }), "{refused}");
        // Nor where the link came between the look and the opening.
        let opened = open_private(&path).unwrap();
        let refused = Unfinished::claim(&copy, path.clone(), opened).unwrap_err();
        assert!(matches!(refused, BackupError::UnderWay { .. }), "{refused}");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "another's");
        assert!(path.is_symlink(), "it is not this backup's to remove");
    }

    #[cfg(unix)]
    #[test]
    fn what_was_left_for_everybody_to_read_becomes_private() {
        use std::os::unix::fs::PermissionsExt as _;

        let (_folder, copy, path) = folder();
        fs::write(&path, "broken off").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        Unfinished::begin(&copy).unwrap().finish().unwrap();
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_copy_whose_name_may_be_lost_is_not_left_behind() {
        let (folder, copy, _) = folder();
        let full = |_: &Path| Err(io::ErrorKind::StorageFull.into());
        let error = Unfinished::begin(&copy).unwrap().finish_with(full).unwrap_err();
        assert!(error.to_string().contains("nothing was left behind"), "{error}");
        assert!(is_empty(&folder));
    }

    #[test]
    fn a_copy_that_came_from_elsewhere_meanwhile_is_not_overwritten() {
        let (_folder, copy, path) = folder();
        let begun = Unfinished::begin(&copy).unwrap();
        fs::write(&copy, "another's").unwrap();
        let refused = begun.finish().unwrap_err();
        assert!(matches!(refused, BackupError::Exists { .. }), "{refused}");
        assert_eq!(fs::read_to_string(&copy).unwrap(), "another's");
        assert!(!path.exists());
    }
}
