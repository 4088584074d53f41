//! Who may do what, and who hears of it.

use protocol::{ErrorCode, OpId, OpKind, UserId, api::Role};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{
    auth::{Auth, Guests},
    bus::local::LocalBus,
    store::sqlite::SqliteStore,
};

struct Bench {
    chat: Chat,
    auth: Auth,
    notices: mpsc::Receiver<Notice>,
    _folder: TempDir,
}

async fn bench() -> Bench {
    let folder = TempDir::new().unwrap();
    let (commits, committed) = mpsc::channel(16);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path(), commits).await.unwrap());
    let (bus, clock): (Arc<dyn Bus>, _) = (Arc::new(LocalBus::new()), Clock::fixed(1_795_340_000_000));
    tokio::spawn(publisher(committed, Arc::clone(&bus)));
    let chat = Chat::new(Arc::clone(&store), Arc::clone(&bus), clock.clone(), ChatLimits { rooms_total: 3 });
    chat.ensure_first_room().await.unwrap();
    let notices = bus.subscribe().await;
    Bench { chat, auth: Auth::new(store, bus, clock, Guests::Welcome), notices, _folder: folder }
}

impl Bench {
    async fn user(&self, name: &str) -> User {
        self.auth.create_guest(name, None).await.unwrap().1
    }

    async fn notice(&mut self) -> Notice {
        self.notices.recv().await.unwrap()
    }
}

fn general() -> RoomSlug {
    "general".parse().unwrap()
}

fn send(room: &RoomSlug, text: &str) -> Op {
    let kind = OpKind::Send { content: text.parse().unwrap(), reply_to: None };
    Op { id: OpId(Uuid::new_v4()), room: room.clone(), kind }
}

fn new_room(name: &str, visibility: Visibility) -> protocol::api::NewRoom {
    protocol::api::NewRoom { name: name.into(), topic: String::new(), visibility }
}

#[tokio::test]
async fn a_new_instance_has_one_room_to_talk_in() {
    let bench = bench().await;
    bench.chat.ensure_first_room().await.unwrap();
    let alice = bench.user("Alice").await;
    let rooms = bench.chat.rooms(&alice).await.unwrap();
    let slugs: Vec<_> = rooms.iter().map(|summary| summary.room.slug.as_str()).collect();
    assert_eq!(slugs, ["general"]);
    assert_eq!(rooms[0].epoch.as_str().len(), 16);
}

#[tokio::test]
async fn what_is_done_is_published() {
    let mut bench = bench().await;
    let alice = bench.user("Alice").await;
    let appended = bench.chat.perform(&alice, send(&general(), "hello")).await.unwrap();
    let Notice::Events(events) = bench.notice().await else { panic!("an event is published") };
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].event.seq, events[0].event.timestamp), (appended.seq, appended.timestamp));
    let (room, page) = bench.chat.page(&alice, &general(), PageAt::Newest, 10).await.unwrap();
    assert_eq!((room.head, page.head, page.messages.len()), (appended.seq, appended.seq, 1));
    assert_eq!(bench.chat.events(room.id, Seq::ZERO, 10).await.unwrap(), [(*events[0].event).clone()]);
}

