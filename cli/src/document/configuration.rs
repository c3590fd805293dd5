//! One configuration in a file: the JSON that the filter gets, and the position of each of its parts in the file.

use std::borrow::Cow;
use std::cell::OnceCell;

use canary_filter::{InvalidConfig, Policy, Step};
use serde_json::Value;

use crate::document::embedded::Embedded;
use crate::document::plugin::Plugin;
use crate::document::template::{Lines, hint};
use crate::document::tree::{self, Kind, Node};
use crate::document::yaml::{self, Conversion};
use crate::fault::{Fault, LineEnds, Place};

/// Some editors put it in front of a file; it is not part of YAML or JSON.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// A configuration that has been found. Whether the filter accepts it is the result of [`policy`](Self::policy).
#[derive(Debug)]
pub(crate) struct Configuration<'d> {
    file: &'d str,
    /// The node of the file's tree that holds it.
    node: &'d Node,
    plugin: Plugin,
    json: Cow<'d, str>,
    /// The configuration's own tree, or none if it cannot be read.
    tree: Option<Cow<'d, Node>>,
    /// Maps the positions in `json`, which are those of `tree`, to the file; none if `tree` has those of the file.
    embedded: Option<Embedded>,
    /// Why the YAML has no JSON that all readers agree on.
    not_json: Vec<Fault>,
    /// Whether `json` lacks parts for these reasons.
    is_partial: bool,
    /// Those of `file`, once a position in it is asked for.
    line_ends: OnceCell<LineEnds>,
    /// `json` as a tree, once it is asked for.
    value: OnceCell<Result<Value, Fault>>,
}

/// A part of a configuration: its key, or itself if it is an item, and its value.
struct Part<'n> {
    named: &'n Node,
    value: &'n Node,
}

impl Part<'_> {
    /// Whether a merge key brings the part, so that its key stands elsewhere.
    fn is_merged(&self) -> bool {
        self.named.is_copy() && !std::ptr::eq(self.named, self.value)
    }
}

impl<'d> Configuration<'d> {
    /// JSON text in a scalar, as a `StringValue` carries it.
    pub(crate) fn in_scalar(file: &'d str, node: &'d Node, plugin: Plugin) -> Result<Self, Fault> {
        let Kind::Scalar { text, style } = &node.kind else {
            return Err(Fault::at(
                node.place,
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
            plugin,
            json: Cow::Borrowed(text),
            tree,
            embedded,
            not_json: Vec::new(),
            is_partial: false,
            line_ends: OnceCell::new(),
            value: OnceCell::new(),
        })
    }

    /// A YAML mapping, such as the `pluginConfig` of a WasmPlugin.
    pub(crate) fn in_yaml(file: &'d str, node: &'d Node, plugin: Plugin) -> Self {
        let Conversion {
            value,
            faults,
            is_partial,
        } = yaml::from_yaml(node);
        let hinted = |fault| hint(fault, file, Lines::All);
        Self {
            file,
            node,
            plugin,
            json: Cow::Owned(value.to_string()),
            tree: Some(Cow::Borrowed(node)),
            embedded: None,
            not_json: faults.into_iter().map(hinted).collect(),
            is_partial,
            line_ends: OnceCell::new(),
            value: OnceCell::new(),
        }
    }

    /// A file that is the JSON text itself.
    pub(crate) fn whole(file: &'d str, node: &'d Node) -> Self {
        let json = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
        Self {
            file,
            node,
            plugin: Plugin::default(),
            json: Cow::Borrowed(json),
            tree: Some(Cow::Borrowed(node)),
            embedded: None,
            not_json: Vec::new(),
            is_partial: false,
            line_ends: OnceCell::new(),
            value: OnceCell::new(),
        }
    }

    pub(crate) fn node(&self) -> &'d Node {
        self.node
    }

    /// Where it begins in the file.
    pub(crate) fn place(&self) -> Place {
        self.node.place
    }

    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Whether this object of the same document has it.
    pub(crate) fn lies_in(&self, object: &Node) -> bool {
        std::ptr::eq(self.node, object) || object.children().any(|child| self.lies_in(child))
    }

    pub(crate) fn embedded(&self) -> Option<&Embedded> {
        self.embedded.as_ref()
    }

    /// The configuration's own tree, and the text that its spans refer to.
    pub(crate) fn tree(&self) -> Option<(&Node, &str)> {
        let source = if self.embedded.is_some() {
            &self.json
        } else {
            self.file
        };
        self.tree.as_deref().map(|tree| (tree, source))
    }

