//! One room as the page knows it: what is unread, who is there, who is writing, and the window of its messages.

use std::collections::VecDeque;

use protocol::{
    Cursor, Epoch, Event, RoomSlug, Seq, Timeline, UserId, Username,
    api::{Room, RoomSummary, UNREAD_MAX, User},
    limits::{PRESENCE_MAX_NAMED, TYPING_SHOWN_MS},
    session::Millis,
};

use super::{Existence, RoomEntry};
use crate::source::Place;

/// Most people shown as writing; beyond it one says "several people".
const TYPING_MAX_NAMED: usize = 8;

/// Who is in a room. Whoever looks is there too, also before their own connection is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Present {
    /// Some of them: whoever looks, and at most [`PRESENCE_MAX_NAMED`] others by name.
    pub users: Vec<User>,
    /// How many there are.
    pub count: u32,
}

impl Present {
    /// Some of the `count` people who are there, as `me` sees them.
    pub(crate) fn of(here: Vec<User>, count: u32, me: &User) -> Self {
        let mut users = vec![me.clone()];
        for user in here.into_iter().filter(|user| user.id != me.id).take(PRESENCE_MAX_NAMED) {
            let later = users.iter().skip(1).position(|other| letters(other).gt(letters(&user)));
            users.insert(later.map_or(users.len(), |index| index + 1), user);
        }
        let named = u32::try_from(users.len()).unwrap_or(u32::MAX);
        Self { users, count: count.max(named) }
    }

    /// Some came, some left; `count` are there now.
    pub(crate) fn change(&mut self, came: Vec<User>, gone: &[UserId], count: u32, me: &User) {
        let mut users = std::mem::take(&mut self.users);
        users.retain(|user| !gone.contains(&user.id) && came.iter().all(|new| new.id != user.id));
        users.extend(came);
        *self = Self::of(users, count, me);
    }
}

/// A name's letters, all small.
fn letters(user: &User) -> impl Iterator<Item = char> {
    user.username.as_str().chars().flat_map(char::to_lowercase)
}

/// What of a room its reader has not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    read: Seq,
    /// How many the server counted, up to its event `counted_to`; which ones is not known.
    counted: u32,
    counted_mentions: u32,
    counted_to: Seq,
    /// Those that came since, with whether they mention the reader. At most [`UNREAD_MAX`]: no more are counted.
    fresh: VecDeque<(Seq, bool)>,
}

impl Unread {
    pub(crate) fn new(summary: &RoomSummary) -> Self {
        Self {
            read: summary.read,
            counted: summary.unread,
            counted_mentions: summary.mentions,
            counted_to: summary.head,
            fresh: VecDeque::new(),
        }
    }

    /// Counts anew from the newest messages: `others` are those of others among them.
    pub(crate) fn recount(&mut self, read: Seq, head: Seq, others: impl Iterator<Item = (Seq, bool)>) {
        self.read = self.read.max(read).min(head);
        (self.counted, self.counted_mentions, self.counted_to) = (0, 0, Seq::ZERO);
        self.fresh.clear();
        for (seq, mentions) in others {
            self.message(seq, mentions);
        }
    }

    /// Somebody else said something.
    pub(crate) fn message(&mut self, seq: Seq, mentions: bool) {
        if seq > self.read && seq > self.counted_to && self.fresh.len() < UNREAD_MAX as usize {
            self.fresh.push_back((seq, mentions));
        }
    }

    /// The reader has read up to `seq`, here or elsewhere. Answers whether that is news.
    pub(crate) fn read_to(&mut self, seq: Seq) -> bool {
        if seq <= self.read {
            return false;
        }
        self.read = seq;
        if seq >= self.counted_to {
            (self.counted, self.counted_mentions) = (0, 0);
        }
        self.fresh.retain(|(fresh, _)| *fresh > seq);
        true
    }

    pub(crate) fn read(&self) -> Seq {
        self.read
    }

    pub(crate) fn count(&self) -> u32 {
        let fresh = u32::try_from(self.fresh.len()).unwrap_or(UNREAD_MAX);
        self.counted.saturating_add(fresh).min(UNREAD_MAX)
    }

    pub(crate) fn mentions(&self) -> u32 {
        let fresh = self.fresh.iter().filter(|(_, mentions)| *mentions).count();
        self.counted_mentions.saturating_add(u32::try_from(fresh).unwrap_or(UNREAD_MAX)).min(UNREAD_MAX)
    }
}

/// Who is writing in a room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typists(Vec<(UserId, Username, Millis)>);

