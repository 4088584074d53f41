//! What goes wrong between SQLite and the types of the protocol.

use protocol::Seq;
use rusqlite::ErrorCode;

use crate::store::StoreError;

/// Why a statement, or the reading of its rows, failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// SQLite says so.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A column holds what it cannot hold.
    #[error("the column {column} cannot be read: {cause}")]
    Unreadable {
        /// Its name.
        column: String,
        /// What is wrong with what it holds.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row is not what was written, or is not there any more.
    #[error("{0} is damaged; put a backup in the database's place: hubbub restore FILE --replace")]
    Broken(String),
}

pub(super) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// That `seq` is not where it must be.
    pub(super) fn missing(seq: Seq) -> Self {
        Self::Broken(format!("row {seq}"))
    }

    /// Whether SQLite did what it was told, and what it found is damaged.
    pub(super) const fn is_damage(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Unreadable { .. })
    }

    /// Whether a statement failed because it names a user or room that does not exist. It changed nothing then.
    pub(super) fn is_unknown_reference(&self) -> bool {
        self.is_violation(787) // SQLITE_CONSTRAINT_FOREIGNKEY
    }

    /// Whether a statement failed because what is to be there once is there already. It changed nothing then.
    pub(super) fn is_repeat(&self) -> bool {
        self.is_violation(2067) // SQLITE_CONSTRAINT_UNIQUE
    }

    fn is_violation(&self, extended_code: i32) -> bool {
        let Self::Sqlite(error) = self else { return false };
        error.sqlite_error().is_some_and(|error| {
            error.code == ErrorCode::ConstraintViolation && error.extended_code == extended_code
        })
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}
