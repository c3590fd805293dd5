//! A file as the command reads it: finding the configurations in it, and changing one of them in place.

use serde_json::Value;

use crate::document::configuration::{BYTE_ORDER_MARK, Configuration};
use crate::document::find::{candidates, none_found, objects};
use crate::document::resolve::resolve;
use crate::document::template::{Lines, hint};
use crate::document::tree::Node;
use crate::fault::{Fault, Place};

mod broken;
pub(crate) mod configuration;
mod embedded;
mod find;
pub(crate) mod plugin;
pub(crate) mod replace;
mod resolve;
pub(crate) mod splice;
mod template;
pub(crate) mod tree;
pub(crate) mod yaml;

/// The largest file that is read: the filter takes 16 MiB, and in a file every quote of it may be written as two bytes.
pub(crate) const LARGEST: usize = 32 << 20;

/// A file that has been read as YAML, of which JSON is a part.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    text: &'t str,
    is_json: bool,
    trees: Vec<Node>,
}

impl<'t> Document<'t> {
    /// `must_be_json`: the file's name ends in `.json`, so that Envoy reads it as JSON and nothing else.
    ///
    /// # Errors
    /// The first fault.
    pub(crate) fn parse(bytes: &'t [u8], must_be_json: bool) -> Result<Self, Fault> {
        let (document, faults) = Self::parse_all(bytes, must_be_json)?;
        faults.into_iter().next().map_or(Ok(document), Err)
    }

    /// As [`parse`](Self::parse), but a YAML document that cannot be read does not keep the others from being read.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub(crate) fn parse_all(
        bytes: &'t [u8],
        must_be_json: bool,
    ) -> Result<(Self, Vec<Fault>), Fault> {
        if bytes.len() > LARGEST {
            return Err(Fault::new(format!("is larger than {} MiB", LARGEST >> 20)));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let valid = str::from_utf8(valid).unwrap_or_default();
            Fault::at(Place::of(valid, valid.len()), "is not valid UTF-8")
        })?;
        let json = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let json = serde_json::from_str::<Value>(json);
        if let (Err(error), true) = (&json, must_be_json) {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            let place = Place {
                line: error.line(),
                column: error.column().max(1),
            };
            let fault = Fault::at(place, format!("is not valid JSON: {reason}"));
            return Err(hint(fault, text, Lines::All));
        }
        let (trees, faults) = broken::documents(text);
        let hinted = |fault| hint(fault, text, Lines::All);
        let faults: Vec<_> = faults.into_iter().map(hinted).collect();
        let resolved = |tree: Node| {
            // A document without these is Envoy's.
            let merges = tree.get("kind").is_some() || tree.get("http").is_some();
            resolve(tree, text, merges)
        };
        let document = Self {
            text,
            is_json: json.is_ok(),
            trees: trees.into_iter().map(resolved).collect(),
        };
        Ok((document, faults))
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// The documents of the file.
    pub(crate) fn trees(&self) -> &[Node] {
        &self.trees
    }

    /// The Kubernetes objects in the file; those of a List are its items.
    pub(crate) fn objects(&self) -> Vec<&Node> {
        objects(&self.trees)
    }

    /// The configurations of the filter in the file. There is at least one, or a fault that says why it cannot be read.
    pub(crate) fn configurations(&self) -> Result<Vec<Result<Configuration<'_>, Fault>>, Fault> {
        let mut candidates: Vec<_> = self
            .trees
            .iter()
            .flat_map(|tree| candidates(self.text, tree, self.is_json))
            .collect();
        if candidates.iter().any(|candidate| !candidate.is_foreign) {
            candidates.retain(|candidate| !candidate.is_foreign);
        }
        if candidates.is_empty() {
            return Err(hint(none_found(&self.trees), self.text, Lines::All));
        }
        Ok(candidates
            .into_iter()
            .map(|candidate| candidate.found)
            .collect())
    }

    /// Whether another file is this one but for the content of one configuration each.
    pub(crate) fn same(
        &self,
        other: &Document<'_>,
        but: (&Configuration<'_>, &Configuration<'_>),
    ) -> bool {
        self.trees.len() == other.trees.len()
            && self
                .trees
                .iter()
                .zip(&other.trees)
                .all(|(a, b)| a.same(b, (but.0.node(), but.1.node())))
    }
}