#[tokio::test]
async fn operations_that_are_begun_in_order_are_appended_in_order() {
    let bench = bench().await;
    let alice = bench.user("Alice").await;
    let mut outcomes = Vec::new();
    for n in 0..20 {
        outcomes.push(bench.chat.begin(&alice, send(&general(), &n.to_string())).await.unwrap());
    }
    let appended = futures_util::future::join_all(outcomes).await;
    let numbers: Vec<u64> = appended.into_iter().map(|appended| appended.unwrap().seq.get()).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn refusals_carry_the_operation_and_its_code() {
    let bench = bench().await;
    let (alice, bob) = (bench.user("Alice").await, bench.user("Bob").await);
    let hers = bench.chat.perform(&alice, send(&general(), "hers")).await.unwrap().seq;
    let check = async |user: &User, op: Op, code| {
        let id = op.id;
        let refusal = bench.chat.perform(user, op).await.unwrap_err();
        assert_eq!((refusal.id, refusal.code), (Some(id), code), "{}", refusal.message);
    };
    let nowhere = "nowhere".parse().unwrap();
    check(&alice, send(&nowhere, "x"), ErrorCode::RoomNotFound).await;
    check(&bob, Op { kind: OpKind::Delete { target: hers }, ..send(&general(), "x") }, ErrorCode::Forbidden)
        .await;
    let target = Seq::new(99).unwrap();
    check(&bob, Op { kind: OpKind::Delete { target }, ..send(&general(), "x") }, ErrorCode::TargetNotFound)
        .await;
}

#[tokio::test]
async fn a_private_room_does_not_exist_for_others() {
    let mut bench = bench().await;
    let (alice, bob) = (bench.user("Alice").await, bench.user("Bob").await);
    let made = bench.chat.create_room(&alice, new_room("Secret plan", Visibility::Private)).await.unwrap();
    let slug = made.room.slug.clone();
    assert_eq!(slug.as_str(), "secret-plan");
    let Notice::MemberAdded { record, user } = bench.notice().await else { panic!("its maker hears of it") };
    assert_eq!((user, record.for_members()), (alice.id, made.room.clone()));

    let not_found = |refusal: Refusal| assert_eq!(refusal.code, ErrorCode::RoomNotFound);
    not_found(bench.chat.room(&bob, &slug).await.unwrap_err());
    not_found(bench.chat.page(&bob, &slug, PageAt::Newest, 10).await.unwrap_err());
    not_found(bench.chat.perform(&bob, send(&slug, "let me in")).await.unwrap_err());
    not_found(bench.chat.mark_read(&bob, &slug, Seq::ZERO).await.unwrap_err());
    not_found(bench.chat.typing(&bob, &slug).await.unwrap_err());
    assert!(bench.chat.rooms(&bob).await.unwrap().iter().all(|summary| summary.room.slug != slug));
    let missing = bench.chat.room(&bob, &"no-such-room".parse().unwrap()).await.unwrap_err();
    assert_eq!(bench.chat.room(&bob, &slug).await.unwrap_err(), missing, "nothing tells them apart");
}

#[tokio::test]
async fn an_invitation_makes_a_member() {
    let mut bench = bench().await;
    let (alice, bob) = (bench.user("Alice").await, bench.user("Bob").await);
    let made = bench.chat.create_room(&alice, new_room("Plan", Visibility::Private)).await.unwrap();
    bench.notice().await;
    let path = made.room.invite.unwrap();
    let invite = path.strip_prefix("/join/").unwrap();
    assert_eq!(invite.len(), 32);
    assert_eq!(bench.chat.invitation(invite).await.unwrap().room.slug, made.room.slug);
    for wrong in ["", "x", &invite[1..], &"x".repeat(10_000)] {
        assert_eq!(bench.chat.invitation(wrong).await.unwrap_err().code, ErrorCode::RoomNotFound);
    }
    let record = bench.chat.accept_invitation(&bob, invite).await.unwrap();
    assert_eq!(bench.notice().await, Notice::MemberAdded { record, user: bob.id });
    bench.chat.perform(&bob, send(&made.room.slug, "thanks")).await.unwrap();
}

#[tokio::test]
async fn rooms_are_made_within_bounds_and_announced() {
    let mut bench = bench().await;
    let alice = bench.user("Alice").await;
    let mut check = async |name: &str, expected: Result<&str, ErrorCode>| {
        let made = bench.chat.create_room(&alice, new_room(name, Visibility::Public)).await;
        let made = made.map(|summary| summary.room.slug.to_string()).map_err(|refusal| refusal.code);
        assert_eq!(made, expected.map(str::to_owned), "{name:?}");
        if made.is_ok() {
            assert!(matches!(bench.notices.recv().await, Some(Notice::RoomMade { .. })));
        }
    };
    check("", Err(ErrorCode::BadName)).await;
    check("?!", Err(ErrorCode::BadName)).await;
    check(&"x".repeat(49), Err(ErrorCode::BadName)).await;
    check("General", Err(ErrorCode::RoomExists)).await;
    check("发布 计划", Ok("发布-计划")).await;
    check("Two", Ok("two")).await;
    check("One too many", Err(ErrorCode::LimitReached)).await;
}

#[tokio::test]
async fn reading_and_typing_are_told_and_not_kept() {
    let mut bench = bench().await;
    let alice = bench.user("Alice").await;
    bench.chat.perform(&alice, send(&general(), "hello")).await.unwrap();
    bench.notice().await;
    bench.chat.mark_read(&alice, &general(), Seq::MAX).await.unwrap();
    let head = Seq::new(1).unwrap();
    assert_eq!(bench.notice().await, Notice::Read { slug: general(), user: alice.id, seq: head });
    let (room, read) = bench.chat.enter(&alice, &general()).await.unwrap();
    assert_eq!(read, head);
    bench.chat.typing(&alice, &general()).await.unwrap();
    assert_eq!(bench.notice().await, Notice::Typing { room: room.id, slug: general(), user: alice });
}

#[tokio::test]
async fn when_the_store_is_gone_everything_says_try_again() {
    let bench = bench().await;
    let alice = bench.user("Alice").await;
    bench.chat.ready().await.unwrap();
    bench.chat.store.close().await;
    let stranger = User { id: UserId(Uuid::nil()), username: "x".parse().unwrap(), role: Role::Guest };
    for refusal in [
        bench.chat.ready().await.unwrap_err(),
        bench.chat.perform(&alice, send(&general(), "x")).await.unwrap_err(),
        bench.chat.rooms(&stranger).await.unwrap_err(),
    ] {
        assert_eq!(refusal.code, ErrorCode::Unavailable);
        assert!(refusal.retry_after_ms.is_some());
    }
}
