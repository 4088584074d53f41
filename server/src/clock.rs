//! What time it is. The one place that asks the system, so that a test can say what time it is instead.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use protocol::Timestamp;

/// A clock, cheap to clone; the clones of a fixed clock go together.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Fixed(Arc<AtomicU64>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `ms` milliseconds after 1970-01-01T00:00:00Z, for tests.
    pub fn fixed(ms: u64) -> Self {
        Self(Source::Fixed(Arc::new(AtomicU64::new(ms))))
    }

    /// Moves a fixed clock on. The system's clock moves by itself: no change.
    pub fn advance(&self, by: Duration) {
        if let Source::Fixed(ms) = &self.0 {
            ms.fetch_add(whole_ms(by), Ordering::Relaxed);
        }
    }

    /// The time now. A system clock that stands before 1970 reads as 1970.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(match &self.0 {
            Source::System => whole_ms(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            Source::Fixed(ms) => ms.load(Ordering::Relaxed),
        })
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
