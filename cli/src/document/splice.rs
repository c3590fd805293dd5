//! The bytes of a weight in a file, and the text that replaces them.

use std::ops::Range;

use canary_filter::Step;
use granit_parser::ScalarStyle;

use crate::document::configuration::Configuration;
use crate::document::tree::{Kind, Node, Shared};
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
        let steps = [
            Step::from("http"),
            Step::from(rule),
            Step::from("route"),
            Step::from(destination),
        ];
        let at = |reason: &str| {
            let position = configuration.position_along(steps.iter());
            Fault::at_position(position, format!("{path}: {reason}"))
        };
        let (root, source) = configuration
            .tree()
            .ok_or_else(|| at("cannot be located in the file"))?;
        own(configuration.node()).map_err(|reason| at(&reason))?;
        let mut entry = root;
        for step in &steps {
            let (_, part) = entry.step(step).ok_or_else(|| at("is not in the file"))?;
            entry = own(part).map_err(|reason| at(&reason))?;
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

/// A value that an alias also shows somewhere else, in this configuration or beside it, is not this weight's alone.
fn own(node: &Node) -> Result<&Node, String> {
    match &node.shared {
        Shared::Alias(anchor) => Err(format!(
            "comes from the anchor `&{}` on line {}, which others may use too: write it out here, or change it there",
            anchor.name, anchor.line
        )),
        Shared::Anchor(anchor) => Err(format!(
            "has the anchor `&{}`, which is used elsewhere too: write it without, so that it can be changed alone",
            anchor.name
        )),
        Shared::No => Ok(node),
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
