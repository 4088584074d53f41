//! Loads a Hubbub from outside and checks what it delivers.
//!
//! Everything here is an ordinary client on an ordinary socket. The server is another process, so that it can be killed
//! and so that what it costs is not mixed with what its load costs.

#![forbid(unsafe_code)]

mod bench;
mod crowd;
mod database;
mod faults;
mod fill;
mod latency;
mod oracle;
mod pages;
mod raw;
mod report;
mod server;
mod talk;
mod web;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum as _};
use client::protocol::RoomSlug;

use crate::faults::Fault;

/// Loads a Hubbub and checks what it delivers.
#[derive(Debug, Parser)]
#[command(name = "hubbub-load", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Post messages into a room until it has been given so many.
    Fill {
        /// The server; it must run with `--rate-limits off`.
        #[arg(long, default_value = "http://127.0.0.1:3000")]
        address: String,
        /// The room.
        #[arg(long, default_value = "general")]
        room: RoomSlug,
        /// How many messages.
        #[arg(long, default_value_t = 10_000)]
        messages: usize,
    },
    /// Join a room many times and stay, idle, until standard input ends. Prints `joined N` when all are in.
    Crowd {
        /// The server; it must run with `--rate-limits off`.
        #[arg(long, default_value = "http://127.0.0.1:3000")]
        address: String,
        /// The room.
        #[arg(long, default_value = "general")]
        room: RoomSlug,
        /// How many connections, each of a user of its own.
        #[arg(long, default_value_t = 1_000)]
        connections: usize,
    },
    /// Ask for a room's page one time after the other; print its compressed size and the median time.
    Pages {
        /// The server.
        #[arg(long, default_value = "http://127.0.0.1:3000")]
        address: String,
        /// The room.
        #[arg(long, default_value = "general")]
        room: RoomSlug,
        /// How often, after a warm-up of a tenth of that.
        #[arg(long, default_value_t = 300)]
        requests: usize,
    },
    /// Make faults happen to servers of our own while clients talk, and judge what is left. Some need root.
    Faults {
        /// Which; all of them if none is named.
        #[arg(value_enum)]
        faults: Vec<Fault>,
        /// The binary.
        #[arg(long, env = "HUBBUB_BIN", default_value = "target/release/hubbub")]
        server: PathBuf,
        /// What the moments and the talk are drawn from; the same seed draws the same.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The short form: fewer and shorter.
        #[arg(long)]
        short: bool,
        /// Only name them all.
        #[arg(long)]
        list: bool,
        /// Where a report goes, in Markdown.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// Compare a server of our own with others under the same load. `scripts/bench.sh` has what it needs.
    Bench(bench::Arguments),
    /// Relay what is said with nothing but the writes: what `bench` compares with.
    Floor {
        /// Where to listen.
        listen: SocketAddr,
        /// A file that holds what is relayed before it is: what being durable costs alone.
        #[arg(long)]
        file: Option<PathBuf>,
        /// How long what is relayed becomes at least, in bytes: spaces are put behind it.
        #[arg(long, default_value_t = 0)]
        frame_bytes: usize,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Fill { address, room, messages } => fill::run(&address, &room, messages).await,
        Command::Crowd { address, room, connections } => crowd::run(&address, &room, connections).await,
        Command::Pages { address, room, requests } => pages::run(&address, &room, requests).await,
        Command::Faults { list: true, .. } => {
            for fault in Fault::value_variants() {
                println!("{}", fault.name());
            }
            Ok(())
        }
        Command::Faults { faults, server, seed, short, report, list: false } => {
            faults::run(&server, &faults, seed, short, report.as_deref()).await
        }
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Floor { listen, file, frame_bytes } => {
            bench::floor::run(listen, file.as_deref(), frame_bytes)
        }
    }
}
