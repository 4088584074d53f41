//! Users and their sessions.

use protocol::Timestamp;
use sqlx::SqliteConnection;

use super::{Batch, CreateError, Session, StoreError, TokenHash, job::Outcome, row};

/// Most ended sessions that are cleared away when a new one begins.
const SESSIONS_CLEARED_MAX: u32 = 100;

/// The session of a token, if it has not ended at `now`.
pub(super) async fn session(
    connection: &mut SqliteConnection,
    token: TokenHash,
    now: Timestamp,
) -> Result<Option<Session>, sqlx::Error> {
    let session = sqlx::query(
        "SELECT s.user, s.expires_at, u.username, u.role FROM sessions s JOIN users u ON u.id = s.user
         WHERE s.token = ?1 AND s.expires_at > ?2",
    )
    .bind(token.0.as_slice())
    .bind(row::ms(now))
    .fetch_optional(connection)
    .await?;
    session.map(|row| row::session(&row, token)).transpose()
}

impl Batch<'_> {
    /// Makes a user and their first session. What was said in public rooms before they came counts as read.
    pub(super) async fn create_user(
        &mut self,
        session: &Session,
        key: &str,
        now: Timestamp,
    ) -> Outcome<(), CreateError> {
        let user = &session.user;
        let inserted = sqlx::query(
            "INSERT INTO users (id, username, name_key, role, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )
        .bind(user.id.0.as_bytes().as_slice())
        .bind(user.username.as_str())
        .bind(key)
        .bind(row::role_word(user.role))
        .bind(row::ms(now))
        .execute(&mut *self.connection)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(Err(CreateError::Taken));
        }
        self.clear_ended_sessions(now).await?;
        sqlx::query("INSERT INTO sessions (token, user, expires_at, created_at) VALUES (?1, ?2, ?3, ?4)")
            .bind(session.token.0.as_slice())
            .bind(user.id.0.as_bytes().as_slice())
            .bind(row::ms(session.expires))
            .bind(row::ms(now))
            .execute(&mut *self.connection)
            .await?;
        self.store_heads().await?;
        sqlx::query(
            "INSERT INTO reads (user, room, seq)
             SELECT ?1, id, head FROM rooms WHERE visibility = 'public' AND head > 0",
        )
        .bind(user.id.0.as_bytes().as_slice())
        .execute(&mut *self.connection)
        .await?;
        Ok(Ok(()))
    }

    async fn clear_ended_sessions(&mut self, now: Timestamp) -> Result<(), sqlx::Error> {
        sqlx::query(
            "DELETE FROM sessions WHERE token IN
                 (SELECT token FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        )
        .bind(row::ms(now))
        .bind(SESSIONS_CLEARED_MAX)
        .execute(&mut *self.connection)
        .await?;
        Ok(())
    }

    /// Puts off the end of a session; never brings it nearer.
    pub(super) async fn extend_session(&mut self, token: TokenHash, expires: Timestamp) -> Outcome<()> {
        sqlx::query("UPDATE sessions SET expires_at = max(expires_at, ?2) WHERE token = ?1")
            .bind(token.0.as_slice())
            .bind(row::ms(expires))
            .execute(&mut *self.connection)
            .await?;
        Ok(Ok(()))
    }

    /// Ends a session.
    pub(super) async fn delete_session(&mut self, token: TokenHash) -> Outcome<()> {
        sqlx::query("DELETE FROM sessions WHERE token = ?1")
            .bind(token.0.as_slice())
            .execute(&mut *self.connection)
            .await?;
        Ok(Ok(()))
    }

    /// Writes something, to see whether that is possible, and whether it was for others just now.
    pub(super) async fn check(&mut self) -> Outcome<(), StoreError> {
        if self.has_failed {
            return Ok(Err(StoreError("something could not be written just now".to_owned())));
        }
        sqlx::query("UPDATE heartbeat SET beats = beats + 1").execute(&mut *self.connection).await?;
        Ok(Ok(()))
    }
}
