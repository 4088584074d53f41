//! What only this form promises: its file, its folder, and what it does when the disk does not.

use std::{fs, path::Path, sync::Arc, time::Duration};

use protocol::{Op, OpKind, Seq, UserId, api::Visibility};
use rusqlite::{Connection, StatementStatus};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};
use uuid::Uuid;

use super::{DATABASE_FILE, Existing, OpenError, SqliteStore, open, restore};
use crate::store::{
    AppendError, Committed, PageAt, Store as _,
    contract::{self, Bench, NOW, Opened, new_id, send, seq},
};

async fn open_empty() -> Opened {
    let folder = TempDir::new().unwrap();
    let (store, committed) = open_store(folder.path()).await;
    Opened { store: Arc::new(store), committed, guard: Box::new(folder) }
}

contract::store_contract!(super::open_empty);

async fn open_store(folder: &Path) -> (SqliteStore, mpsc::Receiver<Vec<Committed>>) {
    // Room for what the longest test publishes before it listens.
    let (commits, committed) = mpsc::channel(1024);
    (SqliteStore::open(folder, commits).await.unwrap(), committed)
}

async fn refused(folder: &Path) -> OpenError {
    let (commits, _committed) = mpsc::channel(1);
    SqliteStore::open(folder, commits).await.expect_err("it must not open")
}

/// A folder in which somebody said something.
async fn used_folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let (store, committed) = open_store(folder.path()).await;
    let store = Arc::new(store);
    let bench = Bench::new(Opened { store, committed, guard: Box::new(()) }).await;
    for n in 0..100 {
        bench.done(&bench.alice, send(&format!("{n}: kept"))).await;
    }
    bench.store.close().await;
    folder
}

#[test]
fn every_step_of_the_folder_is_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let mut taken: Vec<_> = open::STEPS.iter().map(|&step| step.to_owned()).collect();
    files.sort();
    taken.sort();
    assert_eq!(files, taken);
}

#[test]
fn what_is_committed_survives_a_loss_of_power() {
    let folder = TempDir::new().unwrap();
    let opened = open::open(folder.path()).unwrap();
    for connection in [&opened.writer, &opened.database.writer().unwrap()] {
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!((synchronous, journal.as_str()), (2, "wal"), "2 is FULL");
    }
}

#[test]
fn a_statement_is_planned_once() {
    let folder = TempDir::new().unwrap();
    let opened = open::open(folder.path()).unwrap();
    for reader in &opened.readers {
        // Where the plan may depend on what is put in, each new limit is a new plan.
        let mut statement = reader.prepare("SELECT seq FROM messages WHERE room = ?1 LIMIT ?2").unwrap();
        for limit in 1..10 {
            statement.query([7, limit]).unwrap().next().unwrap();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let folder = used_folder().await;
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name == "hubbub.db-wal"), "closing moves the log into the database");

    let (store, _committed) = open_store(folder.path()).await;
    let nobody = UserId(Uuid::nil());
    let room = store.room(&"general".parse().unwrap(), nobody).await.unwrap().unwrap().record;
    assert_eq!(room.head, seq(100));
    let page = store.page(room.id, PageAt::Newest, 1).await.unwrap();
    assert_eq!(page.messages[0].content.as_ref().map(AsRef::as_ref), Some("99: kept"));
}

#[tokio::test]
async fn a_store_that_is_dropped_keeps_everything_too() {
    let folder = TempDir::new().unwrap();
    let (store, committed) = open_store(folder.path()).await;
    let bench = Bench::new(Opened { store: Arc::new(store), committed, guard: Box::new(()) }).await;
    let (alice, room) = (bench.alice.clone(), bench.room.clone());
    bench.done(&alice, send("kept")).await;
    let mut committed = bench.dismantle();
    // The channel closes when the writer has let go of the folder.
    while committed.recv().await.is_some() {}

    let (store, _committed) = open_store(folder.path()).await;
    let op = Op { id: new_id(), room: room.room.slug, kind: send("and on") };
    assert_eq!(store.append(room.id, &alice, op, NOW).await.unwrap().seq, seq(2));
    assert_eq!(store.page(room.id, PageAt::Newest, 10).await.unwrap().messages.len(), 2, "none is missing");
}

