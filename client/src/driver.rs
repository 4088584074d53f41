//! The task that drives the session: it owns the socket, the timers and everything that changes.

use std::{
    collections::{HashMap, VecDeque},
    mem,
};

use protocol::{
    Cursor, Op, OpId, RoomSlug,
    api::{Posted, User},
    frame::{ErrorCode, Left, Refusal},
    session::{Input, Millis, Output, Session, Status, StopReason},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Duration, Instant, sleep_until},
};

use crate::{
    address::Address,
    handle::Error,
    socket::{Happened, Socket},
    updates::Update,
};

/// What a handle asks of the driver.
#[derive(Debug)]
pub(crate) enum Command {
    Input(Input),
    Join { room: RoomSlug, cursor: Option<Cursor>, answer: oneshot::Sender<Result<(), Error>> },
    Perform { op: Op, answer: oneshot::Sender<Result<Posted, Error>> },
    Cut,
    Close { done: oneshot::Sender<()> },
}

/// What handles may look at.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) status: Status,
    pub(crate) user: Option<User>,
}

/// The one task of a client.
pub(crate) struct Driver {
    address: Address,
    token: String,
    session: Session,
    socket: Socket,
    started: Instant,
    commands: mpsc::Receiver<Command>,
    updates: mpsc::Sender<Update>,
    /// Updates that found no place; at most what one frame brings, for no other is read until these are taken.
    backlog: VecDeque<Update>,
    state: watch::Sender<State>,
    /// Who waits for which operation; at most as many as the outbox holds.
    performing: HashMap<OpId, Vec<oneshot::Sender<Result<Posted, Error>>>>,
    joining: Vec<(RoomSlug, oneshot::Sender<Result<(), Error>>)>,
}

/// What the driver waits for.
enum Step {
    Command(Option<Command>),
    Socket(Happened),
    Delivered,
    Tick,
}

impl Driver {
    pub(crate) fn new(
        address: Address,
        token: String,
        session: Session,
        commands: mpsc::Receiver<Command>,
        updates: mpsc::Sender<Update>,
        state: watch::Sender<State>,
    ) -> Self {
        Self {
            address,
            token,
            session,
            socket: Socket::Absent,
            started: Instant::now(),
            commands,
            updates,
            backlog: VecDeque::new(),
            state,
            performing: HashMap::new(),
            joining: Vec::new(),
        }
    }

    pub(crate) async fn run(mut self) {
        self.handle(Input::Tick);
        while !matches!(self.session.status(), Status::Stopped(_)) {
            match self.step().await {
                Step::Command(Some(Command::Close { done })) => {
                    self.close().await;
                    // Whoever asked may have stopped waiting.
                    let _ = done.send(());
                }
                Step::Command(Some(command)) => self.command(command),
                Step::Command(None) => self.close().await,
                Step::Socket(Happened::Opened) => self.handle(Input::Connected),
                Step::Socket(Happened::Frame(frame)) => self.handle(Input::Received(*frame)),
                Step::Socket(Happened::Closed { code }) => self.handle(Input::Disconnected { code }),
                Step::Delivered => {}
                Step::Tick => self.handle(Input::Tick),
            }
        }
        self.finish().await;
    }

    async fn step(&mut self) -> Step {
        let wake_at = self.session.wake_at().map(|at| self.started + Duration::from_millis(at));
        // Where nothing is due the branch is off, and any time will do.
        let alarm = wake_at.unwrap_or(self.started);
        let is_behind = !self.backlog.is_empty();
        tokio::select! {
            command = self.commands.recv() => Step::Command(command),
            happened = self.socket.next(!is_behind) => Step::Socket(happened),
            permit = self.updates.reserve(), if is_behind => {
                match (permit, self.backlog.pop_front()) {
                    (Ok(permit), Some(update)) => permit.send(update),
                    // Nobody listens.
                    _ => self.backlog.clear(),
                }
                Step::Delivered
            }
            () = sleep_until(alarm), if wake_at.is_some() => Step::Tick,
        }
    }

