//! One configuration in a file: the JSON that the filter gets, and where each part of it stands in the file.

use std::borrow::Cow;

use canary_filter::Policy;
use serde_json::Value;

use crate::document::embedded::Embedded;
use crate::document::tree::{self, Kind, Node};
use crate::document::yaml;
use crate::fault::Fault;

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
    pub(crate) fn in_yaml(
        file: &'d str,
        node: &'d Node,
        document: &'d Node,
    ) -> Result<Self, Fault> {
        let json = yaml::from_yaml(node, document)?.to_string();
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

    /// The filter's own verdict, on exactly the text that it would get.
    pub(crate) fn policy(&self) -> Result<Policy, Fault> {
        if !self.json.trim().is_empty() {
            self.value()?;
        }
        Policy::from_json(self.json.as_bytes()).map_err(|invalid| {
            Fault::new(invalid.to_string())
                .with_line(Some(self.line_of(&invalid.path().to_string())))
        })
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
        let line = self.line_at(before + error.column().saturating_sub(1));
        Fault::at(
            line,
            format!(
                "the configuration is not valid JSON: {reason} (the value of a StringValue must be JSON text)"
            ),
        )
    }

    /// The line of what a path such as `http[0].route[1].weight` names, or of the nearest thing around it.
    pub(crate) fn line_of(&self, path: &str) -> usize {
        let Some((mut node, _)) = self.tree() else {
            return self.line();
        };
        let mut at = node.span.start;
        let mut rest = path;
        while let Some((place, next, behind)) = step(node, rest) {
            (at, node, rest) = (place, next, behind);
        }
        self.line_at(at)
    }

    fn line_at(&self, at: usize) -> usize {
        let byte = match &self.embedded {
            Some(embedded) => embedded.near(at),
            None => Some(at),
        };
        let before = byte.and_then(|byte| self.file.as_bytes().get(..byte));
        before.map_or(self.line(), |before| {
            1 + before.iter().filter(|&&b| b == b'\n').count()
        })
    }
}

/// One step along a path: where the part begins, the part, and the rest of the path.
fn step<'n, 'p>(node: &'n Node, path: &'p str) -> Option<(usize, &'n Node, &'p str)> {
    if let Some(path) = path.strip_prefix('[') {
        let (index, rest) = path.split_once(']')?;
        let item = node.items().get(index.parse::<usize>().ok()?)?;
        return Some((item.span.start, item, rest));
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let entry = |(key, value): &'n (Node, Node)| {
        let rest = path.strip_prefix(key.text()?)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then_some((key.span.start, value, rest))
    };
    // A header's name has dots in it: the longest key is the one that is meant.
    node.entries()
        .iter()
        .filter_map(entry)
        .min_by_key(|(_, _, rest)| rest.len())
}
