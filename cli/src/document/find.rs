//! Finds the configurations of the filter in a document, by the object that carries each of them.
//!
//! ```text
//! Envoy           a Wasm HTTP filter anywhere (ECDS, listener, EnvoyFilter)  config.configuration, a StringValue
//! Envoy           the native module's HTTP filter or cluster specifier       filter_config, specifier_config
//! Istio           WasmPlugin                                                 spec.pluginConfig
//! Istio           TrafficExtension                                           spec.wasm.pluginConfig
//! Envoy Gateway   EnvoyExtensionPolicy                                       spec.wasm[].config, spec.dynamicModule[].config
//! bare            `http` at the top of the document                          the document
//! ```

use crate::document::configuration::Configuration;
use crate::document::plugin::{Chain, Plugin};
use crate::document::resolve::is_merge;
use crate::document::tree::Node;
use crate::fault::Fault;

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// The extensions that are native modules, and the field with the module's own configuration.
const NATIVE: [(&str, &str); 2] = [
    (
        "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
        "filter_config",
    ),
    (
        "envoy.extensions.router.cluster_specifiers.dynamic_modules.v3.DynamicModuleClusterSpecifier",
        "specifier_config",
    ),
];

/// A place where a configuration should be.
pub(crate) struct Candidate<'d> {
    pub(crate) found: Result<Configuration<'d>, Fault>,
    /// It belongs to another plugin, so it is ignored if there is also one that does not.
    pub(crate) is_foreign: bool,
}

/// Finds every candidate in a document of `file`. A bare configuration is the JSON text itself if `is_json` is set.
pub(crate) fn candidates<'d>(
    file: &'d str,
    document: &'d Node,
    is_json: bool,
) -> Vec<Candidate<'d>> {
    let mut search = Search {
        file,
        candidates: Vec::new(),
    };
    search.node(document, Chain::Unknown);
    if search.candidates.is_empty() && document.get("http").is_some() {
        let configuration = if is_json {
            Configuration::whole(file, document)
        } else {
            Configuration::in_yaml(file, document, Plugin::default())
        };
        search.candidates.push(Candidate {
            found: Ok(configuration),
            is_foreign: false,
        });
    }
    search.candidates
}

struct Search<'d> {
    file: &'d str,
    candidates: Vec<Candidate<'d>>,
}

impl<'d> Search<'d> {
    fn node(&mut self, node: &'d Node, chain: Chain) {
        if node.is_copy() {
            return; // It is found where its anchor is.
        }
        match node.get("kind").and_then(Node::text) {
            _ if has_type(node, WASM) => {
                let candidate = self.wasm_filter(node, chain);
                self.candidates.push(candidate);
            }
            _ if NATIVE.iter().any(|(name, _)| has_type(node, name)) => {
                let candidate = self.native(node, chain);
                self.candidates.extend(candidate);
            }
            Some("WasmPlugin") if is_of(node, "extensions.istio.io") => {
                self.istio(node, &["spec", "pluginConfig"]);
            }
            Some("TrafficExtension") if is_of(node, "extensions.istio.io") => {
                self.istio(node, &["spec", "wasm", "pluginConfig"]);
            }
            Some("EnvoyExtensionPolicy") if is_of(node, "gateway.envoyproxy.io") => {
                self.envoy_gateway(node);
            }
            _ => {
                for (key, value) in node.entries() {
                    let is_chain = matches!(key.text(), Some("http_filters" | "httpFilters"));
                    let chain = if is_chain {
                        Chain::List(value.span.start)
                    } else {
                        chain.clone()
                    };
                    self.node(value, chain);
                }
                for item in node.items() {
                    self.node(item, chain.clone());
                }
            }
        }
    }

    fn wasm_filter(&self, node: &'d Node, chain: Chain) -> Candidate<'d> {
        // Istio's TypedStruct has the filter one level down, in `value`.
        let filter = node.get("value").unwrap_or(node);
        let config = filter.get("config");
        let any = config.and_then(|config| config.get("configuration"));
        let merge = [Some(node), Some(filter), config, any]
            .into_iter()
            .flatten()
            .find_map(merge_key);
        if let Some(key) = merge {
            let reason = "Envoy does not know the merge key `<<`: write the fields out";
            return Candidate::new(Err(Fault::at(key.place, reason)));
        }
        let Some(any) = any else {
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
                Configuration::in_scalar(self.file, value, Plugin::of_envoy(config, chain))
            }
            (Some("google.protobuf.StringValue"), None) => {
                Err(Fault::at(any.place, "the StringValue has no `value`"))
            }
            (Some("google.protobuf.Struct"), _) => {
                let reason = "Envoy passes a google.protobuf.Struct to the filter in binary form, not as JSON: use a google.protobuf.StringValue with JSON text";
                return Candidate {
                    found: Err(Fault::at(any.place, reason)),
                    is_foreign: value.is_some_and(|value| value.get("http").is_none()),
                };
            }
            _ => Err(Fault::at(
                any.place,
                "the configuration must be a google.protobuf.StringValue with `@type` and `value`",
            )),
        };
        Candidate::new(found)
    }

