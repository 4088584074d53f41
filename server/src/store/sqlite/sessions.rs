//! Sessions that were asked for lately: each request and each connection asks for its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::Timestamp;
use quick_cache::unsync::Cache;

use crate::store::{Session, StoreError, TokenHash};

/// Most sessions that are remembered; one more, and one that is seldom asked for is looked up anew.
const SESSIONS_MAX: usize = 10_000;

/// Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    sessions: Cache<TokenHash, Session>,
    /// How often one was changed or ended: what was read before that may not hold any more.
    changes: u64,
}

impl Default for Known {
    fn default() -> Self {
        Self { sessions: Cache::new(SESSIONS_MAX), changes: 0 }
    }
}

impl Sessions {
    /// The session of a token if it has not ended at `now`: as it is remembered, or else as `read` finds it.
    pub(super) async fn get(
        &self,
        token: TokenHash,
        now: Timestamp,
        read: impl AsyncFnOnce() -> Result<Option<Session>, StoreError>,
    ) -> Result<Option<Session>, StoreError> {
        let changes = {
            let known = self.lock();
            if let Some(session) = known.sessions.get(&token) {
                return Ok(Some(session.clone()).filter(|session| session.expires > now));
            }
            known.changes
        };
        let found = read().await?;
        if let Some(session) = &found {
            let mut known = self.lock();
            if known.changes == changes {
                known.sessions.insert(token, session.clone());
            }
        }
        Ok(found)
    }

    /// Forgets a session that was changed or has ended. To be called when that can be read and before anybody is told.
    pub(super) fn forget(&self, token: TokenHash) {
        let mut known = self.lock();
        known.changes += 1;
        known.sessions.remove(&token);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::store::contract::session_of;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    #[tokio::test]
    async fn a_session_holds_until_it_is_changed_or_ends() {
        let sessions = Sessions::default();
        let session = Session { expires: at(10), ..session_of("Alice") };
        let token = session.token;
        let stored = async || Ok(Some(session.clone()));
        let gone = async || Ok(None);
        assert_eq!(sessions.get(token, at(1), stored).await.unwrap().as_ref(), Some(&session));
        assert_eq!(sessions.get(token, at(9), gone).await.unwrap().as_ref(), Some(&session), "remembered");
        assert_eq!(sessions.get(token, at(10), stored).await.unwrap(), None, "it has ended");
        sessions.forget(token);
        assert_eq!(sessions.get(token, at(1), gone).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_session_that_ends_while_it_is_read_is_not_remembered() {
        let sessions = Sessions::default();
        let session = session_of("Alice");
        let token = session.token;
        let read = async || {
            sessions.forget(token);
            Ok(Some(session.clone()))
        };
        assert!(sessions.get(token, at(1), read).await.unwrap().is_some());
        assert_eq!(sessions.get(token, at(1), async || Ok(None)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn strangers_are_not_remembered_and_the_others_within_a_bound() {
        let sessions = Sessions::default();
        let token = |n: usize| {
            let mut token = [0; 32];
            token[..8].copy_from_slice(&n.to_le_bytes());
            TokenHash(token)
        };
        sessions.get(token(0), at(1), async || Ok(None)).await.unwrap();
        assert!(sessions.lock().sessions.is_empty());
        let looked_up = Cell::new(0);
        for n in 1..=2 * SESSIONS_MAX {
            for n in [n, 1] {
                let read = async || {
                    looked_up.set(looked_up.get() + 1);
                    Ok(Some(Session { token: token(n), ..session_of("Alice") }))
                };
                sessions.get(token(n), at(1), read).await.unwrap();
            }
        }
        assert_eq!(sessions.lock().sessions.len(), SESSIONS_MAX);
        assert_eq!(looked_up.get(), 2 * SESSIONS_MAX, "one that is always asked for stays");
    }
}
