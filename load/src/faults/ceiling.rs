//! A ceiling of memory, as a container has it: the kernel kills whoever goes above.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use client::{Options, protocol::RoomSlug};
use memchr::memmem;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::Run;
use crate::{
    oracle::judge,
    raw::{Came, Raw, TEXT},
    report::Report,
    server::Server,
    talk::{Plan, Talk},
    web::Web,
};

/// The ceiling, in bytes.
const CEILING_BYTES: u64 = 256 * 1024 * 1024;
/// Rooms in which people talk. Each idle connection is in one of them and in the first room of all.
const ROOMS: usize = 20;
/// Who talks in each of them.
const LIVE: Plan = Plan { writers: 4, in_flight: 1, rest: Duration::from_secs(1), readers: 1 };
/// Who talks in the first room, to everybody.
const TO_ALL: Plan = Plan { writers: 2, in_flight: 1, rest: Duration::from_secs(1), readers: 1 };
const CONNECTIONS_PER_USER: usize = 100;
/// How long they talk to all once everybody is there, in operations. It takes longer than a connection lives that does not
/// answer; so that is seen in the whole form only.
const TALK: usize = 90;
const TALK_SHORT: usize = 6;
/// How many messages are said to all at once in the end, so that much waits for many.
const BURST: usize = 100;
/// What is said last, to see who is still there.
const LAST_WORD: &str = "is everybody still here";
/// How long it may take to reach everybody.
const LAST_WORD_WAIT: Duration = Duration::from_secs(30);

/// A control group; gone with this, once nobody is in it.
struct Group(PathBuf);

impl Group {
    fn make() -> anyhow::Result<Self> {
        let name = format!("hubbub-{}", std::process::id());
        let (folder, limit) = if Path::new("/sys/fs/cgroup/memory").exists() {
            (Path::new("/sys/fs/cgroup/memory").join(name), "memory.limit_in_bytes")
        } else {
            (Path::new("/sys/fs/cgroup").join(name), "memory.max")
        };
        fs::create_dir(&folder).context("no control group can be made")?;
        let group = Self(folder);
        fs::write(group.0.join(limit), CEILING_BYTES.to_string())?;
        Ok(group)
    }

    fn members(&self) -> anyhow::Result<String> {
        let file = self.0.join("cgroup.procs");
        Ok(file.to_str().context("no Unicode")?.to_owned())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _in_use = fs::remove_dir(&self.0);
    }
}

pub(super) async fn run(run: &mut Run) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let group = Group::make()?;
    let enter = format!("echo $$ >{} && exec \"$@\"", group.members()?);
    let mut server = Server::new(&run.binary)?.under(&["sh", "-c", &enter, "sh"]);
    server.start().await?;
    let address = server.address();
    let host = Web::new(&address, &client::create_guest(&address, "host").await?.token)?;
    let first: RoomSlug = "general".parse()?;
    let mut rooms = Vec::with_capacity(ROOMS);
    for n in 0..ROOMS {
        rooms.push(host.create_public_room(&format!("live {n}")).await?);
    }
    let count = run.scale(10_000, 1_000);
    let mut crowd = Crowd::gather(&address, &first, &rooms, count).await?;
    let crowded = server.resident_kb()?;

    let to_all = Talk::begin(&address, &TO_ALL, &mut run.random).await?;
    let mut talks = Vec::with_capacity(ROOMS);
    for room in rooms {
        talks.push(Talk::begin_in(room, &address, &LIVE, &mut run.random).await?);
    }
    let began = Instant::now();
    to_all.goes_on(run.scale(TALK, TALK_SHORT)).await?;
    let lasted = began.elapsed();
    let mut ends: JoinSet<_> = talks.into_iter().map(Talk::end).collect();
    let mut acknowledged = 0;
    while let Some(evidence) = ends.join_next().await {
        let evidence = evidence??;
        report.demand(!evidence.acknowledged.is_empty(), "nobody was answered in one of the rooms");
        acknowledged += evidence.acknowledged.len();
        for promise in judge(&evidence) {
            report.demand(false, promise);
        }
    }
    report.judge(&to_all.end().await?);
    burst(&address, &first).await?;
    let status = host.post(&first, LAST_WORD).await?.status;
    report.demand(status == 201, format!("the last word got {status}"));
    let (here, ended) = crowd.count().await;
    report.demand(here == count, format!("{here} of {count} idle connections are still there: {ended:?}"));
    report.demand(server.is_running()?, "the server was killed");
    report.note(format!(
        "{count} idle connections: {} MB; with {acknowledged} operations in {ROOMS} other rooms of theirs in {:.0} s, and {BURST} messages to all at once, at most {} MB, \
         {} MB allowed; {here} of them are still there and heard the last word",
        crowded / 1_000,
        lasted.as_secs_f64(),
        server.peak_kb()? / 1_000,
        CEILING_BYTES / 1024 / 1024
    ));
    drop(crowd);
    server.kill().await?;
    drop(group);
    Ok(report)
}

/// Says much at once.
async fn burst(address: &str, room: &RoomSlug) -> anyhow::Result<()> {
    let token = client::create_guest(address, "hurried").await?.token;
    let (client, mut updates) = Options::new(address, &token)?.max_in_flight(BURST).start();
    tokio::spawn(async move { while updates.next().await.is_some() {} });
    let mut sends = JoinSet::new();
    for n in 0..BURST {
        let (client, room) = (client.clone(), room.clone());
        sends.spawn(async move { anyhow::Ok(client.send(room, format!("{n} at once").parse()?).await?) });
    }
    while let Some(sent) = sends.join_next().await {
        sent??;
    }
    client.close().await;
    Ok(())
}

/// Connections that say nothing, read all that comes, and answer when they are asked whether they live.
struct Crowd {
    connections: JoinSet<std::io::Result<Came>>,
    /// How many have heard the last word.
    heard: watch::Sender<usize>,
}

impl Crowd {
    async fn gather(
        address: &str,
        first: &RoomSlug,
        rooms: &[RoomSlug],
        count: usize,
    ) -> anyhow::Result<Self> {
        let (mut connections, heard) = (JoinSet::new(), watch::Sender::new(0));
        let mut token = String::new();
        for (n, room) in rooms.iter().cycle().take(count).enumerate() {
            if n % CONNECTIONS_PER_USER == 0 {
                token = client::create_guest(address, &format!("idle-{n}")).await?.token;
            }
            let mut raw = Raw::connect(address, &token, None).await?;
            for room in [first, room] {
                raw.send(TEXT, format!(r#"{{"type":"join","room":"{room}"}}"#).as_bytes()).await?;
            }
            let heard = heard.clone();
            connections.spawn(raw.idle(move |text| {
                if memmem::find(text, LAST_WORD.as_bytes()).is_some() {
                    heard.send_modify(|heard| *heard += 1);
                }
            }));
        }
        Ok(Self { connections, heard })
    }

    /// How many hear the last word, and how the first connection ended that is not there any more.
    async fn count(&mut self) -> (usize, Option<String>) {
        let mut heard = self.heard.subscribe();
        let all = self.connections.len();
        let _missing = timeout(LAST_WORD_WAIT, heard.wait_for(|&heard| heard >= all)).await;
        let ended = self.connections.try_join_next().map(|ended| format!("{ended:?}"));
        (*self.heard.borrow(), ended)
    }
}
