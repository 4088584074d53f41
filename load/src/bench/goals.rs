//! What Hubbub is held against.

use super::{
    alone,
    samples::{Figure, Samples},
};

/// Who is held against it, and whom it is compared with.
pub(crate) const HUBBUB: &str = "Hubbub";
/// Another binary of it.
pub(crate) const HUBBUB_BEFORE: &str = "Hubbub before";
/// The same, in which there are many rooms and users besides, in or by whom nothing is said.
pub(crate) const HUBBUB_AMONG_IDLE: &str = "Hubbub among 5,000 idle rooms and users";
pub(crate) const BUN: &str = "Bun";
pub(crate) const FLOOR: &str = "floor";
/// The floor that keeps on disk what it relays.
pub(crate) const DURABLE_FLOOR: &str = "durable floor";

/// What a value must keep.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// At most so many times another's.
    Times(f64, &'static str),
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
}

/// One goal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) measure: &'static str,
    pub(crate) scenario: &'static str,
    pub(crate) figure: Figure,
    pub(crate) bound: Bound,
    pub(crate) unit: &'static str,
}

const fn cpu(measure: &'static str, scenario: &'static str, times: f64, whose: &'static str) -> Goal {
    let bound = Bound::Times(times, whose);
    Goal { measure, scenario, figure: Figure::CpuPerAnswer, bound, unit: "µs" }
}

const fn goal(
    measure: &'static str,
    scenario: &'static str,
    figure: Figure,
    bound: Bound,
    unit: &'static str,
) -> Goal {
    Goal { measure, scenario, figure, bound, unit }
}

/// All of them.
pub(crate) const GOALS: &[Goal] = &[
    cpu("server CPU per delivery, 1,000 readers, loop of 4", "1,000 readers, loop of 4", 0.95, BUN),
    cpu("the same against the floor", "1,000 readers, loop of 4", 1.15, FLOOR),
    cpu("the same, loop of 64", "1,000 readers, loop of 64", 1.0, BUN),
    cpu("the same, 20 rooms of 500 readers", "20 rooms × 500 readers, loop of 4", 1.0, BUN),
    cpu("the same, 100 readers, loop of 4", "100 readers, loop of 4", 1.0, BUN),
    cpu("the same, 5,000 readers", "5,000 readers, loop of 4", 1.0, BUN),
    cpu("the same, 15,000 readers", "15,000 readers, loop of 4", 1.0, BUN),
    goal(
        "p99 of delivery, 1,000 readers × 20 messages/s, durable",
        "1,000 readers, 20 messages/s",
        Figure::P99,
        Bound::Times(1.5, BUN),
        "ms",
    ),
    goal(
        "memory per idle joined connection, 10,000 of them",
        "10,000 connections come in",
        Figure::MemoryPerConnection,
        Bound::AtMost(3.5),
        "KB",
    ),
    goal(
        "server CPU per connect, join and first page of history",
        "10,000 connections come in",
        Figure::CpuPerConnect,
        Bound::AtMost(120.0),
        "µs",
    ),
    goal(
        "durable acknowledged sends, one room, 100 writers",
        alone::ACKS,
        Figure::AnswersPerSecond,
        Bound::AtLeast(20_000.0),
        "/s",
    ),
    goal("their p99 at half of that", alone::ACKS_AT_HALF, Figure::P99, Bound::AtMost(50.0), "ms"),
    goal("first page of a full room, median", alone::FIRST_PAGE, Figure::Median, Bound::AtMost(5.0), "ms"),
    goal(
        "first pages per second, on all processors",
        alone::FIRST_PAGE,
        Figure::PagesPerSecond,
        Bound::AtLeast(1_500.0),
        "/s",
    ),
    goal(
        "scrolling back, a page anywhere, median",
        alone::SCROLL_BACK,
        Figure::Median,
        Bound::AtMost(10.0),
        "ms",
    ),
    goal("memory of an idle server", alone::IDLE, Figure::IdleMemory, Bound::AtMost(20.0), "MB"),
    goal("CPU of an idle server", alone::IDLE, Figure::IdleCpu, Bound::AtMost(0.1), "%"),
];

/// What became of a goal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) goal: String,
    pub(crate) measured: String,
    pub(crate) is_met: Option<bool>,
}

impl Goal {
    /// Holds what was measured against it.
    pub(crate) fn judge(&self, samples: &Samples) -> Outcome {
        let ours = samples.median(self.scenario, HUBBUB, self.figure);
        let ratio = |whose| samples.ratio(self.scenario, HUBBUB, whose, self.figure);
        let absolute = |value: f64| format!("{} {}", figures(value), self.unit);
        let (goal, measured, is_met) = match self.bound {
            Bound::Times(most, whose) => (
                format!("≤ {most} × {whose}"),
                ratio(whose).zip(ours).map(|(ratio, ours)| format!("{ratio:.2} × ({})", absolute(ours))),
                ratio(whose).map(|ratio| ratio <= most),
            ),
            Bound::AtMost(most) => {
                (format!("≤ {}", absolute(most)), ours.map(absolute), ours.map(|value| value <= most))
            }
            Bound::AtLeast(least) => {
                (format!("≥ {}", absolute(least)), ours.map(absolute), ours.map(|value| value >= least))
            }
        };
        Outcome { goal, measured: measured.unwrap_or_else(|| "–".into()), is_met }
    }
}

/// A value as one reads it: whole above a hundred, else to three figures.
pub(crate) fn figures(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => grouped(&format!("{value:.0}")),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 0.1 || small == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::samples::Sample;

    fn samples(values: &[(&'static str, f64)]) -> Samples {
        let mut samples = Samples::default();
        for &(peer, value) in values {
            samples.add(Sample { scenario: "s".into(), peer, round: 0, figure: Figure::P99, value });
        }
        samples
    }

    #[test]
    fn goals_are_met_missed_or_unknown() {
        let check = |bound, values: &[_], measured: &str, is_met| {
            let outcome = goal("m", "s", Figure::P99, bound, "ms").judge(&samples(values));
            assert_eq!((outcome.measured.as_str(), outcome.is_met), (measured, is_met), "{bound:?}");
        };
        check(Bound::AtMost(2.0), &[(HUBBUB, 2.0)], "2.00 ms", Some(true));
        check(Bound::AtLeast(2.0), &[(HUBBUB, 1.0)], "1.00 ms", Some(false));
        check(Bound::Times(1.5, BUN), &[(HUBBUB, 3.0), (BUN, 2.0)], "1.50 × (3.00 ms)", Some(true));
        check(Bound::Times(1.5, BUN), &[(HUBBUB, 3.0)], "–", None);
    }

    #[test]
    fn figures_are_as_long_as_they_are_known() {
        let shown = [0.0, 0.0123, 0.5, 12.34, 123.4, 12_345.6, 1_234_567.0].map(figures);
        assert_eq!(shown, ["0.00", "0.012", "0.50", "12.3", "123", "12,346", "1,234,567"]);
    }
}
