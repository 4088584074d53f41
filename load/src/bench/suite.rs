//! The rounds: every peer in turn in every stage, A B C A B C, so that what the machine does beside it hits all alike.

use std::{thread, time::Duration};

use anyhow::Context as _;

use super::{
    crowd::{Crowd, Entry},
    peer::Peer,
    plan::Stage,
    process::{Process, free_address},
    samples::{Figure, Sample, Samples},
    talk::{Answer, Load, Seen, Span, talk},
};

/// How long a server is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(1);

/// Takes samples of one round.
pub(crate) struct Round<'s> {
    pub(crate) samples: &'s mut Samples,
    pub(crate) number: u32,
    pub(crate) span: Span,
}

impl Round<'_> {
    /// Lets a peer go through a stage. That it fails is a result as well.
    pub(crate) fn stage(&mut self, stage: &Stage, peer: &dyn Peer) {
        let mut here = stage.loads.first().map_or_else(|| stage.coming_in(), |&load| stage.scenario(load));
        if let Err(error) = self.run(stage, peer, &mut here) {
            self.samples.fail(&here, peer.name(), &format!("{error:#}"));
        }
    }

    fn run(&mut self, stage: &Stage, peer: &dyn Peer, here: &mut String) -> anyhow::Result<()> {
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
            let each = 1.0 / count(stage.readers)?;
            self.take(here, peer, Figure::CpuPerConnect, cost.as_secs_f64() * 1e6 * each);
            self.take(here, peer, Figure::MemoryPerConnection, count(memory)? / 1024.0 * each);
        }
        let readers = u32::try_from(stage.readers / stage.house.rooms)?;
        for &load in stage.loads {
            *here = stage.scenario(load);
            let answer = Answer::Deliveries(readers);
            let seen = talk(&mut crowd, &process, stage.house.rooms, answer, load, self.span_of(load))?;
            self.take_seen(here, peer, &seen)?;
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
        let answers = count(seen.latency.total())?;
        anyhow::ensure!(answers > 0.0, "nothing was delivered");
        let ms = |per_thousand| seen.latency.quantile(per_thousand).as_secs_f64() * 1e3;
        self.take(scenario, peer, Figure::CpuPerAnswer, seen.cost.as_secs_f64() * 1e6 / answers);
        self.take(scenario, peer, Figure::AnswersPerSecond, answers / seen.elapsed.as_secs_f64());
        self.take(scenario, peer, Figure::AnswersPerRead, answers / count(seen.reads)?);
        self.take(scenario, peer, Figure::Median, ms(500));
        self.take(scenario, peer, Figure::P99, ms(990));
        self.take(scenario, peer, Figure::P999, ms(999));
        Ok(())
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
