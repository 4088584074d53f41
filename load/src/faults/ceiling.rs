//! A ceiling of memory, as a container has it: the kernel kills whoever goes above.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use client::protocol::RoomSlug;

use super::Run;
use crate::{
    latency::Audience,
    raw::{Raw, TEXT},
    report::Report,
    server::Server,
    talk::{Plan, Talk},
};

/// The ceiling, in bytes.
const CEILING_BYTES: u64 = 256 * 1024 * 1024;
/// Rooms in which people talk, beside the idle ones.
const LIVE: Plan = Plan { writers: 10, in_flight: 1, rest: Duration::from_millis(100), readers: 3 };
const CONNECTIONS_PER_USER: usize = 100;
/// How long they talk once everybody is there, in operations.
const TALK: usize = 2_000;

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
    let idle: RoomSlug = "general".parse()?;
    let count = run.scale(10_000, 1_000);
    let mut crowd = Vec::with_capacity(count);
    let mut token = String::new();
    for n in 0..count {
        if n % CONNECTIONS_PER_USER == 0 {
            token = client::create_guest(&address, &format!("idle-{n}")).await?.token;
        }
        let mut raw = Raw::connect(&address, &token, None).await?;
        raw.send(TEXT, format!(r#"{{"type":"join","room":"{idle}"}}"#).as_bytes()).await?;
        crowd.push(raw);
    }
    let crowded = server.resident_kb()?;
    let mut listeners = Audience::gather(&address, &idle, 1).await?;
    let talk = Talk::begin(&address, &LIVE, &mut run.random).await?;
    talk.goes_on(run.scale(TALK, TALK / 10)).await?;
    listeners.p99(1, Duration::from_millis(1)).await?;
    report.judge(&talk.end().await?);
    report.demand(server.is_running()?, "the server was killed");
    report.note(format!(
        "{count} idle connections: {} MB; with people who talk to all of them at most {} MB, {} MB allowed",
        crowded / 1_000,
        server.peak_kb()? / 1_000,
        CEILING_BYTES / 1024 / 1024
    ));
    drop(crowd);
    server.kill().await?;
    drop(group);
    Ok(report)
}