#[tokio::test]
async fn a_database_that_somebody_reads_is_not_damaged() {
    let folder = TempDir::new().unwrap();
    let (store, committed) = open_store(folder.path()).await;
    let bench = Bench::new(Opened { store: Arc::new(store), committed, guard: Box::new(()) }).await;
    let reader = connect(folder.path());
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    // What is written from here on stays in the log as long as the reader looks at the time before it.
    for _ in 0..10 {
        bench.done(&bench.alice, send(&"long".repeat(1_000))).await;
    }
    bench.store.close().await;
    drop(bench);
    open_store(folder.path()).await;
}

/// A store of four messages, the last of them edited, reacted to, and answering the first; and whether its log and its
/// page can be read after somebody else has run `sql` on it.
async fn readable_after(sql: &str) -> (bool, bool) {
    let folder = TempDir::new().unwrap();
    let (store, committed) = open_store(folder.path()).await;
    let bench = Bench::new(Opened { store: Arc::new(store), committed, guard: Box::new(()) }).await;
    for n in 1..=3 {
        bench.done(&bench.alice, send(&format!("words {n}"))).await;
    }
    let content = "last words".parse().unwrap();
    let last = bench.done(&bench.alice, OpKind::Send { content, reply_to: Some(seq(1)) }).await;
    bench.done(&bench.alice, OpKind::Edit { target: last, content: "changed".parse().unwrap() }).await;
    let emoji = "🎉".parse().unwrap();
    bench.done(&bench.bob, OpKind::React { target: last, emoji, on: true }).await;
    bench.done(&bench.alice, OpKind::Delete { target: seq(2) }).await;

    let other = connect(folder.path());
    other.pragma_update(None, "foreign_keys", "OFF").unwrap();
    let touched = other.execute(sql, []).unwrap();
    assert_eq!(touched, 1, "{sql}");
    let log = bench.store.events(bench.room.id, Seq::ZERO, 100).await;
    let page = bench.store.page(bench.room.id, PageAt::Newest, 100).await;
    (log.is_ok(), page.is_ok())
}

#[tokio::test]
async fn a_row_that_changed_by_itself_is_not_read_as_anybodys_words() {
    assert_eq!(readable_after("UPDATE heartbeat SET beats = 7").await, (true, true), "all is well");
    for sql in [
        "UPDATE events SET content = 'wordz 3' WHERE seq = 3",
        "UPDATE events SET content = NULL WHERE seq = 3",
        "UPDATE events SET content = 'back again' WHERE seq = 2",
        "UPDATE events SET username = 'malory' WHERE seq = 3",
        "UPDATE events SET at = at + 1 WHERE seq = 3",
        "UPDATE events SET target = 3 WHERE kind = 'reacted'",
        "UPDATE events SET is_on = 0 WHERE kind = 'reacted'",
        "UPDATE events SET emoji = '👍' WHERE kind = 'reacted'",
        "UPDATE events SET op_id = randomblob(16) WHERE seq = 3",
        "DELETE FROM events WHERE seq = 3",
        "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
        "DELETE FROM events WHERE seq = 1",
        "UPDATE rooms SET head = head + 1 WHERE slug = 'general'",
    ] {
        assert!(!readable_after(sql).await.0, "the log is read after {sql}");
    }
    for sql in [
        "UPDATE messages SET content = 'wordz 3' WHERE seq = 3",
        "UPDATE messages SET content = NULL, words = NULL WHERE seq = 3",
        "UPDATE messages SET content = 'other words' WHERE seq = 1",
        "UPDATE messages SET reactions = '[]' WHERE seq = 4",
        "UPDATE messages SET edited_at = NULL WHERE seq = 4",
        "UPDATE messages SET version = version + 1 WHERE seq = 3",
        "UPDATE messages SET username = 'malory' WHERE seq = 3",
        "DELETE FROM messages WHERE seq = 3",
    ] {
        assert!(!readable_after(sql).await.1, "the page is read after {sql}");
    }
}

#[tokio::test]
async fn a_damaged_message_spoils_nobody_elses_operation_nor_the_answer_to_a_repeat() {
    let folder = TempDir::new().unwrap();
    let (store, committed) = open_store(folder.path()).await;
    let bench = Bench::new(Opened { store: Arc::new(store), committed, guard: Box::new(()) }).await;
    let target = bench.done(&bench.alice, send("whole")).await;
    let edit = OpKind::Edit { target, content: "still whole".parse().unwrap() };
    let react = OpKind::React { target, emoji: "🎉".parse().unwrap(), on: true };
    let mut answers = Vec::new();
    for kind in [edit.clone(), react] {
        let id = new_id();
        answers.push((id, kind.clone(), bench.perform_as(id, &bench.alice, kind).await.unwrap().seq));
    }
    let beside = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    beside.execute("UPDATE messages SET content = 'damaged' WHERE seq = 1", []).unwrap();

    for (id, kind, first) in answers {
        assert_eq!(bench.perform_as(id, &bench.alice, kind).await.unwrap().seq, first);
    }
    let (refused, beside) =
        tokio::join!(bench.perform(&bench.alice, edit), bench.perform(&bench.bob, send("beside it")));
    assert!(matches!(refused, Err(AppendError::Store(_))), "{refused:?}");
    assert_eq!(beside.unwrap().seq.get(), 4);
}

