//! The newest page of rooms, as it was read last: it is what everybody asks for who comes in. It holds as long as nothing is
//! appended to the room, for whatever changes a message is an event of its log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{Message, Seq, timeline::Page};
use quick_cache::unsync::Cache;

use crate::store::{RoomId, StoreError};

/// Most rooms whose page is remembered; one more, and one that is seldom asked for is read anew.
const ROOMS_MAX: usize = 256;
/// A page with more words and reactions than this is not remembered, in bytes.
const PAGE_MAX_BYTES: usize = 32 * 1024;
/// What one person's reaction takes, in bytes: who it is, and the name.
const REACTOR_BYTES: usize = 80;

/// Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Newest(Arc<Mutex<Rooms>>);

#[derive(Debug)]
struct Rooms {
    known: Cache<RoomId, Known>,
    /// How many were entered in all.
    entered: u64,
}

impl Default for Rooms {
    fn default() -> Self {
        Self { known: Cache::new(ROOMS_MAX), entered: 0 }
    }
}

/// What is known of a room that somebody has asked for.
#[derive(Debug)]
struct Known {
    /// Which of all that were entered it is: of one that was forgotten meanwhile, what was noted is not known any more.
    entry: u64,
    /// No page of before this event is the newest any more.
    head: Seq,
    /// The page, and how many messages were asked for.
    page: Option<(u32, Page)>,
}

impl Newest {
    /// The newest page of at most `limit` messages: as it is remembered, or else as `read` finds it.
    pub(super) async fn page(
        &self,
        room: RoomId,
        limit: u32,
        read: impl AsyncFnOnce() -> Result<Page, StoreError>,
    ) -> Result<Page, StoreError> {
        let entry = match self.recall(room, limit) {
            Ok(page) => return Ok(page),
            Err(entry) => entry,
        };
        let page = read().await?;
        self.remember(room, limit, &page, entry);
        Ok(page)
    }

    /// The page, if it is remembered. If not, the entry in which is noted from now on what is appended, so that a page which is being
    /// read meanwhile is not taken for the newest.
    fn recall(&self, room: RoomId, limit: u32) -> Result<Page, u64> {
        let mut rooms = self.lock();
        if let Some(known) = rooms.known.get(&room) {
            return match &known.page {
                Some((asked, page)) if *asked == limit => Ok(page.clone()),
                _ => Err(known.entry),
            };
        }
        rooms.entered += 1;
        let entry = rooms.entered;
        rooms.known.insert(room, Known { entry, head: Seq::ZERO, page: None });
        Err(entry)
    }

    fn remember(&self, room: RoomId, limit: u32, page: &Page, entry: u64) {
        if page.messages.iter().map(weight).sum::<usize>() > PAGE_MAX_BYTES {
            return;
        }
        let mut rooms = self.lock();
        if let Some(mut known) = rooms.known.peek_mut(&room)
            && known.entry == entry
            && known.head <= page.head
        {
            known.page = Some((limit, page.clone()));
        }
    }

    /// Takes note of what was appended. To be called when it can be read and before anybody is told.
    pub(super) fn note(&self, appended: impl Iterator<Item = (RoomId, Seq)>) {
        let mut rooms = self.lock();
        for (room, seq) in appended {
            if let Some(mut known) = rooms.known.peek_mut(&room) {
                known.head = seq;
                known.page = None;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rooms> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a message takes beside what every message does, in bytes.
fn weight(message: &Message) -> usize {
    let words = message.content.as_ref().map_or(0, |content| content.as_str().len());
    let quoted = message.quote.as_ref().and_then(|quote| quote.excerpt.as_ref()).map_or(0, String::len);
    let reactors: usize = message.reactions.iter().map(|reaction| reaction.users.len()).sum();
    words + quoted + reactors * REACTOR_BYTES
}

#[cfg(test)]
mod tests {
    use protocol::Shared;

    use super::*;

    const ROOM: RoomId = RoomId(1);

    fn seq(n: u64) -> Seq {
        Seq::new(n).unwrap()
    }

    fn page(head: u64) -> Page {
        let epoch = "e1".parse().unwrap();
        Page {
            epoch,
            head: seq(head),
            messages: Shared::default(),
            has_more_before: false,
            has_more_after: false,
        }
    }

    /// The head of the page that is found; what would be read is at `stored`.
    async fn found(newest: &Newest, limit: u32, stored: u64) -> u64 {
        newest.page(ROOM, limit, async || Ok(page(stored))).await.unwrap().head.get()
    }

    #[tokio::test]
    async fn a_page_holds_until_something_is_appended() {
        let newest = Newest::default();
        assert_eq!(found(&newest, 50, 1).await, 1);
        assert_eq!(found(&newest, 50, 99).await, 1, "it was remembered");
        assert_eq!(found(&newest, 20, 2).await, 2, "fewer messages are another page");
        newest.note([(ROOM, seq(3))].into_iter());
        assert_eq!(found(&newest, 20, 3).await, 3);
    }

    #[tokio::test]
    async fn a_page_that_was_read_before_something_was_appended_is_not_remembered() {
        let newest = Newest::default();
        let read = async || {
            newest.note([(ROOM, seq(2))].into_iter());
            Ok(page(1))
        };
        assert_eq!(newest.page(ROOM, 50, read).await.unwrap().head, seq(1));
        assert_eq!(found(&newest, 50, 2).await, 2);
    }

    #[tokio::test]
    async fn nor_is_one_that_was_read_before_the_note_was_forgotten() {
        let newest = Newest::default();
        let read = async || {
            newest.note([(ROOM, seq(2))].into_iter());
            // Rooms that are asked for again take the place of those that are not.
            for room in (100..1_000).flat_map(|room| [room, room]) {
                newest.page(RoomId(room), 50, async || Ok(page(1))).await?;
            }
            assert!(!newest.lock().known.contains_key(&ROOM));
            // Somebody else begins to read.
            assert!(newest.recall(ROOM, 50).is_err());
            Ok(page(1))
        };
        newest.page(ROOM, 50, read).await.unwrap();
        assert_eq!(found(&newest, 50, 2).await, 2);
    }

    #[tokio::test]
    async fn as_many_rooms_are_remembered_as_are_read_and_no_more() {
        let newest = Newest::default();
        for room in 0..1_000 {
            newest.page(RoomId(room), 50, async || Ok(page(1))).await.unwrap();
            assert!(newest.lock().known.len() <= ROOMS_MAX);
        }
        newest.note([(RoomId(5_000), seq(1))].into_iter());
        assert!(!newest.lock().known.contains_key(&RoomId(5_000)), "nobody asks for it");
    }
}
