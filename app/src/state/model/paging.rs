//! Which room is open, which part of it, and what has to be fetched for that.

use protocol::{
    Event, RoomSlug, Seq, Timeline, Topic,
    api::{Room, RoomSummary, Visibility},
    frame::Refusal,
    limits::JOINED_MAX_ROOMS,
    session::Input,
    timeline::{Keep, Page, Stale},
};

use super::{Ask, Fetch, Model, WINDOW_MAX_MESSAGES, follow::is_absence};
use crate::{
    source::Place,
    state::{
        Existence,
        room::{Arriving, Errand, Failed, RoomState},
    },
};

/// Most rooms whose messages are kept, the open one included: switching back to one of them is instant.
const KEPT_MAX_ROOMS: usize = 6;
/// How often a page is fetched again because it was too old to be merged.
const STALE_MAX_TRIES: u32 = 3;
/// Most events kept for a window that is being fetched; beyond it the window is fetched again.
const MISSED_MAX_EVENTS: usize = 1_000;

/// The message that an address points at.
pub(super) fn target(place: Place) -> Option<Seq> {
    match place {
        Place::Around(seq) => Some(seq),
        Place::Newest | Place::Before(_) | Place::After(_) => None,
    }
}

/// A room of which only the address is known, until the server says more.
pub(super) fn room_called(slug: &RoomSlug) -> Room {
    Room {
        slug: slug.clone(),
        name: slug.into(),
        topic: Topic::default(),
        visibility: Visibility::Public,
        invite: None,
    }
}

impl Model {
    /// Shows a room: what is held of it if that is the right part, and else what has to be fetched first.
    pub(super) fn open(&mut self, slug: &RoomSlug, place: Place, asks: &mut Vec<Ask>) {
        let moved = slug != self.open_slug();
        if moved {
            self.move_to(slug, asks);
        }
        self.openings += 1;
        self.room_mut().opened = self.openings;
        self.room_mut().failed = Failed::default();
        self.target = target(place);
        self.is_target_missing = false;
        if self.room().existence == Existence::Missing {
            // Somebody may have made it since.
            self.room_mut().existence = Existence::Unknown;
        }
        self.follow_room(self.open, asks);
        // The page of one that is not known comes with the answer to joining, and so does what it is called.
        let is_known = self.room().existence != Existence::Unknown;
        if is_known && self.holds(place) {
            self.window += 1;
            self.room_mut().arriving = None;
        } else if is_known && !self.is_fetching(place) {
            if moved {
                self.room_mut().let_go();
            }
            self.fetch_window(place, asks);
        }
        if moved {
            self.mark_news();
            self.forget_old_rooms();
        }
    }

    /// Leaves the open room for another. What is in no list is forgotten.
    fn move_to(&mut self, slug: &RoomSlug, asks: &mut Vec<Ask>) {
        self.leave_room();
        let left = self.open;
        self.open = self.index(slug).unwrap_or_else(|| {
            self.rooms.push(RoomState::unknown(room_called(slug)));
            self.rooms.len() - 1
        });
        if !self.rooms[left].is_listed() {
            let room = self.remove_room(left);
            if room.followed {
                asks.push(Ask::Session(Input::Leave { room: room.slug().clone() }));
            }
        }
    }

    /// Takes a room out that is not the open one.
    pub(super) fn remove_room(&mut self, index: usize) -> RoomState {
        if index < self.open {
            self.open -= 1;
        }
        self.rooms.remove(index)
    }

    pub(super) fn is_following(&self, slug: &RoomSlug) -> bool {
        self.index(slug).is_some_and(|index| self.rooms[index].followed)
    }

    /// Marks where the news of the open room begins.
    pub(super) fn mark_news(&mut self) {
        let unread = &self.room().unread;
        self.new_after = (unread.count() > 0).then(|| unread.read());
    }

    /// The page comes into sight or goes out of it. What comes while it is out of sight will be marked as new.
    pub(super) fn see(&mut self, visible: bool) {
        self.visible = visible;
        let all_read = self.room().unread.count() == 0;
        if visible {
            self.away_since = None;
        } else if all_read {
            self.new_after = None;
            self.away_since = Some(self.room().head);
        }
    }

