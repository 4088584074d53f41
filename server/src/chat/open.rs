//! Public rooms that were looked up before. What is said in them needs no question to the store before it is stored, and
//! what is said at the same moment arrives there together.
//!
//! A room that is public stays public: there is no use case that changes it. One that did would have to forget it here first.

use std::sync::Arc;

use protocol::RoomSlug;
use quick_cache::sync::Cache;

use crate::store::RoomId;

/// Most rooms that are remembered: of more, those in which something is said again and again.
const KNOWN_MAX: usize = 4_096;

/// Open to everybody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct OpenRooms(Arc<Cache<RoomSlug, RoomId>>);

impl OpenRooms {
    pub(super) fn get(&self, slug: &RoomSlug) -> Option<RoomId> {
        self.0.get(slug)
    }

    /// Remembers a public room.
    pub(super) fn remember(&self, slug: &RoomSlug, room: RoomId) {
        self.0.insert(slug.clone(), room);
    }
}

impl Default for OpenRooms {
    fn default() -> Self {
        Self(Arc::new(Cache::new(KNOWN_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_in_which_much_is_said_is_remembered_however_many_there_are() {
        let open = OpenRooms::default();
        let slug = |n: usize| -> RoomSlug { format!("room-{n}").parse().unwrap() };
        let id = |n: usize| RoomId(i64::try_from(n).unwrap());
        for n in 0..4 * KNOWN_MAX {
            open.remember(&slug(n), id(n));
        }
        assert!(open.0.len() <= KNOWN_MAX);
        let busy = 4 * KNOWN_MAX;
        open.remember(&slug(busy), id(busy));
        for n in 0..KNOWN_MAX / 8 {
            open.remember(&slug(n), id(n));
            assert_eq!(open.get(&slug(busy)), Some(id(busy)), "after {n} others");
        }
    }
}
