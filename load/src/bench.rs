//! Side by side: a Hubbub and other servers under the same load on the same machine, as ratios.
//!
//! Everything is seen from outside, whatever the server is: what the kernel says its process costs, and when what reaches
//! whom. The generator is one thread that counts ([`crowd`]); who is compared stands in [`peer`], what is measured in
//! [`plan`], and what it is held against in [`goals`].

mod alone;
mod connection;
mod crowd;
pub(crate) mod floor;
mod frame;
mod goals;
mod histogram;
mod http;
mod marker;
mod peer;
mod plan;
mod process;
mod report;
mod samples;
mod suite;
mod talk;

use std::{env, ffi::OsString, fs, io, path::PathBuf, thread, time::Duration};

use clap::Args;

use self::{
    alone::Alone,
    goals::{DURABLE_FLOOR, FLOOR, HUBBUB, HUBBUB_AMONG_IDLE, HUBBUB_BEFORE},
    peer::{Hubbub, Peer, Relay},
    plan::{STAGES, Stage},
    report::Subjects,
    samples::Samples,
    suite::Round,
    talk::Span,
};

/// What to compare, and how thoroughly.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The Hubbub's binary.
    #[arg(long, env = "HUBBUB_BIN", default_value = "target/release/hubbub")]
    server: PathBuf,
    /// Another Hubbub's binary, to see what a change brings.
    #[arg(long)]
    before: Option<PathBuf>,
    /// The folder of the other servers' programs.
    #[arg(long, default_value = "load/peers")]
    peers: PathBuf,
    /// Bun's binary.
    #[arg(long)]
    bun: Option<PathBuf>,
    /// Node's binary, for `ws`.
    #[arg(long)]
    node: Option<PathBuf>,
    /// The chat over axum's WebSocket.
    #[arg(long)]
    axum: Option<PathBuf>,
    /// The hub in Go.
    #[arg(long)]
    go: Option<PathBuf>,
    /// Only stages of so many readers.
    #[arg(long)]
    readers: Option<usize>,
    /// Only the peer of this name.
    #[arg(long)]
    only: Option<String>,
    /// How often everybody takes a turn.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long each load is counted, in milliseconds.
    #[arg(long, default_value_t = 3_000)]
    counted_ms: u64,
    /// Only what a quick run needs.
    #[arg(long)]
    quick: bool,
    /// Versions of what is compared, for the report.
    #[arg(long, default_value = "")]
    versions: String,
    /// The document that the results are put into.
    #[arg(long)]
    report: Option<PathBuf>,
}

/// How long each load goes on before it is counted.
const WARM_UP: Duration = Duration::from_millis(500);

/// How long an event is that carries what is said here.
const EVENT_BYTES: &str = "350";

/// Rooms that are idle, and users, where that is what is looked at.
const IDLE_ROOMS: usize = 5_000;
/// Messages in the room whose pages are measured.
const FULL_ROOM: u32 = 1_000_000;
/// The same in a quick run.
const FULL_ROOM_QUICK: u32 = 100_000;

/// Runs it all.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let peers = peers(arguments)?;
    let mut samples = Samples::default();
    let stages: Vec<&Stage> = STAGES.iter().filter(|stage| arguments.wants(stage)).collect();
    for round in 0..arguments.rounds {
        let span = Span { warm_up: WARM_UP, counted: Duration::from_millis(arguments.counted_ms) };
        let mut round = Round { samples: &mut samples, number: round, span };
        for stage in &stages {
            let peers: Vec<&dyn Peer> =
                peers.iter().map(|peer| &**peer).filter(|peer| stage.is_for(peer.name())).collect();
            round.stage(stage, &peers)?;
        }
        if arguments.readers.is_none() {
            let hubbub = Hubbub::new(HUBBUB, arguments.server.clone());
            Alone { round: &mut round, hubbub: &hubbub }.acks()?;
        }
    }
    if arguments.readers.is_none() {
        let span = Span { warm_up: WARM_UP, counted: Duration::from_millis(arguments.counted_ms) };
        let mut round = Round { samples: &mut samples, number: 0, span };
        let hubbub = Hubbub::new(HUBBUB, arguments.server.clone());
        let mut alone = Alone { round: &mut round, hubbub: &hubbub };
        alone.idle()?;
        alone.pages(if arguments.quick { FULL_ROOM_QUICK } else { FULL_ROOM })?;
    }
    let results = report::render(&about(arguments)?, &subjects(&peers, &stages), &samples)?;
    println!("\n{results}");
    if let Some(path) = &arguments.report {
        fs::write(path, report::put_into(&fs::read_to_string(path)?, &results)?)?;
    }
    Ok(())
}

