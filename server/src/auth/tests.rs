//! Guests coming in, staying and leaving.

use protocol::ErrorCode;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;
use crate::{bus::local::LocalBus, store::sqlite::SqliteStore};

struct Bench {
    auth: Auth,
    bus: Arc<LocalBus>,
    clock: Clock,
    store: Arc<SqliteStore>,
    _folder: TempDir,
}

async fn bench(guests: Guests) -> Bench {
    let folder = TempDir::new().unwrap();
    let (commits, _committed) = mpsc::channel(1);
    let store = Arc::new(SqliteStore::open(folder.path(), commits).await.unwrap());
    let (bus, clock) = (Arc::new(LocalBus::new()), Clock::fixed(1_795_340_000_000));
    let auth = Auth::new(Arc::clone(&store) as _, Arc::clone(&bus) as _, clock.clone(), guests);
    Bench { auth, bus, clock, store, _folder: folder }
}

#[test]
fn names_that_look_alike_have_one_key() {
    let key = |name: &str| username_key(&name.parse().unwrap());
    for name in ["alice", "ALICE", "Ａｌｉｃｅ"] {
        assert_eq!(key(name), "alice");
    }
    assert_eq!(key("ÉMILE"), key("e\u{301}mile"));
    assert_eq!(key("ﬁn"), "fin");
    assert_eq!(key("❤\u{FE0F}"), key("❤"));
    assert_eq!(key("👩\u{200D}💻"), key("👩💻"));
    assert_eq!(key("می\u{200C}خواهم"), key("میخواهم"));
    assert_ne!(key("小明"), key("小红"));
}

#[tokio::test]
async fn a_guest_comes_in_with_a_token_that_nobody_can_read() {
    let bench = bench(Guests::Welcome).await;
    let (token, user) = bench.auth.create_guest(" 小明 ", None).await.unwrap();
    assert_eq!(user.username.as_str(), "小明");
    assert_eq!(token.expose().len(), Token::CHARS);
    assert_eq!(format!("{token:?}"), "Token(hidden)");
    let session = bench.auth.authenticate(token.expose()).await.unwrap().unwrap();
    assert_eq!((session.user, session.token), (user, token.hash()));
}

#[tokio::test]
async fn names_are_refused_in_words() {
    let bench = bench(Guests::Welcome).await;
    bench.auth.create_guest("Alice", None).await.unwrap();
    for (name, code) in [
        ("alice", ErrorCode::NameTaken),
        ("ＡＬＩＣＥ", ErrorCode::NameTaken),
        ("", ErrorCode::BadName),
        ("a b", ErrorCode::BadName),
        ("al\u{202E}ice", ErrorCode::BadName),
        ("al\u{200D}ice", ErrorCode::BadName),
        ("al\u{FE0F}ice", ErrorCode::BadName),
    ] {
        let refusal = bench.auth.create_guest(name, None).await.unwrap_err();
        assert_eq!(refusal.code, code, "{name:?}: {}", refusal.message);
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_lets_one_guest_in() {
    let bench = bench(Guests::Welcome).await;
    let (form, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let sent = |name, form| bench.auth.create_guest(name, Some(form));
    let first = sent("Alice", form).await.unwrap();
    assert_eq!(sent("Alice", form).await.unwrap(), first);
    let code = async |name, form| sent(name, form).await.unwrap_err().code;
    assert_eq!(code("Alice", other).await, ErrorCode::NameTaken, "that is another's form");
    let bob = sent("Bob", form).await.unwrap();
    assert_ne!(bob.0, first.0, "a form that came back under another name");
    bench.clock.advance(FORM_REPEAT_MAX);
    assert_eq!(sent("Alice", form).await.unwrap(), first);
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(code("Alice", form).await, ErrorCode::NameTaken, "that was long ago");
    bench.clock.advance(SESSION_RENEWAL);
    bench.auth.authenticate(first.0.expose()).await.unwrap().unwrap();
    assert_eq!(code("Alice", form).await, ErrorCode::NameTaken, "a session that lives on is not a new one");
    bench.auth.sign_out(bob.0.hash()).await.unwrap();
    assert_eq!(code("Bob", form).await, ErrorCode::NameTaken);
}

#[tokio::test]
async fn a_server_without_guests_says_so() {
    let bench = bench(Guests::Off).await;
    let refusal = bench.auth.create_guest("Alice", None).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::GuestsOff);
}

#[tokio::test]
async fn forged_tokens_are_nobodys() {
    let bench = bench(Guests::Welcome).await;
    let (token, _) = bench.auth.create_guest("Alice", None).await.unwrap();
    let other_end = token.expose().chars().rev().collect::<String>();
    for forged in ["", "x", &"x".repeat(Token::CHARS), &other_end, &"x".repeat(100_000)] {
        assert_eq!(bench.auth.authenticate(forged).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_session_lives_while_it_is_used_and_ends_when_not() {
    const DAY: Duration = Duration::from_hours(24);
    let bench = bench(Guests::Welcome).await;
    let (token, _) = bench.auth.create_guest("Alice", None).await.unwrap();
    for _ in 0..10 {
        bench.clock.advance(80 * DAY);
        assert!(bench.auth.authenticate(token.expose()).await.unwrap().is_some());
    }
    bench.clock.advance(90 * DAY);
    assert_eq!(bench.auth.authenticate(token.expose()).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_is_not_written_at_every_use() {
    let bench = bench(Guests::Welcome).await;
    let (token, _) = bench.auth.create_guest("Alice", None).await.unwrap();
    let first = bench.auth.authenticate(token.expose()).await.unwrap().unwrap();
    bench.clock.advance(Duration::from_hours(23));
    assert_eq!(bench.auth.authenticate(token.expose()).await.unwrap().unwrap().expires, first.expires);
    bench.clock.advance(Duration::from_hours(1));
    let renewed = bench.auth.authenticate(token.expose()).await.unwrap().unwrap();
    assert_eq!(renewed.expires, later(first.expires, SESSION_RENEWAL));
    assert_eq!(bench.store.session(token.hash(), bench.clock.now()).await.unwrap(), Some(renewed));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_tells_its_connections() {
    let bench = bench(Guests::Welcome).await;
    let (token, _) = bench.auth.create_guest("Alice", None).await.unwrap();
    let mut notices = bench.bus.subscribe().await;
    bench.auth.sign_out(token.hash()).await.unwrap();
    assert_eq!(notices.recv().await, Some(Notice::SignedOut { session: token.hash() }));
    assert_eq!(bench.auth.authenticate(token.expose()).await.unwrap(), None);
}
