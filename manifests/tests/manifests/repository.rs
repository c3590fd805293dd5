//! The files of this repository, and what has to hold for them beyond what [`manifests::agreement`] checks for everybody.

use std::fs;
use std::path::{Path, PathBuf};

use manifests::agreement;
use manifests::{Deployed, Documents, Findings, Place, list, text as string};
use serde_json::{Value, json};

use crate::pods;

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A file of the repository.
pub(crate) fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files below `istio/`, or whole folders of them without those that are only for kustomize.
pub(crate) fn read(paths: &[&str]) -> Documents {
    let files = paths
        .iter()
        .flat_map(|path| match root().join("istio").join(path) {
            file if file.is_file() => vec![file],
            folder => manifests(&folder),
        });
    let documents = files.flat_map(|file| {
        Documents::read(&file)
            .unwrap_or_else(|error| panic!("{error}"))
            .0
    });
    Documents(documents.collect())
}

/// The files of a folder, deeper ones included, that hold objects of Kubernetes.
pub(crate) fn manifests(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files = paths.into_iter().flat_map(|path| {
        if path.is_dir() {
            manifests(&path)
        } else {
            vec![path]
        }
    });
    let meant = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
            && !path.ends_with("kustomization.yaml")
            && !path.parent().unwrap().ends_with("telemetry")
    };
    files.filter(meant).collect()
}

/// Without the object of that kind and name, which has to be there.
pub(crate) fn without(mut documents: Documents, kind: &str, name: &str) -> Documents {
    assert_eq!(documents.remove(kind, name), 1, "{kind} {name}");
    documents
}

/// The documents that the two commands of the documentation deploy.
pub(crate) fn gateway() -> Documents {
    read(&["color", "base"])
}

/// Everything that does not fit: by the library's rules, and by those of this repository.
pub(crate) fn faults(documents: &Documents) -> Vec<String> {
    let mut findings = Findings::default();
    agreement::check(documents)
        .into_iter()
        .for_each(|finding| findings.add(finding));
    if let Ok(deployed) = Deployed::find(documents) {
        names(&deployed, &mut findings);
        clusters(&deployed, &mut findings);
        gateway_port(&deployed, &mut findings);
        pods::check(&deployed, &mut findings);
        let tag = concat!("canary-filter:", env!("CARGO_PKG_VERSION"));
        let url = string(&deployed.plugin["spec"]["url"]);
        let message = "the image must have the version of the repository";
        findings.require(url.ends_with(tag), deployed.plugin, message);
    }
    findings
        .into_vec()
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The names by which the documentation and the other objects refer to these objects.
fn names(deployed: &Deployed<'_>, findings: &mut Findings) {
    for filter in deployed.documents.all("EnvoyFilter") {
        let patch = &filter["spec"]["configPatches"][0];
        let name = match patch["applyTo"].as_str() {
            Some("HTTP_ROUTE") => "canary-route",
            _ => "canary-header",
        };
        let found = &filter["metadata"]["name"];
        findings.same(filter, "the name", found, &json!(name));
        if name == "canary-header" {
            let extension = "/patch/value/typed_config/early_header_mutation_extensions/0/name";
            let found = patch.pointer(extension).unwrap_or(&Value::Null);
            let expected = json!("strip-canary-headers");
            findings.same(filter, "the extension's name", found, &expected);
        }
    }
    let service = deployed.virtual_service;
    for route in list(&service["spec"]["http"]) {
        let name = match &route["match"][0]["headers"] {
            Value::Null if route["match"].is_null() => json!("rest"),
            Value::Null => json!("stable"),
            condition => match string(&condition["x-canary-subset"]["exact"]) {
                "" => json!("canary"),
                subset => json!(subset.trim_end_matches("-sub")),
            },
        };
        findings.same(service, "a route's name", &route["name"], &name);
    }
}

/// The clusters in `envoy/` have the same subsets.
fn clusters(deployed: &Deployed<'_>, findings: &mut Findings) {
    let envoy = Documents::parse(&text("envoy/clusters.yaml")).unwrap();
    let named = list(&envoy.0[0]["resources"]).iter().map(|cluster| {
        let subset = string(&cluster["name"]).split('|').nth(2);
        subset.unwrap_or_default()
    });
    let subsets = deployed
        .destinations()
        .map(|destination| string(&destination["subset"]));
    let message = "the subsets must be those of envoy/clusters.yaml";
    findings.require(named.eq(subsets), deployed.plugin, message);
}

fn gateway_port(deployed: &Deployed<'_>, findings: &mut Findings) {
    if deployed.place() == Place::Gateway {
        for gateway in deployed.documents.all("Gateway") {
            let server = &gateway["spec"]["servers"][0];
            let port = json!({"number": 80, "name": "http", "protocol": "HTTP"});
            findings.same(gateway, "the port", &server["port"], &port);
            let hosts = &server["hosts"];
            findings.same(gateway, "the list of hosts", hosts, &json!(["*"]));
        }
    }
}

#[test]
fn the_manifests_agree() {
    assert_eq!(faults(&gateway()), [""; 0]);
}