    /// Whether it is valid JSON, but for another plugin.
    pub(crate) fn is_foreign(&self) -> bool {
        self.value().is_ok_and(|value| value.get("http").is_none())
    }

    pub(crate) fn value(&self) -> Result<&Value, Fault> {
        let value = self.value.get_or_init(|| {
            serde_json::from_str(&self.json).map_err(|error| self.not_json(&error))
        });
        value.as_ref().map_err(Clone::clone)
    }

    /// What the filter makes of exactly the text that it would get.
    ///
    /// # Errors
    /// The first fault.
    pub(crate) fn policy(&self) -> Result<Policy, Fault> {
        if let Some(fault) = self.not_json.first() {
            return Err(fault.clone());
        }
        if !self.json.trim().is_empty() {
            self.value()?;
        }
        Policy::from_json(self.json.as_bytes()).map_err(|invalid| self.fault(&invalid))
    }

    /// As [`policy`](Self::policy), but a refusal has every reason.
    ///
    /// # Errors
    /// All faults, in the order of the file.
    pub(crate) fn policy_or_faults(&self) -> Result<Policy, Vec<Fault>> {
        self.policy().map_err(|first| {
            let all = self.faults();
            if all.is_empty() { vec![first] } else { all }
        })
    }

    /// All faults of a configuration that [`policy`](Self::policy) refuses, in the order of the file.
    fn faults(&self) -> Vec<Fault> {
        if let Err(fault) = self.value()
            && !self.json.trim().is_empty()
        {
            return vec![fault];
        }
        let mut faults = self.not_json.clone();
        if !self.is_partial {
            let refused = Policy::faults(self.json.as_bytes());
            let others = refused.iter().filter(|invalid| !self.is_not_json(invalid));
            faults.extend(others.map(|invalid| self.fault(invalid)));
        }
        faults.sort_by_key(Fault::place);
        // An alias brings the same fault once more.
        faults
            .dedup_by(|one, other| (one.place(), one.reason()) == (other.place(), other.reason()));
        faults
    }

    /// Whether the filter refuses a value that stands for one without JSON.
    fn is_not_json(&self, invalid: &InvalidConfig) -> bool {
        let parts = self.parts(invalid.path().steps());
        let Some(Part { named, value }) = parts.last() else {
            return false;
        };
        self.not_json
            .iter()
            .any(|fault| [Some(named.place), Some(value.place)].contains(&fault.place()))
    }

    fn fault(&self, invalid: &InvalidConfig) -> Fault {
        let fault = Fault::refused(self.place_of(invalid.path().steps()), invalid);
        hint(fault, self.file, Lines::OfTheFault)
    }

    /// serde_json counts the lines and columns of the text alone.
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
        let fault = Fault::at(
            self.place_at(before + error.column().saturating_sub(1)),
            format!(
                "the configuration is not valid JSON: {reason} (the value of a StringValue must be JSON text)"
            ),
        );
        hint(fault, self.file, Lines::All)
    }

    /// The position of the part of the configuration that these steps lead to, or of the nearest one around it. What an
    /// alias or a merge key brings has the position of the alias, or of the mapping with the merge key.
    pub(crate) fn place_of<'s>(&self, steps: impl IntoIterator<Item = &'s Step>) -> Place {
        let mut place = self.place();
        for part in self.parts(steps) {
            if part.is_merged() {
                break;
            }
            place = match self.embedded {
                Some(_) => self.place_at(part.named.span.start),
                None => part.named.place,
            };
            if part.value.is_copy() {
                break;
            }
        }
        place
    }

    /// The line of a rule, by its place in `http`.
    pub(crate) fn line_of_rule(&self, number: u32) -> usize {
        let steps = ["http".into(), Step::Item(number as usize)];
        self.place_of(&steps).line
    }

    /// The whole configuration, and the part that each step leads to as long as there is one.
    fn parts<'s>(&self, steps: impl IntoIterator<Item = &'s Step>) -> Vec<Part<'_>> {
        let Some((root, _)) = self.tree() else {
            return Vec::new();
        };
        let mut parts = vec![Part {
            named: root,
            value: root,
        }];
        let mut value = root;
        for step in steps {
            let Some((named, next)) = value.named_part(step) else {
                break;
            };
            parts.push(Part { named, value: next });
            value = next;
        }
        parts
    }

    /// The position of a byte of the JSON text.
    fn place_at(&self, at: usize) -> Place {
        self.embedded
            .as_ref()
            .and_then(|embedded| embedded.near(at))
            .map_or(self.place(), |byte| {
                let ends = self.line_ends.get_or_init(|| LineEnds::of(self.file));
                ends.place(self.file, byte)
            })
    }
}
