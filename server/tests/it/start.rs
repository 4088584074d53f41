//! Starting and stopping the binary: what is wrong is one sentence that says what to do.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use tempfile::TempDir;

use crate::{
    binary::{assert_fails, hubbub, run, serve},
    server::TestServer,
};

#[test]
fn a_wrong_flag_is_explained() {
    assert_fails(&run(&["--colour", "red"]), 2, &["--colour"]);
    for nowhere in ["here", "3000", ":3000", "127.0.0.1", "localhost:3000"] {
        assert_fails(&run(&["--listen", nowhere]), 2, &["--listen", nowhere, "like 127.0.0.1:3000"]);
    }
    assert_fails(&run(&["healthcheck", "--address", "here"]), 2, &["--address", "like 127.0.0.1:3000"]);
    assert_fails(&run(&["--guests", "maybe"]), 2, &["--guests", "on, off"]);
    assert_fails(&run(&["--op-rate", "fast"]), 2, &["--op-rate", "TIMES/PERIOD"]);
    assert_fails(&run(&["--public-url", "chat.example"]), 2, &["--public-url", "https://chat.example.org"]);
    assert_fails(&run(&["--log", "server=loud"]), 2, &["--log", "like info,server::http=debug"]);
    assert_fails(&run(&["--log-format", "xml"]), 2, &["--log-format", "text, json"]);
    assert_fails(&run(&["--trusted-proxies", "300"]), 2, &["--trusted-proxies", "whole number", "0 to 255"]);
    assert_fails(&run(&["--max-rooms", "10k"]), 2, &["--max-rooms", "whole number"]);
    assert_fails(&run(&["--outbox-bytes", "128"]), 2, &["--outbox-bytes", "131072 or more"]);
    assert_fails(&run(&["--drain-seconds", "10s"]), 2, &["--drain-seconds", "without unit"]);
    assert_fails(&hubbub(&[]).env("HUBBUB_GUESTS", "maybe").output().unwrap(), 2, &["--guests"]);
}

#[test]
fn help_names_every_setting() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    for word in ["--listen", "HUBBUB_LISTEN", "127.0.0.1:3000", "--rate-limits", "HUBBUB_OUTBOX_BYTES"] {
        assert!(help.contains(word), "{word}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_explained() {
    let server = TestServer::start().await;
    let data = TempDir::new().unwrap();
    let output = run(&["--listen", &server.address().to_string(), "--data", data.path().to_str().unwrap()]);
    assert_fails(&output, 1, &["is in use", "--listen"]);
    let taken = server.address().to_string();
    let flags = ["--listen", "127.0.0.1:0", "--metrics", &taken, "--data", data.path().to_str().unwrap()];
    assert_fails(&run(&flags), 1, &["is in use", "--metrics"]);
}

#[tokio::test]
async fn two_servers_do_not_share_a_data_folder() {
    let server = TestServer::start().await;
    let output = run(&["--listen", "127.0.0.1:0", "--data", server.data().to_str().unwrap()]);
    assert_fails(&output, 1, &["is in use", "--data"]);
}

#[test]
fn a_data_folder_that_cannot_be_used_is_explained() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for data in [file.clone(), file.join("inside")] {
        let output = run(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
        assert_fails(&output, 1, &["cannot write in the data folder", "--data"]);
    }
    fs::write(folder.path().join("hubbub.db"), "this is no database, and long enough to be seen as none")
        .unwrap();
    let output = run(&["--listen", "127.0.0.1:0", "--data", folder.path().to_str().unwrap()]);
    assert_fails(&output, 1, &["damaged", "backup"]);
}

#[test]
fn it_says_where_it_is_and_stops_when_told_to() {
    let data = TempDir::new().unwrap();
    let (mut process, _address) = serve(&["--data", data.path().to_str().unwrap()]);
    process.terminate();
    let status = process.0.wait().unwrap();
    let mut log = String::new();
    process.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(status.success(), "{status}: {log}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let data = TempDir::new().unwrap();
    let flags = ["--data", data.path().to_str().unwrap(), "--drain-seconds", "60"];
    let (mut process, address) = serve(&flags);
    let mut under_way = TcpStream::connect(&address).unwrap();
    write!(under_way, "POST /api/v1/guests HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        .unwrap();
    write!(under_way, "Content-Length: 9\r\n\r\n").unwrap();
    // Connections are accepted in the order in which they came.
    assert!(run(&["healthcheck", "--address", &address]).status.success());

    let mut log = BufReader::new(process.0.stderr.take().unwrap());
    let mut said = String::new();
    process.terminate();
    while !said.contains("once more stops at once") {
        assert_ne!(log.read_line(&mut said).unwrap(), 0, "{said}");
    }
    process.terminate();
    let status = process.0.wait().unwrap();
    log.read_to_string(&mut said).unwrap();
    assert!(status.success() && said.contains("stopped at once"), "{status}: {said}");
}
