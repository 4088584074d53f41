//! What the session brings: events, snapshots, acknowledgements, and what others do right now.

use protocol::{
    ErrorCode, Event, EventKind, Message, OpId, RoomSlug, Seq, ServerFrame, Timeline,
    api::RoomSummary,
    frame::{Joined, Left, Presence, Read, RoomChanged, Typing},
    markdown,
    session::{Millis, Output, Standing},
    timeline::{Applied, Keep},
};

use super::{
    ANNOUNCED_MAX_MESSAGES, Ask, Model, WINDOW_MAX_MESSAGES, WINDOW_SLACK_MESSAGES, mentions,
    paging::room_called,
};
use crate::{
    source::Place,
    state::{
        Cause, Existence,
        room::{Present, RoomState},
    },
};

impl Model {
    /// Takes in what the session says. What concerns only its driver (the socket, the storage) is passed over.
    pub(super) fn follow(&mut self, output: Output, now: Millis, asks: &mut Vec<Ask>) {
        match output {
            Output::Event(event) => self.event(&event),
            Output::Snapshot { room, joined } => self.snapshot(&room, *joined),
            Output::Resumed { room, standing } => self.resumed(&room, *standing, asks),
            Output::JoinRefused { room, refusal } => self.join_refused(&room, refusal.code),
            Output::Acked { id, room, seq, .. } => self.acked(id, &room, seq),
            Output::Refused { id, refusal } => self.echoes.failed(id, Cause::Refused(refusal.code)),
            Output::Discarded { id } => self.echoes.discarded(id),
            Output::Notice(frame) => self.notice(frame, now, asks),
            Output::Status(status) => self.link.status(status, now),
            Output::Connect
            | Output::Disconnect
            | Output::Transmit(_)
            | Output::Welcomed { .. }
            | Output::Queued(_) => {}
        }
    }

    /// An operation has its number in the log of `room`. Of a room that is gone no event will come.
    pub(super) fn acked(&mut self, id: OpId, room: &RoomSlug, seq: Seq) {
        let there = self.index(room).filter(|&index| self.rooms[index].existence != Existence::Missing);
        let head = match there {
            // While the open room's messages are still to come, nothing else shows it.
            Some(index) if index == self.open && self.room().timeline.is_none() => Seq::ZERO,
            Some(index) => self.rooms[index].head,
            None => Seq::MAX,
        };
        self.echoes.acked(id, seq, head);
    }

    fn event(&mut self, event: &Event) {
        let Some(index) = self.index(&event.room) else { return };
        let is_open = index == self.open;
        let in_sight = is_open && self.visible && self.at_bottom;
        let room = &mut self.rooms[index];
        room.head = room.head.max(event.seq);
        Self::keep_for_arriving(room, event);
        let applied = room.timeline.as_mut().map(|timeline| timeline.apply(event));
        if let Some(timeline) = &mut room.timeline {
            // Somebody reads further up: rather than pull the ground away from under them, let go of the far end.
            let (max, keep) = if is_open && !self.at_bottom {
                (WINDOW_MAX_MESSAGES + WINDOW_SLACK_MESSAGES, Keep::Oldest)
            } else {
                (WINDOW_MAX_MESSAGES, Keep::Newest)
            };
            if timeline.len() > max {
                timeline.trim(WINDOW_MAX_MESSAGES, keep);
            }
        }
        if matches!(event.kind, EventKind::Message { .. } | EventKind::Edited { .. }) {
            room.typists.stopped(event.user_id);
        }
        if !is_open || room.timeline.is_some() {
            self.echoes.applied(&event.room, event.seq);
        }
        if applied != Some(Applied::Repeated) {
            self.message_of_others(index, event, in_sight);
        }
    }

    /// Counts and announces what somebody else said.
    fn message_of_others(&mut self, index: usize, event: &Event, in_sight: bool) {
        let EventKind::Message { content: Some(content), .. } = &event.kind else { return };
        if event.user_id == self.me.id {
            return;
        }
        let mentions = mentions(content, &self.me.username);
        self.rooms[index].unread.message(event.seq, mentions);
        if index != self.open {
            return;
        }
        if !in_sight {
            self.unseen = self.unseen.saturating_add(1);
        }
        if let Some(since) = self.away_since.take() {
            self.new_after = Some(since);
        }
        if self.news.len() >= ANNOUNCED_MAX_MESSAGES {
            self.news.remove(0);
        }
        self.news.push(format!("{}: {}", event.username, markdown::parse(&content.excerpt()).plain_text()));
    }

