//! A report as text: a table of the plugins, one of the versions, and the disagreements.

use comfy_table::CellAlignment;

use super::history::Since;
use super::report::{Report, percent};
use super::snapshot::{Plugin, Verdict, Version};
use super::time::utc;
use crate::commands::table::table;
use crate::fault::one_line;

/// A line of the text, and what it means to the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Without the line break.
    pub text: String,
    /// How it is shown.
    pub tone: Tone,
}

/// How a line is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// The head of a table.
    Head,
    /// As it should be.
    Plain,
    /// The proxies disagree.
    Warning,
    /// Something is refused, missing or rolled back.
    Error,
}

/// Rows of a table, the head first.
struct Rows(Vec<(Vec<String>, Tone)>);

impl Report {
    /// The report for people.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if self.answered().next().is_some() {
            lines.extend(self.plugins().lines());
            lines.push(plain(""));
            let versions = self.table();
            if versions.0.len() > 1 {
                lines.extend(versions.lines());
            } else {
                lines.push(plain("No rule is known yet."));
            }
        }
        let disagreements = self.disagreements();
        if !disagreements.is_empty() {
            lines.push(plain(""));
            lines.push(Line {
                text: "The proxies disagree:".to_owned(),
                tone: Tone::Warning,
            });
            lines.extend(disagreements.into_iter().map(|text| Line {
                text: format!("  {}", one_line(&text)),
                tone: Tone::Warning,
            }));
        }
        lines
    }

    fn plugins(&self) -> Rows {
        let mut rows = Rows::new(&["PROXY", "PLUGIN", "MODULE", "UPDATED", "CONFIGURATION"]);
        for (name, state) in self.answered() {
            if state.plugins.is_empty() {
                rows.add([name, "-", "not loaded", "-", "-"], Tone::Error);
            }
            for plugin in &state.plugins {
                let is_well = plugin.is_loaded && plugin.verdict == Verdict::Accepted;
                let tone = if is_well { Tone::Plain } else { Tone::Error };
                let verdict = if plugin.verdict == Verdict::Unknown {
                    "-".to_owned()
                } else {
                    Plugin {
                        is_loaded: true,
                        ..plugin.clone()
                    }
                    .in_words()
                };
                let updated = plugin.updated.as_deref().unwrap_or("-");
                let row = [
                    name,
                    &plugin.name,
                    &module(plugin),
                    &seconds(updated),
                    &verdict,
                ];
                rows.add(row, tone);
            }
        }
        rows
    }

    /// One row for a version if all proxies agree, else one for each of them.
    fn table(&self) -> Rows {
        let several = self.answered().count() > 1;
        let mut head = vec![
            "RULE",
            "VERSION",
            "WEIGHT",
            "REQUESTS",
            "ERRORS",
            "ROLLED BACK",
        ];
        if several {
            head.push("PROXY");
        }
        let mut rows = Rows::new(&head);
        for version in self.versions() {
            let mut add = |of: &[(&str, &Version)], proxy: &str, tone: Tone| {
                let mut row = cells(of);
                if several {
                    row.push(proxy.to_owned());
                }
                let is_out = of.iter().any(|(_, version)| version.is_out);
                rows.0.push((row, if is_out { Tone::Error } else { tone }));
            };
            if self.agrees(&version) {
                add(&version, &format!("all {}", version.len()), Tone::Plain);
            } else {
                for own in &version {
                    add(&[*own], own.0, Tone::Warning);
                }
            }
        }
        rows
    }
}

impl Rows {
    fn new(head: &[&str]) -> Self {
        let head = head.iter().map(|name| (*name).to_owned()).collect();
        Self(vec![(head, Tone::Head)])
    }

    fn add<const N: usize>(&mut self, cells: [&str; N], tone: Tone) {
        self.0.push((cells.map(str::to_owned).to_vec(), tone));
    }

    fn lines(self) -> Vec<Line> {
        let mut rows = self.0.iter();
        let head: Vec<_> = rows
            .next()
            .map(|(cells, _)| cells.iter().map(String::as_str).collect())
            .unwrap_or_default();
        let mut table = table(&head);
        for (cells, _) in rows {
            // Names come from outside: a control character must not reach the terminal.
            table.add_row(cells.iter().map(|cell| one_line(cell)));
        }
        let numbers = ["WEIGHT", "REQUESTS", "ERRORS"];
        for (name, column) in head.iter().zip(table.column_iter_mut()) {
            column.set_padding((0, 2));
            if numbers.contains(name) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let tones = self.0.iter().map(|(_, tone)| *tone);
        table
            .lines()
            .zip(tones)
            .map(|(text, tone)| Line {
                text: text.trim_end().to_owned(),
                tone,
            })
            .collect()
    }
}

fn plain(text: &str) -> Line {
    Line {
        text: text.to_owned(),
        tone: Tone::Plain,
    }
}

fn module(plugin: &Plugin) -> String {
    match (plugin.is_loaded, plugin.restarts) {
        (false, _) => "not loaded".to_owned(),
        (true, 0) => "loaded".to_owned(),
        (true, restarts) => format!("loaded, {restarts} x restarted"),
    }
}

/// The cells of one version, summed over proxies that agree.
fn cells(of: &[(&str, &Version)]) -> Vec<String> {
    let versions = || of.iter().map(|(_, version)| *version);
    let Some(first) = versions().next() else {
        return Vec::new();
    };
    let requests = versions().fold(0_u64, |sum, version| sum.saturating_add(version.requests));
    let answers = versions().filter_map(|version| version.answers);
    let answers = answers.reduce(|(a, b), (c, d)| (a.saturating_add(c), b.saturating_add(d)));
    let rollbacks = versions().fold(0_u64, |sum, version| sum.saturating_add(version.rollbacks));
    let since = versions()
        .filter_map(|version| version.since)
        .min_by_key(|since| match since {
            Since::At(at) | Since::Before(at) => *at,
        });
    vec![
        first.rule.clone(),
        first.label.clone(),
        first.share.map_or("-".to_owned(), percent),
        requests.to_string(),
        answers.map_or("-".to_owned(), errors),
        match (first.is_out, since, rollbacks) {
            (true, Some(Since::At(at)), _) => format!("yes, since {}", utc(at)),
            (true, Some(Since::Before(at)), _) => format!("yes, since before {}", utc(at)),
            (true, None, _) => "yes".to_owned(),
            (false, _, 0) => "no".to_owned(),
            (false, _, 1) => "no, once before".to_owned(),
            (false, _, more) => format!("no, {more} times before"),
        },
    ]
}

fn errors((answers, errors): (u64, u64)) -> String {
    if errors == 0 {
        return "0".to_owned();
    }
    let share = u128::from(errors) * 10_000;
    match share.checked_div(answers.into()) {
        Some(share) => {
            let share = u64::try_from(share).unwrap_or(u64::MAX);
            format!("{errors} ({})", percent(share))
        }
        None => errors.to_string(),
    }
}

/// Envoy writes milliseconds, which say nothing here.
fn seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => time.to_owned(),
    }
}
