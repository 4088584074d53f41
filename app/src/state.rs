//! The page's state: what a view may read, and what it may ask for.
//!
//! Views read signals and emit intents; they know no socket and no storage. Behind the signals stands [`model::Model`],
//! plain and pure, with one function that changes it: `handle`. The browser's half ([`crate::live`]) feeds it what
//! the socket, the clock and the storage bring, and carries out what it asks for. On the server the same state is built
//! from the [`ChatPage`], only read, and never changes; that is why the first paint and the hydrated page are equal.

use std::sync::Arc;

use futures_channel::oneshot;
use leptos::prelude::*;
use protocol::{
    Content, Emoji, ErrorCode, Message, OpKind, RoomSlug, Seq, Username,
    api::{NewRoom, Room, User, Visibility},
    frame::Refusal,
    text::InvalidText,
};

use crate::source::{ChatPage, Place};

#[cfg(any(feature = "hydrate", test))]
mod intake;
mod link;
#[cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "on the server the state is built and read, never changed")
)]
mod model;
mod pending;
#[cfg(feature = "hydrate")]
mod publish;
mod room;
mod rows;
mod zone;

#[cfg(feature = "hydrate")]
pub(crate) use intake::Intake;
pub(crate) use model::Model;
#[cfg(feature = "hydrate")]
pub(crate) use model::{Ask, Change, Fetch};
pub use room::Present;
pub use rows::{Cause, Delivery, Failure, MessageRow, Row, RowKey};
pub use zone::{Local, Zone};

use rows::{Left, Log};

/// A room in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomEntry {
    /// The room.
    pub room: Room,
    /// Messages of others that this user has not read; counted up to [`protocol::api::UNREAD_MAX`].
    pub unread: u32,
    /// Those of them that mention this user.
    pub mentions: u32,
    /// Whether it is there: those in the list are.
    pub existence: Existence,
}

/// Whether there is a room at the address that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existence {
    /// A link led there, and the server has not said yet.
    Unknown,
    /// There is.
    There,
    /// There is none, or this user may not see it.
    Missing,
}

/// What this user has written and the server has not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unsent {
    /// Messages, and changes of messages, that are to be sent or failed.
    pub messages: usize,
    /// Rooms with something typed in them.
    pub drafts: usize,
}

/// Why somebody who wants to sign out is still here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staying {
    /// What would be lost.
    pub unsent: Unsent,
    /// Why it could not be done, where they have agreed to lose that much.
    pub refused: Option<ErrorCode>,
}

/// How the page stands with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connection {
    /// Rendered by the server; no socket has been tried yet.
    #[default]
    Server,
    /// The first connection is on its way.
    Connecting,
    /// All is live.
    Online,
    /// The connection was lost and is being made again.
    Reconnecting,
    /// The browser says that there is no network.
    Offline,
    /// The session is over: sign in again.
    SignedOut,
    /// This user may not be here.
    Forbidden,
    /// The server and this page do not understand each other: reload.
    Broken,
}

/// What a view asks for and the browser's half carries out.
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "on the server nobody listens"))]
pub(crate) enum Intent {
    Submit { room: RoomSlug, kind: OpKind },
    Retry(protocol::OpId),
    Discard(protocol::OpId),
    Typing,
    Hurry,
    GoTo(RoomSlug),
    LoadOlder,
    LoadNewer,
    JumpToNewest,
    Scrolled { at_bottom: bool },
    Draft { room: RoomSlug, text: String },
    CreateRoom { room: NewRoom, answer: oneshot::Sender<Result<RoomSlug, Refusal>> },
    SignOut { agreed: Unsent, answer: oneshot::Sender<Result<(), Staying>> },
}

/// The state of the chat page, in context. Copied freely: it is a bundle of handles.
#[derive(Clone, Copy)]
pub struct ChatState {
    model: StoredValue<Model>,
    /// Where intents go; nowhere on the server, which shows only.
    outlet: StoredValue<Option<fn(Intent)>>,
    /// Apart, for a row holds handles of the state a dozen times.
    shown: StoredValue<Shown>,
    /// What is known and not shown yet.
    left: StoredValue<Left>,
}

