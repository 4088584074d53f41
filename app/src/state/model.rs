//! Everything the page knows, and the one function that changes it. Pure: time comes in, wishes go out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`follow`] | what the session brings: events, snapshots, notices |
//! | [`paging`] | which room is open, which part of it, and what has to be fetched for that |
//!
//! The promise: whatever order pages, events and acknowledgements come in, the rows shown are the log's, with this user's
//! own unanswered operations on top, and no more of them than [`WINDOW_MAX_MESSAGES`] and [`WINDOW_SLACK_MESSAGES`].

use std::{collections::HashMap, sync::Arc};

use protocol::{
    Content, Message, Op, OpId, RoomSlug, Seq, Timeline, Timestamp, Username,
    api::{RoomSummary, User},
    event::Quote,
    frame::Refusal,
    markdown,
    session::{Input, Millis, Output},
    timeline::Page,
};

use super::{
    Connection, Edges, Existence, RoomEntry, Unsent,
    link::Link,
    pending::Echoes,
    room::{Present, RoomState},
    rows::{Cause, Delivery, Entry, Log, MessageRow, Reader, Row, lay_out},
    zone::Zone,
};
use crate::source::{ChatPage, Place};

mod follow;
mod paging;
#[cfg(test)]
mod tests;

/// Messages that the window of a room is trimmed to, and so the document.
const WINDOW_MAX_MESSAGES: usize = 200;
/// How far beyond it the window of a reader who is scrolled up may grow before its newest messages are let go of.
const WINDOW_SLACK_MESSAGES: usize = 100;
/// Most new messages read out at once; of more, the last.
const ANNOUNCED_MAX_MESSAGES: usize = 3;

/// What happens to the page.
#[derive(Debug)]
pub(crate) enum Change {
    /// There is a session now, to follow the rooms with.
    Begun,
    /// The session says something.
    Session(Output),
    /// The user asked for an operation, or the storage kept it; one that failed waits for a retry.
    Submitted { op: Op, at: Timestamp, failed: Option<Cause> },
    /// An operation failed before anybody else heard of it.
    Failed { id: OpId, cause: Cause },
    /// An operation is tried again.
    Retried(OpId),
    /// Another tab has seen an operation through.
    AckedElsewhere { id: OpId, seq: Seq },
    /// An operation was given up.
    Discarded(OpId),
    /// The user goes to a room.
    Opened { slug: RoomSlug, place: Place },
    /// The user wants older messages.
    OlderWanted,
    /// The user wants newer messages.
    NewerWanted,
    /// The user wants the newest messages.
    NewestWanted,
    /// An answer to [`Ask::Fetch`].
    Fetched { room: RoomSlug, ticket: u64, page: Result<Page, Refusal> },
    /// Whether the end of the messages is in sight.
    Scrolled { at_bottom: bool },
    /// Whether the page can be seen at all.
    Visible(bool),
    /// Whether the browser has a network.
    Network(bool),
    /// The user does not want to wait for the next attempt to connect.
    Hurried,
    /// The browser knows the reader's zone.
    Located(Zone),
    /// A room of this user's was made.
    RoomMade(RoomSummary),
    /// The storage knows what was typed and not sent.
    DraftsRestored(HashMap<RoomSlug, String>),
    /// Something was typed.
    Drafted { room: RoomSlug, text: String },
    /// Time has passed.
    Tick,
}

/// What is to be done about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Hand this to the session.
    Session(Input),
    /// Fetch a page; the answer comes back as [`Change::Fetched`].
    Fetch(Fetch),
    /// Let the window's address name this room, and no message of it.
    Readdress(RoomSlug),
}

/// A page to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetch {
    pub(crate) ticket: u64,
    pub(crate) room: RoomSlug,
    pub(crate) place: Place,
}

