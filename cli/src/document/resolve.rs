//! Replaces aliases by the nodes that they refer to, and merge keys (`<<`) by the entries that they bring.
//!
//! Kubernetes' tools do both; Envoy follows aliases but does not know merge keys. `kubectl` applies a merge where it
//! stands, so that it overwrites the fields before it, while kustomize never overwrites a field of the mapping itself. They
//! agree if the merge key comes first, and a merge on which they disagree is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use granit_parser::ScalarStyle;

use crate::document::tree::{Anchor, Kind, Node, Shared};
use crate::fault::Place;

/// How many nodes aliases may add, and how deeply they may nest: enough for any configuration, but not for a bomb.
const MOST_ALIASED: usize = 10_000;
const DEEPEST: usize = 128;

const TOO_LARGE: &str = "is nested too deeply, or its aliases expand to too much";
const FOREIGN: &str = "the alias refers to an anchor of another document";
const NOT_A_MAPPING: &str =
    "the value of the merge key `<<` must be a mapping or a list of mappings";

/// Resolves the aliases of a document, and its merge keys if `merges` is set. `text` is what it was parsed from.
///
/// What cannot be resolved becomes a [`Kind::Unresolved`], which is an error only in a configuration.
pub(crate) fn resolve(document: Node, text: &str, merges: bool) -> Node {
    let mut anchors = Anchors {
        text,
        nodes: BTreeMap::new(),
        names: BTreeMap::new(),
    };
    anchors.collect(&document);
    if anchors.names.is_empty() && !(merges && has_merge(&document)) {
        return document;
    }
    Resolution {
        anchors,
        merges,
        left: MOST_ALIASED,
    }
    .node(&document, 0, false)
}

/// Whether this is the key `<<`, which has its meaning only without quotes.
pub(crate) fn is_merge(key: &Node) -> bool {
    matches!(&key.kind, Kind::Scalar { text, style: ScalarStyle::Plain } if text == "<<")
}

fn has_merge(node: &Node) -> bool {
    node.entries().iter().any(|(key, _)| is_merge(key)) || node.children().any(has_merge)
}

struct Anchors<'n> {
    text: &'n str,
    nodes: BTreeMap<usize, &'n Node>,
    /// Only those that an alias refers to: the parser reports names by number alone.
    names: BTreeMap<usize, Rc<str>>,
}

impl<'n> Anchors<'n> {
    fn collect(&mut self, node: &'n Node) {
        self.nodes.extend(node.anchor.map(|anchor| (anchor, node)));
        if let Kind::Alias(anchor) = node.kind {
            let written = self.text.get(node.span.clone()).unwrap_or_default();
            let name = written.trim_start_matches('*').trim_end();
            self.names.entry(anchor).or_insert_with(|| name.into());
        }
        node.children().for_each(|child| self.collect(child));
    }

    fn of(&self, anchor: Option<usize>) -> Option<Anchor> {
        let anchor = anchor?;
        let name = self.names.get(&anchor)?.clone();
        let node = self.nodes.get(&anchor)?;
        // The node begins after its anchor, which may be on a line before.
        let before = self.text.get(..node.span.start)?;
        let at = before.rfind(&format!("&{name}"));
        Some(Anchor {
            line: at.map_or(node.place, |at| Place::of(self.text, at)).line,
            name,
        })
    }
}

struct Resolution<'n> {
    anchors: Anchors<'n>,
    merges: bool,
    /// How many nodes aliases may still add.
    left: usize,
}

impl<'n> Resolution<'n> {
    fn node(&mut self, node: &'n Node, depth: usize, aliased: bool) -> Node {
        if aliased {
            let Some(left) = self.left.checked_sub(1) else {
                return unresolved(node, TOO_LARGE);
            };
            self.left = left;
        }
        if depth > DEEPEST {
            return unresolved(node, TOO_LARGE);
        }
        let kind = match &node.kind {
            Kind::Alias(anchor) => return self.alias(node, *anchor, depth),
            Kind::Sequence(items) => Kind::Sequence(
                items
                    .iter()
                    .map(|item| self.node(item, depth + 1, aliased))
                    .collect(),
            ),
            Kind::Mapping(entries) => Kind::Mapping(self.entries(entries, depth, aliased)),
            scalar => scalar.clone(),
        };
        Node {
            span: node.span.clone(),
            shared: match self.anchors.of(node.anchor) {
                Some(anchor) => Shared::Anchor(anchor),
                None => Shared::No,
            },
            kind,
            ..*node
        }
    }

    /// What the alias refers to, at the position of the alias.
    fn alias(&mut self, alias: &Node, anchor: usize, depth: usize) -> Node {
        let Some(target) = self.anchors.nodes.get(&anchor).copied() else {
            return unresolved(alias, FOREIGN);
        };
        Node {
            span: alias.span.clone(),
            place: alias.place,
            shared: match self.anchors.of(Some(anchor)) {
                Some(anchor) => Shared::Alias(anchor),
                None => Shared::No,
            },
            ..self.node(target, depth + 1, true)
        }
    }

    /// The fields of the mapping itself, then those that its merge key brings.
    fn entries(
        &mut self,
        entries: &'n [(Node, Node)],
        depth: usize,
        aliased: bool,
    ) -> Vec<(Node, Node)> {
        let (mut own, mut merged) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            let value = self.node(value, depth + 1, aliased);
            if !(self.merges && is_merge(key)) {
                own.push((self.node(key, depth + 1, aliased), value));
                continue;
            }
            match brought(value, &own) {
                Ok(entries) => merged = entries,
                Err(reason) => own.push((key.clone(), unresolved(key, reason))),
            }
        }
        merged.retain(|(key, _)| !contains(&own, key));
        own.extend(merged);
        own
    }
}

