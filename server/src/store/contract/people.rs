//! Users, their names and their sessions.

use protocol::Seq;

use super::{Bench, NOW, ms_later, send, session_of};
use crate::{
    auth::username_key,
    store::{CreateError, PageAt},
};

pub(crate) async fn a_name_is_taken_once(bench: Bench) {
    for name in ["alice", "ALICE", "Ａｌｉｃｅ"] {
        let session = session_of(name);
        let key = username_key(&session.user.username);
        let answer = bench.store.create_user(&session, &key, NOW).await;
        assert!(matches!(answer, Err(CreateError::Taken)), "{name}: {answer:?}");
    }
    let (first, second) = (session_of("小明"), session_of("小明"));
    let (first, second) = tokio::join!(
        bench.store.create_user(&first, "小明", NOW),
        bench.store.create_user(&second, "小明", NOW),
    );
    assert!(first.is_ok() != second.is_ok());
}

pub(crate) async fn a_name_that_is_taken_begins_no_session(bench: Bench) {
    let session = session_of("alice");
    assert!(bench.store.create_user(&session, "alice", NOW).await.is_err());
    assert_eq!(bench.store.session(session.token, NOW).await.unwrap(), None);
}

pub(crate) async fn a_session_ends_at_its_time(bench: Bench) {
    let session = session_of("Carol");
    bench.store.create_user(&session, "carol", NOW).await.unwrap();
    let at = async |now| bench.store.session(session.token, now).await.unwrap();
    assert_eq!(at(NOW).await.as_ref(), Some(&session));
    assert_eq!(at(ms_later(999)).await.as_ref(), Some(&session));
    assert_eq!(at(ms_later(1_000)).await, None);
    assert_eq!(bench.store.session(session_of("x").token, NOW).await.unwrap(), None);
}

pub(crate) async fn a_session_can_be_put_off_but_not_shortened(bench: Bench) {
    let session = session_of("Carol");
    bench.store.create_user(&session, "carol", NOW).await.unwrap();
    for expires in [ms_later(5_000), ms_later(2_000)] {
        bench.store.extend_session(session.token, expires).await.unwrap();
        let now = bench.store.session(session.token, ms_later(3_000)).await.unwrap();
        assert_eq!(now.map(|session| session.expires), Some(ms_later(5_000)));
    }
}

pub(crate) async fn a_session_that_was_ended_is_gone(bench: Bench) {
    let session = session_of("Carol");
    bench.store.create_user(&session, "carol", NOW).await.unwrap();
    for _ in 0..2 {
        bench.store.delete_session(session.token).await.unwrap();
        assert_eq!(bench.store.session(session.token, NOW).await.unwrap(), None);
    }
    bench.store.extend_session(session.token, ms_later(9_000)).await.unwrap();
    assert_eq!(bench.store.session(session.token, NOW).await.unwrap(), None);
}

pub(crate) async fn a_store_that_can_write_says_so(bench: Bench) {
    bench.store.check().await.unwrap();
}

pub(crate) async fn nothing_works_after_closing(mut bench: Bench) {
    bench.done(&bench.alice, send("last")).await;
    bench.store.close().await;
    bench.store.close().await;
    assert!(bench.perform(&bench.alice, send("too late")).await.is_err());
    assert!(bench.store.check().await.is_err());
    assert!(bench.store.page(bench.room.id, PageAt::Newest, 1).await.is_err());
    assert!(bench.store.events(bench.room.id, Seq::ZERO, 1).await.is_err());
    assert_eq!(bench.published(1).await.len(), 1);
}
