//! `canary check`: whether the filter accepts the configurations in a file, and what is likely to be a mistake in them.

mod conditions;
mod conflicts;
mod hidden;
mod patterns;
pub(crate) mod report;
mod splitting;
mod subject;
pub(crate) mod surroundings;

use std::collections::BTreeSet;

use canary_filter::Rule;
use serde::Serialize;

use crate::commands::share::Shares;
use crate::document::Document;
use crate::fault::{Fault, Severity};
use subject::Subject;
use surroundings::Surroundings;

/// What a check takes into account beside the file.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'s, 't> {
    /// The time at which ramps are looked at, in seconds since 1970.
    pub now: i64,
    /// The routes, services and listeners around the filter, if they are given.
    pub surroundings: Option<&'s Surroundings<'t>>,
}

/// The outcome for one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The configurations that the filter accepts. There is one at least if no problem is an error.
    pub configurations: Vec<Accepted>,
    /// Errors and warnings, in the order of the file.
    pub problems: Vec<Fault>,
    /// The request headers that the configurations write.
    headers: BTreeSet<String>,
}

/// A configuration that the filter accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The line of the file on which it begins, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// Its rules in their order.
    rules: Vec<Split>,
}

/// A rule as programs get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Split {
    name: String,
    destinations: Vec<Part>,
    #[serde(skip)]
    shown: Shares,
}

/// A destination of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Part {
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<String>,
    weight: u32,
    /// In 1/10 000, as in the filter's response header.
    share: u16,
}

/// Checks every configuration of the filter in a file. `must_be_json`: its name says that it is JSON, not YAML.
pub fn check(file: &[u8], must_be_json: bool, circumstances: Circumstances<'_, '_>) -> Checked {
    let (document, mut problems) = match Document::parse_all(file, must_be_json) {
        Ok(parsed) => parsed,
        Err(fault) => return Checked::refused(fault),
    };
    let configurations = match document.configurations() {
        Ok(configurations) => configurations,
        Err(fault) if problems.is_empty() => return Checked::refused(fault),
        // The configuration may be in a document that could not be read.
        Err(_) => Vec::new(),
    };
    let mut accepted = Vec::new();
    for configuration in configurations {
        match configuration {
            Ok(configuration) => match Subject::new(configuration) {
                Ok(subject) => accepted.push(subject),
                Err(faults) => problems.extend(faults),
            },
            Err(fault) => problems.push(fault),
        }
    }
    let around = circumstances
        .surroundings
        .map(|surroundings| surroundings.with(&document));
    for subject in &accepted {
        problems.extend(hidden::warnings(subject));
        problems.extend(patterns::warnings(subject));
        problems.extend(splitting::warnings(subject, circumstances.now));
        if let Some(around) = &around {
            problems.extend(around.warnings(subject, &accepted));
        }
    }
    problems.extend(conflicts::warnings(&accepted));
    problems.sort_by_key(Fault::place);
    Checked {
        configurations: accepted.iter().map(Accepted::from).collect(),
        headers: accepted.iter().flat_map(Subject::headers).collect(),
        problems,
    }
}

impl Checked {
    /// A file that cannot be read.
    pub fn refused(fault: Fault) -> Self {
        Self {
            problems: vec![fault],
            ..Self::default()
        }
    }

    /// Whether the filter accepts everything in the file.
    pub fn is_accepted(&self) -> bool {
        let is_error = |fault: &Fault| fault.severity() == Severity::Error;
        !self.problems.iter().any(is_error)
    }

    /// The request headers that the configurations of the file write.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(String::as_str)
    }
}

impl From<&Subject<'_>> for Accepted {
    fn from(subject: &Subject<'_>) -> Self {
        let place = subject.configuration.place();
        Self {
            line: place.line,
            column: place.column,
            rules: subject.policy.rules().iter().map(Split::from).collect(),
        }
    }
}

impl From<&Rule> for Split {
    fn from(rule: &Rule) -> Self {
        let part =
            |(number, (destination, weight)): (u32, (&canary_filter::Destination, &u32))| Part {
                label: destination.label().to_owned(),
                cluster: destination.cluster().map(str::to_owned),
                weight: *weight,
                share: rule.share(number),
            };
        let destinations = rule.destinations().iter().zip(rule.weights());
        Self {
            name: rule.name().to_owned(),
            destinations: (0..).zip(destinations).map(part).collect(),
            shown: Shares::from(rule),
        }
    }
}

impl Accepted {
    /// The text that is printed: one line if there is one rule, otherwise an additional line for each rule.
    pub fn report(&self) -> String {
        match self.rules.as_slice() {
            [rule] => format!("ok: 1 rule, {}", rule.shown),
            rules => {
                let lines = rules.iter().map(|rule| format!("\n  {}", rule.shown));
                format!("ok: {} rules{}", rules.len(), lines.collect::<String>())
            }
        }
    }
}
