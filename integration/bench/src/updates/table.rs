//! The latencies as a table.

use std::fmt::Write;
use std::time::Duration;

use super::{Latencies, RATE, Subject};
use crate::Trouble;
use crate::table::quantile;

pub(super) fn render(
    subjects: &mut [Subject],
    updates: usize,
    period: Duration,
) -> Result<String, Trouble> {
    let requests = subjects.first().map_or(0, |subject| subject.with.all.len());
    let mut text = format!(
        "| latency, ms, of {requests} requests each, {RATE} a second | p50 | p99 | p99.9 | longest | longest of an update: \
         median | p99.9 more than without updates | in force after |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    );
    for subject in subjects {
        let name = subject.name;
        let (without, before) = columns(&mut subject.without);
        writeln!(text, "| {name}, no updates | {without} | | |")?;
        let (with, during) = columns(&mut subject.with);
        let in_force = if subject.in_force.is_empty() {
            String::new()
        } else {
            format!("{:.0}", quantile(&mut subject.in_force, 0.5))
        };
        let more = during - before;
        writeln!(
            text,
            "| {name}, {updates} updates | {with} | {more:+.1} | {in_force} |"
        )?;
    }
    writeln!(
        text,
        "\nAn update comes every {} s. Without updates, the longest is that of as many periods.",
        period.as_secs()
    )?;
    Ok(text)
}

/// The columns of a row, and the p99.9.
fn columns(latencies: &mut Latencies) -> (String, f64) {
    let [p50, p99, p999, longest] =
        [0.5, 0.99, 0.999, 1.0].map(|part| quantile(&mut latencies.all, part));
    let worst = quantile(&mut latencies.worst, 0.5);
    let columns = [p50, p99, p999, longest, worst].map(|ms| format!("{ms:.1}"));
    (columns.join(" | "), p999)
}
