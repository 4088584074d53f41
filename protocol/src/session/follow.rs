//! One room that is followed: its events put in order, and its holes noticed.
//!
//! The promise: after a snapshot or a cursor, each event comes out once, in order. Events that come early wait here, a
//! bounded number of them; what comes twice is dropped; a hole that stays is healed by joining again.

use super::{HOLE_WAIT_MS, Millis, Output, READ_INTERVAL_MS, REPLAY_WAIT_MS, Standing};
use crate::{
    event::Event,
    frame::{ClientFrame, History, Joined, NoReplay},
    ids::{Cursor, RoomSlug, Seq},
    limits::TYPING_INTERVAL_MS,
};

/// After so many joins in vain the wait for the next does not grow any more.
const REJOIN_DOUBLINGS_MAX: u32 = 5;

/// A room that is followed.
#[derive(Debug)]
pub(super) struct Follow {
    room: RoomSlug,
    /// Which of the driver's joins this is, so that the answer to an earlier one is not taken for the answer to this.
    generation: u32,
    cursor: Option<Cursor>,
    /// Whether the room was joined on this connection.
    is_live: bool,
    /// Joins on this connection that are not answered.
    unanswered: u32,
    /// The last event there was when the room was joined.
    head: Seq,
    /// Events that came before their turn, in order.
    early: Vec<Event>,
    reorder_max: usize,
    /// Whether an early event had to be dropped.
    has_overflowed: bool,
    /// Since when events are missing; moved on by each that comes out.
    gap_since: Option<Millis>,
    /// Joins in a row that did not close the gap.
    rejoins: u32,
    /// When to join again after a refusal for now.
    retry_at: Option<Millis>,
    typing_at: Option<Millis>,
    read: ReadMark,
}

impl Follow {
    pub(super) fn new(room: RoomSlug, cursor: Option<Cursor>, generation: u32, reorder_max: usize) -> Self {
        Self {
            room,
            generation,
            cursor,
            is_live: false,
            unanswered: 0,
            head: Seq::ZERO,
            early: Vec::new(),
            reorder_max,
            has_overflowed: false,
            gap_since: None,
            rejoins: 0,
            retry_at: None,
            typing_at: None,
            read: ReadMark::default(),
        }
    }

    /// The same room, joined anew by the driver.
    pub(super) fn again(self, cursor: Option<Cursor>, generation: u32) -> Self {
        let Self { room, reorder_max, typing_at, read, .. } = self;
        Self { typing_at, read, ..Self::new(room, cursor, generation, reorder_max) }
    }

