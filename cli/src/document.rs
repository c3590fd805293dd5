//! Finding the filter's configuration in a file, whatever the file is for.
//!
//! ```text
//! Envoy          any Wasm HTTP filter in the tree (ECDS, listener, bootstrap) -> config.configuration, a StringValue
//! Istio          any `kind: WasmPlugin`                                       -> spec.pluginConfig
//!                any `kind: TrafficExtension`                                 -> spec.wasm.pluginConfig
//! Envoy Gateway  any `kind: EnvoyExtensionPolicy`                             -> spec.wasm[].config
//! bare           `http` at the top of a document                              -> the document
//! ```

pub(crate) mod configuration;
mod embedded;
pub(crate) mod replace;
mod resolve;
pub(crate) mod splice;
mod template;
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

/// A configuration with what the proxy knows it by.
#[derive(Debug)]
pub(crate) struct Found<'d> {
    pub(crate) configuration: Configuration<'d>,
    /// The name of the plugin, if the file says it.
    pub(crate) plugin: Option<String>,
}

/// A place where a configuration should be.
struct Candidate<'d> {
    found: Result<Found<'d>, Fault>,
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
                trees: tree::parse(text)
                    .map_err(|fault| template::explained(fault, text))?
                    .into_iter()
                    .map(|tree| {
                        // Envoy knows no merge keys; whatever reads the other files does.
                        let merges = tree.get("kind").is_some() || tree.get("http").is_some();
                        resolve::resolve(tree, text, merges)
                    })
                    .collect(),
            }),
        }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// The configurations of the filter in the file: at least one, each found or a reason why not.
    pub(crate) fn configurations(&self) -> Result<Vec<Result<Found<'_>, Fault>>, Fault> {
        let mut candidates = Vec::new();
        for tree in &self.trees {
            let before = candidates.len();
            self.search(tree, &mut candidates);
            if candidates.len() == before && tree.get("http").is_some() {
                let found = if self.is_json {
                    Ok(Configuration::whole(self.text, tree))
                } else {
                    Configuration::in_yaml(self.text, tree)
                };
                candidates.push(Candidate {
                    found: found.map(|configuration| Found {
                        configuration,
                        plugin: None,
                    }),
                    foreign: false,
                });
            }
        }
        if candidates.len() > 1 && candidates.iter().any(|candidate| !candidate.foreign) {
            candidates.retain(|candidate| !candidate.foreign);
        }
        if candidates.is_empty() {
            return Err(self.nothing_found());
        }
        let found = candidates.into_iter().map(|candidate| candidate.found);
        Ok(found
            .map(|found| found.map_err(|fault| self.explained(fault)))
            .collect())
    }

    /// The fault, with what is behind it if the file is a template that has not been rendered.
    pub(crate) fn explained(&self, fault: Fault) -> Fault {
        template::explained(fault, self.text)
    }

    /// Why there is no configuration in the file, by what there is instead.
    fn nothing_found(&self) -> Fault {
        let routes = self.trees.iter().find_map(|tree| {
            find(tree, &|node| {
                let kind = node.get("kind").and_then(Node::text);
                let kinds = ["VirtualService", "HTTPRoute"];
                let kind = kinds.into_iter().find(|known| Some(*known) == kind)?;
                Some((node.line, kind))
            })
        });
        match routes {
            Some((line, "VirtualService")) => Fault::at(
                line,
                "is a VirtualService and not a configuration of the filter: copy the `match` and `route` of its `http` entries to `spec.pluginConfig.http` of a WasmPlugin; everything else stays in the VirtualService",
            ),
            Some((line, kind)) => Fault::at(
                line,
                format!(
                    "is an {kind} and not a configuration of the filter: that belongs into `spec.pluginConfig` of a WasmPlugin or `spec.wasm[].config` of an EnvoyExtensionPolicy"
                ),
            ),
            None => Fault::new(
                "contains no configuration of the filter: no Wasm filter of Envoy, no WasmPlugin, TrafficExtension or EnvoyExtensionPolicy, no top-level `http`",
            ),
        }
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

    fn search<'d>(&'d self, node: &'d Node, candidates: &mut Vec<Candidate<'d>>) {
        if is_wasm_filter(node) {
            candidates.push(self.wasm_filter(node));
            return;
        }
        match Manifest::of(node) {
            Some(manifest) => self.manifest(manifest, node, candidates),
            None => node
                .children()
                .for_each(|child| self.search(child, candidates)),
        }
    }

    fn manifest<'d>(
        &'d self,
        manifest: Manifest,
        node: &'d Node,
        candidates: &mut Vec<Candidate<'d>>,
    ) {
        let spec = node.get("spec");
        let plugin = manifest.plugin(node);
        let wasm: Vec<&Node> = match manifest {
            Manifest::WasmPlugin => spec.into_iter().collect(),
            Manifest::TrafficExtension => {
                spec.and_then(|spec| spec.get("wasm")).into_iter().collect()
            }
            Manifest::EnvoyExtensionPolicy => {
                let wasm = spec.and_then(|spec| spec.get("wasm"));
                wasm.map(|wasm| wasm.items().iter().collect())
                    .unwrap_or_default()
            }
        };
        let field = manifest.field();
        let configs: Vec<_> = wasm
            .iter()
            .filter_map(|wasm: &&Node| wasm.get(field))
            .collect();
        if configs.is_empty() {
            candidates.push(Candidate::missing(node, manifest.missing()));
        }
        for config in configs {
            let found = Configuration::in_yaml(self.text, config);
            candidates.push(Candidate::new(found, plugin.clone()));
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
        let plugin = config
            .and_then(|config| config.get("name"))
            .and_then(Node::text);
        Candidate::new(found, Some(plugin.unwrap_or_default().to_owned()))
    }
}

