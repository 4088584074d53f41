//! What the writer can be asked to do, and how its answers wait for the commit.

use std::collections::BTreeSet;

use protocol::{Op, Seq, Timestamp, UserId, api::User};
use tokio::sync::oneshot;

use super::{
    AppendError, Appended, Batch, CreateError, NewRoom, RoomId, RoomRecord, Session, StoreError, TokenHash,
    error::Error,
};

/// Where the answer to a job goes.
pub(super) type Answer<T, E = StoreError> = oneshot::Sender<Result<T, E>>;

/// An operation on its way into the log.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) room: RoomId,
    pub(super) author: User,
    pub(super) op: Op,
    /// Whom its content mentions.
    pub(super) mentions: BTreeSet<String>,
    pub(super) now: Timestamp,
}

/// One change.
#[derive(Debug)]
pub(super) enum Job {
    Append { append: Box<Append>, answer: Answer<Appended, AppendError> },
    CreateRoom { room: Box<NewRoom>, now: Timestamp, answer: Answer<RoomRecord, CreateError> },
    AddMember { room: RoomId, user: UserId, now: Timestamp, answer: Answer<()> },
    MarkRead { room: RoomId, user: UserId, seq: Seq, answer: Answer<Seq> },
    CreateUser { session: Box<Session>, key: String, now: Timestamp, answer: Answer<(), CreateError> },
    ExtendSession { token: TokenHash, expires: Timestamp, answer: Answer<()> },
    DeleteSession { token: TokenHash, answer: Answer<()> },
    Check { answer: Answer<()> },
}

/// The answer to a job that was done: sent when the batch is on disk, or replaced by the reason why it is not.
pub(super) type Settle = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// The outcome of a change inside a transaction. Outside: the database failed, and with it the whole batch. Inside:
/// the change was refused, before it wrote anything, and the batch goes on.
pub(super) type Outcome<T, E = StoreError> = Result<Result<T, E>, Error>;

fn settle<T, E>(answer: Answer<T, E>, outcome: Outcome<T, E>) -> (Settle, Result<(), Error>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    // Nobody may be waiting any more; the change holds all the same.
    match outcome {
        Ok(outcome) => {
            (Box::new(move |committed| drop(answer.send(committed.map_err(E::from).and(outcome)))), Ok(()))
        }
        Err(error) => {
            (Box::new(move |committed| drop(answer.send(Err(reason(committed).into())))), Err(error))
        }
    }
}

fn reason(committed: Result<(), StoreError>) -> StoreError {
    committed.err().unwrap_or_else(|| StoreError("the change was not made".into()))
}

impl Job {
    /// Does the job inside `batch`.
    pub(super) fn run(self, batch: &mut Batch<'_>) -> (Settle, Result<(), Error>) {
        match self {
            Self::Append { append, answer } => settle(answer, batch.append(*append)),
            Self::CreateRoom { room, now, answer } => settle(answer, batch.create_room(*room, now)),
            Self::AddMember { room, user, now, answer } => settle(answer, batch.add_member(room, user, now)),
            Self::MarkRead { room, user, seq, answer } => settle(answer, batch.mark_read(room, user, seq)),
            Self::CreateUser { session, key, now, answer } => {
                settle(answer, batch.create_user(&session, &key, now))
            }
            Self::ExtendSession { token, expires, answer } => {
                settle(answer, batch.extend_session(token, expires))
            }
            Self::DeleteSession { token, answer } => settle(answer, batch.delete_session(token)),
            Self::Check { answer } => settle(answer, batch.check()),
        }
    }

    /// Answers that the job was not done.
    pub(super) fn refuse(self, error: StoreError) {
        // Nobody may be waiting any more.
        match self {
            Self::Append { answer, .. } => drop(answer.send(Err(error.into()))),
            Self::CreateRoom { answer, .. } => drop(answer.send(Err(error.into()))),
            Self::CreateUser { answer, .. } => drop(answer.send(Err(error.into()))),
            Self::MarkRead { answer, .. } => drop(answer.send(Err(error))),
            Self::AddMember { answer, .. }
            | Self::ExtendSession { answer, .. }
            | Self::DeleteSession { answer, .. }
            | Self::Check { answer } => drop(answer.send(Err(error))),
        }
    }
}
