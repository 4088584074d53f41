//! Why a server does not start. Each is one sentence that says what to do.

use std::{io, net::SocketAddr};

use protocol::frame::Refusal;

use crate::store::sqlite::OpenError;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("{address} is in use by another program; stop that, or choose another with {setting}")]
    AddressInUse {
        /// Where.
        address: SocketAddr,
        /// The setting that says so.
        setting: &'static str,
    },
    /// The system does not let it listen there.
    #[error("cannot listen on {address}: {cause}; choose another address with {setting}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// The setting that says so.
        setting: &'static str,
        /// Why not.
        cause: io::Error,
    },
    /// The data folder cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The system gives no thread to draw pages.
    #[error("the system gives no more threads ({0}); let this user have more (ulimit -u)")]
    NoThread(io::Error),
    /// The first room could not be made.
    #[error("cannot make the first room: {0}")]
    FirstRoom(Refusal),
}

impl StartError {
    pub(crate) fn listen(address: SocketAddr, setting: &'static str, cause: io::Error) -> Self {
        if cause.kind() == io::ErrorKind::AddrInUse {
            Self::AddressInUse { address, setting }
        } else {
            Self::Listen { address, setting, cause }
        }
    }
}