    pub(super) fn want_older(&mut self, asks: &mut Vec<Ask>) {
        let ticket = self.next_ticket();
        let room = self.room_mut();
        // The end that tells of a window which could not be had tries that again.
        let is_told_here = |timeline: &Timeline| room.failed.window.is_some() && timeline.at_end();
        let timeline =
            room.timeline.as_ref().filter(|timeline| timeline.has_older() && !is_told_here(timeline));
        let Some(oldest) = timeline.and_then(Timeline::oldest) else { return self.fetch_again(asks) };
        if room.older.is_none() && room.arriving.is_none() {
            room.failed.older = false;
            room.older = Some(Errand { ticket, tries: 0 });
            asks.push(fetch(room, ticket, Place::Before(oldest)));
        }
    }

    pub(super) fn want_newer(&mut self, asks: &mut Vec<Ask>) {
        let ticket = self.next_ticket();
        let room = self.room_mut();
        let timeline = room.timeline.as_ref().filter(|timeline| !timeline.at_end());
        let Some(newest) = timeline.filter(|_| room.failed.window.is_none()).and_then(Timeline::newest)
        else {
            return self.fetch_again(asks);
        };
        if room.newer.is_none() && room.arriving.is_none() {
            room.failed.newer = false;
            room.newer = Some(Errand { ticket, tries: 0 });
            asks.push(fetch(room, ticket, Place::After(newest)));
        }
    }

    pub(super) fn want_newest(&mut self, asks: &mut Vec<Ask>) {
        if self.target.take().is_some() {
            asks.push(Ask::Readdress(self.open_slug().clone()));
        }
        self.is_target_missing = false;
        if self.holds(Place::Newest) {
            self.at_bottom = true;
            self.room_mut().arriving = None;
            self.room_mut().failed.window = None;
        } else if !self.is_fetching(Place::Newest) {
            self.fetch_window(Place::Newest, asks);
        }
    }

    /// A page has come, or could not be had.
    pub(super) fn fetched(
        &mut self,
        slug: &RoomSlug,
        ticket: u64,
        page: Result<Page, Refusal>,
        asks: &mut Vec<Ask>,
    ) {
        let Some(index) = self.index(slug) else { return };
        // Whoever asked for older messages and has gone back to the end since looks at the newest.
        let keep = if index == self.open && self.at_bottom { Keep::Newest } else { Keep::Oldest };
        let room = &mut self.rooms[index];
        if room.awaits(ticket) && page.as_ref().is_err_and(|refusal| is_absence(refusal.code)) {
            if room.followed {
                asks.push(Ask::Session(Input::Leave { room: slug.clone() }));
            }
            self.lost(slug);
        } else if room.arriving.as_ref().is_some_and(|arriving| arriving.errand.ticket == ticket) {
            self.window_fetched(index, page, asks);
        } else if room.older.as_ref().is_some_and(|errand| errand.ticket == ticket) {
            let merged = merge(room, page, Timeline::prepend, keep);
            let errand = room.older.take();
            let place = room.timeline.as_ref().and_then(Timeline::oldest).map(Place::Before);
            (room.older, room.failed.older) = outcome(room, merged, errand, place, asks);
        } else if room.newer.as_ref().is_some_and(|errand| errand.ticket == ticket) {
            let merged = merge(room, page, Timeline::append, Keep::Newest);
            let errand = room.newer.take();
            let place = room.timeline.as_ref().and_then(Timeline::newest).map(Place::After);
            (room.newer, room.failed.newer) = outcome(room, merged, errand, place, asks);
        }
    }

    /// Says to the session what the reader has seen: everything, while the end of the open room is in sight.
    pub(super) fn read_what_is_seen(&mut self, asks: &mut Vec<Ask>) {
        if !(self.visible && self.at_bottom) {
            return;
        }
        let room = &mut self.rooms[self.open];
        if !room.timeline.as_ref().is_some_and(Timeline::at_end) {
            return;
        }
        self.unseen = 0;
        let seq = room.head;
        if room.unread.read_to(seq) {
            asks.push(Ask::Session(Input::Read { room: room.slug().clone(), seq }));
        }
    }

