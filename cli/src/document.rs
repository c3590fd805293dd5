//! Finding the filter's configuration in a file, whatever the file is for.
//!
//! ```text
//! Envoy       any Wasm HTTP filter in the tree (ECDS, listener, bootstrap) -> config.configuration, a StringValue
//! Istio       any `kind: WasmPlugin`                                       -> spec.pluginConfig
//! bare        `http` at the top of a document                              -> the document
//! ```

pub(crate) mod configuration;
mod embedded;
pub(crate) mod replace;
pub(crate) mod splice;
mod tree;
mod yaml;

use serde_json::Value;

use crate::document::configuration::{BYTE_ORDER_MARK, Configuration};
use crate::document::tree::Node;
use crate::fault::Fault;

/// The largest file that is read: the filter takes 16 MiB, and in a file every quote of it may be written as two bytes.
pub(crate) const LARGEST: usize = 32 << 20;

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// A file that has been read as YAML, of which JSON is a part.
#[derive(Debug)]
pub(crate) struct Document<'t> {
    text: &'t str,
    is_json: bool,
    trees: Vec<Node>,
}

/// A place where a configuration should be.
struct Candidate<'d> {
    found: Result<Configuration<'d>, Fault>,
    /// Surely another plugin's; of no interest beside one that is not.
    foreign: bool,
}

impl<'t> Document<'t> {
    /// `must_be_json`: the file's name ends in `.json`, so that Envoy reads it as JSON and nothing else.
    pub(crate) fn parse(bytes: &'t [u8], must_be_json: bool) -> Result<Self, Fault> {
        if bytes.len() > LARGEST {
            return Err(Fault::new(format!("is larger than {} MiB", LARGEST >> 20)));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.iter().take(error.valid_up_to());
            Fault::at(
                1 + before.filter(|&&b| b == b'\n').count(),
                "is not valid UTF-8",
            )
        })?;
        let json =
            serde_json::from_str::<Value>(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text));
        match &json {
            Err(error) if must_be_json => {
                let reason = error.to_string();
                let reason = reason.split(" at line ").next().unwrap_or_default();
                Err(Fault::at(
                    error.line(),
                    format!("is not valid JSON: {reason}"),
                ))
            }
            _ => Ok(Self {
                text,
                is_json: json.is_ok(),
                trees: tree::parse(text)?,
            }),
        }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// The configurations of the filter in the file: at least one, each found or a reason why not.
    pub(crate) fn configurations(&self) -> Result<Vec<Result<Configuration<'_>, Fault>>, Fault> {
        let mut candidates = Vec::new();
        for tree in &self.trees {
            let before = candidates.len();
            self.search(tree, tree, &mut candidates);
            if candidates.len() == before && tree.get("http").is_some() {
                let found = if self.is_json {
                    Ok(Configuration::whole(self.text, tree))
                } else {
                    Configuration::in_yaml(self.text, tree, tree)
                };
                candidates.push(Candidate {
                    found,
                    foreign: false,
                });
            }
        }
        if candidates.len() > 1 && candidates.iter().any(|candidate| !candidate.foreign) {
            candidates.retain(|candidate| !candidate.foreign);
        }
        if candidates.is_empty() {
            return Err(Fault::new(
                "contains no configuration of the filter: no Wasm filter of Envoy, no WasmPlugin, no top-level `http`",
            ));
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

    fn search<'d>(&'d self, node: &'d Node, tree: &'d Node, candidates: &mut Vec<Candidate<'d>>) {
        if is_wasm_filter(node) {
            candidates.push(self.wasm_filter(node));
        } else if is_wasm_plugin(node) {
            candidates.push(self.wasm_plugin(node, tree));
        } else {
            node.children()
                .for_each(|child| self.search(child, tree, candidates));
        }
    }

    fn wasm_filter<'d>(&'d self, node: &'d Node) -> Candidate<'d> {
        // Istio's TypedStruct has the filter one level down, in `value`.
        let config = node.get("value").unwrap_or(node).get("config");
        let Some(any) = config.and_then(|config| config.get("configuration")) else {
            return Candidate::missing(
                node,
                "the Wasm filter has no `config.configuration`: the filter needs one",
            );
        };
        let value = any.get("value");
        let type_name = any
            .get("@type")
            .and_then(Node::text)
            .and_then(|url| url.rsplit('/').next());
        let found = match (type_name, value) {
            (Some("google.protobuf.StringValue"), Some(value)) => {
                Configuration::in_scalar(self.text, value)
            }
            (Some("google.protobuf.StringValue"), None) => {
                Err(Fault::at(any.line, "the StringValue has no `value`"))
            }
            (Some("google.protobuf.Struct"), _) => {
                let reason = "Envoy passes a google.protobuf.Struct to the filter in binary form, not as JSON: use a google.protobuf.StringValue with JSON text";
                let foreign = value.is_some_and(|value| value.get("http").is_none());
                return Candidate {
                    found: Err(Fault::at(any.line, reason)),
                    foreign,
                };
            }
            _ => Err(Fault::at(
                any.line,
                "the configuration must be a google.protobuf.StringValue with `@type` and `value`",
            )),
        };
        Candidate::new(found)
    }

    fn wasm_plugin<'d>(&'d self, node: &'d Node, tree: &'d Node) -> Candidate<'d> {
        match node.get("spec").and_then(|spec| spec.get("pluginConfig")) {
            Some(config) => Candidate::new(Configuration::in_yaml(self.text, config, tree)),
            None => Candidate::missing(
                node,
                "the WasmPlugin has no `spec.pluginConfig`: the filter needs one",
            ),
        }
    }
}

impl<'d> Candidate<'d> {
    fn new(found: Result<Configuration<'d>, Fault>) -> Self {
        let foreign = found.as_ref().is_ok_and(Configuration::is_foreign);
        Self { found, foreign }
    }

    fn missing(node: &Node, reason: &str) -> Self {
        Self {
            found: Err(Fault::at(node.line, reason)),
            foreign: true,
        }
    }
}

fn is_wasm_filter(node: &Node) -> bool {
    ["@type", "type_url"].iter().any(|key| {
        node.get(key)
            .and_then(Node::text)
            .is_some_and(|url| url.rsplit('/').next() == Some(WASM))
    })
}

fn is_wasm_plugin(node: &Node) -> bool {
    let text = |key| node.get(key).and_then(Node::text);
    text("kind") == Some("WasmPlugin")
        && text("apiVersion").is_none_or(|version| version.starts_with("extensions.istio.io/"))
}