    /// `None` for the extension of another module, or if it has no configuration of its own.
    fn native(&self, node: &'d Node, chain: Chain) -> Option<Candidate<'d>> {
        let (_, field) = NATIVE.iter().find(|(name, _)| has_type(node, name))?;
        let any = node.get(field)?;
        let value = any.get("value")?;
        let plugin = Plugin::of_native(node, chain);
        let (found, is_http) = if has_type(any, "google.protobuf.StringValue") {
            let is_http = value.text().is_some_and(|text| text.contains("\"http\""));
            (Configuration::in_scalar(self.file, value, plugin), is_http)
        } else {
            // Envoy gives a native module a Struct as JSON.
            let found = Configuration::in_yaml(self.file, value, plugin);
            (Ok(found), value.get("http").is_some())
        };
        Some(Candidate {
            found,
            is_foreign: !is_http,
        })
    }

    fn istio(&mut self, manifest: &'d Node, path: &[&str]) {
        let config = path
            .iter()
            .try_fold(manifest, |node, field| node.get(field));
        self.candidates.push(match config {
            Some(config) => Candidate::new(Ok(Configuration::in_yaml(
                self.file,
                config,
                Plugin::of_istio(manifest),
            ))),
            None => Candidate::lacking(manifest, &path.join(".")),
        });
    }

    fn envoy_gateway(&mut self, manifest: &'d Node) {
        let filters = ["wasm", "dynamicModule"].into_iter();
        let lists = filters.filter_map(|field| manifest.get("spec")?.get(field));
        let entries = lists.flat_map(Node::items);
        let configs: Vec<_> = entries.filter_map(|entry| entry.get("config")).collect();
        if configs.is_empty() {
            self.candidates
                .push(Candidate::lacking(manifest, "spec.wasm[].config"));
        }
        for config in configs {
            self.candidates
                .push(Candidate::new(Ok(Configuration::in_yaml(
                    self.file,
                    config,
                    Plugin::of_envoy_gateway(manifest),
                ))));
        }
    }
}

impl<'d> Candidate<'d> {
    fn new(found: Result<Configuration<'d>, Fault>) -> Self {
        let is_foreign = found.as_ref().is_ok_and(Configuration::is_foreign);
        Self { found, is_foreign }
    }

    fn missing(node: &Node, reason: &str) -> Self {
        Self {
            found: Err(Fault::at(node.place, reason)),
            is_foreign: true,
        }
    }

    fn lacking(manifest: &Node, field: &str) -> Self {
        let kind = manifest
            .get("kind")
            .and_then(Node::text)
            .unwrap_or_default();
        Self::missing(
            manifest,
            &format!("the {kind} has no `{field}`: the filter needs one"),
        )
    }
}

/// Why a file without a configuration has none.
pub(crate) fn none_found(documents: &[Node]) -> Fault {
    let mut objects = Vec::new();
    documents
        .iter()
        .for_each(|document| collect_objects(document, &mut objects));
    let known = |name: &str| objects.iter().find(|(kind, _)| *kind == name);
    if let Some((_, object)) = known("VirtualService") {
        return Fault::at(
            object.place,
            "is a VirtualService and not a configuration of the filter: `canary convert` makes one from it",
        );
    }
    if let Some((_, object)) = known("HTTPRoute") {
        return Fault::at(
            object.place,
            "is an HTTPRoute and not a configuration of the filter: that belongs in `spec.pluginConfig` of a WasmPlugin or `spec.wasm[].config` of an EnvoyExtensionPolicy",
        );
    }
    let mut reason = "contains no configuration of the filter: no Wasm filter of Envoy, no WasmPlugin, TrafficExtension or EnvoyExtensionPolicy, no top-level `http`".to_owned();
    let mut kinds: Vec<_> = objects.iter().map(|(kind, _)| *kind).collect();
    kinds.dedup();
    if !kinds.is_empty() {
        reason += &format!(" (it contains: {})", kinds.join(", "));
    }
    Fault::new(reason)
}

/// The Kubernetes objects of all documents.
pub(crate) fn objects(documents: &[Node]) -> Vec<&Node> {
    let mut objects = Vec::new();
    documents
        .iter()
        .for_each(|document| collect_objects(document, &mut objects));
    objects.into_iter().map(|(_, object)| object).collect()
}

/// The Kubernetes objects of a document; those of a List are its items.
fn collect_objects<'d>(document: &'d Node, objects: &mut Vec<(&'d str, &'d Node)>) {
    let Some(kind) = document.get("kind").and_then(Node::text) else {
        return;
    };
    match document.get("items") {
        Some(items) if kind.ends_with("List") => items
            .items()
            .iter()
            .for_each(|item| collect_objects(item, objects)),
        _ => objects.push((kind, document)),
    }
}

fn has_type(node: &Node, name: &str) -> bool {
    ["@type", "type_url"].iter().any(|key| {
        node.get(key)
            .and_then(Node::text)
            .is_some_and(|url| url.rsplit('/').next() == Some(name))
    })
}

/// Whether an object is of an API group. Without `apiVersion`, its kind decides alone.
fn is_of(object: &Node, group: &str) -> bool {
    let version = object.get("apiVersion").and_then(Node::text);
    version.is_none_or(|version| version.split('/').next() == Some(group))
}

fn merge_key(node: &Node) -> Option<&Node> {
    let keys = node.entries().iter().map(|(key, _)| key);
    keys.into_iter().find(|key| is_merge(key))
}