/// What views read. Written by `ChatState::show` alone.
#[derive(Clone, Copy)]
struct Shown {
    rooms: Told<Vec<RoomEntry>>,
    open: Told<RoomEntry>,
    keys: Told<Vec<RowKey>>,
    log: Told<Arc<Log>>,
    edges: Told<Edges>,
    unseen: Told<u32>,
    here: Told<Present>,
    typing: Told<Vec<Username>>,
    connection: Told<Connection>,
    next_try_s: Told<u32>,
    waiting: Told<u32>,
    announcement: Told<String>,
    target: Told<Option<Seq>>,
    is_target_missing: Told<bool>,
    window: Told<u32>,
    zone: Told<Zone>,
    drafts_restored: Told<bool>,
}

/// Something that is told to the views.
///
/// Apart, for a view that could write it would; and not as Leptos' `Signal`, which might as well be a memo: the code of one
/// comes along for each type of what is told.
struct Told<T: Send + Sync + 'static> {
    read: ReadSignal<T>,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "on the server nothing changes"))]
    write: WriteSignal<T>,
}

// By hand: derived, they would ask `T` to be the same.
impl<T: Send + Sync + 'static> Copy for Told<T> {}

impl<T: Send + Sync + 'static> Clone for Told<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Told<T> {
    fn new(value: T) -> Self {
        let (read, write) = signal(value);
        Self { read, write }
    }
}

/// The two ends of the window of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each shown by itself")]
pub(crate) struct Edges {
    pub(crate) has_older: bool,
    pub(crate) has_newer: bool,
    pub(crate) loading_older: bool,
    pub(crate) loading_newer: bool,
    pub(crate) failed_older: bool,
    pub(crate) failed_newer: bool,
}

impl ChatState {
    /// The state as the server tells it. `place` is what the address asks for, `time_zone` the reader's as far as their
    /// cookie says.
    pub fn new(page: ChatPage, place: Place, time_zone: Option<String>) -> Self {
        let zone = Zone::named(time_zone);
        let mut model = Model::new(page, place, zone.clone());
        let view = model.view();
        let shown = Shown {
            rooms: Told::new(view.rooms),
            open: Told::new(view.open),
            keys: Told::new(view.log.keys().to_vec()),
            log: Told::new(Arc::new(view.log)),
            edges: Told::new(view.edges),
            unseen: Told::new(0),
            here: Told::new(view.here),
            typing: Told::new(Vec::new()),
            connection: Told::new(Connection::Server),
            next_try_s: Told::new(0),
            waiting: Told::new(0),
            announcement: Told::new(String::new()),
            target: Told::new(view.target),
            is_target_missing: Told::new(view.is_target_missing),
            window: Told::new(0),
            zone: Told::new(zone),
            drafts_restored: Told::new(false),
        };
        Self {
            model: StoredValue::new(model),
            outlet: StoredValue::new(None),
            shown: StoredValue::new(shown),
            left: StoredValue::new(Left::default()),
        }
    }

    /// Makes the page live: restores the outbox, opens the socket, and shows what has changed once all of the page is hydrated. Call it
    /// once in the chat page; it does nothing on the server, and ends with the owner that it was called under.
    pub fn go_live(self) {
        #[cfg(feature = "hydrate")]
        crate::live::go_live(self);
    }

    /// Who looks.
    pub fn me(&self) -> User {
        self.model.with_value(|model| model.me().clone())
    }

    /// The list of rooms.
    pub fn rooms(&self) -> ReadSignal<Vec<RoomEntry>> {
        self.shown().rooms.read
    }

    /// The room that is shown.
    pub fn open_room(&self) -> ReadSignal<RoomEntry> {
        self.shown().open.read
    }

    /// Whether there is a room at the address that is open. What is not there has no people and takes no messages. Reactive.
    pub fn existence(&self) -> Existence {
        self.shown().open.read.read().existence
    }

    /// What the log shows, in order.
    pub fn keys(&self) -> ReadSignal<Vec<RowKey>> {
        self.shown().keys.read
    }

    /// What a row is now. Reactive, and cheap enough for a memo per row; `None` once the row is gone.
    pub fn row(&self, key: &RowKey) -> Option<Row> {
        self.shown().log.read.with(|log| log.row(key).cloned())
    }

