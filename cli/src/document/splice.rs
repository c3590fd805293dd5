//! The bytes of a weight or of a text in a file, and what replaces them.

use std::ops::Range;

use canary_filter::Step;
use granit_parser::ScalarStyle;

use crate::document::configuration::Configuration;
use crate::document::tree::{Anchor, Kind, Node, Shared};
use crate::fault::{Fault, path_of};

/// A range of bytes of a file and the text that replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    bytes: Range<usize>,
    text: String,
    /// The fault if the new text turns out to change something else as well, because it has an anchor.
    shared: Option<Fault>,
}

impl Splice {
    fn new(bytes: Range<usize>, text: String) -> Self {
        Self {
            bytes,
            text,
            shared: None,
        }
    }

    /// The splice that sets the weight of a destination, by the indices of the rule and the destination.
    pub(crate) fn weight(
        configuration: &Configuration<'_>,
        rule: usize,
        destination: usize,
        weight: u32,
    ) -> Result<Self, Fault> {
        let steps = steps_to(rule, destination);
        Self::field(configuration, &steps, "weight", &weight.to_string())
    }

    /// The splice that sets `retry` of a rule's `rollback` to a text, by the index of the rule.
    pub(crate) fn retry(
        configuration: &Configuration<'_>,
        rule: usize,
        text: &str,
    ) -> Result<Self, Fault> {
        let text = serde_json::Value::from(text).to_string();
        Self::field(configuration, &steps_to_rollback(rule), "retry", &text)
    }

    /// The splice that sets a field of the mapping at the end of the steps to this JSON.
    fn field(
        configuration: &Configuration<'_>,
        steps: &[Step],
        name: &str,
        json: &str,
    ) -> Result<Self, Fault> {
        let at =
            |reason: String| Fault::at(configuration.place_of(steps), reason).on(path_of(steps));
        let (root, source) = configuration
            .tree()
            .ok_or_else(|| at("cannot be located in the file".to_owned()))?;
        let mut shared = None;
        own("", configuration.node(), &mut shared).map_err(&at)?;
        let mut entry = root;
        for step in steps {
            entry = entry
                .part(step)
                .ok_or_else(|| at("is not in the file".to_owned()))?;
            entry = own("", entry, &mut shared).map_err(&at)?;
        }
        let token = entry
            .get(name)
            .map(|token| own(&format!("{name} "), token, &mut shared))
            .transpose()
            .map_err(&at)?;
        let in_file = match token {
            Some(token) => replacement(configuration, token, json),
            None => insertion(configuration, entry, source, (name, json)),
        };
        let by_hand = || {
            at(format!(
                "the {name} cannot be edited safely: edit it by hand"
            ))
        };
        let splice = in_file.ok_or_else(by_hand)?;
        Ok(Self {
            shared: shared.map(at),
            ..splice
        })
    }

    /// Why this splice may change something else in the file.
    pub(crate) fn shared(&self) -> Option<&Fault> {
        self.shared.as_ref()
    }

    /// Applies all splices. `None` if they overlap or lie outside the text.
    pub(crate) fn apply(mut splices: Vec<Self>, text: &str) -> Option<String> {
        splices.sort_by_key(|splice| splice.bytes.start);
        let mut result = String::with_capacity(text.len() + 16 * splices.len());
        let mut done = 0;
        for splice in splices {
            result += text.get(done..splice.bytes.start)?;
            result += &splice.text;
            done = splice.bytes.end;
        }
        result += text.get(done..)?;
        Some(result)
    }
}

/// The steps to a destination, by the indices of its rule and of the destination.
pub(crate) fn steps_to(rule: usize, destination: usize) -> [Step; 4] {
    [
        "http".into(),
        Step::Item(rule),
        "route".into(),
        Step::Item(destination),
    ]
}

/// The steps to the `rollback` of a rule.
pub(crate) fn steps_to_rollback(rule: usize) -> [Step; 3] {
    ["http".into(), Step::Item(rule), "rollback".into()]
}

/// Refuses a node that is the copy of another one, and remembers in `shared` the fault of one that has copies.
fn own<'n>(what: &str, node: &'n Node, shared: &mut Option<String>) -> Result<&'n Node, String> {
    match &node.shared {
        Shared::No => {}
        Shared::Anchor(Anchor { name, .. }) => {
            *shared = Some(format!(
                "{what}has the anchor `&{name}`, which is used elsewhere too: write it without, so that it can be changed alone"
            ));
        }
        Shared::Alias(Anchor { name, line }) => {
            return Err(format!(
                "{what}comes from the anchor `&{name}` on line {line}, which others may use too: write it out here, or change it there"
            ));
        }
    }
    Ok(node)
}

fn located(configuration: &Configuration<'_>, token: &Range<usize>) -> Option<Range<usize>> {
    match configuration.embedded() {
        Some(embedded) => embedded.bytes(token),
        None => Some(token.clone()),
    }
}

/// Replaces a scalar in one line; a block scalar ends only with its line.
fn replacement(configuration: &Configuration<'_>, token: &Node, json: &str) -> Option<Splice> {
    let Kind::Scalar { style, .. } = &token.kind else {
        return None;
    };
    let in_line = matches!(
        style,
        ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted
    );
    let bytes =
        located(configuration, &token.span).filter(|_| in_line && !token.span.is_empty())?;
    let text = match configuration.embedded() {
        Some(embedded) => embedded.written(json),
        None => json.to_owned(),
    };
    Some(Splice::new(bytes, text))
}

/// Inserts the field as the first one: an insertion there never interferes with a value, a comma or a comment.
fn insertion(
    configuration: &Configuration<'_>,
    entry: &Node,
    source: &str,
    (name, json): (&str, &str),
) -> Option<Splice> {
    let (key, _) = entry.entries().first()?;
    if key.anchor.is_some() || key.tagged || !matches!(key.shared, Shared::No) {
        return None;
    }
    let first = key.span.start;
    let rest = source.get(first..)?;
    let field = if rest.starts_with('"') {
        format!("\"{name}\": {json}")
    } else {
        format!("{name}: {json}")
    };
    if entry.is_flow() {
        let piece = format!("{field}, ");
        return Some(match configuration.embedded() {
            Some(embedded) => {
                let at = embedded.near(first)?;
                Splice::new(at..at, embedded.written(&piece))
            }
            None => Splice::new(first..first, piece),
        });
    }
    // JSON in a scalar has no block mappings, so the spans here are those of the file.
    let before = source.get(..first)?;
    let margin = before.get(before.rfind('\n').map_or(0, |end| end + 1)..)?;
    if configuration.embedded().is_some() || !margin.bytes().all(|b| matches!(b, b' ' | b'-')) {
        return None;
    }
    let line_end = if rest.lines().next().is_some_and(|line| {
        rest.get(line.len()..)
            .is_some_and(|end| end.starts_with("\r\n"))
    }) {
        "\r\n"
    } else {
        "\n"
    };
    Some(Splice::new(
        first..first,
        format!("{field}{line_end}{}", " ".repeat(margin.len())),
    ))
}
