//! Hostile sockets: floods, length bombs, garbage, frames that are cut short, heads of handshakes that do not end. Rates and
//! caps are on, as for everybody.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use client::protocol::RoomSlug;
use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, interval, timeout},
};

use super::Run;
use crate::{
    latency::{Audience, median},
    raw::{Came, Raw, TEXT},
    report::Report,
    server::Server,
};

/// Readers that must not notice. They are of one user, who may have so many connections.
const READERS: usize = 200;
/// Messages in one measurement, and how far apart.
const MESSAGES: usize = 200;
const MESSAGES_SHORT: usize = 40;
const EVERY: Duration = Duration::from_millis(50);
/// Measurements with and without it, in turns.
const ROUNDS: usize = 5;
/// How much longer they may wait, in hundredths.
const GROWTH_MAX: u32 = 120;
/// How much memory all of it may cost, in KB.
const MEMORY_MAX_KB: u64 = 16_000;
/// Frames of a flood that goes out as fast as the socket takes it.
const FLOOD_FRAMES: usize = 10_000;
/// A flood of 10,000 frames a second: so many at a time, and how often.
const WAVE_FRAMES: usize = 100;
const WAVE_EVERY: Duration = Duration::from_millis(10);
/// What it consists of.
const SPAM: &[u8] = br#"{"type":"send","room":"general","content":"flood"}"#;
/// How long a hostile connection may live on.
const END_WAIT: Duration = Duration::from_secs(40);
/// The flags of the server: limits as they are, but the audience may be as large as it is.
const FLAGS: [&str; 4] = ["--log", "error", "--max-connections-per-user", "400"];

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?.with_flags(&FLAGS);
    server.start().await?;
    let address = server.address();
    let room: RoomSlug = "general".parse()?;
    let mut audience = Audience::gather(&address, &room, READERS).await?;
    let before = server.resident_kb()?;
    server.forget_peak()?;

    let messages = run.scale(MESSAGES, MESSAGES_SHORT);
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let mut floods = 0;
    for round in 0..run.scale(ROUNDS, 1) {
        alone.push(audience.p99(messages, EVERY).await?);
        let token = client::create_guest(&address, &format!("hostile-{round}")).await?.token;
        let siege =
            tokio::spawn(siege(address.clone(), token, run.random.fork(), EVERY * u32::try_from(messages)?));
        beside.push(audience.p99(messages, EVERY).await?);
        floods += siege.await??;
    }
    report.note(format!("{floods} connections that each sent 10,000 frames a second until they were closed"));
    report.demand(floods > 0, "nothing was flooded");
    for (what, expected, found) in attack(&address, &mut run.random).await? {
        report.note(format!("{what}: {found}"));
        report.demand(expected == found, format!("{what}: {found}, not {expected}"));
    }
    let grown = server.peak_kb()?.saturating_sub(before);
    let (alone, beside) = (median(alone), median(beside));
    report.note(format!(
        "memory +{grown} KB at its peak; p99 of {READERS} others {:.1} ms without, {:.1} ms with it",
        alone.as_secs_f64() * 1e3,
        beside.as_secs_f64() * 1e3
    ));
    report.demand(grown <= MEMORY_MAX_KB, format!("memory grew by {grown} KB, {MEMORY_MAX_KB} at most"));
    report.demand(
        run.is_short || beside * 100 <= alone * GROWTH_MAX,
        format!("others' p99 grew from {alone:?} to {beside:?}"),
    );
    report.demand(server.is_running()?, "the server is gone");
    server.kill().await?;
    Ok(report)
}

