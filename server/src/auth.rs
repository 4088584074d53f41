//! Who somebody is: names, sessions and their tokens.
//!
//! A token is 256 bits that nobody can guess and only its owner holds; the store keeps its hash. A session ends when it was not used
//! for [`SESSION_LIFETIME`], and its sockets close when it is ended sooner.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use protocol::{
    ErrorCode, Timestamp, UserId, Username,
    api::{Role, User},
    frame::Refusal,
    text::is_invisible,
};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

use crate::{
    bus::{Bus, Notice},
    clock::Clock,
    random,
    store::{CreateError, Session, Store, StoreError, TokenHash},
};

/// How long a session lasts without being used.
pub const SESSION_LIFETIME: Duration = Duration::from_hours(90 * 24);
/// A session that is used is put off at most this often.
pub const SESSION_RENEWAL: Duration = Duration::from_hours(24);
/// How long a form that was sent, and whose answer was lost, can be sent again.
const FORM_REPEAT_MAX: Duration = Duration::from_mins(10);
/// How long to wait before asking a store again that could not answer, in milliseconds.
pub const STORE_RETRY_MS: u64 = 2_000;

/// Two names with the same key are the same name: it is the name without case, compatibility forms and what is not drawn
/// (NFKC, lower case, NFKC again), so `Ａlice` and `ALICE` are `alice`.
pub fn username_key(name: &Username) -> String {
    let drawn = name.as_str().chars().filter(|&c| !is_invisible(c));
    let lower: String = drawn.nfkc().flat_map(char::to_lowercase).collect();
    lower.nfkc().collect()
}

/// The secret that proves a session: 256 random bits, or the hash of as many with a form, as 43 characters of base64url. Never printed,
/// never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Characters of a token.
    const CHARS: usize = 43;

    fn random() -> Result<Self, random::NoRandomness> {
        random::base64url::<32>().map(Self)
    }

    /// The token of whoever comes in as `name` with a form: the same if it is sent twice. Nobody can tell it from the form, without
    /// `secret`.
    fn of_form(secret: &str, form: Uuid, name: &Username) -> Self {
        let form = Sha256::new().chain_update(form).chain_update(username_key(name)).finalize();
        Self(URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(secret).chain_update(form).finalize()))
    }

    /// The token as its owner sends it, for the answer that hands it over.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store knows of it.
    pub fn hash(&self) -> TokenHash {
        hash(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// A token is as random as its hash, so a plain hash is enough: there is no dictionary to try.
fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

/// Whether guests may come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Guests {
    /// Everybody who picks a free name.
    #[default]
    Welcome,
    /// Nobody new.
    Off,
}

/// Lets people in and out. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    clock: Clock,
    guests: Guests,
    /// What makes tokens of forms, as long as this process runs.
    secret: Arc<OnceLock<String>>,
}

impl Auth {
    /// The door to `store`.
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, clock: Clock, guests: Guests) -> Self {
        Self { store, bus, clock, guests, secret: Arc::default() }
    }

    /// Makes a guest called `username` and begins their session. Who comes in with a `form` that has just let them in is the same
    /// guest: a browser sends a form twice where its reader presses twice, or where the answer was lost.
    pub async fn create_guest(&self, username: &str, form: Option<Uuid>) -> Result<(Token, User), Refusal> {
        if self.guests == Guests::Off {
            return Err(Refusal::new(
                ErrorCode::GuestsOff,
                "this server lets no guests in; ask who runs it for an account",
            ));
        }
        let username: Username = username.parse().map_err(|error| {
            Refusal::new(ErrorCode::BadName, format!("this name cannot be used: {error}"))
        })?;
        let token = match form {
            Some(form) => Token::of_form(self.secret().map_err(no_randomness)?, form, &username),
            None => Token::random().map_err(no_randomness)?,
        };
        let now = self.clock.now();
        let user = User { id: user_id(now), username, role: Role::Guest };
        let session =
            Session { token: token.hash(), user: user.clone(), expires: later(now, SESSION_LIFETIME) };
        match self.store.create_user(&session, &username_key(&user.username), now).await {
            Ok(()) => Ok((token, user)),
            Err(CreateError::Taken) => {
                let before =
                    self.store.session(token.hash(), now).await.map_err(|error| unavailable(&error))?;
                let is_new = |session: &Session| later(made_at(session.user.id), FORM_REPEAT_MAX) >= now;
                match before.filter(is_new) {
                    Some(session) => Ok((token, session.user)),
                    None => Err(Refusal::new(
                        ErrorCode::NameTaken,
                        format!("somebody here is called {} already; choose another name", user.username),
                    )),
                }
            }
            Err(CreateError::Store(error)) => Err(unavailable(&error)),
        }
    }

    fn secret(&self) -> Result<&str, random::NoRandomness> {
        if let Some(secret) = self.secret.get() {
            return Ok(secret);
        }
        let fresh = random::base64url::<32>()?;
        Ok(self.secret.get_or_init(|| fresh))
    }

    /// The session of a token; `None` for one that is unknown, forged or ended. A session that is used lives on.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Session>, StoreError> {
        if token.len() != Token::CHARS {
            return Ok(None);
        }
        let now = self.clock.now();
        let Some(mut session) = self.store.session(hash(token), now).await? else {
            return Ok(None);
        };
        let expires = later(now, SESSION_LIFETIME);
        if later(session.expires, SESSION_RENEWAL) <= expires {
            // A full disk must not sign anybody out: the session holds as it is, and the next use tries again.
            match self.store.extend_session(session.token, expires).await {
                Ok(()) => session.expires = expires,
                Err(error) => tracing::warn!(%error, "a session was not extended"),
            }
        }
        Ok(Some(session))
    }

    /// Ends a session and closes its connections.
    pub async fn sign_out(&self, token: TokenHash) -> Result<(), Refusal> {
        self.store.delete_session(token).await.map_err(|error| unavailable(&error))?;
        self.bus.publish(Notice::SignedOut { session: token }).await;
        Ok(())
    }
}

/// A new user's id, which tells when they came.
fn user_id(now: Timestamp) -> UserId {
    let ms = now.unix_ms();
    let nanos = u32::try_from(ms % 1_000 * 1_000_000).unwrap_or(0);
    UserId(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, ms / 1_000, nanos)))
}

fn made_at(user: UserId) -> Timestamp {
    let (seconds, nanos) = user.0.get_timestamp().map_or((0, 0), |at| at.to_unix());
    Timestamp::from_unix_ms(seconds.saturating_mul(1_000).saturating_add(u64::from(nanos / 1_000_000)))
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_unix_ms(moment.unix_ms().saturating_add(ms))
}

/// What a user is told when the store cannot answer; why goes to the log.
pub(crate) fn unavailable(error: &StoreError) -> Refusal {
    tracing::warn!(%error, "refused: the store cannot answer");
    Refusal::for_now(
        ErrorCode::Unavailable,
        "the server cannot do this at the moment; nothing was changed, try again soon",
        STORE_RETRY_MS,
    )
}

/// What a user is told when the operating system has no randomness.
#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub(crate) fn no_randomness(error: random::NoRandomness) -> Refusal {
    tracing::error!(%error);
    Refusal::for_now(ErrorCode::Internal, "the server made a mistake; try again soon", STORE_RETRY_MS)
}

#[cfg(test)]
mod tests;
