//! The Wasm filters and native modules in the answers of `/config_dump`.

use serde_json::Value;

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

const NATIVE: &str = "envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter";

/// A Wasm filter or a native module, whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    /// The name of the filter, which is in the names of Envoy's statistics about its discovery.
    pub(super) name: String,
    /// The name of the plugin, which is a label of the filter's metrics.
    pub(super) plugin: String,
    /// The JSON that the filter gets.
    pub(super) configuration: String,
    /// When Envoy got it, in UTC as RFC 3339 writes it; known of a filter that is discovered.
    pub(super) updated: Option<String>,
}

/// All of them in a dump. An answer that is not JSON has none, and so has `{}`.
pub(super) fn filters(dump: &[u8]) -> Vec<Filter> {
    let mut found = Vec::new();
    if let Ok(dump) = serde_json::from_slice::<Value>(dump) {
        collect(&dump, "", None, &mut found);
    }
    found
}

/// serde_json bounds the depth.
fn collect<'v>(value: &'v Value, name: &'v str, updated: Option<&'v str>, found: &mut Vec<Filter>) {
    match value {
        Value::Object(members) => {
            let text = |member: &str| members.get(member).and_then(Value::as_str);
            let (name, updated) = (
                text("name").unwrap_or(name),
                text("last_updated").or(updated),
            );
            let kind = text("type_url").or(text("@type")).unwrap_or_default();
            let config = members
                .get("config")
                .or_else(|| members.get("value")?.get("config"));
            if let (true, Some(config)) = (kind.ends_with(WASM), config) {
                found.extend(filter(config, name, updated));
                return;
            }
            if kind.ends_with(NATIVE) {
                found.extend(native(value, name, updated));
                return;
            }
            for value in members.values() {
                collect(value, name, updated, found);
            }
        }
        Value::Array(items) => {
            for value in items {
                collect(value, name, updated, found);
            }
        }
        _ => {}
    }
}

/// The name of the plugin is what comes before the slash.
fn native(filter: &Value, name: &str, updated: Option<&str>) -> Option<Filter> {
    let configuration = filter.pointer("/filter_config/value")?.as_str()?;
    let plugin = filter.get("filter_name").and_then(Value::as_str);
    let plugin = plugin.and_then(|name| name.split('/').next());
    Some(Filter {
        name: name.to_owned(),
        plugin: plugin.unwrap_or_default().to_owned(),
        configuration: configuration.to_owned(),
        updated: updated.map(str::to_owned),
    })
}

fn filter(config: &Value, name: &str, updated: Option<&str>) -> Option<Filter> {
    let configuration = config.pointer("/configuration/value")?.as_str()?;
    let plugin = config.get("name").and_then(Value::as_str);
    Some(Filter {
        name: name.to_owned(),
        plugin: plugin.unwrap_or_default().to_owned(),
        configuration: configuration.to_owned(),
        updated: updated.map(str::to_owned),
    })
}
