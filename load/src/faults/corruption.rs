//! Files that are not what was written: bits that flipped, sectors that are gone, ends that are missing. A server either
//! starts with what was committed, or with the first part of it where the end is lost, or says what to do; it never hands on
//! something else.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use client::protocol::{
    CloseCode, ErrorCode, Event, Message, RoomSlug, Seq, ServerFrame, frame::History, timeline::Page,
};
use fastrand::Rng;

use super::Run;
use crate::{
    oracle::{Evidence, judge, same_event},
    raw::{Came, Raw, TEXT},
    report::Report,
    server::Server,
    talk::{Plan, Talk},
    web::Web,
};

const PLAN: Plan = Plan { writers: 10, in_flight: 4, rest: Duration::ZERO, readers: 1 };
/// Operations before the damage: enough that a part of them is in the database and a part in its log.
const TALK: usize = 3_000;
const FILES: [&str; 2] = ["hubbub.db", "hubbub.db-wal"];
const SECTOR_BYTES: usize = 512;
/// What a refusal to start has to name: the way out.
const WAY_OUT: &str = "hubbub restore";
/// What a request for what cannot be read has to be answered with.
const ADMITTED: [u16; 2] = [500, 503];

/// How servers took it.
#[derive(Debug, Default)]
struct Outcomes {
    refused: usize,
    whole: usize,
    prefix: usize,
    admitted: usize,
}

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut server = Server::new(&run.binary)?;
    server.start().await?;
    let token = client::create_guest(&server.address(), "auditor").await?.token;
    let talk = Talk::begin(&server.address(), &PLAN, &mut run.random).await?;
    talk.goes_on(TALK).await?;
    let evidence = talk.end().await?;
    report.judge(&evidence);
    // Killed, so that its log stays.
    server.kill().await?;
    let sound = server.data().to_owned();

    let rounds = run.scale(300, 20);
    let mut outcomes = Outcomes::default();
    for round in 0..rounds {
        let folder = server.folder().join(format!("damaged-{round}"));
        let damage = damaged_copy(&sound, &folder, &mut run.random)?;
        server.move_to(&folder);
        match server.try_start().await? {
            Err(refusal) => {
                outcomes.refused += 1;
                let says = refusal.words.contains(WAY_OUT) && !refusal.words.contains("panicked");
                report.demand(
                    says,
                    format!("{damage}: ended with {}: {}", refusal.status, refusal.words.trim()),
                );
            }
            Ok(()) => audit(&mut server, &token, &evidence, &damage, &mut outcomes, &mut report).await?,
        }
        server.kill().await?;
        fs::remove_dir_all(&folder)?;
    }
    let Outcomes { refused, whole, prefix, admitted } = outcomes;
    report.note(format!(
        "{rounds} times damaged: {refused} refusals to start that say what to do, {whole} times everything was read, \
         {prefix} times all up to some moment, {admitted} times what could not be read was refused"
    ));
    // How often each comes depends on how much of the database is in its log.
    report.demand(refused + admitted > 0, "no damage was ever noticed: the run proves nothing");
    report.demand(whole + prefix > 0, "nothing was ever read: the run proves little");
    Ok(report)
}

/// Copies a data folder and damages one file of it; answers how.
fn damaged_copy(from: &Path, to: &Path, random: &mut Rng) -> anyhow::Result<String> {
    fs::create_dir(to)?;
    for name in FILES {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name))?;
        }
    }
    let there: Vec<&str> = FILES.into_iter().filter(|name| to.join(name).exists()).collect();
    let name = *random.choice(&there).context("there is no file to damage")?;
    let mut file = File::options().read(true).write(true).open(to.join(name))?;
    let length = file.metadata()?.len();
    let at = random.u64(..length.max(1));
    let mut overwrite = |at: u64, bytes: &[u8]| {
        file.seek(SeekFrom::Start(at))?;
        file.write_all(bytes)
    };
    Ok(match random.u8(..4) {
        0 => {
            let mut bytes = fs::read(to.join(name))?;
            let bits = random.usize(1..8);
            for _ in 0..bits {
                let at = random.usize(..bytes.len());
                bytes[at] ^= 1 << random.u8(..8);
            }
            overwrite(0, &bytes)?;
            format!("{bits} bits of {name} flipped")
        }
        1 => {
            overwrite(at, &[0; SECTOR_BYTES])?;
            format!("a sector of {name} zeroed at {at}")
        }
        2 => {
            let noise: Vec<u8> = (0..SECTOR_BYTES).map(|_| random.u8(..)).collect();
            overwrite(at, &noise)?;
            format!("a sector of {name} overwritten at {at}")
        }
        _ => {
            file.set_len(at)?;
            format!("{name} cut to {at} of {length} bytes")
        }
    })
}