    /// Whether there are older messages than those shown. Reactive.
    pub fn has_older(&self) -> bool {
        self.shown().edges.read.read().has_older
    }

    /// Whether there are newer messages than those shown. Reactive.
    pub fn has_newer(&self) -> bool {
        self.shown().edges.read.read().has_newer
    }

    /// Whether older messages are on their way. Reactive.
    pub fn is_loading_older(&self) -> bool {
        self.shown().edges.read.read().loading_older
    }

    /// Whether newer messages, or those of a room just opened, are on their way. Reactive.
    pub fn is_loading_newer(&self) -> bool {
        self.shown().edges.read.read().loading_newer
    }

    /// Whether older messages, or all of the room's, could not be fetched; [`Self::load_older`] tries again. Reactive.
    pub fn has_failed_older(&self) -> bool {
        self.shown().edges.read.read().failed_older
    }

    /// Whether newer messages, or another part of the log, could not be fetched; [`Self::load_newer`] tries again. Reactive.
    pub fn has_failed_newer(&self) -> bool {
        self.shown().edges.read.read().failed_newer
    }

    /// Whether more has come than is shown yet. Not reactive.
    pub(crate) fn is_behind(&self) -> bool {
        self.left.get_value().is_any()
    }

    /// New messages of others below what is in view.
    pub fn unseen(&self) -> ReadSignal<u32> {
        self.shown().unseen.read
    }

    /// Who is in the open room now.
    pub fn here(&self) -> ReadSignal<Present> {
        self.shown().here.read
    }

    /// Who is writing in the open room.
    pub fn typing(&self) -> ReadSignal<Vec<Username>> {
        self.shown().typing.read
    }

    /// How the page stands with the server.
    pub fn connection(&self) -> ReadSignal<Connection> {
        self.shown().connection.read
    }

    /// Seconds until the next attempt to connect; 0 unless it is long in coming.
    pub fn next_try_s(&self) -> ReadSignal<u32> {
        self.shown().next_try_s.read
    }

    /// Operations that the server has not acknowledged, failed ones left out.
    pub fn waiting(&self) -> ReadSignal<u32> {
        self.shown().waiting.read
    }

    /// New messages of others in the open room as one text, for the screen reader.
    pub fn announcement(&self) -> ReadSignal<String> {
        self.shown().announcement.read
    }

    /// The message that the address points at.
    pub fn target(&self) -> ReadSignal<Option<Seq>> {
        self.shown().target.read
    }

    /// Whether the address points at a message that is not there. The newest are shown instead.
    pub fn is_target_missing(&self) -> ReadSignal<bool> {
        self.shown().is_target_missing.read
    }

    /// Rises whenever the window is replaced by another one, of this room or the next: the view starts anew, at the target
    /// or at the end.
    pub fn window(&self) -> ReadSignal<u32> {
        self.shown().window.read
    }

    /// The time zone to show times in: the cookie's at first, the browser's once hydrated.
    pub fn zone(&self) -> ReadSignal<Zone> {
        self.shown().zone.read
    }

    /// Unread messages in the rooms that are not open, and those of them that mention this user. Reactive.
    pub fn unread_elsewhere(&self) -> (u32, u32) {
        let shown = self.shown();
        let (rooms, open) = (shown.rooms.read.read(), shown.open.read.read());
        let others = rooms.iter().filter(|entry| entry.room.slug != open.room.slug);
        others.fold((0, 0), |(unread, mentions), entry| (unread + entry.unread, mentions + entry.mentions))
    }

    /// Unread messages in all rooms, for the page's title. Reactive.
    pub fn unread_total(&self) -> u32 {
        self.shown().rooms.read.read().iter().map(|entry| entry.unread).sum()
    }

    /// Posts a message in the open room. Its row is there at once. It is refused only where it could never be accepted.
    pub fn send(&self, text: &str, reply_to: Option<Seq>) -> Result<(), InvalidText> {
        let content: Content = text.parse()?;
        self.submit(OpKind::Send { content, reply_to });
        Ok(())
    }