/// What views show.
pub(crate) struct View {
    pub(crate) rooms: Vec<RoomEntry>,
    pub(crate) open: RoomEntry,
    pub(crate) log: Log,
    pub(crate) edges: Edges,
    pub(crate) unseen: u32,
    pub(crate) here: Present,
    pub(crate) typing: Vec<Username>,
    pub(crate) connection: Connection,
    pub(crate) next_try_s: u32,
    pub(crate) waiting: u32,
    /// There if there is something new to say.
    pub(crate) announcement: Option<String>,
    pub(crate) target: Option<Seq>,
    pub(crate) is_target_missing: bool,
    pub(crate) window: u32,
    pub(crate) zone: Zone,
    pub(crate) drafts_restored: bool,
}

/// Everything the page knows.
#[derive(Debug)]
pub(crate) struct Model {
    me: User,
    /// The list, and the open room where the list has it not.
    rooms: Vec<RoomState>,
    /// The open room's place in `rooms`, which is never empty.
    open: usize,
    echoes: Echoes,
    /// `None` until the storage was asked.
    drafts: Option<HashMap<RoomSlug, String>>,
    zone: Zone,
    target: Option<Seq>,
    /// Whether the address points at a message that is not there: the newest are shown instead.
    is_target_missing: bool,
    /// How often the window was replaced by another.
    window: u32,
    /// Messages of others after this one are marked as new.
    new_after: Option<Seq>,
    /// While the page cannot be seen and nothing was unread before: where the news will begin.
    away_since: Option<Seq>,
    unseen: u32,
    news: Vec<String>,
    at_bottom: bool,
    visible: bool,
    link: Link,
    /// Numbers the fetches.
    tickets: u64,
    /// Counts the openings of rooms.
    openings: u64,
    /// The rows of the last view: what has not changed is not made again.
    entries: HashMap<Seq, Entry>,
}

impl Model {
    /// What the server's page tells.
    pub(crate) fn new(page: ChatPage, place: Place, zone: Zone) -> Self {
        let ChatPage { me, rooms, room, page, here, here_count } = page;
        let mut rooms: Vec<RoomState> = rooms.into_iter().map(RoomState::new).collect();
        let open = rooms.iter().position(|state| *state.slug() == room).unwrap_or_else(|| {
            rooms.push(RoomState::unknown(paging::room_called(&room)));
            rooms.len() - 1
        });
        let mut model = Self {
            me,
            rooms,
            open,
            echoes: Echoes::default(),
            drafts: None,
            zone,
            target: None,
            is_target_missing: false,
            window: 0,
            new_after: None,
            away_since: None,
            unseen: 0,
            news: Vec::new(),
            at_bottom: false,
            visible: true,
            link: Link::default(),
            tickets: 0,
            openings: 1,
            entries: HashMap::new(),
        };
        let state = &mut model.rooms[open];
        state.existence = Existence::There;
        state.epoch = Some(page.epoch.clone());
        state.head = page.head;
        state.timeline = Some(Timeline::new(page));
        state.here = Present::of(here, here_count, &model.me);
        state.opened = 1;
        model.mark_news();
        model.target = paging::target(place);
        model.look_for_target();
        model
    }

    /// Takes in a change at `now` and says what is to be done about it.
    pub(crate) fn handle(&mut self, change: Change, now: Millis) -> Vec<Ask> {
        let mut asks = Vec::new();
        match change {
            Change::Begun => {
                self.follow_rooms(&mut asks);
                self.readdress(&mut asks);
            }
            Change::Session(output) => self.follow(output, now, &mut asks),
            Change::Submitted { op, at, failed } => self.echoes.add(op, at, failed),
            Change::Failed { id, cause } => self.echoes.failed(id, cause),
            Change::Retried(id) => self.echoes.retried(id),
            Change::AckedElsewhere { id, seq } => {
                if let Some(op) = self.echoes.operation(id) {
                    self.acked(id, &op.room, seq);
                }
            }
            Change::Discarded(id) => self.echoes.discarded(id),
            Change::Opened { slug, place } => self.open(&slug, place, &mut asks),
            Change::OlderWanted => self.want_older(&mut asks),
            Change::NewerWanted => self.want_newer(&mut asks),
            Change::NewestWanted => self.want_newest(&mut asks),
            Change::Fetched { room, ticket, page } => self.fetched(&room, ticket, page, &mut asks),
            Change::Scrolled { at_bottom } => self.at_bottom = at_bottom,
            Change::Visible(visible) => self.see(visible),
            Change::Network(network) => self.link.network(network),
            Change::Hurried => asks.push(Ask::Session(Input::Online)),
            Change::Located(zone) => self.zone = zone,
            Change::RoomMade(summary) => self.add_room(summary, &mut asks),
            Change::DraftsRestored(drafts) => self.drafts = Some(drafts),
            Change::Drafted { room, text } => {
                self.drafts.get_or_insert_default().insert(room, text);
            }
            Change::Tick => {
                self.link.pass(now);
                self.rooms.iter_mut().for_each(|room| room.typists.expire(now));
            }
        }
        self.read_what_is_seen(&mut asks);
        asks
    }

