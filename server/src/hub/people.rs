//! Who is in one room. A person counts once, however many connections they have; at most
//! [`PRESENCE_MAX_NAMED`] are named, the ones who came first, and the same ones to everybody.
//!
//! What readers were told last is kept as one shared snapshot, so that a change is the difference of two snapshots
//! and a reader who was told an older one can be brought up to date exactly.

use std::{
    collections::{BTreeMap, HashMap},
    ptr,
    sync::{Arc, OnceLock},
};

use protocol::{
    RoomSlug, ServerFrame, Shared, UserId, api::User, frame::Presence, limits::PRESENCE_MAX_NAMED,
};

use super::Present;

/// The people of one room.
#[derive(Debug, Default)]
pub(super) struct People {
    here: HashMap<UserId, Person>,
    /// By the order of their arrival.
    arrivals: BTreeMap<u64, Arc<User>>,
    next_arrival: u64,
    told: Arc<Told>,
    is_changed: bool,
}

#[derive(Debug)]
struct Person {
    arrival: u64,
    connections: u32,
}

/// What readers were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    named: BTreeMap<UserId, Arc<User>>,
    /// The same for whoever comes in and is one of them already: on another device, say, or again.
    list: OnceLock<Shared<User>>,
    count: u32,
}

impl People {
    /// One more connection of `user`.
    pub(super) fn enter(&mut self, user: &Arc<User>) {
        if let Some(person) = self.here.get_mut(&user.id) {
            person.connections += 1;
            return;
        }
        self.here.insert(user.id, Person { arrival: self.next_arrival, connections: 1 });
        self.arrivals.insert(self.next_arrival, Arc::clone(user));
        self.next_arrival += 1;
        self.is_changed = true;
    }

    /// One connection of `user` less.
    pub(super) fn exit(&mut self, user: UserId) {
        let Some(person) = self.here.get_mut(&user) else { return };
        person.connections -= 1;
        if person.connections == 0 {
            self.arrivals.remove(&person.arrival);
            self.here.remove(&user);
            self.is_changed = true;
        }
    }

    /// Whether there is something to tell.
    pub(super) fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Who is here now.
    pub(super) fn present(&self) -> Present {
        let here = self.arrivals.values().take(PRESENCE_MAX_NAMED).map(|user| User::clone(user)).collect();
        Present { here, count: self.count() }
    }

    /// What the others were told last, so that what they are told next is right for this one too; and `newcomer`, who
    /// need not wait to be told of themselves.
    pub(super) fn present_as_told(&self, newcomer: &User) -> Present {
        let Told { named, list, count } = &*self.told;
        let names = || named.values().map(|user| User::clone(user));
        let here = if named.contains_key(&newcomer.id) || named.len() >= PRESENCE_MAX_NAMED {
            list.get_or_init(|| names().collect()).clone()
        } else {
            names().chain([newcomer.clone()]).collect()
        };
        let count = u32::try_from(here.len()).map_or(*count, |named| named.max(*count));
        Present { here, count }
    }

    /// What readers were told last.
    pub(super) fn told(&self) -> &Arc<Told> {
        &self.told
    }

    /// Tells what has changed: the frame for everybody who was told the state before; none if nothing did.
    pub(super) fn tell(&mut self, room: &RoomSlug) -> Option<ServerFrame> {
        self.is_changed = false;
        let named = self.arrivals.values().take(PRESENCE_MAX_NAMED);
        let named = named.map(|user| (user.id, Arc::clone(user))).collect();
        let now = Told { named, list: OnceLock::new(), count: self.count() };
        let frame = now.since(&self.told, room)?;
        self.told = Arc::new(now);
        Some(frame)
    }

    fn count(&self) -> u32 {
        u32::try_from(self.here.len()).unwrap_or(u32::MAX)
    }
}

impl Told {
    /// What somebody who was told `before` has to hear.
    pub(super) fn since(&self, before: &Self, room: &RoomSlug) -> Option<ServerFrame> {
        if ptr::eq(self, before) || (&self.named, self.count) == (&before.named, before.count) {
            return None;
        }
        let missing_in = |other: &Self, id: &UserId| !other.named.contains_key(id);
        Some(ServerFrame::Presence(Presence {
            room: room.clone(),
            here: self
                .named
                .values()
                .filter(|user| missing_in(before, &user.id))
                .map(|user| User::clone(user))
                .collect(),
            gone: before.named.keys().filter(|id| missing_in(self, id)).copied().collect(),
            count: self.count,
        }))
    }
}

#[cfg(test)]
mod tests {
    use protocol::api::Role;
    use uuid::Uuid;

    use super::*;

    fn user(n: usize) -> Arc<User> {
        let id = UserId(Uuid::from_u128(n as u128));
        Arc::new(User { id, username: format!("user{n}").parse().unwrap(), role: Role::Guest })
    }

    /// The names that came, those that left, and the count.
    fn told(people: &mut People) -> Option<(usize, usize, u32)> {
        match people.tell(&"general".parse().unwrap())? {
            ServerFrame::Presence(Presence { here, gone, count, .. }) => {
                Some((here.len(), gone.len(), count))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn somebody_with_two_connections_is_here_once() {
        let mut people = People::default();
        people.enter(&user(1));
        people.enter(&user(1));
        assert_eq!(told(&mut people), Some((1, 0, 1)));
        people.exit(user(1).id);
        assert!(!people.is_changed());
        people.exit(user(1).id);
        assert_eq!(told(&mut people), Some((0, 1, 0)));
    }

    #[test]
    fn who_comes_and_goes_between_two_frames_is_not_told() {
        let mut people = People::default();
        people.enter(&user(1));
        people.exit(user(1).id);
        assert!(people.is_changed());
        assert_eq!(told(&mut people), None);
    }

    #[test]
    fn in_a_crowd_the_first_are_named_and_all_are_counted() {
        let mut people = People::default();
        for n in 0..PRESENCE_MAX_NAMED + 100 {
            people.enter(&user(n));
        }
        assert_eq!(told(&mut people), Some((PRESENCE_MAX_NAMED, 0, 300)));
        people.enter(&user(900));
        assert_eq!(told(&mut people), Some((0, 0, 301)));
        people.exit(user(7).id);
        assert_eq!(told(&mut people), Some((1, 1, 300)), "the next in line takes the free place");
        assert_eq!(people.present().here.len(), PRESENCE_MAX_NAMED);
        assert_eq!(people.present_as_told(&user(901)).here.len(), PRESENCE_MAX_NAMED);
    }

    #[test]
    fn whoever_was_told_an_older_state_can_be_brought_up_to_date() {
        let mut people = People::default();
        let room = "general".parse().unwrap();
        people.enter(&user(1));
        people.tell(&room);
        let before = Arc::clone(people.told());
        people.enter(&user(2));
        people.tell(&room);
        people.exit(user(1).id);
        people.tell(&room);
        let Some(ServerFrame::Presence(Presence { here, gone, count, .. })) =
            people.told().since(&before, &room)
        else {
            panic!("nothing to tell");
        };
        assert_eq!((here, gone, count), (vec![User::clone(&user(2))], vec![user(1).id], 1));
    }
}