/// The entries that a merge key with this value brings. `before` are the fields in front of it.
fn brought(value: Node, before: &[(Node, Node)]) -> Result<Vec<(Node, Node)>, Cow<'static, str>> {
    let shared = value.shared.clone();
    let sources = match value.kind {
        Kind::Sequence(items) => items,
        kind => vec![Node { kind, ..value }],
    };
    let mut merged: Vec<(Node, Node)> = Vec::new();
    for source in sources {
        let shared = match (&source.shared, &shared) {
            (Shared::Alias(_), _) => source.shared,
            (_, Shared::Alias(_)) => shared.clone(),
            _ => Shared::No,
        };
        let entries = match source.kind {
            Kind::Mapping(entries) => entries,
            Kind::Unresolved(reason) => return Err(reason),
            _ => return Err(NOT_A_MAPPING.into()),
        };
        for (mut key, mut value) in entries {
            if let Some(name) = key.text().filter(|_| contains(before, &key)) {
                return Err(format!(
                    "the merge key `<<` also brings `{name}`, which stands before it: kubectl and kustomize disagree on which one counts, so move `<<` to the top of the mapping"
                ).into());
            }
            if !contains(&merged, &key) {
                if matches!(shared, Shared::Alias(_)) {
                    key.shared = shared.clone();
                    if !value.is_copy() {
                        value.shared = shared.clone();
                    }
                }
                merged.push((key, value));
            }
        }
    }
    Ok(merged)
}

fn contains(entries: &[(Node, Node)], key: &Node) -> bool {
    key.text()
        .is_some_and(|key| entries.iter().any(|(own, _)| own.text() == Some(key)))
}

fn unresolved(node: &Node, reason: impl Into<Cow<'static, str>>) -> Node {
    Node {
        span: node.span.clone(),
        shared: Shared::No,
        kind: Kind::Unresolved(reason.into()),
        ..*node
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::document::tree::parse;
    use crate::document::yaml::from_yaml;

    fn converted(yaml: &str) -> Result<Value, String> {
        let document = resolve(parse(yaml).unwrap().remove(0), yaml, true);
        let conversion = from_yaml(&document);
        match conversion.faults.first() {
            None => Ok(conversion.value),
            Some(fault) => Err(fault.in_file("f")),
        }
    }

    /// The values are those that kubectl 1.32 and its kustomize gave for the same mappings.
    #[test]
    fn merge_keys_bring_what_kubectl_and_kustomize_make_of_them() {
        let bases = "x-b: &b {p: 1, q: 2}\nx-c: &c {q: 3, r: 4}\nv: ";
        for (yaml, value) in [
            ("{<<: *b, p: 9}", json!({"p": 9, "q": 2})),
            (
                "{<<: [*b, *c], z: 1}",
                json!({"p": 1, "q": 2, "r": 4, "z": 1}),
            ),
            ("{<<: [*c, *b]}", json!({"p": 1, "q": 3, "r": 4})),
            ("{<<: {<<: *b, k: 1}}", json!({"k": 1, "p": 1, "q": 2})),
            ("{<<: {m: {u: 1}}, m: {v: 2}}", json!({"m": {"v": 2}})),
            ("{k: 1, <<: *b}", json!({"k": 1, "p": 1, "q": 2})),
            ("{<<: [], k: 1}", json!({"k": 1})),
            ("{\"<<\": 1}", json!({"<<": 1})),
            (
                "\n  <<: *b\n  l: [*c]",
                json!({"p": 1, "q": 2, "l": [{"q": 3, "r": 4}]}),
            ),
        ] {
            let value: Value = value;
            let whole = converted(&format!("{bases}{yaml}")).unwrap();
            assert_eq!(whole.get("v"), Some(&value), "{yaml}");
        }
    }

    #[test]
    fn a_merge_that_readers_refuse_or_understand_differently_is_refused() {
        for (yaml, line) in [
            (
                "b: &b {p: 1}\nv: {p: 9, <<: *b}",
                "f:2:11: v.<<: the merge key `<<` also brings `p`, which stands before it: kubectl and kustomize disagree on which one counts, so move `<<` to the top of the mapping",
            ),
            (
                "v: {<<: 5}",
                "f:1:5: v.<<: the value of the merge key `<<` must be a mapping or a list of mappings",
            ),
            (
                "v: {<<: ~}",
                "f:1:5: v.<<: the value of the merge key `<<` must be a mapping or a list of mappings",
            ),
            (
                "v: {<<: [[{a: 1}]]}",
                "f:1:5: v.<<: the value of the merge key `<<` must be a mapping or a list of mappings",
            ),
            (
                "b: &b {<<: 5}\nv: {<<: *b}",
                "f:1:8: b.<<: the value of the merge key `<<` must be a mapping or a list of mappings",
            ),
            (
                "v: &v {<<: *v}",
                "f:1:8: v.<<: is nested too deeply, or its aliases expand to too much",
            ),
            (
                "b: &b {p: 1}\nv: {<<: *b, <<: *b}",
                "f:2:13: the key `<<` appears twice",
            ),
        ] {
            let said = match parse(yaml) {
                Ok(_) => converted(yaml).unwrap_err(),
                Err(fault) => fault.in_file("f"),
            };
            assert_eq!(said, line, "{yaml}");
        }
    }
}
