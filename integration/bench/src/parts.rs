//! The parts of the benchmark, which can be run alone.

use std::env;

use crate::{Sizes, Trouble, command, cost, memory, startup};

/// One part, with a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The CPU time per request.
    Cost,
    /// The time until Envoy is ready.
    Start,
    /// What many rules need, by the number of workers.
    Memory,
    /// The command `canary`.
    Command,
}

impl Part {
    const ALL: [Self; 4] = [Self::Cost, Self::Start, Self::Memory, Self::Command];

    fn name(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Start => "start",
            Self::Memory => "memory",
            Self::Command => "command",
        }
    }

    /// The parts that `BENCH_PARTS="start command"` names, in the order of the tables; all of them without it.
    pub(crate) fn wanted() -> Result<Vec<Self>, Trouble> {
        named(&env::var("BENCH_PARTS").unwrap_or_default())
    }

    /// Returns the table.
    pub(crate) fn measure(self, sizes: Sizes) -> Result<String, Trouble> {
        match self {
            Self::Cost => cost::measure(sizes),
            Self::Start => startup::measure(sizes.starts),
            Self::Memory => memory::measure(sizes.starts),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_run_alone_or_all_together() {
        for (names, parts) in [
            ("", &Part::ALL[..]),
            ("command", &[Part::Command]),
            ("command start", &[Part::Start, Part::Command]),
        ] {
            assert_eq!(named(names).unwrap(), parts, "{names}");
        }
        let error = named("start commands").unwrap_err().to_string();
        assert_eq!(
            error,
            "BENCH_PARTS has `commands`, but the parts are cost, start, memory, command"
        );
    }
}
