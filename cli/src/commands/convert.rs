//! `canary convert`: the filter's configuration from the VirtualServices of a canary, and the VirtualServices that go with it.
//!
//! ```text
//! VirtualService   http[i]  match, weights             configuration   http[]  match + hosts, destinations with ports
//!                                         ─────────►
//! DestinationRule, Service                             VirtualService  canary: match + x-canary-cluster  ──► its cluster
//!                                                                      stable: match                     ──► one version
//! ```
//!
//! **Every route keeps its place, its conditions and its options.** A route that splits becomes two: `canary` also requires
//! the header that the filter writes, and `stable` is for requests without it. So a request takes the same route as before,
//! whatever the header holds, and the filter decides only which destination of that route it gets. That holds as long as
//! the first rule that matches a request is the rule of its route:
//!
//! - The rules have the order of the routes, and the filter's conditions mean what Envoy's do.
//! - A rule also requires the hosts. If VirtualServices overlap, the wider one excludes the hosts of the narrower one, as
//!   Envoy does, which looks up the virtual host first (`order`).
//! - What the filter cannot check (`port`, `gateways`, `sourceLabels`) stays in the VirtualService. A rule may then match
//!   more than its route. That is harmless unless a later route would get these requests; such input is refused.
//! - A route with one destination, or that redirects, stays. If it comes before one that splits, it gets a rule, too, which
//!   only keeps the later rules from its requests: their statistics, and their rollback, must not count its answers.
//!
//! **Why the header with the cluster, and not one route per version:** a VirtualService cannot name a cluster header, so an
//! EnvoyFilter (`istio/base/route.yaml`, once per gateway) makes the routes called `canary` take their cluster from it. A
//! new version then needs no new route. But one route has one set of options. If the destinations change headers of their
//! own, belong to different hosts (a gateway has the clusters of the hosts that a VirtualService names) or hash different
//! keys, each version gets a `canary` route that requires its cluster's exact name. These work with the EnvoyFilter and
//! without it, since the header and the route name the same cluster.
//!
//! **What differs:** Envoy drops whatever follows the colon of a host, and a rule takes only digits for a port, so a request
//! with a malformed port gets the stable version. istiod gives a route with one destination and a `consistentHash` another
//! default for retries than a route with several.
//!
//! **Calls inside the mesh** keep the weights: sidecars do not have the plugin. A route for gateways and for the mesh
//! becomes `canary` and `stable` for the gateways, and stays as it is for the mesh.

use canary_filter::{Policy, Step};
use serde_json::{Value, json};

use self::destination::Ports;
use self::hash::Hashes;
use self::object::{Object, Spot};
use self::rules::{Form, Rule, Sources};
use self::service::{Http, VirtualService};

mod destination;
mod entry;
mod hash;
pub(super) mod host;
mod left;
mod object;
mod order;
mod routes;
mod rules;
mod service;
mod write;

pub use self::left::Left;
pub use self::object::{Input, Refusal};

/// The request header in which the filter names the cluster, as in `istio/base`.
const CLUSTER_HEADER: &str = "x-canary-cluster";
/// The name of the routes that read it.
const CANARY: &str = "canary";
/// The name of the routes for requests without it.
const STABLE: &str = "stable";
/// Istio's name for the sidecars among the gateways of a VirtualService.
const MESH: &str = "mesh";

/// The result of a conversion.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The filter's configuration. The filter accepts it.
    pub configuration: Value,
    /// The VirtualServices that go with it. One that does not change is not among them.
    pub virtual_services: Vec<Value>,
    /// What stays where it is, in the order of the objects.
    pub left: Vec<Left>,
    /// What the user should know besides.
    pub notes: Vec<String>,
    /// For each rule the key that a DestinationRule offers.
    keys: Vec<Option<Value>>,
}

/// Converts the VirtualServices of the files. Their Services, ServiceEntries and DestinationRules help; other objects are
/// ignored. `port` is that of destinations whose port nothing else gives.
///
/// # Errors
/// One line, if something cannot be converted so that it means the same.
pub fn convert(inputs: &[Input<'_>], port: Option<u16>) -> Result<Converted, Refusal> {
    let mut objects = Vec::new();
    for input in inputs {
        objects.append(&mut Object::read(input)?);
    }
    let ports = Ports::of(&objects, port)?;
    let hashes = Hashes::of(&objects)?;
    let mut services = Vec::new();
    for object in &objects {
        if object.is("VirtualService", "networking.istio.io") {
            services.push(VirtualService::read(object)?);
        }
    }
    order::sort(&mut services);
    let prepare = !at_gateways(&services).any(Http::is_split);
    let sources = Sources {
        services: &services,
        ports: &ports,
        hashes: &hashes,
    };
    let mut rules = sources.rules(prepare)?;
    order::settle(&mut rules, &services)?;
    if !rules.iter().any(|rule| rule.form.is_read()) {
        return Err(nothing(inputs, &services));
    }
    let configuration = configuration(&rules, &services)?;
    let mut left = Vec::new();
    let mut virtual_services = Vec::new();
    for (number, service) in services.iter().enumerate() {
        let own: Vec<_> = rules.iter().filter(|rule| rule.service == number).collect();
        let beside = |rule: &&Rule| {
            let other = services.get(rule.service);
            other.is_some_and(|other| order::share_a_host(service, other))
        };
        let near: Vec<_> = rules.iter().filter(beside).collect();
        if routes::is_changed(number, &near, &services) {
            virtual_services.push(routes::converted(service, number, &near, &services));
        }
        left.append(&mut left::of_service(service, &own));
    }
    left.append(&mut left::of_hashes(&rules, &hashes));
    Ok(Converted {
        configuration,
        virtual_services,
        left,
        notes: notes(&rules, &services, prepare),
        keys: rules.into_iter().map(|rule| rule.key).collect(),
    })
}

fn at_gateways<'s, 'o>(services: &'s [VirtualService<'o>]) -> impl Iterator<Item = &'s Http<'o>> {
    let services = services.iter().filter(|service| service.is_at_a_gateway());
    services.flat_map(|service| &service.http)
}

