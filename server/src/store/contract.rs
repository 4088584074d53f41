//! The checks that every form of the store passes. A form calls [`store_contract`] in its tests with how to open an
//! empty store.

use std::{any::Any, collections::VecDeque, sync::Arc};

use protocol::{
    Event, Message, Op, OpId, OpKind, RoomSlug, Seq, Timestamp, UserId,
    api::{Role, User, Visibility},
};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    AppendError, Appended, Committed, NewRoom, PageAt, RoomId, RoomRecord, Session, Store, TokenHash,
};
use crate::auth::username_key;

pub(crate) mod log;
pub(crate) mod pages;
pub(crate) mod people;
pub(crate) mod rooms;

/// Makes one test of each check. `$open` is an async function that answers an empty [`Opened`] store.
macro_rules! store_contract {
    ($open:path) => {
        $crate::store::contract::store_contract!($open; log:
            events_are_numbered_without_a_hole
            a_repeat_gets_the_first_answer_and_changes_nothing
            repeats_at_the_same_time_are_one_event
            an_id_of_another_room_is_a_conflict
            an_id_of_something_else_is_a_conflict
            a_repeat_of_what_cannot_be_done_any_more_gets_the_first_answer
            two_authors_may_use_the_same_id
            what_cannot_be_done_is_refused_and_leaves_no_event
            one_refusal_spoils_nobody_elses_operation
            events_are_read_in_order_from_any_place
            many_writers_make_one_order_and_it_is_published_in_it
            an_event_is_published_though_its_author_has_gone
            deleted_words_are_gone_from_the_log
            quotes_show_what_the_message_says_now
            a_message_holds_a_bounded_number_of_reactions
            the_crowd_on_a_message_is_bounded
        );
        $crate::store::contract::store_contract!($open; pages:
            an_empty_room_has_an_empty_page
            pages_are_cut_at_any_place
            the_middle_of_a_page_fills_up_from_the_other_side
            pages_are_bounded
            what_is_read_at_once_is_bounded_in_bytes
            a_page_is_what_the_folded_log_says
            head_and_messages_are_of_one_moment
        );
        $crate::store::contract::store_contract!($open; rooms:
            a_room_is_found_by_address_and_by_invitation
            an_address_is_taken_once
            private_rooms_are_listed_for_members_only
            rooms_are_listed_by_name_and_bounded
            reading_moves_on_and_never_back_or_beyond
            unread_messages_are_those_of_others_that_still_say_something
            unread_messages_are_counted_up_to_a_bound
            mentions_are_counted_without_case_and_follow_edits
            a_newcomer_has_nothing_unread
            a_new_room_is_unread_for_everybody
        );
        $crate::store::contract::store_contract!($open; people:
            a_name_is_taken_once
            a_name_that_is_taken_begins_no_session
            a_session_ends_at_its_time
            a_session_can_be_put_off_but_not_shortened
            a_session_that_was_ended_is_gone
            a_store_that_can_write_says_so
            nothing_works_after_closing
        );
    };
    ($open:path; $subject:ident: $($check:ident)*) => {
        mod $subject {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    let bench = $crate::store::contract::Bench::new($open().await).await;
                    $crate::store::contract::$subject::$check(bench).await;
                }
            )*
        }
    };
}
pub(crate) use store_contract;

/// An empty store, as a form opens it.
pub(crate) struct Opened {
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// What it publishes.
    pub(crate) committed: mpsc::Receiver<Vec<Committed>>,
    /// What must live as long as the store.
    pub(crate) guard: Box<dyn Any + Send + Sync>,
}

/// A store with a public room and two people in it.
pub(crate) struct Bench {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) room: RoomRecord,
    pub(crate) alice: User,
    pub(crate) bob: User,
    committed: mpsc::Receiver<Vec<Committed>>,
    published: VecDeque<Committed>,
    _guard: Box<dyn Any + Send + Sync>,
}

/// When everything happens.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_ms(1_795_340_000_123);

pub(crate) fn ms_later(ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(NOW.unix_ms() + ms)
}

pub(crate) fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}

pub(crate) fn session_of(name: &str) -> Session {
    let user = User { id: UserId(Uuid::new_v4()), username: name.parse().unwrap(), role: Role::Guest };
    let mut token = [0; 32];
    token[..16].copy_from_slice(user.id.0.as_bytes());
    Session { token: TokenHash(token), user, expires: ms_later(1_000) }
}