#[test]
fn sqlite_is_compiled_as_its_makers_recommend() {
    let mut options = Vec::new();
    let connection = Connection::open_in_memory().unwrap();
    connection
        .pragma_query(None, "compile_options", |row| {
            options.push(row.get::<_, String>(0)?);
            Ok(())
        })
        .unwrap();
    assert!(options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"), "{options:?}");
}

#[tokio::test]
async fn a_folder_is_for_one_server() {
    let folder = TempDir::new().unwrap();
    let (store, _committed) = open_store(folder.path()).await;
    let error = refused(folder.path()).await;
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("Stop that one"));
    store.close().await;
    drop(open_store(folder.path()).await);
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("new/data");
    drop(open_store(&folder).await);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refused(&file.join("data")).await;
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error}");
    assert!(error.to_string().contains("--data"));

    let occupied = parent.path().join("occupied");
    fs::create_dir_all(occupied.join(DATABASE_FILE)).unwrap();
    let error = refused(&occupied).await;
    assert!(matches!(error, OpenError::NotWritable { .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_database_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(DATABASE_FILE);
    let garbage = "no database, but long enough to look like one. ".repeat(500);
    fs::write(&file, &garbage).unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("hubbub restore"));
    assert_eq!(fs::read_to_string(&file).unwrap(), garbage);
}

#[tokio::test]
async fn a_truncated_database_is_found_out() {
    for kept_share in [3, 2] {
        let folder = used_folder().await;
        let file = fs::File::options().write(true).open(folder.path().join(DATABASE_FILE)).unwrap();
        file.set_len(file.metadata().unwrap().len() / 4 * kept_share / 4096 * 4096).unwrap();
        let error = refused(folder.path()).await;
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_log_that_lost_what_is_in_the_database_already_is_found_out() {
    const LOG_HEADER_BYTES: u64 = 32;
    // A folder whose name a URI would take for something else.
    let folder = TempDir::with_prefix("a?b #c%20").unwrap();
    let (store, committed) = open_store(folder.path()).await;
    let bench = Bench::new(Opened { store: Arc::new(store), committed, guard: Box::new(()) }).await;
    for n in 0..20 {
        bench.done(&bench.alice, send(&format!("{n}"))).await;
    }
    // As after a kill: the files as they are while the server runs.
    let killed = |kept_of_log: u64| {
        let copy = TempDir::new().unwrap();
        for name in ["hubbub.db", "hubbub.db-wal"] {
            fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
        }
        let log = fs::File::options().write(true).open(copy.path().join("hubbub.db-wal")).unwrap();
        let frames = log.metadata().unwrap().len() - LOG_HEADER_BYTES;
        log.set_len(LOG_HEADER_BYTES + frames * kept_of_log / 100).unwrap();
        copy
    };
    // While nothing was moved, what is left of the log is a beginning of what was said.
    drop(open_store(killed(60).path()).await);

    let checkpoint = connect(folder.path());
    checkpoint.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
    drop(open_store(killed(100).path()).await);
    let error = refused(killed(60).path()).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("lost events"), "{error}");
    // Without any of the log the database is as it was moved.
    drop(open_store(killed(0).path()).await);
}

#[tokio::test]
async fn overwritten_pages_are_found_out() {
    let folder = used_folder().await;
    let file = folder.path().join(DATABASE_FILE);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 8192] {
        *byte ^= 0x5a;
    }
    fs::write(&file, bytes).unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let folder = used_folder().await;
    connect(folder.path()).pragma_update(None, "user_version", open::STEPS.len() + 1).unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let folder = TempDir::new().unwrap();
    connect(folder.path()).execute_batch("CREATE TABLE users (id INTEGER)").unwrap();
    let error = refused(folder.path()).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("another program"), "{error}");
    let tables: i64 =
        connect(folder.path()).query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

fn connect(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join(DATABASE_FILE)).unwrap();
    connection.busy_timeout(Duration::from_secs(9)).unwrap();
    connection
}