impl Arguments {
    fn wants(&self, stage: &Stage) -> bool {
        let is_of_size = self.readers.is_none_or(|readers| readers == stage.readers);
        is_of_size && (stage.is_quick || !self.quick)
    }
}

fn subjects(peers: &[Box<dyn Peer>], stages: &[&Stage]) -> Subjects {
    let loads = |stage: &&&Stage| stage.loads.iter().map(|&load| stage.scenario(load)).collect::<Vec<_>>();
    Subjects {
        peers: peers.iter().map(|peer| peer.name()).collect(),
        loads: stages.iter().flat_map(|stage| loads(&stage)).collect(),
        comings: stages
            .iter()
            .filter(|stage| stage.loads.is_empty())
            .map(|stage| stage.coming_in())
            .collect(),
    }
}

/// Where and how it was measured.
fn about(arguments: &Arguments) -> anyhow::Result<String> {
    let processor = fs::read_to_string("/proc/cpuinfo")?
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.to_owned()))
        .unwrap_or_else(|| "a processor without a name".to_owned());
    let processors = thread::available_parallelism()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{processors} processors ({processor}), Linux {}; rounds: {}, {} ms for each load. {}",
        kernel.trim(),
        arguments.rounds,
        arguments.counted_ms,
        arguments.versions
    ))
}

fn peers(arguments: &Arguments) -> anyhow::Result<Vec<Box<dyn Peer>>> {
    let script = |name: &str| OsString::from(arguments.peers.join(name));
    let floor = |name, arguments: &[&str]| {
        Ok::<_, io::Error>(Relay::new(name, env::current_exe()?, arguments.iter().map(Into::into)))
    };
    // Where not all can be up at the same time, the first ones are: what is compared most closely.
    let hubbub = |name| Hubbub::new(name, arguments.server.clone());
    let mut peers: Vec<Box<dyn Peer>> =
        vec![Box::new(hubbub(HUBBUB)), Box::new(hubbub(HUBBUB_AMONG_IDLE).among_idle(IDLE_ROOMS))];
    if let Some(before) = &arguments.before {
        peers.push(Box::new(Hubbub::new(HUBBUB_BEFORE, before.clone())));
    }
    if let Some(bun) = &arguments.bun {
        peers.push(Box::new(Relay::new("Bun", bun, [script("bun.js")])));
    }
    peers.push(Box::new(floor(FLOOR, &["floor"])?));
    let durable = ["floor", "--frame-bytes", EVENT_BYTES];
    peers.push(Box::new(floor(DURABLE_FLOOR, &durable)?.with_file("--file")));
    if let Some(node) = &arguments.node {
        peers.push(Box::new(Relay::new("ws on Node", node, [script("ws.js")])));
    }
    if let Some(axum) = &arguments.axum {
        peers.push(Box::new(Relay::new("axum's ws", axum, [])));
    }
    if let Some(go) = &arguments.go {
        peers.push(Box::new(Relay::new("gorilla", go, [])));
    }
    peers.retain(|peer| arguments.only.as_ref().is_none_or(|only| only == peer.name()));
    Ok(peers)
}
