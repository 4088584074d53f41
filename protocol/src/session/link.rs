//! The connection itself: when to open one, when to give one up, and when not to come back.

use std::mem;

use fastrand::Rng;

use super::{
    BACKOFF_BASE_MS, BACKOFF_CAP_MS, BACKOFF_YOUNG_CAP_MS, BACKOFF_YOUNG_TRIES, CONNECT_TIMEOUT_MS,
    HEALTHY_AFTER_MS, Millis, PING_MAX_MS, RESTART_SPREAD_MS, Status, StopReason, WELCOME_TIMEOUT_MS,
};
use crate::{frame::CloseCode, limits::PING_GRACE_MS};

/// Where the connection stands.
#[derive(Debug)]
pub(super) struct Link {
    phase: Phase,
    /// Attempts that failed since the last healthy connection.
    failed: u32,
    /// Whether nobody wanted to wait when an attempt was under way: if it fails, the next follows at once.
    hurried: bool,
    rng: Rng,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Nothing was tried yet.
    New,
    Opening {
        since: Millis,
    },
    Greeting {
        since: Millis,
    },
    Online {
        since: Millis,
        heard: Millis,
        /// How long the server may be silent.
        patience: Millis,
    },
    Waiting {
        until: Millis,
    },
    Stopped(StopReason),
}

/// What the passing of time demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Open a socket.
    Connect,
    /// The socket is of no use any more.
    GiveUp,
}

impl Link {
    pub(super) fn new(seed: u64) -> Self {
        Self { phase: Phase::New, failed: 0, hurried: false, rng: Rng::with_seed(seed) }
    }

    pub(super) fn status(&self) -> Status {
        match self.phase {
            Phase::New | Phase::Opening { .. } | Phase::Greeting { .. } => Status::Connecting,
            Phase::Online { .. } => Status::Online,
            Phase::Waiting { until } => Status::Waiting { until, attempt: self.failed },
            Phase::Stopped(reason) => Status::Stopped(reason),
        }
    }

    /// Whether the server has greeted this connection.
    pub(super) fn is_online(&self) -> bool {
        matches!(self.phase, Phase::Online { .. })
    }

    /// Whether there is an open socket.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Greeting { .. } | Phase::Online { .. })
    }

    /// Whether there is a socket, or an attempt to open one, that the driver has to be told to drop.
    pub(super) fn has_socket(&self) -> bool {
        self.is_open() || matches!(self.phase, Phase::Opening { .. })
    }

    pub(super) fn opened(&mut self, now: Millis) {
        if let Phase::Opening { .. } = self.phase {
            self.phase = Phase::Greeting { since: now };
        }
    }

    /// A frame came in.
    pub(super) fn heard(&mut self, now: Millis) {
        if let Phase::Online { heard, .. } = &mut self.phase {
            *heard = now;
        }
    }

    pub(super) fn welcomed(&mut self, ping_ms: u64, now: Millis) {
        let patience = ping_ms.min(PING_MAX_MS) + PING_GRACE_MS;
        self.hurried = false;
        self.phase = Phase::Online { since: now, heard: now, patience };
    }

    /// The socket is gone; the close code says whether to come back.
    pub(super) fn lost(&mut self, code: Option<u16>, now: Millis) {
        let code = code.and_then(CloseCode::from_code);
        let spread = match code {
            Some(CloseCode::SignedOut) => return self.stop(StopReason::SignedOut),
            Some(CloseCode::Forbidden) => return self.stop(StopReason::Forbidden),
            Some(
                CloseCode::ProtocolBroken | CloseCode::TooBig | CloseCode::BadFraming | CloseCode::NotUtf8,
            ) => {
                return self.stop(StopReason::ProtocolBroken);
            }
            Some(CloseCode::GoingAway | CloseCode::Restart) => RESTART_SPREAD_MS,
            Some(CloseCode::TooSlow) | None => 0,
        };
        if let Phase::Online { since, .. } = self.phase
            && now.saturating_sub(since) >= HEALTHY_AFTER_MS
        {
            self.failed = 0;
        }
        let ceiling = reconnect_ceiling(self.failed).max(spread);
        self.failed = self.failed.saturating_add(1);
        let wait = self.rng.u64(0..=ceiling);
        let wait = if mem::take(&mut self.hurried) { 0 } else { wait };
        self.phase = Phase::Waiting { until: now + wait };
    }

    pub(super) fn stop(&mut self, reason: StopReason) {
        self.phase = Phase::Stopped(reason);
    }

    /// Cuts a wait short, or the one that follows if the attempt that is under way fails.
    pub(super) fn hurry(&mut self, now: Millis) {
        match &mut self.phase {
            Phase::Waiting { until } => *until = now.min(*until),
            Phase::Opening { .. } | Phase::Greeting { .. } => self.hurried = true,
            Phase::New | Phase::Online { .. } | Phase::Stopped(_) => {}
        }
    }

    pub(super) fn wake_at(&self) -> Option<Millis> {
        match self.phase {
            Phase::New => Some(0),
            Phase::Opening { since } => Some(since + CONNECT_TIMEOUT_MS),
            Phase::Greeting { since } => Some(since + WELCOME_TIMEOUT_MS),
            Phase::Online { heard, patience, .. } => Some(heard + patience),
            Phase::Waiting { until } => Some(until),
            Phase::Stopped(_) => None,
        }
    }

    /// What is due at `now`. Where that is to connect, the attempt counts as begun.
    pub(super) fn take_due(&mut self, now: Millis) -> Option<Due> {
        if self.wake_at().is_none_or(|at| now < at) {
            return None;
        }
        if self.has_socket() {
            return Some(Due::GiveUp);
        }
        self.phase = Phase::Opening { since: now };
        Some(Due::Connect)
    }

    /// A random wait before something is tried again that was refused `refusals` times before.
    pub(super) fn backoff(&mut self, base: Millis, refusals: u32) -> Millis {
        let ceiling = backoff_ceiling(base, refusals);
        // Not from zero: the other side has just said "not now".
        self.rng.u64(ceiling / 2..=ceiling)
    }
}

/// The longest wait before the next attempt to connect, after `failed` that failed.
fn reconnect_ceiling(failed: u32) -> Millis {
    match failed.checked_sub(BACKOFF_YOUNG_TRIES) {
        None => backoff_ceiling(BACKOFF_BASE_MS, failed).min(BACKOFF_YOUNG_CAP_MS),
        Some(failed) => backoff_ceiling(2 * BACKOFF_YOUNG_CAP_MS, failed),
    }
}

/// `base`, doubled for every failure, up to [`BACKOFF_CAP_MS`].
fn backoff_ceiling(base: Millis, failed: u32) -> Millis {
    base.saturating_mul(1 << failed.min(16)).min(BACKOFF_CAP_MS)
}