    /// Adds a room to the list, or learns what has changed of one, and follows it.
    pub(super) fn add_room(&mut self, summary: RoomSummary, asks: &mut Vec<Ask>) {
        if let Some(index) = self.index(&summary.room.slug) {
            let known = &mut self.rooms[index];
            known.room = summary.room;
            // It was asked for in vain, and has been made since: now it is in the list, whoever looks at what.
            if known.existence != Existence::There {
                known.existence = Existence::There;
                self.follow_room(index, asks);
            }
            return;
        }
        let state = RoomState::new(summary);
        let name = state.room.name.as_str().to_lowercase();
        let index = self.rooms.iter().position(|room| room.room.name.as_str().to_lowercase() > name);
        let index = index.unwrap_or(self.rooms.len());
        self.rooms.insert(index, state);
        if index <= self.open {
            self.open += 1;
        }
        self.follow_room(index, asks);
    }

    /// Has the session follow as many rooms as it may, the open one first.
    pub(super) fn follow_rooms(&mut self, asks: &mut Vec<Ask>) {
        self.follow_room(self.open, asks);
        for index in (0..self.rooms.len()).take(JOINED_MAX_ROOMS) {
            self.follow_room(index, asks);
        }
    }

    /// Has the session follow a room, if need be in place of the one that was not opened for longest.
    fn follow_room(&mut self, index: usize, asks: &mut Vec<Ask>) {
        if self.rooms[index].followed {
            return;
        }
        if self.rooms.iter().filter(|room| room.followed).count() >= JOINED_MAX_ROOMS {
            let others = self.rooms.iter_mut().enumerate().filter(|(other, _)| *other != self.open);
            let followed = others.map(|(_, room)| room).filter(|room| room.followed);
            let Some(given_up) = followed.min_by_key(|room| room.opened) else { return };
            given_up.followed = false;
            // Without its events what is held of it grows stale.
            given_up.let_go();
            asks.push(Ask::Session(Input::Leave { room: given_up.slug().clone() }));
        }
        let room = &mut self.rooms[index];
        room.followed = true;
        asks.push(Ask::Session(Input::Join { room: room.slug().clone(), cursor: room.cursor() }));
    }

    /// Keeps an event for a window that is being fetched: its page may be older.
    pub(super) fn keep_for_arriving(room: &mut RoomState, event: &Event) {
        if let Some(arriving) = &mut room.arriving
            && arriving.missed.len() <= MISSED_MAX_EVENTS
        {
            arriving.missed.push(event.clone());
        }
    }

    pub(super) fn leave_room(&mut self) {
        let room = &mut self.rooms[self.open];
        if let Some(timeline) = &mut room.timeline {
            timeline.trim(WINDOW_MAX_MESSAGES, Keep::Newest);
        }
        self.echoes.applied(room.slug(), room.head);
        self.unseen = 0;
        self.at_bottom = false;
        self.away_since = None;
        self.entries.clear();
    }

    /// Whether the window held of the open room is the one that `place` asks for.
    fn holds(&self, place: Place) -> bool {
        self.room().timeline.as_ref().is_some_and(|timeline| match place {
            Place::Newest => timeline.at_end(),
            Place::Around(seq) => timeline.get(seq).is_some(),
            Place::Before(_) | Place::After(_) => false,
        })
    }

    /// After a failure: the window that could not be had is tried again.
    pub(super) fn fetch_again(&mut self, asks: &mut Vec<Ask>) {
        if let Some(place) = self.room().failed.window {
            self.fetch_window(place, asks);
        }
    }

    /// Whether the window that `place` asks for is on its way already.
    fn is_fetching(&self, place: Place) -> bool {
        self.room().arriving.as_ref().is_some_and(|arriving| arriving.place == place)
    }

    /// Points at nothing where the message to point at is not in the window that was fetched for it.
    pub(super) fn look_for_target(&mut self) {
        let timeline = self.room().timeline.as_ref();
        if self.target.is_some_and(|seq| timeline.is_none_or(|timeline| timeline.get(seq).is_none())) {
            self.target = None;
            self.is_target_missing = true;
        }
    }

    /// An address that points at nothing becomes that of the room.
    pub(super) fn readdress(&self, asks: &mut Vec<Ask>) {
        if self.is_target_missing {
            asks.push(Ask::Readdress(self.open_slug().clone()));
        }
    }