#[tokio::test]
async fn while_another_program_holds_the_lock_writes_fail_and_reads_go_on() {
    let folder = TempDir::new().unwrap();
    let (store, committed) = open_store(folder.path()).await;
    let bench = Bench::new(Opened { store: Arc::new(store), committed, guard: Box::new(()) }).await;
    bench.done(&bench.alice, send("before")).await;

    let other = connect(folder.path());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = bench.perform(&bench.alice, send("during")).await;
    assert!(matches!(refused, Err(AppendError::Store(_))), "{refused:?}");
    assert!(bench.store.check().await.is_err());
    assert_eq!(bench.events().await.len(), 1);

    other.execute_batch("COMMIT").unwrap();
    assert_eq!(bench.done(&bench.alice, send("after")).await, seq(2));
    // What has failed is remembered for a while.
    let healed = async { while bench.store.check().await.is_err() {} };
    timeout(Duration::from_secs(5), healed).await.unwrap();
}

/// A store whose database can hold only `pages` more.
async fn almost_full(folder: &Path, pages: u32) -> Bench {
    let (store, committed) = open_store(folder).await;
    let bench = Bench::new(Opened { store: Arc::new(store), committed, guard: Box::new(()) }).await;
    bench.done(&bench.alice, send("before")).await;
    bench.store.close().await;

    let used: u32 = connect(folder).pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let (commits, committed) = mpsc::channel(1024);
    let opened = open::open_with(folder, Some(used + pages)).unwrap();
    let store = SqliteStore::start(opened, commits).unwrap();
    bench.with_store(Arc::new(store), committed)
}

#[tokio::test]
async fn when_the_disk_is_full_writes_fail_whole_and_heal() {
    let folder = TempDir::new().unwrap();
    let bench = almost_full(folder.path(), 40).await;
    let long = "字".repeat(8_000);
    let mut stored = 1;
    let error = loop {
        match bench.perform(&bench.alice, send(&long)).await {
            Ok(appended) => {
                stored += 1;
                assert_eq!(appended.seq, seq(stored));
            }
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::Store(_)), "{error:?}");
    let events = bench.events().await;
    assert_eq!(events.last().map(|event| event.seq), Some(seq(stored)), "nothing of it is left behind");
    assert_eq!(bench.store.events(bench.room.id, Seq::ZERO, 1).await.unwrap().len(), 1);

    // Deleting makes room, and what was refused can be said.
    bench.done(&bench.alice, contract::delete(seq(2))).await;
    assert_eq!(bench.done(&bench.alice, send(&long)).await, seq(stored + 2));
}

/// Does this to a database, as damage would.
async fn damage(folder: &Path, sql: &str) -> Arc<SqliteStore> {
    assert_eq!(connect(folder).execute(sql, []).unwrap(), 1, "{sql}");
    Arc::new(open_store(folder).await.0)
}