    fn now(&self) -> Millis {
        // Timers are rounded up and this is rounded down to a millisecond: none fires before its time.
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Input(input) => self.handle(input),
            Command::Join { room, cursor, answer } => {
                self.joining.push((room.clone(), answer));
                self.handle(Input::Join { room, cursor });
            }
            Command::Perform { op, answer } => {
                self.performing.entry(op.id).or_default().push(answer);
                self.handle(Input::Submit(op));
            }
            Command::Cut => {
                self.socket = Socket::Absent;
                self.handle(Input::Disconnected { code: None });
            }
            // Taken by `run`, which can wait for the socket.
            Command::Close { .. } => {}
        }
    }

    fn handle(&mut self, input: Input) {
        let outputs = self.session.handle(input, self.now());
        for output in outputs {
            self.take(output);
        }
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Connect => self.socket = Socket::open(&self.address, &self.token),
            Output::Disconnect => self.socket = Socket::Absent,
            Output::Transmit(frame) => self.socket.send(&frame),
            Output::Welcomed { user, .. } => {
                self.state.send_modify(|state| {
                    state.status = Status::Online;
                    state.user = Some(user.clone());
                });
                self.tell(Update::Welcomed(user));
            }
            Output::Snapshot { room, joined } => {
                self.tell(Update::Snapshot(joined));
                self.answer_join(&room, &Ok(()));
            }
            Output::Resumed { room, standing } => {
                self.answer_join(&room, &Ok(()));
                self.tell(Update::Resumed { room, standing });
            }
            Output::JoinRefused { room, refusal } => self.answer_join(&room, &Err(Error::Refused(refusal))),
            Output::Event(event) => self.tell(Update::Event(event)),
            Output::Acked { id, seq, timestamp, .. } => {
                self.answer_op(id, &Ok(Posted { id, seq, timestamp }));
            }
            Output::Refused { id, refusal } => {
                self.answer_op(id, &Err(Error::Refused(refusal)));
                // Nobody is there to decide later.
                self.handle(Input::Discard(id));
            }
            Output::Queued(_) | Output::Discarded { .. } => {}
            Output::Notice(frame) => {
                if let protocol::ServerFrame::Left(Left { room }) = &frame {
                    let refusal = Refusal::new(ErrorCode::RoomNotFound, "the room was left");
                    self.answer_join(room, &Err(Error::Refused(refusal)));
                }
                self.tell(Update::Notice(frame));
            }
            Output::Status(status) => {
                // That a client is online is known with the name of its user.
                if status != Status::Online {
                    self.state.send_modify(|state| state.status = status);
                }
                self.tell(Update::Status(status));
            }
        }
    }

    fn tell(&mut self, update: Update) {
        if !self.backlog.is_empty() {
            self.backlog.push_back(update);
        } else if let Err(mpsc::error::TrySendError::Full(update)) = self.updates.try_send(update) {
            self.backlog.push_back(update);
        }
    }

    fn answer_join(&mut self, room: &RoomSlug, answer: &Result<(), Error>) {
        for (_, waiting) in self.joining.extract_if(.., |(joining, _)| joining == room) {
            // Whoever asked may have stopped waiting; so below.
            let _ = waiting.send(answer.clone());
        }
    }

    fn answer_op(&mut self, id: OpId, answer: &Result<Posted, Error>) {
        for waiting in self.performing.remove(&id).unwrap_or_default() {
            let _ = waiting.send(answer.clone());
        }
    }

    async fn close(&mut self) {
        mem::replace(&mut self.socket, Socket::Absent).close().await;
        self.handle(Input::Stop);
    }

    /// The session has stopped: everybody who waits is told why, and what is left to hear can be heard.
    async fn finish(mut self) {
        let reason = match self.session.status() {
            Status::Stopped(reason) => reason,
            _ => StopReason::ByUser,
        };
        let stopped = Error::Stopped(reason);
        for (_, waiting) in mem::take(&mut self.joining) {
            let _ = waiting.send(Err(stopped.clone()));
        }
        for waiting in mem::take(&mut self.performing).into_values().flatten() {
            let _ = waiting.send(Err(stopped.clone()));
        }
        // Commands that still wait are answered by dropping them.
        drop(self.commands);
        for update in self.backlog {
            if self.updates.send(update).await.is_err() {
                return;
            }
        }
    }
}
