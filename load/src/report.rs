//! What a run found, for people and for docs/FAULTS.md.

use std::fmt::Write as _;

use crate::oracle::{Evidence, judge};

/// What one fault did.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What was seen, in the order in which it was.
    facts: Vec<String>,
    /// The promises that were broken.
    broken: Vec<String>,
}

impl Report {
    pub(crate) fn note(&mut self, fact: impl Into<String>) {
        self.facts.push(fact.into());
    }

    /// Takes `promise` for broken unless it is `held`.
    pub(crate) fn demand(&mut self, held: bool, promise: impl Into<String>) {
        if !held {
            self.broken.push(promise.into());
        }
    }

    /// Has the oracle judge what everybody knows in the end.
    pub(crate) fn judge(&mut self, evidence: &Evidence) {
        let (events, acks, readers) =
            (evidence.log.len(), evidence.acknowledged.len(), evidence.readers.len());
        let followed = if readers == 1 { "reader" } else { "readers" };
        self.note(format!("{events} events, {acks} acknowledged, {readers} {followed}"));
        self.demand(acks > 0, "nothing was acknowledged: the run proves nothing");
        self.broken.extend(judge(evidence));
    }

    pub(crate) fn has_held(&self) -> bool {
        self.broken.is_empty()
    }
}

/// The report as a row of a table.
pub(crate) fn row(name: &str, what: &str, report: &Report, is_short: bool) -> String {
    let form = if is_short { ", short form" } else { "" };
    let verdict = if report.has_held() { "held" } else { "**BROKEN**" };
    let mut seen = report.facts.join("; ");
    for promise in &report.broken {
        let _always_fits = write!(seen, "; **{promise}**");
    }
    format!("| `{name}` | {what} | {verdict}{form} | {seen} |")
}

/// The report for whoever watches.
pub(crate) fn print(name: &str, report: &Report, seconds: f64) {
    println!("{name}: {} ({seconds:.0} s)", if report.has_held() { "held" } else { "BROKEN" });
    for fact in &report.facts {
        println!("    {fact}");
    }
    for promise in &report.broken {
        println!("    BROKEN: {promise}");
    }
}
