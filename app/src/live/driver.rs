//! Who hears of what, in which order.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    time::Duration,
};

use leptos::{
    leptos_dom::helpers::{TimeoutHandle, WindowListenerHandle, set_timeout_with_handle},
    prelude::*,
};
use protocol::{
    Op, OpId, OpKind, RoomSlug,
    session::{Config, Input, Millis, Output, Session, Status, StopReason},
};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{
    browser::{self, Heard},
    clock, http, navigation, random,
    socket::Socket,
    storage::{Elsewhere, Kept, KeptOp},
    zone,
};
use crate::{
    hydration,
    source::Place,
    state::{Ask, Cause, Change, ChatState, Fetch, Intake, Intent, Model, Staying, Zone},
};

mod incoming;
mod leaving;

/// The cookie of the room that was looked at last.
const LAST_ROOM: &str = "room";
/// How long after the last key a draft is kept.
const DRAFT_PAUSE: Duration = Duration::from_millis(400);
/// How long after the page has become live it finds out what its zone is called: only the next visit needs it, and a browser that
/// is asked for the first time takes longer than a frame.
const ZONE_PAUSE: Duration = Duration::from_secs(1);

thread_local! {
    static DRIVER: RefCell<Option<Driver>> = const { RefCell::new(None) };
}

/// One thing to be done.
enum Task {
    /// For the session.
    Input(Input),
    /// From the session.
    Output(Output),
    /// For the model.
    Change(Change),
    /// From the model.
    Fetch(Fetch),
    /// From the model, too: the window's address is to name this room.
    Readdress(RoomSlug),
}

impl From<Ask> for Task {
    fn from(ask: Ask) -> Self {
        match ask {
            Ask::Session(input) => Self::Input(input),
            Ask::Fetch(fetch) => Self::Fetch(fetch),
            Ask::Readdress(room) => Self::Readdress(room),
        }
    }
}

/// Whether what has changed is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Showing {
    /// Not before all of the page is live: hydration must find what the server rendered.
    NotYet,
    /// Nothing is to be shown.
    Idle,
    /// With the next frame.
    Soon,
}

/// What makes the page live.
struct Driver {
    state: ChatState,
    session: Session,
    kept: Kept,
    socket: Option<Socket>,
    /// Tells the sockets apart: what one that was dropped still says is not heard.
    sockets: u32,
    /// What the socket says, on its way in.
    intake: Intake<JsValue>,
    /// Whether the server has greeted the socket.
    welcomed: bool,
    /// When the session or the model wants to be woken, and what will.
    alarm: Option<(Millis, TimeoutHandle)>,
    showing: Showing,
    /// How often what has changed was shown: what is about to be is not, where it was shown meanwhile.
    shows: u32,
    /// Whether this user is signing out here.
    leaving: bool,
    drafts: HashMap<RoomSlug, String>,
    draft_timer: Option<TimeoutHandle>,
    listeners: Vec<WindowListenerHandle>,
}

/// Begins to live.
pub(super) fn start(state: ChatState) {
    end(DRIVER.with_borrow_mut(Option::take));
    let Some(me) = state.read(|model| model.me().id) else { return };
    let kept = Kept::open(me);
    let driver = Driver {
        state,
        session: Session::new(Config::new(random::seed())),
        kept,
        socket: None,
        sockets: 0,
        intake: Intake::new(),
        welcomed: false,
        alarm: None,
        showing: Showing::NotYet,
        shows: 0,
        leaving: false,
        drafts: HashMap::new(),
        draft_timer: None,
        listeners: browser::listen(heard),
    };
    DRIVER.with_borrow_mut(|slot| *slot = Some(driver));
    with_driver(Driver::begin);
    state.connect(ask);
    hydration::afterwards(move || with_driver(|driver| driver.begin_to_show(state)));
}

/// Lives no more, if it is `state` that lives.
pub(super) fn stop(state: ChatState) {
    let driver = DRIVER.with_borrow_mut(|driver| driver.take_if(|driver| driver.state.is(state)));
    end(driver);
}

