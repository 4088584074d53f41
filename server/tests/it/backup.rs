//! Backups of a server that goes on, and what comes of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use protocol::{
    Cursor, Seq,
    frame::{History, Joined, NoReplay},
};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{
    binary::{assert_fails, hubbub, run},
    server::TestServer,
    wire::{Wire, replayed},
};

const UNLIMITED: [&str; 2] = ["--rate-limits", "off"];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn back_up(data: &Path, copy: &Path) -> Output {
    run(&["backup", text(copy), "--data", text(data)])
}

fn restore(data: &Path, backup: &Path, flags: &[&str]) -> Output {
    run(&[&["--data", text(data), "restore", text(backup)], flags].concat())
}

#[track_caller]
fn assert_done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// A server on which one message was said, a backup of it, and the folder of both.
async fn said_and_backed_up() -> (TestServer, TempDir, PathBuf) {
    let server = TestServer::with(&UNLIMITED).await;
    Wire::connect(server.address(), &server.guest("ann").await.token).await.post("kept").await;
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.db");
    assert_done(&back_up(server.data(), &copy));
    (server, folder, copy)
}

#[tokio::test]
async fn who_saw_what_a_restore_took_away_starts_afresh() {
    let server = TestServer::with(&UNLIMITED).await;
    let token = server.guest("ann").await.token;
    let mut ann = Wire::connect(server.address(), &token).await;
    let Joined { epoch, .. } = ann.join(None).await;
    ann.post("before the backup").await;
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.db");
    assert_done(&back_up(server.data(), &copy));
    for _ in 0..3 {
        ann.post("after it").await;
    }

    let data = server.stop().await;
    let told = assert_done(&restore(data.path(), &copy, &["--replace"]));
    assert!(told.contains("Restored 1 rooms") && told.contains("replaced-"), "{told}");
    let server = TestServer::on(data, &UNLIMITED).await;
    let mut back = Wire::connect(server.address(), &token).await;
    for after in [1, 4] {
        let joined = back.join(Cursor { epoch: epoch.clone(), after: Seq::new(after).unwrap() }).await;
        assert_eq!(joined.head.get(), 1);
        let History::Snapshot { reason, ref messages, .. } = joined.history else { panic!("{joined:?}") };
        assert_eq!((reason, messages.len()), (NoReplay::EpochChanged, 1));
    }
    // Another event has the number of one that was lost, and the new life of the log is resumed like any other.
    let Joined { epoch: anew, .. } = back.join(None).await;
    assert_ne!(anew, epoch);
    assert_eq!(back.post("said anew").await.get(), 2);
    let cursor = Cursor { epoch: anew, after: Seq::new(1).unwrap() };
    let mut again = Wire::connect(server.address(), &token).await;
    assert_eq!(replayed(&again.join(cursor).await), [2]);
}

#[tokio::test]
async fn a_backup_is_one_moment_of_a_log_that_goes_on() {
    let server = TestServer::with(&UNLIMITED).await;
    let token = server.guest("ann").await.token;
    let mut ann = Wire::connect(server.address(), &token).await;
    for _ in 0..20 {
        ann.post("before").await;
    }
    let folder = TempDir::new().unwrap();
    let (data, copy) = (server.data().to_owned(), folder.path().join("copy.db"));
    let backing_up = tokio::task::spawn_blocking({
        let copy = copy.clone();
        move || back_up(&data, &copy)
    });
    while !backing_up.is_finished() {
        ann.post("meanwhile").await;
    }
    assert_done(&backing_up.await.unwrap());

    let elsewhere = TempDir::new().unwrap();
    assert_done(&restore(elsewhere.path(), &copy, &[]));
    let restored = TestServer::on(elsewhere, &UNLIMITED).await;
    let mut reader = Wire::connect(restored.address(), &token).await;
    let Joined { epoch, head, .. } = reader.join(None).await;
    assert!(head.get() >= 20, "{head}");
    let mut log = replayed(&reader.join(Cursor { epoch, after: Seq::ZERO }).await);
    if log.last() != Some(&head.get()) {
        log.extend(reader.events_to(head.get()).await);
    }
    assert!(log.iter().copied().eq(1..=head.get()), "{log:?} is not whole up to {head}");
}

