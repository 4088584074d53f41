//! Files that are not what was written: bits that flipped, sectors that are gone, ends that are missing. A server either
//! starts with what was committed, or with the first part of it where the end is lost, or says what to do; it never hands on
//! something else.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use client::protocol::{Event, Message, RoomSlug, Seq, ServerFrame, frame::History, timeline::Page};
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
            Ok(()) => audit(&server, &token, &evidence, &damage, &mut outcomes, &mut report).await?,
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
    server: &Server,
    token: &str,
    before: &Evidence,
    damage: &str,
    outcomes: &mut Outcomes,
    report: &mut Report,
) -> anyhow::Result<()> {
    let room: RoomSlug = "general".parse()?;
    let log = read_log(server, token, before).await;
    let pages = Web::new(&server.address(), token)?.pages(&room).await;
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
            let is_same = pages.map_or(true, |pages| is_part_of(&pages, &before.pages));
            report.demand(is_same, format!("{damage}: a page shows what nobody said"));
        }
    }
    Ok(())
}

/// Whether pages of the same moment show nothing that `before` does not.
fn is_part_of(pages: &[Page], before: &[Page]) -> bool {
    let head = |pages: &[Page]| pages.last().map(|page| page.head);
    if head(pages) != head(before) {
        return true;
    }
    let known: HashMap<Seq, &Message> =
        before.iter().flat_map(|page| &page.messages).map(|message| (message.seq, message)).collect();
    pages.iter().flat_map(|page| &page.messages).all(|message| known.get(&message.seq) == Some(&message))
}

/// The room's log from its first event to its last; `None` where the server says that it cannot be read.
async fn read_log(server: &Server, token: &str, before: &Evidence) -> Option<Vec<Event>> {
    let epoch = &before.pages.first()?.epoch;
    let mut raw = Raw::connect(&server.address(), token, None).await.ok()?;
    let join = format!(r#"{{"type":"join","room":"general","epoch":"{epoch}","after":0}}"#);
    raw.send(TEXT, join.as_bytes()).await.ok()?;
    let (mut log, mut head) = (Vec::new(), None);
    while head.is_none_or(|head| log.last().map_or(Seq::ZERO, |event: &Event| event.seq) < head) {
        let Came::Text(text) = raw.next().await.ok()? else { return None };
        match ServerFrame::decode(&text)? {
            ServerFrame::Joined(joined) => {
                head = Some(joined.head);
                let History::Replay { events } = joined.history else { return None };
                log.extend(events);
            }
            ServerFrame::Event(event) => log.push(event),
            ServerFrame::Error(_) => return None,
            _ => {}
        }
    }
    Some(log)
}
