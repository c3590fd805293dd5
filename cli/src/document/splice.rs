//! The bytes of a weight in a file, and the text that replaces them.

use std::ops::Range;

use granit_parser::ScalarStyle;

use crate::document::configuration::Configuration;
use crate::document::tree::{Kind, Node};
use crate::fault::Fault;

/// A range of bytes of a file and the text that replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    bytes: Range<usize>,
    text: String,
}

impl Splice {
    /// The splice that sets the weight of a destination, by the indices of the rule and the destination.
    pub(crate) fn weight(
        configuration: &Configuration<'_>,
        rule: usize,
        destination: usize,
        weight: u32,
    ) -> Result<Self, Fault> {
        let path = format!("http[{rule}].route[{destination}]");
        let at =
            |reason: &str| Fault::at(configuration.line_of(&path), format!("{path}: {reason}"));
        let (root, source) = configuration
            .tree()
            .ok_or_else(|| at("cannot be located in the file"))?;
        let steps = [
            Step::Key("http"),
            Step::Item(rule),
            Step::Key("route"),
            Step::Item(destination),
        ];
        own(configuration.node()).map_err(&at)?;
        let mut entry = root;
        for step in steps {
            entry = step
                .take(entry)
                .ok_or("is not in the file")
                .and_then(own)
                .map_err(&at)?;
        }
        let text = weight.to_string();
        let in_file = match entry.get("weight") {
            Some(token) => {
                let token = own(token).map_err(|reason| at(&format!("weight {reason}")))?;
                let plain = matches!(
                    token.kind,
                    Kind::Scalar {
                        style: ScalarStyle::Plain,
                        ..
                    }
                );
                let bytes =
                    located(configuration, &token.span).filter(|_| plain && !token.span.is_empty());
                bytes.map(|bytes| Self { bytes, text })
            }
            None => insertion(configuration, entry, source, &text),
        };
        in_file.ok_or_else(|| at("the weight cannot be edited safely: edit it by hand"))
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

#[derive(Clone, Copy)]
enum Step {
    Key(&'static str),
    Item(usize),
}

impl Step {
    fn take(self, node: &Node) -> Option<&Node> {
        match self {
            Self::Key(key) => node.get(key),
            Self::Item(index) => node.items().get(index),
        }
    }
}

/// A value that an alias may show somewhere else too, in this configuration or beside it, is not this weight's alone.
fn own(node: &Node) -> Result<&Node, &'static str> {
    match node {
        Node {
            kind: Kind::Alias(_),
            ..
        } => Err("is an alias (`*…`): write it out, so that it can be changed alone"),
        Node {
            anchor: Some(_), ..
        } => Err("has an anchor (`&…`): write it without, so that it can be changed alone"),
        _ => Ok(node),
    }
}

fn located(configuration: &Configuration<'_>, token: &Range<usize>) -> Option<Range<usize>> {
    match configuration.embedded() {
        Some(embedded) => embedded.bytes(token),
        None => Some(token.clone()),
    }
}

/// Inserts the weight as the first field: an insertion there never interferes with a value, a comma or a comment.
fn insertion(
    configuration: &Configuration<'_>,
    entry: &Node,
    source: &str,
    weight: &str,
) -> Option<Splice> {
    let (key, _) = entry.entries().first()?;
    if key.anchor.is_some() || key.tagged {
        return None;
    }
    let first = key.span.start;
    let rest = source.get(first..)?;
    let field = if rest.starts_with('"') {
        format!("\"weight\": {weight}")
    } else {
        format!("weight: {weight}")
    };
    if entry.is_flow() {
        let piece = format!("{field}, ");
        return Some(match configuration.embedded() {
            Some(embedded) => {
                let at = embedded.near(first)?;
                Splice {
                    bytes: at..at,
                    text: embedded.written(&piece),
                }
            }
            None => Splice {
                bytes: first..first,
                text: piece,
            },
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
    Some(Splice {
        bytes: first..first,
        text: format!("{field}{line_end}{}", " ".repeat(margin.len())),
    })
}
