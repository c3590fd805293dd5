//! The parts of the benchmark, which can be run alone.

use std::env;

use crate::{Sizes, Trouble, command, cost, memory, startup, updates};

/// One part, with a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The CPU time per request.
    Cost,
    /// The time until Envoy is ready.
    Start,
    /// What many rules need, by the number of workers.
    Memory,
    /// The latency of requests while many rules are replaced.
    Update,
    /// The command `canary`.
    Command,
}

impl Part {
    const ALL: [Self; 5] = [
        Self::Cost,
        Self::Start,
        Self::Memory,
        Self::Update,
        Self::Command,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Start => "start",
            Self::Memory => "memory",
            Self::Update => "update",
            Self::Command => "command",
        }
    }

    /// The parts that `BENCH_PARTS="start memory"` names, in the order of the tables; all of them without it.
    pub(crate) fn wanted() -> Result<Vec<Self>, Trouble> {
        named(&env::var("BENCH_PARTS").unwrap_or_default())
    }

    /// Returns the table.
    pub(crate) fn measure(self, sizes: Sizes) -> Result<String, Trouble> {
        match self {
            Self::Cost => cost::measure(sizes),
            Self::Start => startup::measure(sizes.starts),
            Self::Memory => memory::measure(sizes.starts),
            Self::Update => updates::measure(sizes.updates, sizes.period),
            Self::Command => command::measure(sizes.starts),
        }
    }
}

fn named(names: &str) -> Result<Vec<Part>, Trouble> {
    let names: Vec<&str> = names.split_whitespace().collect();
    let known = |name: &str| Part::ALL.iter().any(|part| part.name() == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let parts = Part::ALL.map(Part::name).join(", ");
        return Err(format!("BENCH_PARTS has `{unknown}`, but the parts are {parts}").into());
    }
    let wanted = |part: &Part| names.is_empty() || names.contains(&part.name());
    Ok(Part::ALL.into_iter().filter(wanted).collect())
}

/// Whether the row of this name is measured: `BENCH_ONLY="text; ..."` keeps only those whose name contains one of the texts,
/// and those with which others are compared.
pub(crate) fn is_wanted(name: &str) -> bool {
    is_one_of(name, &env::var("BENCH_ONLY").unwrap_or_default())
}

fn is_one_of(name: &str, texts: &str) -> bool {
    let mut texts = texts
        .split(';')
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let mut rest = texts.clone();
    rest.next().is_none() || texts.any(|text| name.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_wanted_if_its_name_contains_one_of_the_texts() {
        for (texts, wanted) in [
            ("", true),
            (" ; ", true),
            ("native", true),
            ("Lua; 1 rule", true),
            ("Lua; 10 rules;", false),
        ] {
            assert_eq!(is_one_of("native filter, 1 rule", texts), wanted, "{texts}");
        }
    }

    #[test]
    fn parts_run_alone_or_all_together() {
        for (names, parts) in [
            ("", &Part::ALL[..]),
            ("update", &[Part::Update]),
            ("update start", &[Part::Start, Part::Update]),
        ] {
            assert_eq!(named(names).unwrap(), parts, "{names}");
        }
        let error = named("start updates").unwrap_err().to_string();
        assert_eq!(
            error,
            "BENCH_PARTS has `updates`, but the parts are cost, start, memory, update, command"
        );
    }
}