/// Leaves nothing behind.
fn end(driver: Option<Driver>) {
    if let Some(mut driver) = driver {
        driver.keep_drafts();
        if let Some((_, alarm)) = driver.alarm.take() {
            alarm.clear();
        }
        driver.listeners.drain(..).for_each(WindowListenerHandle::remove);
    }
}

/// Hands work to the driver, if there is one. Nothing that the driver calls comes back here before it returns.
fn with_driver(work: impl FnOnce(&mut Driver)) {
    DRIVER.with_borrow_mut(|driver| driver.as_mut().map(work));
}

fn run(task: Task) {
    with_driver(|driver| driver.run([task]));
}

/// A view asks for something.
fn ask(intent: Intent) {
    with_driver(|driver| driver.ask(intent));
}

impl Driver {
    /// Restores what was kept and says to the session what to follow.
    fn begin(&mut self) {
        let mut tasks = vec![
            Task::Change(Change::Visible(browser::is_visible())),
            Task::Change(Change::Network(browser::has_network())),
            Task::Change(Change::Located(Zone::Browser)),
            Task::Change(Change::DraftsRestored(self.kept.drafts())),
        ];
        tasks.push(Task::Change(Change::Begun));
        tasks.extend(self.take_over());
        tasks.push(Task::Input(Input::Tick));
        self.run(tasks);
    }

    /// All of the page is live, if it is that of `state`. Ways between rooms are followed from here on: before, a room would be open that
    /// is not shown. So links lead to a document of their own, and where a step in the history has led to is shown now.
    fn begin_to_show(&mut self, state: ChatState) {
        if self.state.is(state) {
            browser::mark_live();
            self.listeners.extend(navigation::listen(went));
            self.showing = Showing::Idle;
            // Of a step before the outline was there, the room says.
            if let Some((room, place, has_moved)) = navigation::catch_up()
                && (has_moved || self.state.read(|model| *model.open_slug() != room) == Some(true))
            {
                self.show_room(room, place);
            }
            self.show_soon();
            set_timeout(keep_zone, ZONE_PAUSE);
        }
    }

    /// The operations that are kept and not known here: of an earlier page, or of a tab that was closed since.
    fn take_over(&mut self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for KeptOp { op, at, refused } in self.kept.take_over() {
            let failed = refused.map(|refusal| Cause::Refused(refusal.code));
            if failed.is_none() {
                tasks.push(Task::Input(Input::Submit(op.clone())));
            }
            tasks.push(Task::Change(Change::Submitted { op, at, failed }));
        }
        tasks
    }

    /// Does what is to be done, and what follows from it.
    fn run(&mut self, tasks: impl IntoIterator<Item = Task>) {
        let now = clock::now();
        let mut tasks: VecDeque<Task> = tasks.into_iter().collect();
        while let Some(task) = tasks.pop_front() {
            match task {
                Task::Input(input) => {
                    tasks.extend(self.session.handle(input, now).into_iter().map(Task::Output));
                }
                Task::Output(output) => {
                    tasks.extend(self.carry_out(&output));
                    let asks = self.state.apply(Change::Session(output), now);
                    tasks.extend(asks.into_iter().map(Task::from));
                }
                Task::Change(change) => {
                    tasks.extend(self.state.apply(change, now).into_iter().map(Task::from));
                }
                Task::Fetch(fetch) => spawn_local(fetch_page(fetch)),
                Task::Readdress(room) => navigation::readdress(&room),
            }
        }
        self.set_alarm(now);
        self.show_soon();
    }

    /// Does what the session says.
    fn carry_out(&mut self, output: &Output) -> Vec<Task> {
        match output {
            Output::Connect => return self.connect(),
            Output::Disconnect => self.socket = None,
            Output::Transmit(frame) => {
                if let Some(socket) = &self.socket {
                    socket.send(frame);
                }
            }
            // Somebody else has come in with this browser since: neither the page nor what it would send is theirs.
            Output::Welcomed { user, .. } if self.state.read(|model| model.me().id) != Some(user.id) => {
                self.socket = None;
                let _ = window().location().reload();
            }
            Output::Welcomed { .. } => {
                self.welcomed = true;
                return self.take_over();
            }
            // It was kept when it was asked for; tried again, it is the last.
            Output::Queued(op) if self.kept.is_refused(op.id) => {
                let _ = self.kept.keep(op, clock::timestamp());
            }
            Output::Acked { id, seq, .. } => self.kept.acked(*id, *seq),
            Output::Discarded { id } => self.kept.discard(*id),
            Output::Refused { id, refusal } => self.kept.keep_refusal(*id, refusal),
            // The same address now shows the sign-in page.
            Output::Status(Status::Stopped(StopReason::SignedOut)) if !self.leaving => {
                self.forget();
                let _ = window().location().reload();
            }
            _ => {}
        }
        Vec::new()
    }

