//! The results as Markdown, and their place in a document that people wrote around them.

use std::fmt::Write as _;

use anyhow::Context as _;

use super::{
    alone,
    goals::{BUN, FLOOR, GOALS, HUBBUB, figures},
    samples::{Figure, Samples},
};

const BEGIN: &str = "<!-- results: written by `make bench` -->";
const END: &str = "<!-- /results -->";

/// Whom tables list, and the scenarios that have one.
pub(crate) struct Subjects {
    pub(crate) peers: Vec<&'static str>,
    pub(crate) loads: Vec<String>,
    pub(crate) comings: Vec<String>,
}

/// Everything, as a document's part.
pub(crate) fn render(about: &str, subjects: &Subjects, samples: &Samples) -> anyhow::Result<String> {
    let mut text = String::new();
    writeln!(text, "{about}\n")?;
    goals(&mut text, samples)?;
    for scenario in &subjects.loads {
        load(&mut text, scenario, &subjects.peers, samples)?;
    }
    for scenario in &subjects.comings {
        coming_in(&mut text, scenario, &subjects.peers, samples)?;
    }
    alone(&mut text, samples)?;
    Ok(text)
}

/// The document with `results` in their place.
pub(crate) fn put_into(document: &str, results: &str) -> anyhow::Result<String> {
    let (before, rest) = document.split_once(BEGIN).context("the document has no place for results")?;
    let (_, after) = rest.split_once(END).context("the place for results has no end")?;
    Ok(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", results.trim()))
}

fn goals(text: &mut String, samples: &Samples) -> anyhow::Result<()> {
    writeln!(text, "### Goals\n\n| measure | goal | measured | |\n|---|---|---|---|")?;
    for goal in GOALS {
        let outcome = goal.judge(samples);
        let verdict = match outcome.is_met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "not measured",
        };
        writeln!(text, "| {} | {} | {} | {verdict} |", goal.measure, outcome.goal, outcome.measured)?;
    }
    writeln!(text)?;
    Ok(())
}

fn load(text: &mut String, scenario: &str, peers: &[&str], samples: &Samples) -> anyhow::Result<()> {
    writeln!(
        text,
        "### {scenario}\n\n| | CPU per delivery, µs | × Bun | × floor | deliveries/s | together | p50, ms | p99, ms | p99.9, ms |\n\
         |---|---|---|---|---|---|---|---|---|"
    )?;
    for peer in peers {
        let value = |figure| shown(samples.median(scenario, peer, figure));
        let ratio = |whose| shown(samples.ratio(scenario, peer, whose, Figure::CpuPerAnswer));
        if samples.median(scenario, peer, Figure::CpuPerAnswer).is_none() {
            if let Some(why) = samples.failure(scenario, peer) {
                writeln!(text, "| {peer} | {why} | | | | | | | |")?;
            }
            continue;
        }
        writeln!(
            text,
            "| {peer} | {} | {} | {} | {} | {} | {} | {} | {} |",
            value(Figure::CpuPerAnswer),
            ratio(BUN),
            ratio(FLOOR),
            value(Figure::AnswersPerSecond),
            value(Figure::AnswersPerRead),
            value(Figure::Median),
            value(Figure::P99),
            value(Figure::P999),
        )?;
    }
    writeln!(text)?;
    Ok(())
}

fn coming_in(text: &mut String, scenario: &str, peers: &[&str], samples: &Samples) -> anyhow::Result<()> {
    writeln!(
        text,
        "### {scenario}\n\n| | CPU per connection, µs | memory per connection, KB |\n|---|---|---|"
    )?;
    for peer in peers {
        let value = |figure| shown(samples.median(scenario, peer, figure));
        if let Some(why) = samples.failure(scenario, peer) {
            writeln!(text, "| {peer} | {why} | |")?;
            continue;
        }
        if samples.median(scenario, peer, Figure::CpuPerConnect).is_none() {
            continue;
        }
        let (cpu, memory) = (value(Figure::CpuPerConnect), value(Figure::MemoryPerConnection));
        writeln!(text, "| {peer} | {cpu} | {memory} |")?;
    }
    writeln!(text)?;
    Ok(())
}

fn alone(text: &mut String, samples: &Samples) -> anyhow::Result<()> {
    if samples.median(alone::ACKS, HUBBUB, Figure::AnswersPerSecond).is_none() {
        return Ok(());
    }
    writeln!(
        text,
        "### Hubbub alone\n\n| | per second | CPU each, µs | p50, ms | p99, ms | p99.9, ms |\n|---|---|---|---|---|---|"
    )?;
    for scenario in [
        alone::ACKS,
        alone::ACKS_AT_HALF,
        alone::FIRST_PAGE,
        alone::ANY_PAGE,
        alone::FIRST_PAGE_JSON,
        alone::SCROLL_BACK,
    ] {
        let value = |figure| samples.median(scenario, HUBBUB, figure);
        let rate = value(Figure::AnswersPerSecond).or_else(|| value(Figure::PagesPerSecond));
        writeln!(
            text,
            "| {scenario} | {} | {} | {} | {} | {} |",
            shown(rate),
            shown(value(Figure::CpuPerAnswer)),
            shown(value(Figure::Median)),
            shown(value(Figure::P99)),
            shown(value(Figure::P999)),
        )?;
    }
    Ok(())
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), figures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::samples::Sample;

    #[test]
    fn results_take_the_place_of_those_before_and_nothing_else() {
        let document = format!("# Before\n{BEGIN}\nold\n{END}\nafter\n");
        let written = put_into(&document, "new\n").unwrap();
        assert_eq!(written, format!("# Before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(put_into(&written, "new\n").unwrap(), written);
        assert!(put_into("nothing", "new").is_err());
    }

    #[test]
    fn a_table_lists_who_came_through_and_says_why_others_did_not() {
        let mut samples = Samples::default();
        for (peer, value) in [("floor", 1.0), ("Bun", 2.0)] {
            samples.add(Sample { scenario: "s".into(), peer, round: 0, figure: Figure::CpuPerAnswer, value });
        }
        samples.fail("s", "other", "it stops delivering");
        let mut text = String::new();
        load(&mut text, "s", &["floor", "Bun", "other", "absent"], &samples).unwrap();
        assert!(text.contains("| floor | 1.00 | 0.50 | 1.00 | – |"), "{text}");
        assert!(text.contains("| Bun | 2.00 | 1.00 | 2.00 | – |"), "{text}");
        assert!(text.contains("| other | it stops delivering |"), "{text}");
        assert!(!text.contains("absent"), "{text}");
    }
}
