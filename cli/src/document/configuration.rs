//! One configuration in a file: the JSON that the filter gets, and where each part of it stands in the file.

use std::borrow::Cow;

use canary_filter::{Path, Policy, Step};
use serde_json::Value;

use crate::document::embedded::Embedded;
use crate::document::tree::{self, Kind, Node};
use crate::document::yaml;
use crate::fault::{Fault, Position};

/// What Unicode puts in front of a file; it belongs to no syntax.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// A configuration that has been found. Whether the filter takes it is [`policy`](Self::policy)'s to say.
#[derive(Debug)]
pub(crate) struct Configuration<'d> {
    file: &'d str,
    /// The node of the file's tree that holds it.
    node: &'d Node,
    json: Cow<'d, str>,
    /// The configuration's own tree; none if it cannot be read.
    tree: Option<Cow<'d, Node>>,
    /// From the places of `json`, which `tree` has then, to the file's; none if `tree` has the file's already.
    embedded: Option<Embedded>,
}

impl<'d> Configuration<'d> {
    /// JSON text in a scalar, as a `StringValue` carries it.
    pub(crate) fn in_scalar(file: &'d str, node: &'d Node) -> Result<Self, Fault> {
        let Kind::Scalar { text, style } = &node.kind else {
            return Err(Fault::at(
                node.line,
                "the value of a StringValue must be JSON text: write it after `value: |`",
            ));
        };
        let source = file.get(node.span.clone()).unwrap_or_default();
        let embedded = Embedded::new(text, source, node.span.start, *style);
        let tree = match tree::parse(text) {
            Ok(mut documents) if documents.len() == 1 && embedded.is_some() => {
                documents.pop().map(Cow::Owned)
            }
            _ => None,
        };
        Ok(Self {
            file,
            node,
            json: Cow::Borrowed(text),
            tree,
            embedded,
        })
    }

    /// A YAML mapping, as a WasmPlugin's `pluginConfig`.
    pub(crate) fn in_yaml(file: &'d str, node: &'d Node) -> Result<Self, Fault> {
        let json = yaml::from_yaml(node)?.to_string();
        Ok(Self {
            file,
            node,
            json: Cow::Owned(json),
            tree: Some(Cow::Borrowed(node)),
            embedded: None,
        })
    }

    /// A file that is the JSON text itself.
    pub(crate) fn whole(file: &'d str, node: &'d Node) -> Self {
        let json = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
        Self {
            file,
            node,
            json: Cow::Borrowed(json),
            tree: Some(Cow::Borrowed(node)),
            embedded: None,
        }
    }

    pub(crate) fn node(&self) -> &'d Node {
        self.node
    }

    pub(crate) fn line(&self) -> usize {
        self.node.line
    }

    pub(crate) fn embedded(&self) -> Option<&Embedded> {
        self.embedded.as_ref()
    }

    /// The configuration's own tree and the text whose bytes its spans are.
    pub(crate) fn tree(&self) -> Option<(&Node, &str)> {
        let source = if self.embedded.is_some() {
            &self.json
        } else {
            self.file
        };
        self.tree.as_deref().map(|tree| (tree, source))
    }

    /// Whether it reads well and is surely for another plugin.
    pub(crate) fn is_foreign(&self) -> bool {
        self.value().is_ok_and(|value| value.get("http").is_none())
    }

    pub(crate) fn value(&self) -> Result<Value, Fault> {
        serde_json::from_str(&self.json).map_err(|error| self.not_json(&error))
    }

    /// The filter's own verdict, on exactly the text that it would get: the policy, or all faults.
    pub(crate) fn policy(&self) -> Result<Policy, Vec<Fault>> {
        if !self.json.trim().is_empty() {
            self.value().map_err(|fault| vec![fault])?;
        }
        let faults = Policy::faults(self.json.as_bytes());
        let mut faults: Vec<_> = faults
            .iter()
            .map(|fault| Fault::at_position(self.position_of(fault.path()), fault.to_string()))
            .collect();
        faults.sort_by_key(Fault::position);
        match Policy::from_json(self.json.as_bytes()) {
            Ok(policy) if faults.is_empty() => Ok(policy),
            Ok(_) => Err(faults),
            Err(fault) if faults.is_empty() => Err(vec![Fault::new(fault.to_string())]),
            Err(_) => Err(faults),
        }
    }

    /// The line in the file where the fault is; serde_json counts the lines of the text alone.
    fn not_json(&self, error: &serde_json::Error) -> Fault {
        let text = error.to_string();
        let reason = text
            .strip_suffix(&format!(
                " at line {} column {}",
                error.line(),
                error.column()
            ))
            .unwrap_or(&text);
        let before: usize = self
            .json
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let at = before + error.column().saturating_sub(1);
        Fault::at_position(
            self.position_at(self.in_file(at)),
            format!(
                "the configuration is not valid JSON: {reason} (the value of a StringValue must be JSON text)"
            ),
        )
    }

    /// The position of what a path names, or of the nearest thing around it.
    pub(crate) fn position_of(&self, path: &Path) -> Position {
        self.position_along(path.steps())
    }

    /// The position of what these steps lead to, or of the nearest thing around it.
    pub(crate) fn position_along<'s>(&self, steps: impl Iterator<Item = &'s Step>) -> Position {
        let Some((mut node, _)) = self.tree() else {
            return self.position_at(None);
        };
        let mut at = node.span.start;
        for step in steps {
            let Some((place, next)) = node.step(step) else {
                break;
            };
            // What an alias or a merge brings stands at its anchor, before this, so the nearest place is what is around it.
            if place < at {
                break;
            }
            at = place;
            node = next;
        }
        self.position_at(self.in_file(at))
    }

    /// The byte of the file that a byte of the configuration's own text comes from.
    fn in_file(&self, at: usize) -> Option<usize> {
        match &self.embedded {
            Some(embedded) => embedded.near(at),
            None => Some(at),
        }
    }

    /// The position of a byte of the file, else that of the configuration.
    fn position_at(&self, byte: Option<usize>) -> Position {
        let Some(before) = byte.and_then(|byte| self.file.get(..byte)) else {
            return Position {
                line: self.line(),
                column: None,
            };
        };
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Position {
            line: 1 + before.matches('\n').count(),
            column: Some(1 + before.get(line_start..).unwrap_or_default().chars().count()),
        }
    }
}