/// Why there is no rule.
fn nothing(inputs: &[Input<'_>], services: &[VirtualService<'_>]) -> Refusal {
    match services.first() {
        None => {
            let file = inputs.first().map_or("", |input| input.name);
            let reason = "contains no VirtualService with a canary to convert";
            Refusal::of_file(file, &crate::Fault::new(reason))
        }
        Some(service) if service.hosts.is_empty() => service.object.refuse(
            &Spot::spec("hosts"),
            "is empty, so this is the delegate of another VirtualService: write its routes there to convert them",
        ),
        Some(service) if service.gateways.is_empty() => service.object.refuse(
            &Spot::spec("gateways"),
            "names no gateway, so the routes are for calls inside the mesh: Envoy also finds them by short names and addresses, which a rule cannot check",
        ),
        Some(service) => service.object.refuse(
            &Spot::spec("http"),
            "has no route with a destination that the filter could choose",
        ),
    }
}

/// The configuration of these rules, as the filter accepts it.
fn configuration(rules: &[Rule], services: &[VirtualService<'_>]) -> Result<Value, Refusal> {
    let mut http = Vec::new();
    for rule in rules {
        http.push(rule.wire(services)?);
    }
    let configuration = json!({"clusterHeader": CLUSTER_HEADER, "http": http});
    match Policy::from_json(configuration.to_string().as_bytes()) {
        Ok(_) => Ok(configuration),
        Err(fault) => {
            let steps: Vec<_> = fault.path().steps().cloned().collect();
            Err(original(&steps, fault.reason(), rules, services))
        }
    }
}

/// The part of a VirtualService from which the part of the configuration was made that the filter refuses.
fn original(
    steps: &[Step],
    reason: &str,
    rules: &[Rule],
    services: &[VirtualService<'_>],
) -> Refusal {
    let reason = format!("the filter refuses it: {reason}");
    let rule = match steps {
        [_, Step::Item(rule), ..] => rules.get(*rule),
        _ => None,
    };
    let found = rule.and_then(|rule| Some((rule, services.get(rule.service)?)));
    let Some((rule, service)) = found else {
        return nothing(&[], services);
    };
    let mut spot = Spot::http(rule.http);
    if let [_, _, field, Step::Item(number), rest @ ..] = steps
        && *field == Step::from("match")
    {
        let entry = rule.entries_of(services).nth(*number);
        if let Some(index) = entry.and_then(|entry| entry.index) {
            spot = spot.field("match").item(index);
            spot = rest.iter().fold(spot, |spot, step| spot.with(step.clone()));
        }
    }
    service.object.refuse(&spot, &reason)
}

fn notes(rules: &[Rule], services: &[VirtualService<'_>], prepare: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if prepare {
        notes.push("no route splits its requests: each route with a destination became a rule, to which you can add versions".to_owned());
    }
    for rule in rules {
        let stable = match rule.form {
            Form::Header { stable } | Form::PerVersion { stable } => stable,
            Form::Shield => continue,
        };
        if let Some(target) = rule.targets.get(stable).filter(|_| rule.targets.len() > 1) {
            notes.push(format!(
                "rule `{}`: without the plugin, the route `stable` sends everybody to `{}`, which has the largest share; name another destination there if it is not your stable version",
                rule.name,
                target.label()
            ));
        }
    }
    for (number, service) in services.iter().enumerate() {
        for (index, http) in service.http.iter().enumerate() {
            let own = |rule: &Rule| rule.service == number && rule.http == index;
            let is_read = rules.iter().any(|rule| own(rule) && rule.form.is_read());
            if service.is_at_a_gateway() && http.name() == Some(CANARY) && !is_read {
                notes.push(format!(
                    "{}: {}: is now called `{}`, because only routes that read the filter's header may be called `{CANARY}`",
                    service.object.title(),
                    http.at,
                    routes::renamed(index)
                ));
            }
        }
    }
    notes
}

impl Converted {
    /// The YAML documents: first the configuration, as `spec.pluginConfig` of a WasmPlugin has it, then the VirtualServices.
    pub fn yaml(&self) -> String {
        let mut text = "# The filter's configuration: `spec.pluginConfig` of the WasmPlugin (istio/base/plugin.yaml).\n".to_owned();
        text += &format!("clusterHeader: {CLUSTER_HEADER}\nhttp:\n");
        let rules = self.configuration.get("http").and_then(Value::as_array);
        for (rule, key) in rules.into_iter().flatten().zip(&self.keys) {
            let list = write::block(&json!({"http": [rule]}), 0);
            text += list.strip_prefix("http:\n").unwrap_or(&list);
            if let Some(key) = key {
                text +=
                    "  # To keep each user on one version, by the key of the DestinationRule:\n";
                let key = write::block(&json!({"consistentHash": [key]}), 0);
                for line in key.lines() {
                    text += &format!("  # {line}\n");
                }
            }
        }
        for service in &self.virtual_services {
            text += "---\n";
            text += &write::block(service, 0);
        }
        text
    }

    /// `{configuration, virtualServices, left, notes}`.
    pub fn json(&self) -> Value {
        json!({
            "configuration": self.configuration,
            "virtualServices": self.virtual_services,
            "left": self.left,
            "notes": self.notes,
        })
    }
}

#[cfg(test)]
mod tests;