#[tokio::test]
async fn a_room_or_user_that_was_damaged_is_not_handed_on() {
    let nobody = UserId(Uuid::nil());
    for sql in [
        "UPDATE rooms SET name = 'gemeral' WHERE slug = 'general'",
        "UPDATE rooms SET topic = 'x' WHERE slug = 'general'",
        "UPDATE rooms SET visibility = 'private', invite = 'x' WHERE slug = 'general'",
        "UPDATE rooms SET epoch = '0000000000000000' WHERE slug = 'general'",
    ] {
        let folder = used_folder().await;
        let store = damage(folder.path(), sql).await;
        let error = store.room(&"general".parse().unwrap(), nobody).await.unwrap_err();
        assert!(
            error.0.contains("room 1 is damaged") && error.0.contains("hubbub restore"),
            "{sql}: {error}"
        );
        store.close().await;
    }
    for sql in ["UPDATE users SET username = 'alicf'", "UPDATE users SET name_key = 'x'"] {
        let folder = TempDir::new().unwrap();
        let (store, _committed) = open_store(folder.path()).await;
        let session = contract::session_of("alice");
        store.create_user(&session, "alice", NOW).await.unwrap();
        store.close().await;
        let store = damage(folder.path(), sql).await;
        let error = store.session(session.token, NOW).await.unwrap_err();
        assert!(error.0.contains("is damaged"), "{sql}: {error}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_head_that_is_not_the_last_event_is_damage() {
    for head in [0, 2, 1_u64 << 40] {
        let folder = used_folder().await;
        let store =
            damage(folder.path(), &format!("UPDATE rooms SET head = {head} WHERE slug = 'general'")).await;
        let record =
            store.room(&"general".parse().unwrap(), UserId(Uuid::nil())).await.unwrap().unwrap().record;
        for error in [
            store.page(record.id, PageAt::Newest, 10).await.unwrap_err(),
            store.events(record.id, Seq::ZERO, 10).await.unwrap_err(),
            store.mark_read(record.id, UserId(Uuid::nil()), seq(1)).await.unwrap_err(),
        ] {
            assert!(error.0.contains("the head of room 1 is damaged"), "{error}");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_message_that_is_quoted_and_gone_is_damage() {
    let folder = TempDir::new().unwrap();
    let (store, committed) = open_store(folder.path()).await;
    let bench = Bench::new(Opened { store: Arc::new(store), committed, guard: Box::new(()) }).await;
    let (room, answered) = (bench.room.id, bench.done(&bench.alice, send("asked")).await);
    let answer = OpKind::Send { content: "answered".parse().unwrap(), reply_to: Some(answered) };
    bench.done(&bench.alice, answer).await;
    bench.store.close().await;
    drop(bench);

    let store = damage(folder.path(), "DELETE FROM messages WHERE seq = 1").await;
    for error in [
        store.page(room, PageAt::After(answered), 10).await.unwrap_err(),
        store.events(room, Seq::ZERO, 10).await.unwrap_err(),
    ] {
        assert!(error.0.contains("is damaged"), "{error}");
    }
    store.close().await;
}

#[tokio::test]
async fn a_membership_that_nobody_gave_does_not_count() {
    let folder = TempDir::new().unwrap();
    let (store, _committed) = open_store(folder.path()).await;
    let session = contract::session_of("alice");
    store.create_user(&session, "alice", NOW).await.unwrap();
    let room = contract::new_room("secret", Visibility::Private, Some(&session.user));
    let slug = room.slug.clone();
    store.create_room(room, NOW).await.unwrap();
    assert!(store.room(&slug, session.user.id).await.unwrap().unwrap().is_member);
    store.close().await;

    let store = damage(folder.path(), "UPDATE members SET seal = seal + 1").await;
    assert!(!store.room(&slug, session.user.id).await.unwrap().unwrap().is_member);
    assert!(store.rooms_of(&session.user, 10).await.unwrap().is_empty());
    store.close().await;
}

#[tokio::test]
async fn what_was_there_before_there_were_seals_is_sealed() {
    let folder = TempDir::new().unwrap();
    let session = contract::session_of("alice");
    let id = session.user.id.0;
    let old = connect(folder.path());
    old.execute_batch(open::STEPS[0]).unwrap();
    old.pragma_update(None, "application_id", open::APPLICATION_ID).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.execute("INSERT INTO users VALUES (?1, 'alice', 'alice', 'guest', 0)", [id]).unwrap();
    let token = (session.token.0, id, 253_402_300_799_000_i64);
    old.execute("INSERT INTO sessions VALUES (?1, ?2, ?3, 0)", token).unwrap();
    let room = "INSERT INTO rooms VALUES (1, 'secret', 'secret', 'secret', '', 'private', 'key', '00000000000000aa', 0, ?1, 0)";
    old.execute(room, [id]).unwrap();
    old.execute("INSERT INTO members VALUES (?1, 1, 0)", [id]).unwrap();
    old.close().unwrap();

    let (store, _committed) = open_store(folder.path()).await;
    assert_eq!(store.session(session.token, NOW).await.unwrap().unwrap().user, session.user);
    assert!(store.room(&"secret".parse().unwrap(), session.user.id).await.unwrap().unwrap().is_member);
    store.close().await;
}

#[tokio::test]
async fn a_backup_in_which_a_room_is_damaged_is_not_sealed_anew() {
    let (backup, data) = (used_folder().await, TempDir::new().unwrap());
    let file = backup.path().join(DATABASE_FILE);
    restore(data.path(), &file, Existing::Refuse, NOW).await.unwrap();
    connect(backup.path()).execute("UPDATE rooms SET topic = 'x'", []).unwrap();
    let refused = restore(data.path(), &file, Existing::SetAside, NOW).await.unwrap_err();
    assert!(refused.to_string().contains("room 1 is damaged"), "{refused}");
    // What was restored before is as it was.
    let (store, _committed) = open_store(data.path()).await;
    assert!(store.room(&"general".parse().unwrap(), UserId(Uuid::nil())).await.unwrap().is_some());
    store.close().await;
}
