//! The rounds: every peer in turn, A B C A B C, so that what the machine does beside it hits all alike.
//!
//! In each round as many servers as can be are up at the same time, each with its crowd, and take short turns under the same load: what
//! disturbs a machine comes and goes within seconds, and hits neighbouring turns more alike than runs that are minutes apart.

use std::{mem, thread, time::Duration};

use anyhow::Context as _;
use tempfile::TempDir;

use super::{
    crowd::{Crowd, Entry},
    histogram::Histogram,
    peer::Peer,
    plan::Stage,
    process::{Process, files_max, free_address},
    samples::{Figure, Sample, Samples},
    talk::{Answer, Load, Seen, Span, talk},
};

/// How long a server is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(1);
/// Turns that each server takes at a load in one round.
const TURNS: u32 = 6;
/// How long a turn goes on before it is counted.
const TURN_WARM_UP: Duration = Duration::from_millis(150);
/// Files that the generator needs beside its connections.
const OTHER_FILES: usize = 500;

/// Takes samples of one round.
pub(crate) struct Round<'s> {
    pub(crate) samples: &'s mut Samples,
    pub(crate) number: u32,
    pub(crate) span: Span,
}

/// A server that is up, and its crowd.
struct Up<'p> {
    peer: &'p dyn Peer,
    crowd: Crowd,
    process: Process,
    /// Of all turns at the present load.
    latency: Histogram,
    is_lost: bool,
    _data: TempDir,
}

impl Round<'_> {
    /// Lets peers go through a stage. That one fails is a result as well.
    pub(crate) fn stage(&mut self, stage: &Stage, peers: &[&dyn Peer]) -> anyhow::Result<()> {
        let at_a_time = match files_max()?.saturating_sub(OTHER_FILES) / stage.readers {
            _ if stage.loads.is_empty() => 1,
            fitting => fitting.max(1),
        };
        for peers in peers.chunks(at_a_time) {
            let scenario =
                stage.loads.first().map_or_else(|| stage.coming_in(), |&load| stage.scenario(load));
            let mut up = Vec::new();
            for peer in peers {
                match self.come_in(stage, *peer) {
                    Ok(server) => up.push(server),
                    Err(error) => self.samples.fail(&scenario, peer.name(), &format!("{error:#}")),
                }
            }
            for &load in stage.loads {
                self.take_turns(stage, load, &mut up)?;
            }
        }
        Ok(())
    }

    /// Starts a server and lets its crowd in.
    fn come_in<'p>(&mut self, stage: &Stage, peer: &'p dyn Peer) -> anyhow::Result<Up<'p>> {
        let data = tempfile::tempdir()?;
        let address = free_address()?;
        let process = Process::start(peer.command(address, data.path()), address)?;
        let wire = peer.prepare(address, stage.house)?;
        let mut crowd = Crowd::new(address, wire, stage.house.rooms)?;
        if stage.loads.is_empty() {
            thread::sleep(SETTLE);
        }
        let (memory, cost) = (process.resident_bytes()?, process.cost()?);
        crowd.admit(stage.readers, Entry::Join)?;
        if stage.loads.is_empty() {
            let cost = process.cost()?.since(&cost);
            thread::sleep(SETTLE);
            let memory = process.resident_bytes()?.saturating_sub(memory);
            let (scenario, each) = (stage.coming_in(), 1.0 / count(stage.readers)?);
            self.take(&scenario, peer, Figure::CpuPerConnect, cost.as_secs_f64() * 1e6 * each);
            self.take(&scenario, peer, Figure::MemoryPerConnection, count(memory)? / 1024.0 * each);
        }
        Ok(Up { peer, crowd, process, latency: Histogram::default(), is_lost: false, _data: data })
    }

    /// Puts a load on each server, one after the other and several times, each time beginning with another. One that fails is
    /// there no more.
    fn take_turns(&mut self, stage: &Stage, load: Load, up: &mut Vec<Up<'_>>) -> anyhow::Result<()> {
        let (scenario, round) = (stage.scenario(load), self.number);
        let answer = Answer::Deliveries(u32::try_from(stage.readers / stage.house.rooms)?);
        // A rate makes few messages: it is watched for longer.
        let (turns, span) = match load {
            Load::Loop(_) => (TURNS, Span { warm_up: TURN_WARM_UP, counted: self.span.counted / TURNS }),
            Load::Rate(_) => (1, self.span_of(load)),
        };
        for turn in 0..turns {
            self.number = round * turns + turn;
            for n in 0..up.len() {
                let Up { peer, crowd, process, latency, .. } = &mut up[n];
                let seen = talk(crowd, process, stage.house.rooms, answer, load, span);
                let taken = seen.and_then(|seen| {
                    latency.add(&seen.latency);
                    self.take_cost(&scenario, *peer, &seen)
                });
                if let Err(error) = taken {
                    self.samples.fail(&scenario, peer.name(), &format!("{error:#}"));
                    up[n].is_lost = true;
                }
                // Those that are not at turn are heard as well: a server takes who answers no ping for dead.
                for other in up.iter_mut() {
                    // What is broken says so when it is its turn.
                    let _broken = other.crowd.turn(Some(Duration::ZERO), |_| ());
                }
            }
            up.retain(|server| !server.is_lost);
            if !up.is_empty() {
                up.rotate_left(1);
            }
        }
        self.number = round;
        for Up { peer, latency, .. } in up {
            self.take_latency(&scenario, *peer, &mem::take(latency));
        }
        Ok(())
    }

    /// A rate makes few messages: it is watched for longer.
    pub(crate) fn span_of(&self, load: Load) -> Span {
        match load {
            Load::Loop(_) => self.span,
            Load::Rate(_) => Span { counted: self.span.counted * 2, ..self.span },
        }
    }

    pub(crate) fn take_seen(&mut self, scenario: &str, peer: &dyn Peer, seen: &Seen) -> anyhow::Result<()> {
        self.take_cost(scenario, peer, seen)?;
        self.take_latency(scenario, peer, &seen.latency);
        Ok(())
    }

    fn take_cost(&mut self, scenario: &str, peer: &dyn Peer, seen: &Seen) -> anyhow::Result<()> {
        let answers = count(seen.latency.total())?;
        anyhow::ensure!(answers > 0.0, "nothing was delivered");
        self.take(scenario, peer, Figure::CpuPerAnswer, seen.cost.as_secs_f64() * 1e6 / answers);
        self.take(scenario, peer, Figure::AnswersPerSecond, answers / seen.elapsed.as_secs_f64());
        self.take(scenario, peer, Figure::AnswersPerRead, answers / count(seen.reads)?);
        Ok(())
    }

    fn take_latency(&mut self, scenario: &str, peer: &dyn Peer, latency: &Histogram) {
        let ms = |per_thousand| latency.quantile(per_thousand).as_secs_f64() * 1e3;
        self.take(scenario, peer, Figure::Median, ms(500));
        self.take(scenario, peer, Figure::P99, ms(990));
        self.take(scenario, peer, Figure::P999, ms(999));
    }

    pub(crate) fn take(&mut self, scenario: &str, peer: &dyn Peer, figure: Figure, value: f64) {
        let (scenario, peer) = (scenario.to_owned(), peer.name());
        self.samples.add(Sample { scenario, peer, round: self.number, figure, value });
    }
}

/// A count as a number to calculate with; there are fewer of everything than 2^32.
pub(crate) fn count(number: impl TryInto<u32>) -> anyhow::Result<f64> {
    number.try_into().ok().map(f64::from).context("too many to count")
}