    pub(super) fn room(&self) -> &RoomSlug {
        &self.room
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// The connection is gone, and with it every subscription.
    pub(super) fn disconnected(&mut self) {
        self.is_live = false;
        self.unanswered = 0;
        self.early.clear();
        self.has_overflowed = false;
        self.gap_since = None;
        self.rejoins = 0;
        self.retry_at = None;
        self.read.sent = Seq::ZERO;
    }

    /// The frame that joins the room from where it stands now.
    pub(super) fn join(&mut self) -> ClientFrame {
        self.unanswered += 1;
        self.retry_at = None;
        let (epoch, after) = match self.cursor.clone() {
            Some(Cursor { epoch, after }) => (Some(epoch), Some(after)),
            None => (None, None),
        };
        ClientFrame::Join { room: self.room.clone(), epoch, after }
    }

    /// A join was answered, with whatever.
    pub(super) fn answered(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// Takes in what a join brought.
    pub(super) fn joined(&mut self, mut joined: Box<Joined>, now: Millis, out: &mut Vec<Output>) {
        self.answered();
        self.retry_at = None;
        let same_epoch = self.cursor.as_ref().is_some_and(|cursor| cursor.epoch == joined.epoch);
        let events = match &mut joined.history {
            History::Replay { events } if same_epoch => std::mem::take(events),
            // A replay of something else than what is held: ask for everything anew.
            History::Replay { .. } => {
                self.refuse_cursor(now);
                return;
            }
            // Events came in since the snapshot was asked for, and what is held is newer.
            History::Snapshot { reason, .. }
                if same_epoch && *reason != NoReplay::CursorAhead && joined.head <= self.after() =>
            {
                Vec::new()
            }
            History::Snapshot { reason, .. } => {
                let same_life = same_epoch && *reason != NoReplay::CursorAhead;
                self.take_snapshot(joined, same_life, now, out);
                return;
            }
        };
        self.is_live = true;
        self.head = joined.head;
        self.read.confirm(joined.read);
        let Joined { room, head, read, here, here_count, .. } = *joined;
        let standing = Box::new(Standing { room, head, read, here: here.into_vec(), here_count });
        out.push(Output::Resumed { room: self.room.clone(), standing });
        for event in events {
            self.merge(event, now, out);
        }
        self.watch_gap(false, now);
    }

    fn take_snapshot(&mut self, joined: Box<Joined>, same_life: bool, now: Millis, out: &mut Vec<Output>) {
        self.is_live = true;
        self.head = joined.head;
        self.cursor = Some(Cursor { epoch: joined.epoch.clone(), after: joined.head });
        if same_life {
            self.read.confirm(joined.read);
        } else {
            self.early.clear();
            self.read.restart(joined.read);
        }
        out.push(Output::Snapshot { room: self.room.clone(), joined });
        self.drain_early(out);
        self.watch_gap(true, now);
    }

    /// The server could not read the cursor, or did not keep to it: what is held is worth nothing.
    pub(super) fn refuse_cursor(&mut self, now: Millis) {
        self.cursor = None;
        self.is_live = false;
        self.early.clear();
        self.gap_since = None;
        self.retry_at = Some(now + self.patience(HOLE_WAIT_MS));
        self.rejoins = self.rejoins.saturating_add(1);
    }

    /// The server does not let this user in for now; `wait` makes of the number of refusals how long to wait.
    pub(super) fn refuse_for_now(&mut self, now: Millis, wait: impl FnOnce(u32) -> Millis) {
        self.answered();
        self.retry_at = Some(now + wait(self.rejoins));
        self.rejoins = self.rejoins.saturating_add(1);
    }

    /// Takes in an event, which may come early or twice.
    pub(super) fn merge(&mut self, event: Event, now: Millis, out: &mut Vec<Output>) {
        let Some(cursor) = &mut self.cursor else { return };
        // Before the answer to the join nobody knows which life of the log an event belongs to. It comes again.
        if !self.is_live || event.seq <= cursor.after {
            return;
        }
        let comes_out = event.seq == cursor.after.next();
        if comes_out {
            cursor.after = event.seq;
            out.push(Output::Event(event));
            self.drain_early(out);
        } else if let Err(index) = self.early.binary_search_by_key(&event.seq, |early| early.seq) {
            if self.early.len() < self.reorder_max {
                self.early.insert(index, event);
            } else {
                self.has_overflowed = true;
            }
        }
        self.watch_gap(comes_out, now);
    }

    /// Lets out what follows on the cursor, and drops what lies before it.
    fn drain_early(&mut self, out: &mut Vec<Output>) {
        let Some(cursor) = &mut self.cursor else { return };
        let mut taken = 0;
        let mut after = cursor.after;
        for event in &self.early {
            if event.seq > after.next() {
                break;
            }
            taken += 1;
            after = after.max(event.seq);
        }
        for event in self.early.drain(..taken) {
            if event.seq > cursor.after {
                cursor.after = event.seq;
                out.push(Output::Event(event));
            }
        }
    }

    /// Whether the rest of a replay is still on its way.
    pub(super) fn is_catching_up(&self) -> bool {
        self.is_live && self.after() < self.head
    }

    fn after(&self) -> Seq {
        self.cursor.as_ref().map_or(Seq::ZERO, |cursor| cursor.after)
    }

    /// Starts, moves on or ends the watch over missing events.
    fn watch_gap(&mut self, has_progressed: bool, now: Millis) {
        if self.early.is_empty() && self.after() >= self.head && !self.has_overflowed {
            self.gap_since = None;
            self.rejoins = 0;
        } else if has_progressed || self.gap_since.is_none() {
            self.gap_since = Some(now);
        }
    }

    fn patience(&self, wait: Millis) -> Millis {
        wait << self.rejoins.min(REJOIN_DOUBLINGS_MAX)
    }

    /// When to join again; `None` while there is no need, or an answer is awaited.
    pub(super) fn rejoin_at(&self) -> Option<Millis> {
        if self.unanswered > 0 {
            return None;
        }
        let gap = self.gap_since.map(|since| match (self.has_overflowed, self.early.is_empty()) {
            (true, _) if self.rejoins == 0 => since,
            (false, true) => since + self.patience(REPLAY_WAIT_MS),
            _ => since + self.patience(HOLE_WAIT_MS),
        });
        [self.retry_at, gap].into_iter().flatten().min()
    }

    /// The join that closes a gap or repeats a refused one, if it is due.
    pub(super) fn take_rejoin(&mut self, now: Millis) -> Option<ClientFrame> {
        self.rejoin_at().filter(|&at| at <= now)?;
        if self.gap_since.is_some() {
            self.gap_since = Some(now);
            self.has_overflowed = false;
            self.rejoins = self.rejoins.saturating_add(1);
        }
        Some(self.join())
    }

    /// Whether to tell the server now that the user is writing.
    pub(super) fn take_typing(&mut self, now: Millis) -> Option<ClientFrame> {
        if !self.is_live || self.typing_at.is_some_and(|at| now < at + TYPING_INTERVAL_MS) {
            return None;
        }
        self.typing_at = Some(now);
        Some(ClientFrame::Typing { room: self.room.clone() })
    }

    /// The user has said what they were writing: others take them for done, so that the next key is news again.
    pub(super) fn said(&mut self) {
        self.typing_at = None;
    }

    /// The user has read up to `seq`.
    pub(super) fn want_read(&mut self, seq: Seq) {
        self.read.wanted = self.read.wanted.max(seq);
    }

    /// The server says up to where the user has read.
    pub(super) fn confirm_read(&mut self, seq: Seq) {
        self.read.confirm(seq);
    }

    pub(super) fn read_at(&self) -> Option<Millis> {
        (self.is_live && self.read.is_open()).then_some(self.read.next_at)
    }

    /// The read position, if it is to be sent now.
    pub(super) fn take_read(&mut self, now: Millis) -> Option<ClientFrame> {
        self.read_at().filter(|&at| at <= now)?;
        self.read.sent = self.read.wanted;
        self.read.next_at = now + READ_INTERVAL_MS;
        Some(ClientFrame::Read { room: self.room.clone(), seq: self.read.wanted })
    }
}

/// How far the user has read a room, and how much of that the server knows. It only goes forward.
#[derive(Debug, Default)]
struct ReadMark {
    wanted: Seq,
    /// Sent on this connection.
    sent: Seq,
    confirmed: Seq,
    next_at: Millis,
}

impl ReadMark {
    fn confirm(&mut self, seq: Seq) {
        self.confirmed = self.confirmed.max(seq);
    }

    /// Another life of the log: positions of the old one mean nothing.
    fn restart(&mut self, confirmed: Seq) {
        *self = Self { confirmed, ..Self::default() };
    }

    fn is_open(&self) -> bool {
        self.wanted > self.sent.max(self.confirmed)
    }
}