    /// Changes a message of one's own.
    pub fn edit(&self, target: Seq, text: &str) -> Result<(), InvalidText> {
        let content: Content = text.parse()?;
        self.submit(OpKind::Edit { target, content });
        Ok(())
    }

    /// Takes a message of one's own back.
    pub fn delete(&self, target: Seq) {
        self.submit(OpKind::Delete { target });
    }

    /// Puts an emoji on a message or takes one's own off.
    pub fn react(&self, target: Seq, emoji: Emoji, on: bool) {
        self.submit(OpKind::React { target, emoji, on });
    }

    /// Tries a failed operation again; its id stands in [`Failure`].
    pub fn retry(&self, id: protocol::OpId) {
        self.ask(Intent::Retry(id));
    }

    /// Gives a failed operation up.
    pub fn discard(&self, id: protocol::OpId) {
        self.ask(Intent::Discard(id));
    }

    /// The reader is writing. Call it on every input; it is throttled behind.
    pub fn is_typing(&self) {
        self.ask(Intent::Typing);
    }

    /// Tries to connect now, where the next attempt is waited for.
    pub fn hurry(&self) {
        self.ask(Intent::Hurry);
    }

    /// Goes to a room without a reload, as a link to it does: it is shown at once where it is still held, else once it is
    /// fetched.
    pub fn go_to(&self, room: RoomSlug) {
        self.ask(Intent::GoTo(room));
    }

    /// Fetches older messages, unless that is under way or there are none.
    pub fn load_older(&self) {
        self.ask(Intent::LoadOlder);
    }

    /// Fetches newer messages, unless that is under way or there are none.
    pub fn load_newer(&self) {
        self.ask(Intent::LoadNewer);
    }

    /// Goes to the newest messages.
    pub fn jump_to_newest(&self) {
        self.ask(Intent::JumpToNewest);
    }

    /// The view tells whether its end is in sight: messages are read only there.
    pub fn at_bottom(&self, at_bottom: bool) {
        self.ask(Intent::Scrolled { at_bottom });
    }

    /// The newest message of this user, if it can be edited yet.
    pub fn my_last_message(&self) -> Option<Arc<Message>> {
        self.model.try_update_value(Model::my_last_message).flatten()
    }

    /// What was typed in a room and not sent. Reactive once only: when drafts have been read from the browser's storage.
    pub fn draft(&self, room: &RoomSlug) -> String {
        self.shown().drafts_restored.read.track();
        self.model.with_value(|model| model.draft(room))
    }

    /// Keeps what was typed in a room. Call it on every input; writing is debounced behind.
    pub fn set_draft(&self, room: RoomSlug, text: &str) {
        self.ask(Intent::Draft { room, text: text.to_owned() });
    }

    /// Makes a room and joins it. The caller goes there with [`Self::go_to`].
    pub async fn create_room(
        self,
        name: String,
        topic: String,
        visibility: Visibility,
    ) -> Result<RoomSlug, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.ask(Intent::CreateRoom { room: NewRoom { name, topic, visibility }, answer });
        answered.await.unwrap_or_else(|_| {
            Err(Refusal::new(ErrorCode::Unavailable, "the page is not connected yet; try again in a moment"))
        })
    }

    /// Signs out, removes what the browser keeps of this user, and leads on to the sign-in page; unless more would be
    /// lost, here and in other tabs of this browser, than they have `agreed` to.
    pub async fn sign_out(self, agreed: Unsent) -> Result<(), Staying> {
        let (answer, answered) = oneshot::channel();
        self.ask(Intent::SignOut { agreed, answer });
        answered.await.unwrap_or(Err(Staying { unsent: agreed, refused: Some(ErrorCode::Unavailable) }))
    }

    fn shown(&self) -> Shown {
        self.shown.get_value()
    }

    /// To the room that is shown: a number means a message of that, though another is on its way to the screen.
    fn submit(&self, kind: OpKind) {
        let room = self.shown().open.read.read_untracked().room.slug.clone();
        self.ask(Intent::Submit { room, kind });
    }

    fn ask(&self, intent: Intent) {
        if let Some(outlet) = self.outlet.get_value() {
            outlet(intent);
        }
    }
}