    /// Does what a view asks for.
    fn ask(&mut self, intent: Intent) {
        // What the page tells of itself all the time is nothing that its reader waits for.
        let is_awaited = !matches!(
            intent,
            Intent::Scrolled { .. }
                | Intent::LoadOlder
                | Intent::LoadNewer
                | Intent::Typing
                | Intent::Draft { .. }
        );
        if is_awaited {
            self.intake.hurry();
        }
        match intent {
            Intent::Submit { room, kind } => self.submit(Op { id: random::op_id(), room, kind }),
            Intent::Retry(id) => self.retry(id),
            Intent::Discard(id) if self.is_queued(id) => self.run([Task::Input(Input::Discard(id))]),
            Intent::Discard(id) => {
                self.kept.discard(id);
                self.run([Task::Change(Change::Discarded(id))]);
            }
            Intent::Typing => {
                if let Some(room) = self.state.read(|model| model.open_slug().clone()) {
                    self.run([Task::Input(Input::Typing { room })]);
                }
            }
            Intent::Hurry => self.run([Task::Change(Change::Hurried)]),
            Intent::GoTo(room) if self.showing == Showing::NotYet => navigation::leave_for(&room),
            Intent::GoTo(room) => {
                navigation::go_to(&room);
                self.show_room(room, Place::Newest);
            }
            Intent::LoadOlder => self.run([Task::Change(Change::OlderWanted)]),
            Intent::LoadNewer => self.run([Task::Change(Change::NewerWanted)]),
            Intent::JumpToNewest => self.run([Task::Change(Change::NewestWanted)]),
            // Told with every pixel: only what is new is worth a look.
            Intent::Scrolled { at_bottom } if self.state.read(Model::is_at_bottom) == Some(at_bottom) => {}
            Intent::Scrolled { at_bottom } => self.run([Task::Change(Change::Scrolled { at_bottom })]),
            Intent::Draft { room, text } => self.draft(room, text),
            Intent::CreateRoom { room, answer } => spawn_local(async move {
                let made = http::create_room(&room).await;
                let slug = made.map(|summary| {
                    let slug = summary.room.slug.clone();
                    run(Task::Change(Change::RoomMade(summary)));
                    slug
                });
                let _ = answer.send(slug);
            }),
            Intent::SignOut { agreed, answer } => {
                let unsent = self.unsent();
                if unsent.messages > agreed.messages || unsent.drafts > agreed.drafts {
                    let _ = answer.send(Err(Staying { unsent, refused: None }));
                } else {
                    self.leaving = true;
                    spawn_local(leaving::sign_out(unsent, answer));
                }
            }
        }
    }

    /// Shows a room, and remembers it as the one to begin with the next time.
    fn show_room(&mut self, slug: RoomSlug, place: Place) {
        self.intake.hurry();
        browser::set_cookie(LAST_ROOM, &String::from(js_sys::encode_uri_component(slug.as_str())));
        self.run([Task::Change(Change::Opened { slug, place })]);
    }

    /// Keeps an operation, shows it, and sees it through. One that cannot be kept fails at once.
    fn submit(&mut self, op: Op) {
        let at = clock::timestamp();
        let failed = self.kept.keep(&op, at).err();
        let mut tasks = Vec::new();
        // Who says something wants to see it.
        if matches!(op.kind, OpKind::Send { .. }) {
            tasks.push(Task::Change(Change::NewestWanted));
        }
        if failed.is_none() {
            tasks.push(Task::Input(Input::Submit(op.clone())));
        }
        // Shown first, so that an answer at once finds it.
        tasks.insert(0, Task::Change(Change::Submitted { op, at, failed }));
        self.run(tasks);
    }

