//! Users and their sessions.

use protocol::Timestamp;
use rusqlite::{Connection, params};

use super::{
    Batch, CreateError, Session, StoreError, TokenHash,
    error::Result,
    job::Outcome,
    query::{execute, first},
    row,
};

/// Most ended sessions that are cleared away when a new one begins.
const SESSIONS_CLEARED_MAX: u32 = 100;

/// The session of a token, if it has not ended at `now`.
pub(super) fn session(connection: &Connection, token: TokenHash, now: Timestamp) -> Result<Option<Session>> {
    first(
        connection,
        "SELECT u.id, u.username, u.role, s.expires_at, u.seal = seal(u.id, u.username, u.name_key, u.role)
         FROM sessions s JOIN users u ON u.id = s.user
         WHERE s.token = ?1 AND s.expires_at > ?2",
        params![token.0, row::ms(now)],
        |columns| row::session(columns, token),
    )
}

impl Batch<'_> {
    /// Makes a user and their first session. What was said in public rooms before they came counts as read.
    pub(super) fn create_user(
        &mut self,
        session: &Session,
        key: &str,
        now: Timestamp,
    ) -> Outcome<(), CreateError> {
        let user = &session.user;
        let inserted = execute(
            self.connection,
            "INSERT INTO users (id, username, name_key, role, created_at, seal)
             VALUES (?1, ?2, ?3, ?4, ?5, seal(?1, ?2, ?3, ?4))
             ON CONFLICT DO NOTHING",
            params![user.id.0, user.username.as_str(), key, row::role_word(user.role), row::ms(now)],
        )?;
        if inserted == 0 {
            return Ok(Err(CreateError::Taken));
        }
        self.clear_ended_sessions(now)?;
        execute(
            self.connection,
            "INSERT INTO sessions (token, user, expires_at, created_at) VALUES (?1, ?2, ?3, ?4)",
            params![session.token.0, user.id.0, row::ms(session.expires), row::ms(now)],
        )?;
        self.store_heads()?;
        execute(
            self.connection,
            "INSERT INTO reads (user, room, seq)
             SELECT ?1, id, head FROM rooms WHERE visibility = 'public' AND head > 0",
            params![user.id.0],
        )?;
        Ok(Ok(()))
    }

    fn clear_ended_sessions(&self, now: Timestamp) -> Result<()> {
        execute(
            self.connection,
            "DELETE FROM sessions WHERE token IN
                 (SELECT token FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
            params![row::ms(now), SESSIONS_CLEARED_MAX],
        )?;
        Ok(())
    }

    /// Puts off the end of a session; never brings it nearer.
    pub(super) fn extend_session(&mut self, token: TokenHash, expires: Timestamp) -> Outcome<()> {
        execute(
            self.connection,
            "UPDATE sessions SET expires_at = max(expires_at, ?2) WHERE token = ?1",
            params![token.0, row::ms(expires)],
        )?;
        self.sessions.push(token);
        Ok(Ok(()))
    }

    /// Ends a session.
    pub(super) fn delete_session(&mut self, token: TokenHash) -> Outcome<()> {
        execute(self.connection, "DELETE FROM sessions WHERE token = ?1", params![token.0])?;
        self.sessions.push(token);
        Ok(Ok(()))
    }

    /// Writes something, to see whether that is possible, and whether it was for others just now.
    pub(super) fn check(&self) -> Outcome<()> {
        if self.has_failed {
            return Ok(Err(StoreError("something could not be written just now".to_owned())));
        }
        execute(self.connection, "UPDATE heartbeat SET beats = beats + 1", [])?;
        Ok(Ok(()))
    }
}
