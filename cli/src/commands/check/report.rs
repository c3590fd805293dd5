//! The outcome of a check in the formats for programs: JSON, and the annotations of GitHub and GitLab.

use std::collections::BTreeMap;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::{Accepted, Checked};
use crate::fault::{Fault, Severity};

/// The outcome for all files. Serialized, it is the JSON document that `canary check --output json` prints.
#[derive(Debug, Serialize)]
pub struct Report<'c> {
    files: Vec<File<'c>>,
}

#[derive(Debug, Serialize)]
struct File<'c> {
    file: &'c str,
    /// Whether the filter accepts everything in it.
    accepted: bool,
    configurations: &'c [Accepted],
    problems: Vec<Problem<'c>>,
}

#[derive(Debug, Serialize)]
struct Problem<'c> {
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'c str>,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip)]
    fault: &'c Fault,
}

/// An entry of GitLab's Code Quality report.
#[derive(Debug, Serialize)]
struct Finding<'c> {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'c>,
}

#[derive(Debug, Serialize)]
struct Location<'c> {
    path: &'c str,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: usize,
}

impl<'c> Report<'c> {
    /// The outcome for files, which have these names.
    pub fn new(files: impl IntoIterator<Item = (&'c str, &'c Checked)>) -> Self {
        let file = |(file, checked): (&'c str, &'c Checked)| File {
            file,
            accepted: checked.is_accepted(),
            configurations: &checked.configurations,
            problems: checked.problems.iter().map(Problem::from).collect(),
        };
        Self {
            files: files.into_iter().map(file).collect(),
        }
    }

    /// The workflow commands that make GitHub show each problem at its line.
    pub fn for_github(&self) -> String {
        let mut text = String::new();
        for (file, problem) in self.problems() {
            let fault = problem.fault;
            let command = match fault.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let mut properties = vec![format!("file={}", property(file))];
            properties.extend(fault.line().map(|line| format!("line={line}")));
            properties.extend(fault.column().map(|column| format!("col={column}")));
            let title = fault.path().unwrap_or("canary check");
            properties.push(format!("title={}", property(title)));
            let message = data(&fault.explanation());
            text += &format!("::{command} {}::{message}\n", properties.join(","));
        }
        text
    }

    /// GitLab's Code Quality report.
    pub fn for_gitlab(&self) -> impl Serialize {
        let mut seen = BTreeMap::new();
        let finding = |(file, problem): (&'c str, &Problem<'c>)| {
            let fault = problem.fault;
            let description = fault.message();
            // The line does not belong to it, so that a finding stays the same one when lines are inserted above it.
            let identity = format!("{file}\n{description}");
            let before = seen.entry(identity.clone()).or_insert(0_usize);
            let fingerprint = xxh3_128(format!("{identity}\n{before}").as_bytes());
            *before += 1;
            Finding {
                description,
                check_name: "canary-check",
                fingerprint: format!("{fingerprint:032x}"),
                severity: match fault.severity() {
                    Severity::Error => "critical",
                    Severity::Warning => "minor",
                },
                location: Location {
                    path: file.strip_prefix("./").unwrap_or(file),
                    lines: Lines {
                        begin: fault.line().unwrap_or(1),
                    },
                },
            }
        };
        self.problems().map(finding).collect::<Vec<_>>()
    }

    fn problems(&self) -> impl Iterator<Item = (&'c str, &Problem<'c>)> {
        self.files.iter().flat_map(|file| {
            let problems = file.problems.iter();
            problems.map(|problem| (file.file, problem))
        })
    }
}

impl<'c> From<&'c Fault> for Problem<'c> {
    fn from(fault: &'c Fault) -> Self {
        Self {
            severity: fault.severity(),
            line: fault.line(),
            column: fault.column(),
            path: fault.path(),
            reason: fault.reason(),
            hint: fault.hint(),
            fault,
        }
    }
}

/// Escapes a message as GitHub's toolkit does (`escapeData` in actions/toolkit, `packages/core/src/command.ts`).
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property (`escapeProperty` there).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