impl<'d> Candidate<'d> {
    fn new(found: Result<Configuration<'d>, Fault>, plugin: Option<String>) -> Self {
        let foreign = found.as_ref().is_ok_and(Configuration::is_foreign);
        let found = found.map(|configuration| Found {
            configuration,
            plugin,
        });
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

/// A Kubernetes object that carries the filter's configuration.
#[derive(Clone, Copy)]
enum Manifest {
    WasmPlugin,
    TrafficExtension,
    EnvoyExtensionPolicy,
}

impl Manifest {
    fn of(node: &Node) -> Option<Self> {
        let text = |key| node.get(key).and_then(Node::text);
        let (manifest, group) = match text("kind")? {
            "WasmPlugin" => (Self::WasmPlugin, "extensions.istio.io/"),
            "TrafficExtension" => (Self::TrafficExtension, "extensions.istio.io/"),
            "EnvoyExtensionPolicy" => (Self::EnvoyExtensionPolicy, "gateway.envoyproxy.io/"),
            _ => return None,
        };
        let is_of_group = |version: &str| version.starts_with(group);
        text("apiVersion")
            .is_none_or(is_of_group)
            .then_some(manifest)
    }

    fn field(self) -> &'static str {
        match self {
            Self::WasmPlugin | Self::TrafficExtension => "pluginConfig",
            Self::EnvoyExtensionPolicy => "config",
        }
    }

    fn missing(self) -> &'static str {
        match self {
            Self::WasmPlugin => "the WasmPlugin has no `spec.pluginConfig`: the filter needs one",
            Self::TrafficExtension => {
                "the TrafficExtension has no `spec.wasm.pluginConfig`: the filter needs one"
            }
            Self::EnvoyExtensionPolicy => {
                "the EnvoyExtensionPolicy has no `spec.wasm[].config`: the filter needs one"
            }
        }
    }

    /// The name that the proxy gets: istiod makes it of namespace and name. Envoy Gateway numbers its plugins.
    fn plugin(self, node: &Node) -> Option<String> {
        let metadata = |key| node.get("metadata")?.get(key).and_then(Node::text);
        match self {
            Self::EnvoyExtensionPolicy => None,
            _ => Some(format!(
                "{}.{}",
                metadata("namespace").unwrap_or("default"),
                metadata("name")?
            )),
        }
    }
}

/// The first thing that `look` finds in a node or below it.
fn find<T>(node: &Node, look: &dyn Fn(&Node) -> Option<T>) -> Option<T> {
    look(node).or_else(|| node.children().find_map(|child| find(child, look)))
}
