//! The answer in words and tables.

use std::fmt::{self, Display, Write};

use anstyle::{AnsiColor, Style};
use canary_filter::{Path, Step};
use serde_json::Value;

use crate::commands::explain::answer::{Candidate, Chosen, Explained, KeyTried, PassedRule};
use crate::commands::share;
use crate::commands::table::{table, with_numbers};
use crate::fault::{one_line, path_of};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default().bold();

/// A text in a style.
pub(crate) struct Styled<T>(pub(crate) Style, pub(crate) T);

impl<T: Display> Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{:#}", self.0, self.1, self.0)
    }
}

impl Explained {
    /// The answer in lines, with ANSI styles. `file` is the name of the file.
    pub fn text(&self, file: &str) -> String {
        let mut text = format!("{}\n", Styled(BOLD, &self.request));
        for passed in &self.passed {
            passed.write(&mut text, file);
        }
        match &self.chosen {
            Some(chosen) => chosen.write(&mut text, file),
            None => {
                let removes = self.removes.join(" and ");
                let _ = writeln!(
                    text,
                    "{}: the filter removes {removes}, and the routes decide",
                    Styled(BOLD, "no rule matches")
                );
            }
        }
        text
    }
}

impl PassedRule {
    fn write(&self, text: &mut String, file: &str) {
        let Self {
            rule, index, line, ..
        } = self;
        let _ = writeln!(
            text,
            "not http[{index}] {rule} {}",
            Styled(DIM, format!("({file}:{line})"))
        );
        for failed in &self.failed {
            let _ = writeln!(
                text,
                "    {} {}",
                failed.reason,
                Styled(DIM, format!("(line {})", failed.line))
            );
        }
    }
}

impl Chosen {
    fn write(&self, text: &mut String, file: &str) {
        let Self {
            rule, index, line, ..
        } = self;
        let holds = match self.r#match {
            Some(entry) => format!("match[{entry}] holds"),
            None => "it has no conditions".to_owned(),
        };
        let place = Styled(DIM, format!("({file}:{line})"));
        let _ = writeln!(
            text,
            "rule http[{index}] {}: {holds} {place}",
            Styled(GOOD, rule)
        );
        for key in &self.keys {
            let _ = writeln!(text, "  {key}");
        }
        if let Some(cookie) = &self.issues {
            let _ = writeln!(
                text,
                "  the user is new and gets the cookie {cookie} with a random key"
            );
        }
        if let Some(time) = &self.ramp_at {
            let _ = writeln!(text, "  the ramp has these weights at {time}");
        }
        let _ = writeln!(text, "{}", self.table());
        let _ = match &self.destination {
            Some(label) => writeln!(text, "goes to {}: {}", Styled(GOOD, label), self.why()),
            None => writeln!(text, "{}: {}", Styled(BOLD, "chance decides"), self.why()),
        };
        if self.observes {
            let _ = writeln!(
                text,
                "rollback of this rule only observes, so what is rolled back keeps its share"
            );
        }
        self.write_outputs(text);
    }

    fn table(&self) -> String {
        let has_scores = self.destinations.iter().any(|it| it.score.is_some());
        let mut titles = vec!["destination", "weight", "share"];
        titles.extend(has_scores.then_some("score"));
        let mut table = table(&titles);
        let total = self
            .destinations
            .iter()
            .map(|it| u64::from(it.weight))
            .sum();
        for candidate in &self.destinations {
            table.add_row(candidate.row(self.destinations.len(), total, has_scores));
        }
        with_numbers(table)
    }

    fn why(&self) -> String {
        match (self.reason, self.random) {
            ("sticky", false) => "it has the smallest score".to_owned(),
            ("sticky", true) => {
                "the new key is random, and the user stays where it falls".to_owned()
            }
            ("only", _) => "no other destination has a share".to_owned(),
            _ if self.keys.is_empty() => {
                "the rule has no consistentHash, so each request is drawn by weight".to_owned()
            }
            _ => "the request has no key, so it is drawn by weight".to_owned(),
        }
    }

    fn write_outputs(&self, text: &mut String) {
        for written in &self.writes {
            if self.random {
                let _ = writeln!(text, "for {}:", written.destination);
            }
            let mut line = |what: &str, name: &str, value: &str| {
                let indent = if self.random { "  " } else { "" };
                let _ = writeln!(text, "{indent}{what} {}: {value}", Styled(BOLD, name));
            };
            for (name, value) in &written.request_headers {
                line("request header", name, value);
            }
            if let Some((name, value)) = &written.response_header {
                line("response header", name, value);
            }
            if let Some(value) = &written.filter_state {
                line("filter state", "wasm.canary", value);
            }
        }
    }
}

impl Candidate {
    fn row(&self, of: usize, total: u64, has_scores: bool) -> Vec<String> {
        let share = share::of_destination(self.weight, total, of);
        let out = if self.rolled_back {
            " (rolled back)"
        } else {
            ""
        };
        let mut row = vec![
            format!("{}{out}", self.label),
            self.weight.to_string(),
            share,
        ];
        if has_scores {
            row.push(
                self.score
                    .map_or_else(|| "-".to_owned(), |score| format!("{score:.6}")),
            );
        }
        row
    }
}

impl Display for KeyTried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self
            .name
            .as_deref()
            .map_or_else(String::new, |name| format!(" {name}"));
        write!(f, "key {}{name}: ", self.kind)?;
        match self.value.as_deref() {
            Some("") => f.write_str("empty"),
            Some(value) => write!(f, "{}", Styled(BOLD, value)),
            None => f.write_str("absent"),
        }
    }
}

/// Why a condition does not hold: `match[0].headers.x-user must be `a`, and it is `b``.
pub(super) fn reason(path: &Path, condition: &Value, found: &[String]) -> String {
    // Without `http[0]`.
    let steps = || path.steps().skip(2);
    let place = path_of(steps());
    let negated = steps().any(|step| *step == Step::from("withoutHeaders"));
    let must = match (wanted(condition), negated) {
        (Some((verb, text)), false) => format!("must {verb} `{text}`"),
        (Some((verb, text)), true) => format!("must not {verb} `{text}`"),
        (None, false) => "must be present".to_owned(),
        (None, true) => "must be absent".to_owned(),
    };
    let values: Vec<_> = found.iter().map(|value| format!("`{value}`")).collect();
    match values.as_slice() {
        [] => format!("{place} {must}, and the request has none"),
        values => format!(
            "{place} {must}, and the request has {}",
            values.join(" and ")
        ),
    }
}

/// The verb and the text of a condition; none for `{}`.
fn wanted(condition: &Value) -> Option<(&'static str, &str)> {
    let verbs = [
        ("exact", "be"),
        ("prefix", "begin with"),
        ("regex", "match"),
    ];
    verbs
        .into_iter()
        .find_map(|(kind, verb)| Some((verb, condition.get(kind)?.as_str()?)))
}

/// Bytes that are not printable text are escaped.
pub(super) fn shown(value: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in value.utf8_chunks() {
        shown += &one_line(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}