pub(crate) fn new_room(slug: &str, visibility: Visibility, creator: Option<&User>) -> NewRoom {
    NewRoom {
        slug: slug.parse().unwrap(),
        name: slug.parse().unwrap(),
        topic: "what it is about".parse().unwrap(),
        visibility,
        invite: (visibility == Visibility::Private).then(|| format!("invite-{slug}")),
        epoch: "e1".parse().unwrap(),
        creator: creator.map(|user| user.id),
    }
}

pub(crate) fn send(text: &str) -> OpKind {
    OpKind::Send { content: text.parse().unwrap(), reply_to: None }
}

pub(crate) fn reply(text: &str, to: Seq) -> OpKind {
    OpKind::Send { content: text.parse().unwrap(), reply_to: Some(to) }
}

pub(crate) fn edit(target: Seq, text: &str) -> OpKind {
    OpKind::Edit { target, content: text.parse().unwrap() }
}

pub(crate) fn delete(target: Seq) -> OpKind {
    OpKind::Delete { target }
}

pub(crate) fn react(target: Seq, emoji: &str, on: bool) -> OpKind {
    OpKind::React { target, emoji: emoji.parse().unwrap(), on }
}

pub(crate) fn new_id() -> OpId {
    OpId(Uuid::new_v4())
}

impl Bench {
    pub(crate) async fn new(Opened { store, committed, guard }: Opened) -> Self {
        let alice = add_user(&*store, "Alice").await;
        let bob = add_user(&*store, "Bob").await;
        let room = new_room("general", Visibility::Public, None);
        let room = store.create_room(room, NOW).await.unwrap();
        Self { store, room, alice, bob, committed, published: VecDeque::new(), _guard: guard }
    }

    /// Lets go of the store and answers what it still publishes.
    pub(crate) fn dismantle(self) -> mpsc::Receiver<Vec<Committed>> {
        self.committed
    }

    /// The same people in the same room, on the store as it was opened again.
    pub(crate) fn with_store(self, store: Arc<dyn Store>, committed: mpsc::Receiver<Vec<Committed>>) -> Self {
        Self { store, committed, ..self }
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        add_user(&*self.store, name).await
    }

    pub(crate) async fn room(&self, slug: &str) -> RoomRecord {
        self.store.create_room(new_room(slug, Visibility::Public, None), NOW).await.unwrap()
    }

    pub(crate) fn slug(&self) -> RoomSlug {
        self.room.room.slug.clone()
    }

    /// Does something in the room.
    pub(crate) async fn perform(&self, user: &User, kind: OpKind) -> Result<Appended, AppendError> {
        self.perform_as(new_id(), user, kind).await
    }

    pub(crate) async fn perform_as(
        &self,
        id: OpId,
        user: &User,
        kind: OpKind,
    ) -> Result<Appended, AppendError> {
        self.store.append(self.room.id, user, Op { id, room: self.slug(), kind }, NOW).await
    }

    /// Does something that works, and answers its number.
    pub(crate) async fn done(&self, user: &User, kind: OpKind) -> Seq {
        self.perform(user, kind).await.unwrap().seq
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        whole_log(&*self.store, self.room.id).await
    }

    pub(crate) async fn messages(&self, at: PageAt, limit: u32) -> Vec<Message> {
        self.store.page(self.room.id, at, limit).await.unwrap().messages.into_vec()
    }

    /// The next `count` events that the store publishes.
    pub(crate) async fn published(&mut self, count: usize) -> Vec<Committed> {
        while self.published.len() < count {
            self.published.extend(self.committed.recv().await.expect("the store publishes"));
        }
        self.published.drain(..count).collect()
    }
}

async fn add_user(store: &dyn Store, name: &str) -> User {
    let session = session_of(name);
    store.create_user(&session, &username_key(&session.user.username), NOW).await.unwrap();
    session.user
}

/// Every event of a room, read in pages.
pub(crate) async fn whole_log(store: &dyn Store, room: RoomId) -> Vec<Event> {
    let mut log = Vec::new();
    loop {
        let after = log.last().map_or(Seq::ZERO, |event: &Event| event.seq);
        let page = store.events(room, after, 100).await.unwrap();
        if page.is_empty() {
            return log;
        }
        log.extend(page);
    }
}
