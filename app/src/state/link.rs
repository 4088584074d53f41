//! How the page stands with the server, from what the session says and what the browser knows. Pure.

use protocol::session::{Millis, Status, StopReason};

use super::Connection;

/// Shorter waits for the next attempt are over before anybody has read how long they last.
const COUNTED_FROM_MS: Millis = 4_000;
const SECOND_MS: Millis = 1_000;

/// The way to the server.
#[derive(Debug)]
pub(crate) struct Link {
    /// What the session said last.
    status: Option<Status>,
    /// The next attempt, where it is long enough away to be counted down to, and the whole seconds until then.
    awaited: Option<(Millis, Millis)>,
    was_online: bool,
    /// Whether the browser has a network.
    network: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self { status: None, awaited: None, was_online: false, network: true }
    }
}

impl Link {
    /// The session says how it stands.
    pub(crate) fn status(&mut self, status: Status, now: Millis) {
        self.status = Some(status);
        self.was_online |= status == Status::Online;
        self.awaited = match status {
            Status::Waiting { until, .. } if until >= now + COUNTED_FROM_MS => Some((until, 0)),
            _ => None,
        };
        self.pass(now);
    }

    /// Time has passed.
    pub(crate) fn pass(&mut self, now: Millis) {
        if let Some((until, seconds)) = &mut self.awaited {
            *seconds = until.saturating_sub(now).div_ceil(SECOND_MS);
        }
    }

    /// When the count of seconds goes down.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        let (until, seconds) = self.awaited?;
        Some(until - seconds.checked_sub(1)? * SECOND_MS)
    }

    /// Whole seconds until the next attempt; 0 unless it is long in coming.
    pub(crate) fn next_try_s(&self) -> u32 {
        self.awaited.map_or(0, |(_, seconds)| u32::try_from(seconds).unwrap_or(u32::MAX))
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