/// What was done, what should come of it, and what came.
type Outcome = (&'static str, String, String);

/// Floods for so long, each time over a new connection, and throws everything else between. Answers how many floods were cut
/// off.
async fn siege(address: String, token: String, mut random: Rng, lasts: Duration) -> anyhow::Result<usize> {
    let began = Instant::now();
    let wave = crate::raw::frame(TEXT, SPAM).repeat(WAVE_FRAMES);
    let mut floods = 0;
    while began.elapsed() < lasts {
        let mut raw = Raw::connect(&address, &token, None).await?;
        let mut waves = interval(WAVE_EVERY);
        loop {
            waves.tick().await;
            if raw.send_bytes(&wave).await.is_err() {
                floods += 1;
                break;
            }
            if began.elapsed() >= lasts {
                break;
            }
        }
        for (_, bytes, _) in bombs(&mut random) {
            let mut raw = Raw::connect(&address, &token, None).await?;
            // It may close before all is said.
            let _closed = raw.send_bytes(&bytes).await;
            raw.end().await?;
        }
        endless_head(&address).await?;
    }
    Ok(floods)
}

/// What breaks the rules, with what it should be closed with.
fn bombs(random: &mut Rng) -> [(&'static str, Vec<u8>, u16); 4] {
    [
        ("a frame of 2^62 bytes", [&[TEXT, 0xFF][..], &(1_u64 << 62).to_be_bytes(), &[0; 4]].concat(), 1009),
        ("a frame without a mask", vec![TEXT, 0x02, b'{', b'}'], 1002),
        ("random bytes", (0..65_536).map(|_| random.u8(..)).collect(), 1002),
        ("text that is no UTF-8", crate::raw::frame(TEXT, &[0xFF, 0xFE, 0xFD]), 1007),
    ]
}

/// Does everything once, and sees what comes of it.
async fn attack(address: &str, random: &mut Rng) -> anyhow::Result<Vec<Outcome>> {
    let token = client::create_guest(address, "hostile").await?.token;
    let mut outcomes = Vec::new();

    let mut raw = Raw::connect(address, &token, None).await?;
    for _ in 0..FLOOD_FRAMES {
        if raw.send(TEXT, SPAM).await.is_err() {
            break;
        }
    }
    outcomes.push(("a flood of frames", closed(4009), end(&mut raw).await?));

    for (what, bytes, code) in bombs(random) {
        let mut raw = Raw::connect(address, &token, None).await?;
        // It may close before all is said.
        let _closed = raw.send_bytes(&bytes).await;
        let found = end(&mut raw).await?;
        // Random bytes break one rule or the other.
        let expected =
            if what == "random bytes" && found != closed(code) { found.clone() } else { closed(code) };
        let is_rule = [1002, 1007, 1009].map(closed).contains(&found);
        outcomes.push((what, if is_rule { expected } else { closed(code) }, found));
    }

    let mut raw = Raw::connect(address, &token, None).await?;
    raw.send_bytes(&crate::raw::frame(TEXT, br#"{"type":"pong"}"#)[..7]).await?;
    // The rest never comes: silence is ended like any other.
    outcomes.push(("a frame cut short, then silence", closed(1001), silent_end(&mut raw).await?));
    outcomes.push(("a handshake with a head of 64 KB", "431".to_owned(), endless_head(address).await?));
    Ok(outcomes)
}

fn closed(code: u16) -> String {
    format!("closed with {code}")
}

async fn end(raw: &mut Raw) -> anyhow::Result<String> {
    Ok(match raw.end().await? {
        Some(code) => closed(code),
        None => "gone".to_owned(),
    })
}

/// The end of a connection that says nothing more; the server asks it first whether it lives.
async fn silent_end(raw: &mut Raw) -> anyhow::Result<String> {
    let ended = async {
        loop {
            match raw.next().await? {
                Came::Text(_) => {}
                Came::Closed(code) => return anyhow::Ok(closed(code)),
                Came::Gone => return Ok("gone".to_owned()),
            }
        }
    };
    timeout(END_WAIT, ended).await.context("a silent connection lives on")?
}

/// What a head of 64 KB is answered with.
async fn endless_head(address: &str) -> anyhow::Result<String> {
    let target: SocketAddr = address.trim_start_matches("http://").parse()?;
    let mut stream = TcpStream::connect(target).await?;
    let head = format!("GET /ws HTTP/1.1\r\nHost: {target}\r\nX: {}\r\n\r\n", "x".repeat(65_536));
    // It may answer before all is said.
    let _answered = stream.write_all(head.as_bytes()).await;
    let mut answer = [0; 12];
    timeout(END_WAIT, stream.read_exact(&mut answer)).await.context("no answer")??;
    Ok(String::from_utf8_lossy(&answer[9..]).into_owned())
}
