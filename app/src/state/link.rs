//! How the page stands with the server, from what the session says and what the browser knows. Pure.

use protocol::session::{Status, StopReason};

use super::Connection;

/// The way to the server.
#[derive(Debug)]
pub(crate) struct Link {
    /// What the session said last.
    status: Option<Status>,
    was_online: bool,
    /// Whether the browser has a network.
    network: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self { status: None, was_online: false, network: true }
    }
}

impl Link {
    /// The session says how it stands.
    pub(crate) fn status(&mut self, status: Status) {
        self.status = Some(status);
        self.was_online |= status == Status::Online;
    }

    /// The browser says whether it has a network.
    pub(crate) fn network(&mut self, network: bool) {
        self.network = network;
    }

    pub(crate) fn connection(&self) -> Connection {
        match self.status {
            None => Connection::Server,
            // The socket notices only when the server has been silent for too long; the browser knows at once.
            Some(Status::Online | Status::Connecting | Status::Waiting { .. }) if !self.network => {
                Connection::Offline
            }
            Some(Status::Online) => Connection::Online,
            Some(Status::Stopped(StopReason::SignedOut)) => Connection::SignedOut,
            Some(Status::Stopped(StopReason::Forbidden)) => Connection::Forbidden,
            Some(Status::Stopped(StopReason::ProtocolBroken)) => Connection::Broken,
            Some(Status::Stopped(StopReason::ByUser)) => Connection::Offline,
            Some(Status::Connecting) if !self.was_online => Connection::Connecting,
            Some(Status::Connecting | Status::Waiting { .. }) => Connection::Reconnecting,
        }
    }
}
