//! Faults of every kind, made on purpose, and what must hold under each of them.
//!
//! Each fault has a file. It starts a server of its own as a process, has people talk on it through real sockets, does
//! something terrible, and hands what everybody knows afterwards to the one oracle.

mod ceiling;
mod clock;
mod corruption;
mod crash;
mod disk;
mod flood;
mod network;
mod power;
mod restart;
mod soak;
mod stall;
mod storm;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::ValueEnum;
use fastrand::Rng;

use crate::report::{self, Report};

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// `kill -9` at random moments.
    Crash,
    /// Power loss: what was not synced is gone, or there in part.
    Power,
    /// The disk is full.
    Full,
    /// The files cannot be written.
    ReadOnly,
    /// Another process holds the database's lock.
    Locked,
    /// The files are not what was written.
    Corruption,
    /// The clock jumps a day ahead, and back.
    Clock,
    /// A network that loses, starves, cuts and falls silent.
    Network,
    /// One reader of many takes nothing any more.
    Stall,
    /// Everybody comes back at once.
    Storm,
    /// Hostile sockets.
    Flood,
    /// A ceiling of memory.
    Ceiling,
    /// Restarts by `SIGTERM` while people talk.
    Restart,
    /// A long time of coming and going.
    Soak,
}

impl Fault {
    /// What it is called.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What is done, for the report.
    const fn what(self) -> &'static str {
        match self {
            Self::Crash => "`kill -9` at random moments while 50 clients write, read, edit, delete and react",
            Self::Power => {
                "power loss: of what was not synced nothing, all or any part is on disk, torn at sectors"
            }
            Self::Full => "the file system is full, and has room again",
            Self::ReadOnly => "database and log become immutable, and writable again",
            Self::Locked => "another process holds the database's write lock for 30 s",
            Self::Corruption => {
                "bits flip, sectors are lost or overwritten, files are cut, in the database or its log"
            }
            Self::Clock => "the server's clock jumps a day ahead, two days back, and to the truth",
            Self::Network => {
                "5 % of packets lost; 256 kbit/s; all connections reset every second; nothing comes through any more; a reader at 32 kB/s for whom megabytes wait"
            }
            Self::Stall => "one reader of 5,000 stops reading, with the smallest buffer there is",
            Self::Storm => "`kill -9`, and 10,000 connections resume at once",
            Self::Flood => {
                "hostile sockets, again and again: 10,000 frames a second, length bombs, garbage, half a frame, a head of 64 KB"
            }
            Self::Ceiling => "256 MB of memory for 10,000 idle connections and rooms in which people talk",
            Self::Soak => {
                "an hour of people who come, join, talk, make rooms and leave, half of them without a word"
            }
            Self::Restart => "restarts by `SIGTERM` under 200 messages a second",
        }
    }

    async fn run(self, run: &mut Run) -> anyhow::Result<Report> {
        match self {
            Self::Crash => crash::run(run).await,
            Self::Power => power::run(run).await,
            Self::Full => disk::full(run).await,
            Self::ReadOnly => disk::read_only(run).await,
            Self::Locked => disk::locked(run).await,
            Self::Corruption => corruption::run(run).await,
            Self::Clock => clock::run(run).await,
            Self::Network => network::run(run).await,
            Self::Stall => stall::run(run).await,
            Self::Storm => storm::run(run).await,
            Self::Flood => flood::run(run).await,
            Self::Ceiling => ceiling::run(run).await,
            Self::Restart => restart::run(run).await,
            Self::Soak => soak::run(run).await,
        }
    }
}

/// What every fault needs to know.
#[derive(Debug)]
pub(crate) struct Run {
    /// The server.
    pub(crate) binary: PathBuf,
    /// Moments and talk are drawn from it; the same seed draws the same.
    pub(crate) random: Rng,
    /// Whether this is the short form, as for every change.
    pub(crate) is_short: bool,
}

impl Run {
    /// How often something is done, or how long: `short` in the short form.
    pub(crate) const fn scale<T: Copy>(&self, whole: T, short: T) -> T {
        if self.is_short { short } else { whole }
    }
}

/// Runs `faults` one after the other and says what each did; a report goes to `file`.
pub(crate) async fn run(
    binary: &Path,
    faults: &[Fault],
    seed: u64,
    is_short: bool,
    file: Option<&Path>,
) -> anyhow::Result<()> {
    let faults = if faults.is_empty() { Fault::value_variants() } else { faults };
    let mut rows = Vec::new();
    let mut broken = Vec::new();
    for fault in faults {
        let name = fault.name();
        let mut run = Run { binary: binary.to_owned(), random: Rng::with_seed(seed), is_short };
        let began = Instant::now();
        let report = fault.run(&mut run).await.unwrap_or_else(|error| {
            let mut report = Report::default();
            report.demand(false, format!("{error:#}"));
            report
        });
        report::print(&name, &report, began.elapsed().as_secs_f64());
        rows.push((name.clone(), report::row(&name, fault.what(), &report, is_short)));
        if !report.has_held() {
            broken.push(name);
        }
    }
    if let Some(file) = file {
        let before = fs::read_to_string(file).unwrap_or_default();
        let page = page(seed, &merged(&before, &rows));
        fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))?;
    }
    anyhow::ensure!(broken.is_empty(), "promises were broken under: {}", broken.join(", "));
    println!("every promise held (seed {seed})");
    Ok(())
}

/// How long a server may take to notice that a fault has come, or gone.
const NOTICE_MAX: Duration = Duration::from_secs(5);

/// The rows of a report, each fault's from its last run: `rows`, by fault, and what stands in the report of `before`.
fn merged(before: &str, rows: &[(String, String)]) -> Vec<String> {
    let last_of = |fault: &Fault| {
        let name = fault.name();
        let new = rows.iter().find(|(of, _)| *of == name).map(|(_, row)| row.clone());
        new.or_else(|| {
            before.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).map(str::to_owned)
        })
    };
    Fault::value_variants().iter().filter_map(last_of).collect()
}

fn page(seed: u64, rows: &[String]) -> String {
    format!(
        "# Faults\n\n\
         What was done to a running server, what must hold, and what was seen. `make faults` makes this page; the last run had \
         the seed {seed}. Each row is a run of its own, the last one of its fault: a server as a process, people who talk through real sockets and are not \
         told of the fault, and one oracle in the end ([load/src/oracle.rs](../load/src/oracle.rs)):\n\n\
         - whatever was acknowledged is stored as it was asked for, at the place that was acknowledged;\n\
         - nothing is stored twice, and nothing that was not acknowledged to whoever asked;\n\
         - a room's log is numbered without a hole;\n\
         - every reader was given the whole log, in order, edits, deletions and reactions included;\n\
         - the log folds to exactly the messages that are fetched.\n\n\
         | fault | what is done | promises | seen |\n|---|---|---|---|\n{}\n",
        rows.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_one_fault_leaves_what_is_known_of_the_others() {
        let of = |fault: Fault, seen: &str| (fault.name(), format!("| `{}` | {seen} |", fault.name()));
        let all: Vec<_> = Fault::value_variants().iter().map(|&fault| of(fault, "old")).collect();
        let before = page(1, &merged("", &all));
        let after = merged(&before, &[of(Fault::Soak, "new"), of(Fault::Full, "new")]);
        assert_eq!(after.len(), Fault::value_variants().len());
        for (row, fault) in after.iter().zip(Fault::value_variants()) {
            let is_new = matches!(fault, Fault::Soak | Fault::Full);
            assert_eq!(*row, of(*fault, if is_new { "new" } else { "old" }).1);
        }
    }
}
