//! The VirtualService that goes with the rules.

use serde_json::{Map, Value, json};

use super::entry::Entry;
use super::object::present;
use super::rules::{Form, Rule};
use super::service::{Http, VirtualService};
use super::{CANARY, CLUSTER_HEADER, MESH, STABLE};

/// What an API server adds to an object, and what `kubectl apply` adds.
const ADDED: [&str; 6] = [
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Whether a route that stays may get requests of these rules. Their header must not reach its upstream.
fn is_marked(route: &Http<'_>, rules: &[&Rule], services: &[VirtualService<'_>]) -> bool {
    let mut entries = rules.iter().flat_map(|rule| rule.entries_of(services));
    !route.destinations().is_empty()
        && entries.any(|one| route.entries.iter().any(|other| !one.excludes(other)))
}

/// Whether the VirtualService, which is the one with this number, changes because of these rules.
pub(super) fn is_changed(number: usize, rules: &[&Rule], services: &[VirtualService<'_>]) -> bool {
    let own = |rule: &&&Rule| rule.service == number;
    let is_read = rules.iter().filter(own).any(|rule| rule.form.is_read());
    services.get(number).is_some_and(|service| {
        is_read
            || service.has_name(CANARY)
            || service
                .http
                .iter()
                .any(|route| is_marked(route, rules, services))
    })
}

/// The object with the routes that read what its own rules write. `rules` are these and those of VirtualServices with the
/// same host.
pub(super) fn converted(
    service: &VirtualService<'_>,
    number: usize,
    rules: &[&Rule],
    services: &[VirtualService<'_>],
) -> Value {
    let mut object = service.object.value().clone();
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|field, _| !ADDED.contains(&field.as_str()));
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.remove(APPLIED);
        }
    }
    let mut http = Vec::new();
    for (index, route) in service.http.iter().enumerate() {
        let rule = rules
            .iter()
            .find(|rule| rule.service == number && rule.http == index);
        match rule.filter(|rule| rule.form.is_read()) {
            Some(rule) => http.extend(split(service, route, rule)),
            None => {
                let marked = is_marked(route, rules, services);
                http.push(kept(route, index, marked));
            }
        }
    }
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.insert("http".to_owned(), http.into());
    }
    object
}

/// A route that stays.
fn kept(route: &Http<'_>, index: usize, marked: bool) -> Value {
    let mut kept = route.value.clone();
    if route.name() == Some(CANARY) {
        kept.insert("name".to_owned(), renamed(index).into());
    }
    if marked {
        remove_header(&mut kept);
    }
    kept.into()
}

/// The name of a route that stays and was called `canary`, which only routes that read the header may be called.
pub(super) fn renamed(index: usize) -> String {
    format!("{CANARY}-{index}")
}

/// The routes that take the place of one.
fn split(service: &VirtualService<'_>, route: &Http<'_>, rule: &Rule) -> Vec<Value> {
    let claimed: Vec<_> = rule
        .entries
        .iter()
        .filter_map(|position| route.entries.get(*position))
        .collect();
    let mut routes = Vec::new();
    let stable = match rule.form {
        Form::Header { stable } => {
            let entries = entries(service, &claimed, Some(&json!({})));
            routes.push(copy(route, CANARY, entries, stable));
            stable
        }
        Form::PerVersion { stable } => {
            for (position, target) in rule.targets.iter().enumerate() {
                let version = json!({"exact": target.cluster()});
                let entries = entries(service, &claimed, Some(&version));
                routes.push(copy(route, CANARY, entries, position));
            }
            stable
        }
        Form::Shield => return routes,
    };
    let fallback = entries(service, &claimed, None);
    routes.push(copy(route, STABLE, fallback, stable));
    let rest = rest(route);
    if !rest.is_empty() {
        let mut original = route.value.clone();
        original.insert("match".to_owned(), rest.into());
        if route.name() == Some(CANARY) {
            original.insert("name".to_owned(), format!("{CANARY}-mesh").into());
        }
        remove_header(&mut original);
        routes.push(original.into());
    }
    routes
}

/// The route with another name and other entries, to one of its destinations.
fn copy(route: &Http<'_>, name: &str, entries: Vec<Value>, destination: usize) -> Value {
    let mut copy = route.value.clone();
    copy.insert("name".to_owned(), name.into());
    if entries.iter().all(|entry| *entry != json!({})) {
        copy.insert("match".to_owned(), entries.into());
    } else {
        copy.remove("match");
    }
    if let Some(destination) = route.destinations().get(destination) {
        let written = &destination.written;
        let only = match &destination.headers {
            Some(headers) => json!({"destination": written, "headers": headers}),
            None => json!({"destination": written}),
        };
        copy.insert("route".to_owned(), json!([only]));
    }
    remove_header(&mut copy);
    copy.into()
}

/// The entries for the gateways, with a condition on the filter's header.
fn entries(
    service: &VirtualService<'_>,
    claimed: &[&Entry<'_>],
    header: Option<&Value>,
) -> Vec<Value> {
    claimed
        .iter()
        .map(|entry| {
            let mut value = object(&entry.value);
            if let Some(header) = header {
                // Istio appends the name of an entry to that of its route, and the EnvoyFilter looks for `canary`.
                value.remove("name");
                let mut headers = present(&entry.value, "headers")
                    .map(object)
                    .unwrap_or_default();
                headers.insert(CLUSTER_HEADER.to_owned(), header.clone());
                value.insert("headers".to_owned(), headers.into());
            }
            if entry.in_mesh {
                let own = value.get("gateways").and_then(Value::as_array).cloned();
                let mut gateways = own.unwrap_or_else(|| json_list(&service.gateways));
                gateways.retain(|name| name != MESH);
                value.insert("gateways".to_owned(), gateways.into());
            }
            value.into()
        })
        .collect()
}

/// The entries for which the route keeps its weights: those of sidecars, and those that depend on the proxy's own labels.
fn rest(route: &Http<'_>) -> Vec<Value> {
    route
        .entries
        .iter()
        .filter_map(|entry| {
            if !entry.is_claimed() {
                return Some(entry.value.clone());
            }
            entry.in_mesh.then(|| {
                let mut value = object(&entry.value);
                value.insert("gateways".to_owned(), json!([MESH]));
                value.into()
            })
        })
        .collect()
}

/// The upstream does not get the filter's header.
fn remove_header(route: &mut Map<String, Value>) {
    let mut headers = route.get("headers").map(object).unwrap_or_default();
    let mut request = headers.get("request").map(object).unwrap_or_default();
    let removed = request.get("remove").and_then(Value::as_array).cloned();
    let mut removed = removed.unwrap_or_default();
    removed.push(CLUSTER_HEADER.into());
    request.insert("remove".to_owned(), removed.into());
    headers.insert("request".to_owned(), request.into());
    route.insert("headers".to_owned(), headers.into());
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn json_list(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| json!(text)).collect()
}
