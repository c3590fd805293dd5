//! Envoy's files with the demo's ports and paths. What is in `envoy/` stays as it is.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use launch::replace;
use serde_json::Value;

use crate::Trouble;
use crate::parts::local;
use crate::settings::Settings;

const ENDPOINT: &str = "load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";

/// The file with the port of Envoy's admin page, for `make weights`.
const ADMIN: &str = "admin";

/// Writes `envoy.yaml`, `clusters.yaml`, `canary.yaml` and `admin` into the demo's folder.
///
/// # Errors
/// A file cannot be read or written, is not YAML, or lacks a place that the demo has to change.
pub(crate) fn write(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let folder = &settings.folder;
    let paths = |name: &str| Value::from(folder.join(name).to_string_lossy().into_owned());
    let listener = "/static_resources/listeners/0";
    let discovery = "filter_chains/0/filters/0/typed_config/http_filters/0/config_discovery";
    let changed = [
        (
            "/admin/address/socket_address/port_value".to_owned(),
            settings.admin.into(),
        ),
        (
            format!("{listener}/address/socket_address/port_value"),
            settings.listener.into(),
        ),
        (
            "/dynamic_resources/cds_config/path_config_source/path".to_owned(),
            paths("clusters.yaml"),
        ),
        (
            format!("{listener}/{discovery}/config_source/path_config_source/path"),
            paths("canary.yaml"),
        ),
    ];
    copy("envoy/envoy.yaml", &folder.join("envoy.yaml"), changed)?;

    let ports = [settings.blue, settings.green].into_iter().enumerate();
    let changed = ports.map(|(at, port)| {
        (
            format!("/resources/{at}/{ENDPOINT}/port_value"),
            port.into(),
        )
    });
    copy(
        "envoy/clusters.yaml",
        &folder.join("clusters.yaml"),
        changed,
    )?;

    // As it is, with its comments: users look into it.
    let filter = settings.filter();
    let weights = fs::read(filter).map_err(|error| Trouble(format!("{filter}: {error}")))?;
    put(&settings.weights(), &weights)?;
    put(&folder.join(ADMIN), settings.admin.to_string().as_bytes())?;
    Ok(())
}

/// The admin page of the demo whose files are in this folder.
///
/// # Errors
/// The file with its port cannot be read.
pub(crate) fn admin(folder: &Path) -> Result<SocketAddr, Trouble> {
    let path = folder.join(ADMIN);
    let port = fs::read_to_string(&path).ok();
    let port = port.and_then(|port| port.trim().parse().ok());
    port.map(local)
        .ok_or_else(|| Trouble(format!("{} has no port", path.display())))
}

fn copy(
    from: &str,
    to: &Path,
    changed: impl IntoIterator<Item = (String, Value)>,
) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(from).map_err(|error| Trouble(format!("{from}: {error}")))?;
    let changed = with(&text, changed).map_err(|trouble| Trouble(format!("{from}: {trouble}")))?;
    put(to, changed.as_bytes())?;
    Ok(())
}

fn put(path: &Path, contents: &[u8]) -> Result<(), Trouble> {
    replace(path, contents).map_err(|error| Trouble(format!("{}: {error}", path.display())))
}

/// The YAML text with other values at these JSON pointers.
fn with(
    text: &str,
    changed: impl IntoIterator<Item = (String, Value)>,
) -> Result<String, Box<dyn Error>> {
    let mut file: Value = serde_yaml_ng::from_str(text)?;
    for (place, value) in changed {
        *file
            .pointer_mut(&place)
            .ok_or_else(|| Trouble(format!("the demo changes {place}, which is missing")))? = value;
    }
    Ok(serde_yaml_ng::to_string(&file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_changed_where_the_pointer_says() {
        let changed = [("/a/0/port".to_owned(), Value::from(9080))];
        let text = with("a: [{port: 8080, other: 8080}]", changed).unwrap();
        let file: Value = serde_yaml_ng::from_str(&text).unwrap();
        assert_eq!(
            file,
            serde_json::json!({"a": [{"port": 9080, "other": 8080}]})
        );
    }

    #[test]
    fn a_file_without_the_place_is_refused() {
        let changed = [("/a/0/port".to_owned(), Value::from(9080))];
        assert_eq!(
            with("a: []", changed).unwrap_err().to_string(),
            "the demo changes /a/0/port, which is missing"
        );
        assert!(with("a: [", []).is_err());
    }
}