    /// When [`Change::Tick`] is due.
    pub(crate) fn wake_at(&self) -> Option<Millis> {
        self.rooms.iter().filter_map(|room| room.typists.wake_at()).chain(self.link.wake_at()).min()
    }

    /// Whether the end of the messages is in sight, as far as the view has told.
    pub(crate) fn is_at_bottom(&self) -> bool {
        self.at_bottom
    }

    pub(crate) fn me(&self) -> &User {
        &self.me
    }

    pub(crate) fn open_slug(&self) -> &RoomSlug {
        self.room().slug()
    }

    pub(crate) fn draft(&self, room: &RoomSlug) -> String {
        self.drafts.as_ref().and_then(|drafts| drafts.get(room)).cloned().unwrap_or_default()
    }

    /// An operation of this user that the log does not show yet.
    pub(crate) fn operation(&self, id: OpId) -> Option<Op> {
        self.echoes.operation(id)
    }

    /// How much this user has not sent, with what the browser keeps: the operations and the drafts of other tabs too.
    pub(crate) fn unsent(&self, mut operations: Vec<OpId>, kept: &HashMap<RoomSlug, String>) -> Unsent {
        for id in self.echoes.unsent() {
            if !operations.contains(&id) {
                operations.push(id);
            }
        }
        let is_draft = |text: &String| !text.trim().is_empty();
        let here = self.drafts.iter().flatten().filter(|(_, text)| is_draft(text));
        let elsewhere = kept.iter().filter(|(room, text)| is_draft(text) && !is_draft(&self.draft(room)));
        Unsent { messages: operations.len(), drafts: here.count() + elsewhere.count() }
    }

    /// The newest message of this user in the open room, with what they changed of it last. None while that is on its way and cannot
    /// be edited, or not in the window: whoever means it does not mean the one before it.
    pub(crate) fn my_last_message(&mut self) -> Option<Arc<Message>> {
        self.room().timeline.as_ref().filter(|timeline| timeline.at_end())?;
        let log = self.log(true);
        let is_on_its_way =
            |row: &MessageRow| row.message.seq == Seq::ZERO && !matches!(row.delivery, Delivery::Failed(_));
        let mine = log.keys().iter().rev().find_map(|key| match log.row(key) {
            Some(Row::Message(row)) if row.mine && (row.is_actionable() || is_on_its_way(row)) => Some(row),
            _ => None,
        })?;
        mine.is_actionable().then(|| Arc::clone(&mine.message))
    }

    /// What is to be shown now.
    pub(crate) fn view(&mut self) -> View {
        let connection = self.link.connection();
        View {
            rooms: self.rooms.iter().filter(|room| room.is_listed()).map(RoomState::entry).collect(),
            open: self.room().entry(),
            log: self.log(connection == Connection::Online),
            edges: self.edges(),
            unseen: self.unseen,
            here: self.room().here.clone(),
            typing: self.room().typists.names(),
            connection,
            next_try_s: self.link.next_try_s(),
            waiting: self.echoes.waiting(),
            announcement: self.announcement(),
            target: self.target,
            is_target_missing: self.is_target_missing,
            window: self.window,
            zone: self.zone.clone(),
            drafts_restored: self.drafts.is_some(),
        }
    }

