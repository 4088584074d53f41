//! The hub's task as its callers know it, on paused time.

use std::{sync::Arc, time::Duration};

use protocol::{
    CloseCode, Event, EventKind, OpId, RoomSlug, Seq, ServerFrame, Timestamp, UserId,
    api::{Role, Room, User, Visibility},
    frame::{Presence, RoomChanged},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::{
    ConnId, Ends, Hub, Outbox, Released, Repair, channels,
    outbox::tests::Pipe,
    task::{PRESENCE_INTERVAL, run},
};
use crate::{
    bus::Notice,
    store::{Committed, RoomId, RoomRecord, TokenHash},
    websocket::Packing,
};

const GENERAL: RoomId = RoomId(1);
const LIMIT_BYTES: usize = 64 * 1024;

/// A running hub.
struct Rig {
    hub: Hub,
    notices: mpsc::Sender<Notice>,
    repairs: mpsc::Receiver<Repair>,
}

/// One connection to it.
struct Peer {
    user: Arc<User>,
    queue: Arc<Outbox>,
    pipe: Arc<Pipe>,
    conn: ConnId,
}

fn rig() -> Rig {
    let Ends { hub, commands, repair, repairs } = channels();
    let (notices, heard) = mpsc::channel(16);
    tokio::spawn(run(commands, heard, repair));
    Rig { hub, notices, repairs }
}

impl Rig {
    async fn attach(&self, n: u128) -> Peer {
        self.attach_over(Pipe::wide(), n).await
    }

    async fn attach_over(&self, pipe: Arc<Pipe>, n: u128) -> Peer {
        let id = UserId(Uuid::from_u128(n));
        let user = User { id, username: format!("user{n}").parse().unwrap(), role: Role::Guest };
        let user = Arc::new(user);
        let queue: Arc<Outbox> = Arc::new(Outbox::new(Arc::clone(&pipe), LIMIT_BYTES));
        let conn = self
            .hub
            .attach(Arc::clone(&user), session(n), Arc::clone(&queue), Packing::Frames)
            .await
            .unwrap();
        Peer { user, queue, pipe, conn }
    }

    /// A connection that is live in the room from its beginning.
    async fn join(&self, n: u128) -> Peer {
        self.join_over(Pipe::wide(), n).await
    }

    async fn join_over(&self, pipe: Arc<Pipe>, n: u128) -> Peer {
        let peer = self.attach_over(pipe, n).await;
        self.hub.subscribe(peer.conn, GENERAL, slug()).await.unwrap();
        assert_eq!(self.hub.release(peer.conn, GENERAL, Seq::ZERO).await, Some(Released::Live));
        peer
    }

    async fn hear(&self, notice: Notice) {
        self.notices.send(notice).await.unwrap();
        // The hub takes what it was sent in some order; once it answers twice, the notice has had its turn.
        for _ in 0..2 {
            while self.notices.capacity() < self.notices.max_capacity() {
                tokio::task::yield_now().await;
            }
            self.hub.connections().await;
        }
    }
}

impl Peer {
    /// Every frame that came since the last time.
    fn frames(&self) -> Vec<ServerFrame> {
        decode(&self.pipe.texts())
    }
}

fn decode(texts: &[String]) -> Vec<ServerFrame> {
    texts.iter().map(|text| ServerFrame::decode(text).unwrap()).collect()
}

fn session(n: u128) -> TokenHash {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&n.to_be_bytes());
    TokenHash(hash)
}

fn slug() -> RoomSlug {
    "general".parse().unwrap()
}

fn event(n: u64, bytes: usize) -> Committed {
    let id = OpId(Uuid::from_u128(u128::from(n)));
    let content = Some("x".repeat(bytes).parse().unwrap());
    let event = Event {
        room: slug(),
        seq: Seq::new(n).unwrap(),
        user_id: UserId(Uuid::from_u128(1)),
        username: "user1".parse().unwrap(),
        timestamp: Timestamp::from_unix_ms(0),
        kind: EventKind::Message { id, content, reply_to: None, quote: None },
    };
    Committed { room: GENERAL, event: Arc::new(event) }
}

fn record(visibility: Visibility) -> RoomRecord {
    RoomRecord {
        id: RoomId(2),
        room: Room {
            slug: "new".parse().unwrap(),
            name: "new".parse().unwrap(),
            topic: "".parse().unwrap(),
            visibility,
            invite: None,
        },
        invite: (visibility == Visibility::Private).then(|| "secret".to_owned()),
        epoch: "e1".parse().unwrap(),
        head: Seq::ZERO,
    }
}

fn is_message(frame: &ServerFrame) -> bool {
    matches!(frame, ServerFrame::Event(_))
}