/// Reads everything and compares it with what was there.
async fn audit(
    server: &mut Server,
    token: &str,
    before: &Evidence,
    damage: &str,
    outcomes: &mut Outcomes,
    report: &mut Report,
) -> anyhow::Result<()> {
    let room: RoomSlug = "general".parse()?;
    let log = read_log(server, token, before).await.unwrap_or_else(|error| {
        report.demand(false, format!("{damage}: reading the log, {error:#}"));
        None
    });
    let pages = Web::new(&server.address(), token)?.pages(&room).await;
    if let Err(error) = &pages {
        let status = error.downcast_ref().and_then(reqwest::Error::status).map(|status| status.as_u16());
        let is_admitted = status.is_some_and(|status| ADMITTED.contains(&status));
        report.demand(is_admitted, format!("{damage}: reading pages, {error:#}"));
    }
    if let Some(log) = &log {
        let is_same = log.len() <= before.log.len()
            && log
                .iter()
                .zip(&before.log)
                .all(|(read, stored)| same_event(stored, read) || same_event(read, stored));
        report.demand(is_same, format!("{damage}: the log is read otherwise than it was written"));
    }
    match (log, pages) {
        (Some(log), Ok(pages)) => {
            *(if log.len() == before.log.len() { &mut outcomes.whole } else { &mut outcomes.prefix }) += 1;
            let found = Evidence { acknowledged: Vec::new(), log, readers: Vec::new(), pages };
            for promise in judge(&found) {
                report.demand(false, format!("{damage}: {promise}"));
            }
        }
        // The log cannot be read, or the pages cannot: then what can be is what was there.
        (_, pages) => {
            outcomes.admitted += 1;
            let is_same = pages.map_or(true, |pages| are_of_some_moment(&pages, before));
            report.demand(is_same, format!("{damage}: the pages show the room as it never was"));
        }
    }
    report.demand(server.is_running()?, format!("{damage}: the server is gone once it was read"));
    Ok(())
}

/// Whether pages show the room as it was at their head.
fn are_of_some_moment(pages: &[Page], before: &Evidence) -> bool {
    let Some(head) = pages.last().map(|page| page.head) else { return false };
    let shown = pages.iter().flat_map(|page| &page.messages);
    if before.pages.last().is_some_and(|page| page.head == head) {
        return shown.eq(before.pages.iter().flat_map(|page| &page.messages));
    }
    let is_known = head == Seq::ZERO || before.log.iter().any(|event| event.seq == head);
    let mut then: BTreeMap<Seq, Message> = BTreeMap::new();
    for event in before.log.iter().take_while(|event| event.seq <= head) {
        match event.kind.target() {
            None => then.extend(Message::posted(event).map(|message| (message.seq, message))),
            Some(target) => {
                if let Some(message) = then.get_mut(&target) {
                    message.apply(event);
                }
            }
        }
    }
    let shown = shown.map(|message| known_of(message, then.get(&message.seq)));
    is_known && shown.eq(then.values().cloned().map(unquoted))
}

/// What is known of a message's past: the words that were deleted since are not in the log, nor what was done to them.
fn known_of(shown: &Message, then: Option<&Message>) -> Message {
    let mut shown = unquoted(shown.clone());
    if then.is_some_and(|then| then.content.is_none()) {
        shown.content = None;
        shown.edited_at = None;
        shown.reactions.clear();
    }
    shown
}

/// What a message quotes changes with what it answers.
fn unquoted(message: Message) -> Message {
    Message { quote: None, ..message }
}

/// The room's log from its first event to its last; `None` where the server says that it cannot be read. Whatever is neither is
/// an error: silence, a broken connection, a frame that nobody understands.
async fn read_log(server: &Server, token: &str, before: &Evidence) -> anyhow::Result<Option<Vec<Event>>> {
    let epoch = &before.pages.first().context("no page")?.epoch;
    let mut raw = match Raw::try_connect(&server.address(), token, None).await? {
        Ok(raw) => raw,
        Err(status) => {
            anyhow::ensure!(ADMITTED.contains(&status), "the handshake was answered with {status}");
            return Ok(None);
        }
    };
    let join = format!(r#"{{"type":"join","room":"general","epoch":"{epoch}","after":0}}"#);
    raw.send(TEXT, join.as_bytes()).await?;
    let (mut log, mut head) = (Vec::new(), None);
    while head.is_none_or(|head| log.last().map_or(Seq::ZERO, |event: &Event| event.seq) < head) {
        let text = match raw.next().await? {
            Came::Text(text) => text,
            // The log broke off while it was read: what came so far has no hole, and the rest is to be asked for again.
            Came::Closed(code) => {
                anyhow::ensure!(code == CloseCode::Restart.code(), "closed with {code}");
                return Ok(None);
            }
            Came::Gone => anyhow::bail!("the connection broke off without a word"),
        };
        match ServerFrame::decode(&text).with_context(|| format!("an unreadable frame came: {text}"))? {
            ServerFrame::Joined(joined) => {
                head = Some(joined.head);
                let History::Replay { events } = joined.history else {
                    anyhow::bail!("a snapshot came instead of the log: {:?}", joined.history)
                };
                log.extend(events);
            }
            ServerFrame::Event(event) => log.push(event),
            ServerFrame::Error(refusal) => {
                let is_admitted = matches!(refusal.code, ErrorCode::Internal | ErrorCode::Unavailable);
                anyhow::ensure!(is_admitted, "refused with {refusal:?}");
                return Ok(None);
            }
            _ => {}
        }
    }
    Ok(Some(log))
}