    /// Replaces what is held of a room.
    fn snapshot(&mut self, slug: &RoomSlug, joined: Joined) {
        let Some(index) = self.index(slug) else { return };
        let Joined { room, head, read, here, here_count, .. } = joined.clone();
        let Some(page) = joined.into_page() else { return };
        let me = self.me.clone();
        let is_open = index == self.open;
        let state = &mut self.rooms[index];
        let others =
            page.messages.iter().filter(|message| message.user_id != me.id && message.content.is_some());
        let mentions = |message: &Message| {
            message.content.as_ref().is_some_and(|content| mentions(content, &me.username))
        };
        state.unread.recount(read, head, others.map(|message| (message.seq, mentions(message))));
        state.room = room;
        state.existence = Existence::There;
        state.head = head;
        state.epoch = Some(page.epoch.clone());
        state.here = Present::of(here.into_vec(), here_count, &me);
        state.let_go();
        if is_open {
            state.timeline = Some(Timeline::new(page));
            self.window += 1;
            self.entries.clear();
            self.unseen = 0;
            self.mark_news();
        }
        self.echoes.replaced(slug);
    }

    /// What is held stays valid, and what could not be shown at all can be had now. Whoever reads something is left there.
    fn resumed(&mut self, slug: &RoomSlug, standing: Standing, asks: &mut Vec<Ask>) {
        let Some(index) = self.index(slug) else { return };
        let state = &mut self.rooms[index];
        let Standing { room, read, here, here_count, .. } = standing;
        state.room = room;
        state.unread.read_to(read);
        state.here = Present::of(here, here_count, &self.me);
        if index == self.open && self.room().timeline.is_none() {
            self.fetch_again(asks);
        }
    }

    /// The session does not follow a room.
    fn join_refused(&mut self, slug: &RoomSlug, code: ErrorCode) {
        if is_absence(code) {
            return self.lost(slug);
        }
        let Some(index) = self.index(slug) else { return };
        let room = &mut self.rooms[index];
        room.followed = false;
        room.here = Present::default();
        if room.timeline.is_none() && room.arriving.is_none() {
            let place = self.target.filter(|_| index == self.open).map_or(Place::Newest, Place::Around);
            room.failed.window.get_or_insert(place);
        }
    }

    /// A room is not there for this user, be it never or not any more. Of the open one that is said.
    pub(super) fn lost(&mut self, slug: &RoomSlug) {
        let Some(index) = self.index(slug) else { return };
        self.echoes.replaced(slug);
        if index != self.open {
            self.remove_room(index);
            return;
        }
        let nothing = RoomState::unknown(room_called(slug));
        let opened = self.room().opened;
        *self.room_mut() = RoomState { existence: Existence::Missing, opened, ..nothing };
        self.target = None;
        self.is_target_missing = false;
        self.leave_room();
        self.mark_news();
        self.window += 1;
    }

    fn notice(&mut self, frame: ServerFrame, now: Millis, asks: &mut Vec<Ask>) {
        match frame {
            ServerFrame::Presence(Presence { room, here, gone, count }) => {
                if let Some(index) = self.index(&room) {
                    let state = &mut self.rooms[index];
                    for user in &gone {
                        state.typists.stopped(*user);
                    }
                    state.here.change(here, &gone, count, &self.me);
                }
            }
            ServerFrame::Typing(Typing { room, user_id, username }) => {
                if let Some(index) = self.index(&room).filter(|_| user_id != self.me.id) {
                    self.rooms[index].typists.typing(user_id, username, now);
                }
            }
            ServerFrame::Read(Read { room, seq }) => {
                if let Some(index) = self.index(&room) {
                    self.rooms[index].unread.read_to(seq);
                }
            }
            ServerFrame::Room(RoomChanged { room, epoch, head }) => {
                self.add_room(RoomSummary { room, epoch, head, read: head, unread: 0, mentions: 0 }, asks);
            }
            // The answer to leaving a room that was given up for another is no news.
            ServerFrame::Left(Left { room }) if self.is_following(&room) => self.lost(&room),
            _ => {}
        }
    }
}

/// Whether a refusal says that there is no such room, as far as this user may know.
pub(super) fn is_absence(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::RoomNotFound | ErrorCode::Forbidden)
}