#[tokio::test(start_paused = true)]
async fn events_reach_the_room_and_nobody_else() {
    let rig = rig();
    let (inside, outside) = (rig.join(1).await, rig.attach(2).await);
    rig.hear(Notice::Events(vec![event(1, 10), event(2, 10)])).await;
    assert_eq!(inside.frames().iter().filter(|frame| is_message(frame)).count(), 2);
    assert_eq!(outside.frames(), []);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_or_is_gone_gets_nothing_more() {
    let rig = rig();
    let (left, gone) = (rig.join(1).await, rig.join(2).await);
    rig.hub.unsubscribe(left.conn, GENERAL).await;
    rig.hub.detach(gone.conn).await;
    assert_eq!(rig.hub.connections().await, 1);
    rig.hear(Notice::Events(vec![event(1, 10)])).await;
    assert!(!left.frames().iter().any(is_message));
    assert!(!gone.frames().iter().any(is_message));
    assert_eq!(rig.hub.present(GENERAL).await.count, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_does_not_read_is_cut_off_and_the_others_go_on() {
    let rig = rig();
    let (slow, quick) = (rig.join_over(Pipe::with_room(0), 1).await, rig.join(2).await);
    for n in 1..=40 {
        rig.hear(Notice::Events(vec![event(n, 4000)])).await;
        assert!(quick.frames().iter().any(is_message), "event {n}");
    }
    assert_eq!(slow.queue.closing(), Some(CloseCode::TooSlow));
    assert_eq!(quick.queue.closing(), None);
}

#[tokio::test(start_paused = true)]
async fn all_of_a_crowd_hear_the_same_whatever_becomes_of_some() {
    let rig = rig();
    let mut crowd = Vec::new();
    // More than are written to at a time, and every tenth reads nothing.
    for n in 0..300 {
        let pipe = if n % 10 == 0 { Pipe::with_room(0) } else { Pipe::wide() };
        crowd.push(rig.join_over(pipe, n).await);
    }
    for n in 1..=20 {
        rig.hear(Notice::Events(vec![event(n, 4000)])).await;
    }
    for (n, peer) in crowd.iter().enumerate() {
        let is_slow = n.is_multiple_of(10);
        assert_eq!(peer.queue.closing(), is_slow.then_some(CloseCode::TooSlow), "{n}");
        let frames = peer.frames();
        let heard = frames.iter().filter_map(|frame| match frame {
            ServerFrame::Event(event) => Some(event.seq.get()),
            _ => None,
        });
        assert!(is_slow || heard.eq(1..=20), "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn presence_is_told_once_per_interval() {
    let rig = rig();
    let first = rig.join(1).await;
    let started = Instant::now();
    let _others = [rig.join(2).await, rig.join(3).await];
    let frames = decode(&first.pipe.next_texts().await);
    assert!(started.elapsed() <= PRESENCE_INTERVAL);
    let [ServerFrame::Presence(Presence { here, gone, count, .. })] = &frames[..] else {
        panic!("{frames:?}")
    };
    assert_eq!((here.len(), gone.len(), *count), (3, 0, 3));
    let present = rig.hub.present(GENERAL).await;
    assert_eq!((present.here.len(), present.count), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_stays_away_is_read_from_the_log() {
    let mut rig = rig();
    let reader = rig.join(1).await;
    rig.hear(Notice::Events(vec![event(1, 10), event(3, 10)])).await;
    let asked = rig.repairs.recv().await;
    assert_eq!(asked, Some(Repair { room: GENERAL, after: Seq::new(1).unwrap() }));
    assert_eq!(rig.repairs.recv().await, asked, "asked again while nothing comes");
    rig.hub.repaired(vec![event(2, 10), event(3, 10)]).await;
    rig.hub.connections().await;
    let numbers: Vec<u64> = reader
        .frames()
        .iter()
        .filter_map(|frame| match frame {
            ServerFrame::Event(event) => Some(event.seq.get()),
            _ => None,
        })
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(
        timeout(Duration::from_secs(10), rig.repairs.recv()).await.is_err(),
        "nothing is missing any more"
    );
}

#[tokio::test(start_paused = true)]
async fn read_marks_and_rooms_reach_whom_they_concern() {
    let rig = rig();
    let (phone, laptop, other) = (rig.attach(1).await, rig.attach(1).await, rig.attach(2).await);
    let user = phone.user.id;
    rig.hear(Notice::Read { slug: slug(), user, seq: Seq::new(7).unwrap() }).await;
    rig.hear(Notice::MemberAdded { record: record(Visibility::Private), user }).await;
    for own in [&phone, &laptop] {
        let frames = own.frames();
        let [ServerFrame::Read(_), ServerFrame::Room(RoomChanged { room, .. })] = &frames[..] else {
            panic!("{frames:?}")
        };
        assert_eq!(room.invite.as_deref(), Some("/join/secret"));
    }
    assert_eq!(other.frames(), []);
    rig.hear(Notice::RoomMade { record: record(Visibility::Public) }).await;
    for everybody in [phone, laptop, other] {
        assert!(matches!(everybody.frames()[..], [ServerFrame::Room(_)]));
    }
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_loses_its_connections_at_once_and_those_that_come_late() {
    let rig = rig();
    let (ended, other) = (rig.attach(1).await, rig.attach(2).await);
    rig.hear(Notice::SignedOut { session: session(1) }).await;
    assert_eq!(ended.queue.closing(), Some(CloseCode::SignedOut));
    assert_eq!(rig.attach(1).await.queue.closing(), Some(CloseCode::SignedOut));
    assert_eq!(other.queue.closing(), None);
}
