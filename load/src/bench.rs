//! Side by side: a Hubbub and other servers under the same load on the same machine, as ratios.
//!
//! Everything is seen from outside, whatever the server is: what the kernel says its process costs, and when what reaches
//! whom. The generator is one thread that counts ([`crowd`]); who is compared stands in [`peer`], what is measured in
//! [`plan`], and what it is held against in [`report`].

mod connection;
mod crowd;
pub(crate) mod floor;
mod frame;
mod histogram;
mod http;
mod marker;
mod peer;
mod plan;
mod process;
mod samples;
mod suite;
mod talk;

use std::{env, ffi::OsString, path::PathBuf, time::Duration};

use clap::Args;

use self::{
    peer::{Hubbub, Peer, Relay},
    plan::STAGES,
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
    /// How often everybody takes a turn.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long each load is counted, in milliseconds.
    #[arg(long, default_value_t = 3_000)]
    counted_ms: u64,
    /// Only what a quick run needs.
    #[arg(long)]
    quick: bool,
}

/// How long each load goes on before it is counted.
const WARM_UP: Duration = Duration::from_millis(500);

/// Runs it all.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let peers = peers(arguments)?;
    let mut samples = Samples::default();
    let span = Span { warm_up: WARM_UP, counted: Duration::from_millis(arguments.counted_ms) };
    for round in 0..arguments.rounds {
        for stage in STAGES {
            let is_wanted = arguments.readers.is_none_or(|readers| readers == stage.readers);
            if is_wanted && (stage.is_quick || !arguments.quick) {
                let mut round = Round { samples: &mut samples, round, span };
                peers.iter().for_each(|peer| round.stage(stage, &**peer));
            }
        }
    }
    Ok(())
}

fn peers(arguments: &Arguments) -> anyhow::Result<Vec<Box<dyn Peer>>> {
    let script = |name: &str| OsString::from(arguments.peers.join(name));
    let mut peers: Vec<Box<dyn Peer>> = vec![
        Box::new(Relay::new("floor", env::current_exe()?, ["floor".into(), "--listen".into()])),
        Box::new(Hubbub::new(arguments.server.clone())),
    ];
    if let Some(bun) = &arguments.bun {
        peers.push(Box::new(Relay::new("Bun", bun, [script("bun.js")])));
    }
    if let Some(node) = &arguments.node {
        peers.push(Box::new(Relay::new("ws on Node", node, [script("ws.js")])));
    }
    if let Some(axum) = &arguments.axum {
        peers.push(Box::new(Relay::new("axum's ws", axum, [])));
    }
    if let Some(go) = &arguments.go {
        peers.push(Box::new(Relay::new("gorilla", go, [])));
    }
    Ok(peers)
}
