//! Public rooms that were looked up before. What is said in them needs no question to the store before it is stored, and
//! what is said at the same moment arrives there together.
//!
//! A room that is public stays public: there is no use case that changes it. One that did would have to forget it here first.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use protocol::RoomSlug;

use crate::store::RoomId;

/// Most rooms that are remembered; where there are more, some are looked up each time.
const KNOWN_MAX: usize = 1_024;

/// Open to everybody who is signed in.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenRooms(Arc<RwLock<HashMap<RoomSlug, RoomId>>>);

impl OpenRooms {
    pub(super) fn get(&self, slug: &RoomSlug) -> Option<RoomId> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(slug).copied()
    }

    /// Remembers a public room.
    pub(super) fn remember(&self, slug: &RoomSlug, room: RoomId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < KNOWN_MAX {
            known.insert(slug.clone(), room);
        }
    }
}