    fn fetch_window(&mut self, place: Place, asks: &mut Vec<Ask>) {
        let ticket = self.next_ticket();
        let room = self.room_mut();
        room.failed = Failed::default();
        room.older = None;
        room.newer = None;
        room.arriving = Some(Arriving { errand: Errand { ticket, tries: 0 }, place, missed: Vec::new() });
        asks.push(fetch(room, ticket, place));
    }

    fn window_fetched(&mut self, index: usize, page: Result<Page, Refusal>, asks: &mut Vec<Ask>) {
        let ticket = self.next_ticket();
        let room = &mut self.rooms[index];
        let Some(arriving) = room.arriving.take() else { return };
        let Ok(page) = page else {
            room.failed.window = Some(arriving.place);
            return;
        };
        let Arriving { mut errand, place, mut missed } = arriving;
        let is_whole =
            missed.len() <= MISSED_MAX_EVENTS && room.epoch.as_ref().is_none_or(|epoch| *epoch == page.epoch);
        if !is_whole {
            errand.tries += 1;
            if errand.tries > STALE_MAX_TRIES {
                room.failed.window = Some(place);
            } else {
                errand.ticket = ticket;
                missed.clear();
                room.arriving = Some(Arriving { errand, place, missed });
                asks.push(fetch(room, ticket, place));
            }
            return;
        }
        room.existence = Existence::There;
        room.epoch = Some(page.epoch.clone());
        room.head = room.head.max(page.head);
        let mut timeline = Timeline::new(page);
        for event in &missed {
            timeline.apply(event);
        }
        room.timeline = Some(timeline);
        room.failed = Failed::default();
        self.echoes.applied(room.slug(), room.head);
        if index == self.open {
            self.window += 1;
            self.entries.clear();
            self.look_for_target();
            self.readdress(asks);
            if self.is_target_missing && place != Place::Newest && !self.holds(Place::Newest) {
                self.fetch_window(Place::Newest, asks);
            }
        }
    }

    /// Lets go of the messages of rooms that were not opened for long.
    fn forget_old_rooms(&mut self) {
        let kept: Vec<u64> =
            self.rooms.iter().filter(|room| room.timeline.is_some()).map(|room| room.opened).collect();
        // Counted, not sorted: sorting a few numbers would be more than a kilobyte of the page.
        let is_old =
            |room: &RoomState| kept.iter().filter(|opened| **opened > room.opened).count() >= KEPT_MAX_ROOMS;
        self.rooms.iter_mut().filter(|room| is_old(room)).for_each(RoomState::let_go);
    }

    fn next_ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }
}

fn fetch(room: &RoomState, ticket: u64, place: Place) -> Ask {
    Ask::Fetch(Fetch { ticket, room: room.slug().clone(), place })
}

/// Why a page did not get into the window.
enum NotMerged {
    Stale,
    Failed,
}

fn merge(
    room: &mut RoomState,
    page: Result<Page, Refusal>,
    join: impl FnOnce(&mut Timeline, Page) -> Result<(), Stale>,
    keep: Keep,
) -> Result<(), NotMerged> {
    let page = page.map_err(|_| NotMerged::Failed)?;
    let timeline = room.timeline.as_mut().ok_or(NotMerged::Stale)?;
    join(timeline, page).map_err(|Stale| NotMerged::Stale)?;
    timeline.trim(WINDOW_MAX_MESSAGES, keep);
    Ok(())
}

/// How a fetch ended: whether it failed, or as what it is made again from the edge as it is now, because its page was too old.
fn outcome(
    room: &RoomState,
    merged: Result<(), NotMerged>,
    errand: Option<Errand>,
    place: Option<Place>,
    asks: &mut Vec<Ask>,
) -> (Option<Errand>, bool) {
    match (merged, errand, place) {
        (Ok(()), ..) => (None, false),
        (Err(NotMerged::Stale), Some(errand), Some(place)) if errand.tries < STALE_MAX_TRIES => {
            asks.push(fetch(room, errand.ticket, place));
            (Some(Errand { tries: errand.tries + 1, ..errand }), false)
        }
        (Err(_), ..) => (None, true),
    }
}