#[tokio::test]
async fn a_backup_is_its_owners_and_overwrites_nothing() {
    let (server, folder, copy) = said_and_backed_up().await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let held = fs::read(&copy).unwrap();
    assert_fails(&back_up(server.data(), &copy), 1, &["is there already"]);
    assert_eq!(fs::read(&copy).unwrap(), held);
    assert_fails(&back_up(folder.path(), &folder.path().join("other.db")), 1, &["no database", "--data"]);
    let nowhere = folder.path().join("no/such/folder/copy.db");
    assert_fails(&back_up(server.data(), &nowhere), 1, &["cannot write"]);
    assert_eq!(names(folder.path()), ["copy.db"]);

    // What is left of a backup that was broken off is not in the way of the next.
    fs::write(folder.path().join("next.db.partial"), "half a backup").unwrap();
    let next = folder.path().join("next.db");
    assert_done(&back_up(server.data(), &next));
    assert_eq!(names(folder.path()), ["copy.db", "next.db"]);
}

#[tokio::test]
async fn of_backups_to_one_file_at_the_same_time_one_is_made_and_it_is_whole() {
    let (server, folder, _) = said_and_backed_up().await;
    for round in 0..5 {
        let copy = folder.path().join(format!("round-{round}.db"));
        let begin = || hubbub(&["backup", text(&copy), "--data", text(server.data())]).spawn().unwrap();
        let backups: Vec<_> = (0..4).map(|_| begin()).collect();
        let mut made = 0;
        for backup in backups {
            let output = backup.wait_with_output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            made += usize::from(output.status.success());
            assert!(
                told.is_empty() || told.contains("is there already") || told.contains("under way"),
                "{told}"
            );
        }
        assert_eq!(made, 1, "in round {round}");
        assert_done(&restore(TempDir::new().unwrap().path(), &copy, &[]));
    }
    let left = names(folder.path());
    assert!(!left.iter().any(|name| name.ends_with(".partial")), "{left:?}");
}

#[tokio::test]
async fn a_server_that_is_stopped_can_be_backed_up_too() {
    let (server, folder, _) = said_and_backed_up().await;
    let data = server.stop().await;
    let files = names(data.path());
    assert_done(&back_up(data.path(), &folder.path().join("later.db")));
    assert_eq!(names(data.path()), files, "nothing is left beside the database");
}

#[tokio::test]
async fn nothing_is_replaced_that_is_in_use_or_that_nobody_said_to_replace() {
    let (server, _folder, copy) = said_and_backed_up().await;
    assert_fails(&restore(server.data(), &copy, &["--replace"]), 1, &["is in use"]);
    let data = server.stop().await;
    let database = fs::read(data.path().join("hubbub.db")).unwrap();
    assert_fails(&restore(data.path(), &copy, &[]), 1, &["holds a database already", "--replace"]);
    assert_eq!(fs::read(data.path().join("hubbub.db")).unwrap(), database);
}

#[tokio::test]
async fn what_was_replaced_is_kept_whole() {
    let (server, _folder, copy) = said_and_backed_up().await;
    let token = server.guest("bob").await.token;
    let mut bob = Wire::connect(server.address(), &token).await;
    bob.post("said after the backup").await;
    // As a crash leaves it: what was said last stands in the log file alone.
    let crashed = TempDir::new().unwrap();
    for name in ["hubbub.db", "hubbub.db-wal"] {
        fs::copy(server.data().join(name), crashed.path().join(name)).unwrap();
    }
    server.stop().await;

    assert_done(&restore(crashed.path(), &copy, &["--replace"]));
    let found = names(crashed.path());
    let [database, lock, aside] = &found[..] else { panic!("{found:?}") };
    assert_eq!((database.as_str(), lock.as_str()), ("hubbub.db", "hubbub.lock"));
    let old = TempDir::new().unwrap();
    fs::copy(crashed.path().join(aside).join("hubbub.db"), old.path().join("hubbub.db")).unwrap();
    let old = TestServer::on(old, &UNLIMITED).await;
    let mut bob = Wire::connect(old.address(), &token).await;
    assert_eq!(bob.join(None).await.head.get(), 2);
}

