//! The handle that programs hold.

use protocol::{
    Content, Cursor, Emoji, Op, OpId, OpKind, RoomSlug, Seq,
    api::{Posted, User},
    frame::Refusal,
    session::{Config, Input, OUTBOX_MAX_OPS, Status, StopReason},
};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::{
    address::{Address, InvalidAddress},
    driver::{Command, Driver, State},
    updates::{UPDATES_MAX, Updates},
};

/// Most commands that wait for the driver; whoever gives more waits.
const COMMANDS_MAX: usize = 64;

/// A connection to one server as one user, which comes back by itself. Clones are the same connection; when the last is
/// dropped, it closes.
#[derive(Debug, Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<State>,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server refused it for good.
    #[error("refused ({code}): {0}", code = .0.code.as_str())]
    Refused(Refusal),
    /// The client does not connect any more. An operation may have been done all the same.
    #[error("the client has stopped: {why}", why = why(*.0))]
    Stopped(StopReason),
}

fn why(reason: StopReason) -> &'static str {
    match reason {
        StopReason::SignedOut => "the server does not know the token (any more); sign in again",
        StopReason::Forbidden => "the server does not let this user in",
        StopReason::ProtocolBroken => {
            "the server speaks another version of the protocol; update this program"
        }
        StopReason::ByUser => "it was closed",
    }
}

/// How a client is set up.
#[derive(Debug, Clone)]
pub struct Options {
    address: Address,
    token: String,
    config: Config,
    outbox: Vec<Op>,
}

impl Options {
    /// The usual set-up for the server at `address` (see [`Address`]) and the user whose token it is.
    pub fn new(address: &str, token: &str) -> Result<Self, InvalidAddress> {
        let (seed, _) = Uuid::new_v4().as_u64_pair();
        let (address, config) = (address.parse()?, Config::new(seed));
        Ok(Self { address, token: token.to_owned(), config, outbox: Vec::new() })
    }

    /// Lets `max` operations be unanswered at a time instead of one. Faster, but where the server refuses one for now, a
    /// later one may overtake it.
    #[must_use]
    pub fn max_in_flight(mut self, max: usize) -> Self {
        self.config.max_in_flight = max;
        self
    }

    /// Goes on with operations that an earlier client did not see answered.
    #[must_use]
    pub fn outbox(mut self, ops: Vec<Op>) -> Self {
        self.outbox = ops;
        self.outbox.truncate(OUTBOX_MAX_OPS);
        self
    }

    /// Starts the client. It must be called within a tokio runtime.
    pub fn start(self) -> (Client, Updates) {
        let (commands, command_receiver) = mpsc::channel(COMMANDS_MAX);
        let (updates, receiver) = mpsc::channel(UPDATES_MAX);
        let (state_sender, state) = watch::channel(State { status: Status::Connecting, user: None });
        let session = protocol::session::Session::restore(self.config, self.outbox);
        let driver = Driver::new(self.address, self.token, session, command_receiver, updates, state_sender);
        tokio::spawn(driver.run());
        (Client { commands, state }, Updates { receiver })
    }
}

impl Client {
    /// Starts a client with the usual set-up. It connects by itself; [`Client::online`] waits for that.
    pub fn connect(address: &str, token: &str) -> Result<(Self, Updates), InvalidAddress> {
        Ok(Options::new(address, token)?.start())
    }

    /// The state of the connection.
    pub fn status(&self) -> Status {
        self.state.borrow().status
    }

    /// Waits until the server has greeted this client, and says who it is.
    pub async fn online(&self) -> Result<User, Error> {
        let mut state = self.state.clone();
        let settled =
            state.wait_for(|state| matches!(state.status, Status::Online | Status::Stopped(_))).await;
        match settled.as_deref() {
            Ok(State { status: Status::Online, user: Some(user) }) => Ok(user.clone()),
            _ => Err(self.stopped()),
        }
    }

    /// Follows a room from `cursor` on; without one a snapshot comes. Waits until the server has answered once; later
    /// connections resume by themselves.
    pub async fn join(&self, room: RoomSlug, cursor: Option<Cursor>) -> Result<(), Error> {
        self.ask(|answer| Command::Join { room, cursor, answer }).await
    }

    /// Follows a room no more.
    pub async fn leave(&self, room: RoomSlug) {
        self.input(Input::Leave { room }).await;
    }

    /// Posts a message and waits until it is committed.
    pub async fn send(&self, room: RoomSlug, content: Content) -> Result<Posted, Error> {
        self.perform(new_op(room, OpKind::Send { content, reply_to: None })).await
    }

    /// Answers the message `reply_to`.
    pub async fn reply(&self, room: RoomSlug, reply_to: Seq, content: Content) -> Result<Posted, Error> {
        self.perform(new_op(room, OpKind::Send { content, reply_to: Some(reply_to) })).await
    }

    /// Changes what a message of this user says.
    pub async fn edit(&self, room: RoomSlug, target: Seq, content: Content) -> Result<Posted, Error> {
        self.perform(new_op(room, OpKind::Edit { target, content })).await
    }

    /// Takes back a message of this user.
    pub async fn delete(&self, room: RoomSlug, target: Seq) -> Result<Posted, Error> {
        self.perform(new_op(room, OpKind::Delete { target })).await
    }

    /// Puts an emoji on a message, or takes this user's off.
    pub async fn react(&self, room: RoomSlug, target: Seq, emoji: Emoji, on: bool) -> Result<Posted, Error> {
        self.perform(new_op(room, OpKind::React { target, emoji, on })).await
    }

    /// Gets an operation done that the caller has made, id included, and waits until it is committed. Where the caller
    /// stops waiting, the client goes on trying.
    pub async fn perform(&self, op: Op) -> Result<Posted, Error> {
        self.ask(|answer| Command::Perform { op, answer }).await
    }

    /// Says that the user is writing.
    pub async fn typing(&self, room: RoomSlug) {
        self.input(Input::Typing { room }).await;
    }

    /// Says that the user has seen everything up to `seq`.
    pub async fn read(&self, room: RoomSlug, seq: Seq) {
        self.input(Input::Read { room, seq }).await;
    }

    /// Does not wait any longer where the client waits to connect again.
    pub async fn hurry(&self) {
        self.input(Input::Online).await;
    }

    /// Breaks the connection without a word, as a failing network does. For tests of what happens then.
    pub async fn cut(&self) {
        self.command(Command::Cut).await;
    }

    /// Closes the connection and ends the client; returns when the socket is closed. What waits in the outbox is not
    /// sent: wait for [`Client::send`] to say it is done.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        self.command(Command::Close { done }).await;
        // An error means that the client has ended before.
        let _ = closed.await;
    }

    async fn input(&self, input: Input) {
        self.command(Command::Input(input)).await;
    }

    async fn command(&self, command: Command) {
        // An error means that the client has ended: there is nobody to tell and nothing to do.
        let _ = self.commands.send(command).await;
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Command,
    ) -> Result<T, Error> {
        let (sender, answer) = oneshot::channel();
        self.command(command(sender)).await;
        answer.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    fn stopped(&self) -> Error {
        match self.status() {
            Status::Stopped(reason) => Error::Stopped(reason),
            _ => Error::Stopped(StopReason::ByUser),
        }
    }
}

fn new_op(room: RoomSlug, kind: OpKind) -> Op {
    Op { id: OpId(Uuid::new_v4()), room, kind }
}