    fn room(&self) -> &RoomState {
        &self.rooms[self.open]
    }

    fn room_mut(&mut self) -> &mut RoomState {
        &mut self.rooms[self.open]
    }

    fn index(&self, slug: &RoomSlug) -> Option<usize> {
        self.rooms.iter().position(|room| room.slug() == slug)
    }

    /// The open room's rows: its messages, this user's changes of them, and what they said since.
    fn log(&mut self, online: bool) -> Log {
        let mut known = std::mem::take(&mut self.entries);
        let room = &self.rooms[self.open];
        let mut entries = Vec::new();
        for message in room.timeline.iter().flat_map(Timeline::messages) {
            let same = known.remove(&message.seq).filter(|entry| is_same(&entry.message, message));
            let entry = same.unwrap_or_else(|| self.entry(message));
            self.entries.insert(message.seq, entry.clone());
            entries.push(entry);
        }
        for change in self.echoes.of(room.slug()) {
            let index =
                change.target().and_then(|seq| entries.iter().position(|entry| entry.message.seq == seq));
            if let Some(index) = index {
                change.overlay(&mut entries[index], &self.me, online);
            }
        }
        if room.timeline.as_ref().is_none_or(Timeline::at_end) {
            for send in self.echoes.of(room.slug()) {
                let quote = send.reply_to().and_then(|seq| quote(&entries, seq));
                // One whose event is here already has its row (a second row of that key would not be shown).
                entries.extend(send.entry(&self.me, quote, online));
            }
        }
        let reader =
            Reader { me: self.me.id, zone: &self.zone, new_after: self.new_after, target: self.target };
        lay_out(entries, &reader)
    }

    /// A message of the log as an entry.
    fn entry(&self, message: &Message) -> Entry {
        let mentions_me = message.user_id != self.me.id && self.is_mentioned(message);
        Entry { message: Arc::new(message.clone()), mentions_me, delivery: Delivery::Sent }
    }

    fn is_mentioned(&self, message: &Message) -> bool {
        message.content.as_ref().is_some_and(|content| mentions(content, &self.me.username))
    }

    fn edges(&self) -> Edges {
        let room = self.room();
        let timeline = room.timeline.as_ref();
        let has_newer = timeline.is_some_and(|timeline| !timeline.at_end());
        // A window that could not be had is told at the end where there is more to be had.
        let failed_window = room.failed.window.is_some();
        Edges {
            // Where nothing could be had there is something to be had, and the way to try again is at that end.
            has_older: timeline.map_or(failed_window, Timeline::has_older),
            has_newer,
            loading_older: room.older.is_some(),
            loading_newer: room.newer.is_some()
                || room.arriving.is_some()
                || (timeline.is_none() && room.existence != Existence::Missing && !failed_window),
            failed_older: room.failed.older || (failed_window && !has_newer),
            failed_newer: room.failed.newer || (failed_window && has_newer),
        }
    }

    fn announcement(&mut self) -> Option<String> {
        let first = self.news.len().saturating_sub(ANNOUNCED_MAX_MESSAGES);
        let news = std::mem::take(&mut self.news);
        if news.is_empty() { None } else { Some(news[first..].join("\n")) }
    }
}

/// Whether a message is as it was: its version rises with every change of it, its quote changes without.
fn is_same(old: &Message, new: &Message) -> bool {
    old.version == new.version && old.quote == new.quote && old.id == new.id
}

/// What answering `seq` quotes, where that message is held.
fn quote(entries: &[Entry], seq: Seq) -> Option<Quote> {
    let quoted = &entries.iter().find(|entry| entry.message.seq == seq)?.message;
    Some(Quote {
        user_id: quoted.user_id,
        username: quoted.username.clone(),
        excerpt: quoted.content.as_ref().map(Content::excerpt),
    })
}

/// Whether a message speaks to somebody.
fn mentions(content: &Content, name: &Username) -> bool {
    markdown::mentions(content.as_str(), name)
}
