//! Which plugin of which proxy a configuration belongs to, as far as the file shows it.

use crate::document::tree::Node;

/// Where a configuration runs. The default is that of a bare configuration, which does not show it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plugin {
    name: Option<Name>,
    chain: Chain,
}

/// What the filter remembers a configuration under: the name of the plugin, in the shared data of its `vm_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    vm: String,
    plugin: String,
}

/// The filter chain that has the filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Chain {
    #[default]
    Unknown,
    /// Envoy's `http_filters` that begins at this byte of the file.
    List(usize),
    /// The chains of the proxies that a Kubernetes object selects, in the words of the object.
    Selected(String),
}

impl Plugin {
    /// `config` is the `PluginConfig` of an Envoy filter.
    pub(crate) fn of_envoy(config: Option<&Node>, chain: Chain) -> Self {
        let text = |node: Option<&Node>, keys: [&str; 2]| {
            let value = keys.iter().find_map(|key| node?.get(key)?.text());
            value.unwrap_or_default().to_owned()
        };
        let vm = config.and_then(|config| config.get("vm_config").or(config.get("vmConfig")));
        Self {
            name: Some(Name {
                vm: text(vm, ["vm_id", "vmId"]),
                plugin: text(config, ["name", "name"]),
            }),
            chain,
        }
    }

    /// An extension that is a native module: the name of the plugin is what comes before the slash.
    pub(crate) fn of_native(node: &Node, chain: Chain) -> Self {
        let name = ["filter_name", "specifier_name"]
            .iter()
            .find_map(|field| node.get(field)?.text());
        let name = name.and_then(|name| name.split('/').next());
        Self {
            name: name.map(|plugin| Name {
                vm: "native".to_owned(),
                plugin: plugin.to_owned(),
            }),
            chain,
        }
    }

    /// istiod calls the plugin `namespace.name`, and sets no `vm_id`.
    pub(crate) fn of_istio(manifest: &Node) -> Self {
        let metadata = |field| manifest.get("metadata")?.get(field)?.text();
        let name = metadata("name").map(|name| match metadata("namespace") {
            Some(namespace) => format!("{namespace}.{name}"),
            None => name.to_owned(),
        });
        Self {
            name: name.map(|plugin| Name {
                vm: String::new(),
                plugin,
            }),
            chain: Chain::of_object(manifest),
        }
    }

    /// Envoy Gateway gives each entry of `spec.wasm` a `vm_id` of its own, so none shares its name with another one.
    pub(crate) fn of_envoy_gateway(manifest: &Node) -> Self {
        Self {
            name: None,
            chain: Chain::of_object(manifest),
        }
    }

    /// The name that both plugins have in the same VM, if they do.
    pub(crate) fn shared_name(&self, other: &Self) -> Option<&str> {
        let name = self.name.as_ref()?;
        (Some(name) == other.name.as_ref()).then_some(&name.plugin)
    }

    /// Whether a request may pass both plugins.
    pub(crate) fn may_meet(&self, other: &Self) -> bool {
        match (&self.chain, &other.chain) {
            (Chain::Unknown, _) | (_, Chain::Unknown) => true,
            (one, other) => one == other,
        }
    }
}

impl Chain {
    /// An object without a selector is for all proxies of a namespace or of the mesh.
    fn of_object(manifest: &Node) -> Self {
        let namespace = manifest
            .get("metadata")
            .and_then(|data| data.get("namespace"));
        let selectors = ["selector", "targetRef", "targetRefs"];
        let selected: String = selectors
            .iter()
            .filter_map(|field| manifest.get("spec")?.get(field))
            .map(written)
            .collect();
        if selected.is_empty() {
            Self::Unknown
        } else {
            let namespace = namespace.map(written).unwrap_or_default();
            Self::Selected(format!("{namespace} {selected}"))
        }
    }
}

/// The texts of a tree in their order.
fn written(node: &Node) -> String {
    let own = node.text().unwrap_or_default();
    node.children().fold(own.to_owned(), |text, child| {
        format!("{text} {}", written(child))
    })
}