    fn retry(&mut self, id: OpId) {
        if self.is_queued(id) {
            return self.run([Task::Change(Change::Retried(id)), Task::Input(Input::Retry(id))]);
        }
        // It failed before this page was loaded, or could not be kept: for the session it is new.
        let Some(Some(op)) = self.state.read(|model| model.operation(id)) else { return };
        match self.kept.keep(&op, clock::timestamp()) {
            Ok(()) => self.run([Task::Change(Change::Retried(id)), Task::Input(Input::Submit(op))]),
            Err(cause) => self.run([Task::Change(Change::Failed { id, cause })]),
        }
    }

    fn is_queued(&self, id: OpId) -> bool {
        self.session.outbox().any(|(op, _)| op.id == id)
    }

    fn draft(&mut self, room: RoomSlug, text: String) {
        self.drafts.insert(room.clone(), text.clone());
        if let Some(timer) = self.draft_timer.take() {
            timer.clear();
        }
        self.draft_timer = set_timeout_with_handle(|| with_driver(Driver::keep_drafts), DRAFT_PAUSE).ok();
        self.run([Task::Change(Change::Drafted { room, text })]);
    }

    fn keep_drafts(&mut self) {
        if let Some(timer) = self.draft_timer.take() {
            timer.clear();
        }
        for (room, text) in self.drafts.drain() {
            self.kept.keep_draft(&room, &text);
        }
    }

    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Online => self.run([Task::Change(Change::Network(true)), Task::Input(Input::Online)]),
            Heard::Offline => self.run([Task::Change(Change::Network(browser::has_network()))]),
            // Timers may have slept, and a person who looks wants no wait.
            Heard::Shown => self.run([
                Task::Change(Change::Visible(true)),
                Task::Input(Input::Tick),
                Task::Input(Input::Online),
            ]),
            Heard::Hidden => {
                self.keep_drafts();
                self.run([Task::Change(Change::Visible(false))]);
            }
            Heard::Leaving => self.keep_drafts(),
            Heard::Stored { key, value } => {
                let (id, change) = match self.kept.changed(key.as_deref(), value.as_deref()) {
                    Elsewhere::Acked(id, seq) => (id, Change::AckedElsewhere { id, seq }),
                    Elsewhere::Discarded(id) => (id, Change::Discarded(id)),
                    Elsewhere::Nothing => return,
                };
                self.run([Task::Change(change), Task::Input(Input::Discard(id))]);
            }
        }
    }

    /// Sees to it that the session and the model are woken in time. An alarm that rings too early is harmless, so one
    /// that is set is left alone unless it rings too late.
    fn set_alarm(&mut self, now: Millis) {
        let model = self.state.read(Model::wake_at).flatten();
        let Some(due) = [self.session.wake_at(), model].into_iter().flatten().min() else { return };
        match &self.alarm {
            Some((set, _)) if *set <= due => return,
            Some((_, alarm)) => alarm.clear(),
            None => {}
        }
        let ring = || {
            with_driver(|driver| {
                driver.alarm = None;
                driver.run([Task::Input(Input::Tick), Task::Change(Change::Tick)]);
            });
        };
        let alarm = set_timeout_with_handle(ring, Duration::from_millis(due.saturating_sub(now)));
        self.alarm = alarm.ok().map(|alarm| (due, alarm));
    }
}

/// Has the server know the browser's zone the next time.
fn keep_zone() {
    if let Some(zone) = zone::name() {
        browser::set_cookie("tz", &zone);
    }
}

async fn fetch_page(fetch: Fetch) {
    let Fetch { ticket, room, place } = fetch;
    let page = http::page(&room, place).await;
    run(Task::Change(Change::Fetched { room, ticket, page }));
}

/// The window is at another room's address.
fn went(room: RoomSlug, place: Place) {
    with_driver(|driver| driver.show_room(room, place));
}

/// The window tells something.
fn heard(heard: Heard) {
    let is_about_sight = matches!(heard, Heard::Shown | Heard::Hidden);
    with_driver(|driver| driver.heard(heard));
    if is_about_sight {
        // A frame that was waited for may not come any more, and what was shown rarely is to be right at once.
        incoming::show();
    }
}