impl Typists {
    /// Somebody wrote something just now.
    pub(crate) fn typing(&mut self, user: UserId, name: Username, now: Millis) {
        self.stopped(user);
        if self.0.len() < TYPING_MAX_NAMED {
            self.0.push((user, name, now + TYPING_SHOWN_MS));
        }
    }

    /// Somebody stopped, or sent what they wrote.
    pub(crate) fn stopped(&mut self, user: UserId) {
        self.0.retain(|(id, ..)| *id != user);
    }

    /// Forgets those who have not written for a while.
    pub(crate) fn expire(&mut self, now: Millis) {
        self.0.retain(|(.., until)| *until > now);
    }

    pub(crate) fn wake_at(&self) -> Option<Millis> {
        self.0.iter().map(|(.., until)| *until).min()
    }

    pub(crate) fn names(&self) -> Vec<Username> {
        self.0.iter().map(|(_, name, _)| name.clone()).collect()
    }
}

/// A page that is being fetched.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) ticket: u64,
    pub(crate) tries: u32,
}

/// A whole window that is being fetched, and the events that come meanwhile: the page may be older than they are.
#[derive(Debug)]
pub(crate) struct Arriving {
    pub(crate) errand: Errand,
    pub(crate) place: Place,
    pub(crate) missed: Vec<Event>,
}

/// Messages that could not be had when they were asked for last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Failed {
    /// Those before the window.
    pub(crate) older: bool,
    /// Those after it.
    pub(crate) newer: bool,
    /// Another window.
    pub(crate) window: Option<Place>,
}

/// One room.
#[derive(Debug)]
pub(crate) struct RoomState {
    pub(crate) room: Room,
    pub(crate) existence: Existence,
    pub(crate) epoch: Option<Epoch>,
    /// The last event that is known of.
    pub(crate) head: Seq,
    pub(crate) unread: Unread,
    pub(crate) here: Present,
    pub(crate) typists: Typists,
    /// Its messages; only of rooms that were open lately.
    pub(crate) timeline: Option<Timeline>,
    pub(crate) arriving: Option<Arriving>,
    pub(crate) older: Option<Errand>,
    pub(crate) newer: Option<Errand>,
    pub(crate) failed: Failed,
    /// When it was last opened, as a count of openings.
    pub(crate) opened: u64,
    /// Whether the session follows it: one connection follows only so many.
    pub(crate) followed: bool,
}

impl RoomState {
    /// A room of the list.
    pub(crate) fn new(summary: RoomSummary) -> Self {
        Self {
            unread: Unread::new(&summary),
            existence: Existence::There,
            epoch: Some(summary.epoch),
            head: summary.head,
            ..Self::unknown(summary.room)
        }
    }

    /// A room of which nothing is known but its address.
    pub(crate) fn unknown(room: Room) -> Self {
        Self {
            room,
            existence: Existence::Unknown,
            epoch: None,
            head: Seq::ZERO,
            unread: Unread {
                read: Seq::ZERO,
                counted: 0,
                counted_mentions: 0,
                counted_to: Seq::ZERO,
                fresh: VecDeque::new(),
            },
            here: Present::default(),
            typists: Typists::default(),
            timeline: None,
            arriving: None,
            older: None,
            newer: None,
            failed: Failed::default(),
            opened: 0,
            followed: false,
        }
    }

    pub(crate) fn slug(&self) -> &RoomSlug {
        &self.room.slug
    }

    pub(crate) fn entry(&self) -> RoomEntry {
        RoomEntry {
            room: self.room.clone(),
            unread: self.unread.count(),
            mentions: self.unread.mentions(),
            existence: self.existence,
        }
    }

    /// Whether the list of rooms has it.
    pub(crate) fn is_listed(&self) -> bool {
        self.existence == Existence::There
    }

    /// Where to resume from: the messages held must not miss anything.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        match &self.timeline {
            Some(timeline) => Some(timeline.cursor()),
            None => self.epoch.clone().map(|epoch| Cursor { epoch, after: self.head }),
        }
    }

    /// Whether the page of that number is on its way.
    pub(crate) fn awaits(&self, ticket: u64) -> bool {
        let errands = [
            self.arriving.as_ref().map(|arriving| &arriving.errand),
            self.older.as_ref(),
            self.newer.as_ref(),
        ];
        errands.into_iter().flatten().any(|errand| errand.ticket == ticket)
    }

    /// Lets go of the messages and of everything that is being fetched for them.
    pub(crate) fn let_go(&mut self) {
        self.timeline = None;
        self.arriving = None;
        self.older = None;
        self.newer = None;
        self.failed = Failed::default();
    }
}
