//! The VirtualServices of `integration/tests/virtualservices`, each with its routes and its conversion.

use std::fs;
use std::path::PathBuf;

use canary::{Converted, Input, convert};
use fastrand::Rng;
use manifests::Documents;
use serde_json::{Value, json};

use crate::istiod::{Mesh, list, route_configuration};
use crate::random;

/// One file.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// What a real istiod made of it.
    pub(crate) recorded: Option<Value>,
    /// What the tests make of it.
    pub(crate) translated: Value,
    pub(crate) services: Vec<Value>,
    pub(crate) converted: Result<Converted, String>,
    /// The routes of the conversion.
    pub(crate) result: Value,
}

impl Case {
    /// The routes of the VirtualService before its conversion.
    pub(crate) fn native(&self) -> &Value {
        self.recorded.as_ref().unwrap_or(&self.translated)
    }
}

/// All files in their order.
pub(crate) fn all() -> Vec<Case> {
    let mut names: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .filter(|name| name != "services")
        .collect();
    names.sort();
    names.iter().map(|name| case(name)).collect()
}

fn case(name: &str) -> Case {
    let folder = folder();
    let file = fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
    let recorded = fs::read_to_string(folder.join(format!("{name}.routes.json"))).ok();
    let own = objects(Documents::parse(&file).unwrap().0);
    Case {
        recorded: recorded.map(|text| serde_json::from_str(&text).unwrap()),
        ..of(name, &own, &file)
    }
}

/// Some random VirtualServices.
pub(crate) fn random(number: usize, rng: &mut Rng) -> Case {
    let list = json!({"kind": "List", "items": random::services(rng)});
    of(
        &format!("random {number}"),
        list["items"].as_array().unwrap(),
        &list.to_string(),
    )
}

/// The case of these objects, which are those of the file, together with `services.yaml`.
fn of(name: &str, own: &[Value], file: &str) -> Case {
    let common = fs::read_to_string(folder().join("services.yaml")).unwrap();
    let others = Documents::parse(&common).unwrap().0;
    let mesh = Mesh::of(&[&others, own].concat());
    let is_service = |object: &&Value| object["kind"] == "VirtualService";
    let services: Vec<_> = own.iter().filter(is_service).cloned().collect();
    let inputs = [("own.yaml", file), ("services.yaml", &common)].map(|(name, content)| Input {
        name,
        content: content.as_bytes(),
        must_be_json: false,
    });
    let converted = convert(&inputs, None).map_err(|refusal| refusal.to_string());
    let result = converted.as_ref().map(|converted| {
        let services = with_changes(&services, &converted.virtual_services);
        patched(route_configuration(&services, &mesh))
    });
    let result = result.unwrap_or_default();
    Case {
        name: name.to_owned(),
        recorded: None,
        translated: route_configuration(&services, &mesh),
        result,
        services,
        converted,
    }
}

fn folder() -> PathBuf {
    harness::root().join("integration/tests/virtualservices")
}

/// The objects of documents; those of a List are its items.
fn objects(documents: Vec<Value>) -> Vec<Value> {
    let items = |document: Value| match document["kind"] == "List" {
        true => list(&document["items"]).to_vec(),
        false => vec![document],
    };
    documents.into_iter().flat_map(items).collect()
}

/// The VirtualServices after `kubectl apply`, in the order in which they were created.
fn with_changes(services: &[Value], changed: &[Value]) -> Vec<Value> {
    services
        .iter()
        .map(|service| {
            let same = |it: &&Value| it["metadata"]["name"] == service["metadata"]["name"];
            changed.iter().find(same).unwrap_or(service).clone()
        })
        .collect()
}

/// The EnvoyFilter of `istio/base/route.yaml` gives the routes called `canary` their cluster header.
fn patched(mut configuration: Value) -> Value {
    let filter = Documents::read(&harness::root().join("istio/base/route.yaml")).unwrap();
    let patch = &filter.0[0]["spec"]["configPatches"][0];
    let name = &patch["match"]["routeConfiguration"]["vhost"]["route"]["name"];
    let header = &patch["patch"]["value"]["route"]["cluster_header"];
    assert!(name == "canary" && header.is_string());
    for host in configuration["virtual_hosts"].as_array_mut().unwrap() {
        for route in host["routes"].as_array_mut().unwrap() {
            if route["name"] == *name {
                let action = route["route"].as_object_mut().unwrap();
                action.remove("cluster");
                action.insert("cluster_header".to_owned(), header.clone());
            }
        }
    }
    configuration
}

/// Every cluster that a route configuration names.
pub(crate) fn clusters(configuration: &Value) -> Vec<String> {
    let hosts = list(&configuration["virtual_hosts"]);
    let routes = hosts.iter().flat_map(|host| list(&host["routes"]));
    routes
        .flat_map(|route| {
            let action = &route["route"];
            let weighted = list(&action["weighted_clusters"]["clusters"]);
            let mirrors = list(&action["request_mirror_policies"]);
            weighted
                .iter()
                .map(|it| &it["name"])
                .chain(mirrors.iter().map(|it| &it["cluster"]))
                .chain([&action["cluster"]])
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        })
        .collect()
}
