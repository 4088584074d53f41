//! What was measured, round by round, and what follows from it.

use std::fmt;

/// What can be measured, and its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Processor time of the server for each delivery or acknowledgement, in microseconds.
    CpuPerAnswer,
    /// Deliveries or acknowledgements in a second.
    AnswersPerSecond,
    /// How many of them came with one read of the generator.
    AnswersPerRead,
    /// From saying to delivery or acknowledgement, in milliseconds.
    Median,
    P99,
    P999,
    /// Processor time of the server for letting one connection in, in microseconds.
    CpuPerConnect,
    /// Resident memory for each connection, in kilobytes of 1,024 bytes.
    MemoryPerConnection,
    /// Resident memory of a server that does nothing, in megabytes.
    IdleMemory,
    /// Processor time of a server that does nothing, in per cent of one processor.
    IdleCpu,
    /// Pages served in a second.
    PagesPerSecond,
}

/// One measured value.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) scenario: String,
    pub(crate) peer: &'static str,
    pub(crate) round: u32,
    pub(crate) figure: Figure,
    pub(crate) value: f64,
}

/// Everything that was measured, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    taken: Vec<Sample>,
    /// Scenario, peer, and why there is nothing.
    failed: Vec<(String, &'static str, String)>,
}

impl Samples {
    pub(crate) fn add(&mut self, sample: Sample) {
        println!("{sample}");
        self.taken.push(sample);
    }

    /// Notes that a peer did not get through a scenario.
    pub(crate) fn fail(&mut self, scenario: &str, peer: &'static str, why: &str) {
        println!("{scenario} | {peer} | {why}");
        self.failed.push((scenario.to_owned(), peer, why.to_owned()));
    }

    /// Why a peer did not get through a scenario, if it did not once.
    pub(crate) fn failure(&self, scenario: &str, peer: &str) -> Option<&str> {
        self.failed
            .iter()
            .find(|(of, whose, _)| of == scenario && *whose == peer)
            .map(|(_, _, why)| why.as_str())
    }

    /// The median over the rounds.
    pub(crate) fn median(&self, scenario: &str, peer: &str, figure: Figure) -> Option<f64> {
        median(self.of(scenario, peer, figure).map(|sample| sample.value).collect())
    }

    /// The median over the rounds of a peer's value in units of another's of the same round: what a machine that is busier in
    /// one round than in the next does to both falls out of it.
    pub(crate) fn ratio(&self, scenario: &str, peer: &str, to: &str, figure: Figure) -> Option<f64> {
        let ratios = self.of(scenario, peer, figure).filter_map(|sample| {
            let other = self.of(scenario, to, figure).find(|other| other.round == sample.round)?;
            (other.value > 0.0).then(|| sample.value / other.value)
        });
        median(ratios.collect())
    }

    fn of(&self, scenario: &str, peer: &str, figure: Figure) -> impl Iterator<Item = &Sample> {
        self.taken.iter().filter(move |sample| {
            sample.scenario == scenario && sample.peer == peer && sample.figure == figure
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} | {} | round {} | {:?} {:.3}",
            self.scenario, self.peer, self.round, self.figure, self.value
        )
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[middle - 1], upper) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[(&'static str, u32, f64)]) -> Samples {
        let taken = values.iter().map(|&(peer, round, value)| Sample {
            scenario: "s".into(),
            peer,
            round,
            figure: Figure::CpuPerAnswer,
            value,
        });
        Samples { taken: taken.collect(), failed: Vec::new() }
    }

    #[test]
    fn the_median_is_the_middle_of_the_rounds() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn a_ratio_compares_within_rounds() {
        // The machine was half as fast in the second round, and the other peer did not get through the third.
        let samples = samples(&[("a", 0, 1.0), ("b", 0, 2.0), ("a", 1, 2.0), ("b", 1, 4.0), ("a", 2, 9.0)]);
        assert_eq!(samples.ratio("s", "a", "b", Figure::CpuPerAnswer), Some(0.5));
        assert_eq!(samples.ratio("s", "a", "c", Figure::CpuPerAnswer), None);
        assert_eq!(samples.median("s", "a", Figure::CpuPerAnswer), Some(2.0));
    }
}