#[tokio::test]
async fn a_log_whose_database_is_gone_is_kept_as_it_is() {
    let (server, _folder, copy) = said_and_backed_up().await;
    let lost = TempDir::new().unwrap();
    fs::copy(server.data().join("hubbub.db-wal"), lost.path().join("hubbub.db-wal")).unwrap();
    let log = fs::read(lost.path().join("hubbub.db-wal")).unwrap();
    assert!(!log.is_empty(), "the test is of no use");
    assert_done(&restore(lost.path(), &copy, &["--replace"]));
    let found = names(lost.path());
    let [_, _, aside] = &found[..] else { panic!("{found:?}") };
    assert_eq!(names(&lost.path().join(aside)), ["hubbub.db-wal"]);
    assert_eq!(fs::read(lost.path().join(aside).join("hubbub.db-wal")).unwrap(), log);
}

#[tokio::test]
async fn a_copy_of_a_crashed_folder_is_a_backup_too() {
    let (server, folder, _) = said_and_backed_up().await;
    let token = server.guest("bob").await.token;
    Wire::connect(server.address(), &token).await.post("in the log file alone").await;
    for name in ["hubbub.db", "hubbub.db-wal"] {
        fs::copy(server.data().join(name), folder.path().join(name)).unwrap();
    }
    let elsewhere = TempDir::new().unwrap();
    assert_done(&restore(elsewhere.path(), &folder.path().join("hubbub.db"), &[]));
    let restored = TestServer::on(elsewhere, &UNLIMITED).await;
    assert_eq!(Wire::connect(restored.address(), &token).await.join(None).await.head.get(), 2);
}

#[tokio::test]
async fn what_is_no_whole_backup_is_not_put_in_place() {
    let (server, folder, copy) = said_and_backed_up().await;
    let data = server.stop().await;
    let before = fs::read(data.path().join("hubbub.db")).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(&copy).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 4096].fill(0x5a);
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE rooms (id INTEGER)").unwrap();
    for (backup, words) in [
        (
            file("text", "no database, but long enough to look like one. ".repeat(500).as_bytes()),
            "no whole backup",
        ),
        (file("half", &whole[..whole.len() / 2 / 4096 * 4096]), "no whole backup"),
        (file("damaged", &damaged), "no whole backup"),
        (file("empty", b""), "another program"),
        (other, "another program"),
        (folder.path().join("nothing"), "cannot copy"),
    ] {
        assert_fails(&restore(data.path(), &backup, &["--replace"]), 1, &[words, text(&backup)]);
    }
    Connection::open(&copy).unwrap().pragma_update(None, "user_version", 9999).unwrap();
    assert_fails(&restore(data.path(), &copy, &["--replace"]), 1, &["newer hubbub"]);
    assert_eq!(names(data.path()), ["hubbub.db", "hubbub.lock"]);
    assert_eq!(fs::read(data.path().join("hubbub.db")).unwrap(), before);
}

/// Only root gives files away, and only root has to.
#[cfg(unix)]
#[tokio::test]
async fn what_root_restores_belongs_to_who_serves() {
    use std::os::unix::fs::{MetadataExt as _, chown};

    let (server, folder, copy) = said_and_backed_up().await;
    if fs::metadata(&copy).unwrap().uid() != 0 {
        return;
    }
    let data = server.stop().await;
    for path in [data.path().to_owned(), data.path().join("hubbub.db")] {
        chown(path, Some(10_001), Some(10_001)).unwrap();
    }
    assert_done(&restore(data.path(), &copy, &["--replace"]));
    for name in names(data.path()) {
        assert_eq!(fs::metadata(data.path().join(&name)).unwrap().uid(), 10_001, "{name}");
    }
    drop(folder);
}
