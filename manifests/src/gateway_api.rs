//! Whether what is deployed with the Gateway API fits together: the plugin, the rules of the HTTPRoute, and the Services.

mod placement;
mod service;
mod virtual_service;

use canary_filter::Policy;
use serde_json::{Value, json};

use crate::{Documents, Finding, Findings, at, list, text};

/// One plugin with one rule, and one route.
pub(crate) struct Attached<'d> {
    documents: &'d Documents,
    /// A WasmPlugin, or an EnvoyExtensionPolicy.
    plugin: &'d Value,
    /// An HTTPRoute, or a VirtualService of a waypoint.
    route: &'d Value,
    /// The plugin's one rule, as written.
    rule: &'d Value,
    policy: Policy,
}

/// Checks one plugin with one rule, one HTTPRoute or a waypoint's VirtualService, and what they name. Returns what does not fit; an empty list means that
/// everything does.
pub fn check(documents: &Documents) -> Vec<Finding> {
    let attached = match Attached::find(documents) {
        Ok(attached) => attached,
        Err(finding) => return vec![finding],
    };
    let mut findings = Findings::default();
    placement::check(&attached, &mut findings);
    if attached.by_virtual_service() {
        virtual_service::check(&attached, &mut findings);
        return findings.into_vec();
    }
    match attached.policy.outputs().cluster_header() {
        Some(header) => by_cluster(&attached, header, &mut findings),
        None => by_subset(&attached, &mut findings),
    }
    for rule in list(at(attached.route, "/spec/rules")) {
        of_rule(&attached, rule, &mut findings);
    }
    findings.into_vec()
}

impl<'d> Attached<'d> {
    fn find(documents: &'d Documents) -> Result<Self, Finding> {
        let plugins = ["WasmPlugin", "EnvoyExtensionPolicy"];
        let plugin = only(documents, &plugins)?;
        let route = only(documents, &["HTTPRoute", "VirtualService"])?;
        let refuse = |reason: &str| Finding::new(plugin, reason);
        let configuration = [
            "/spec/pluginConfig",
            "/spec/wasm/0/config",
            "/spec/dynamicModule/0/config",
        ]
        .iter()
        .find_map(|pointer| plugin.pointer(pointer))
        .ok_or_else(|| refuse("the configuration is missing"))?;
        let policy = Policy::from_json(configuration.to_string().as_bytes())
            .map_err(|fault| refuse(&fault.to_string()))?;
        let [rule] = list(at(configuration, "/http")) else {
            return Err(refuse(
                "only plugins with one rule can be checked against their routes",
            ));
        };
        Ok(Self {
            documents,
            plugin,
            route,
            rule,
            policy,
        })
    }

    /// The labels of the plugin's destinations, in order.
    fn labels(&self) -> impl Iterator<Item = &str> {
        let rules = self.policy.rules().iter();
        rules.flat_map(|rule| rule.destinations().iter().map(|version| version.label()))
    }

    fn by_virtual_service(&self) -> bool {
        at(self.route, "/kind") == "VirtualService"
    }

    /// Whether the route is for the callers of a Service, by a waypoint, and not for a gateway.
    fn in_the_mesh(&self) -> bool {
        self.by_virtual_service() || at(self.route, "/spec/parentRefs/0/kind") == "Service"
    }

    /// The name and the port of the Service whose callers the route is for.
    fn called(&self) -> (&'d str, &'d Value) {
        if self.by_virtual_service() {
            let host = text(at(self.route, "/spec/hosts/0"));
            let name = host.split('.').next().unwrap_or_default();
            let port = "/spec/http/0/route/0/destination/port/number";
            (name, at(self.route, port))
        } else {
            let parent = at(self.route, "/spec/parentRefs/0");
            (text(at(parent, "/name")), at(parent, "/port"))
        }
    }

    /// The rules of the HTTPRoute that have no condition on a header.
    fn plain(&self) -> Vec<&'d Value> {
        let rules = list(at(self.route, "/spec/rules")).iter();
        rules
            .filter(|rule| at(rule, "/matches/0/headers").is_null())
            .collect()
    }
}

fn only<'d>(documents: &'d Documents, kinds: &[&str]) -> Result<&'d Value, Finding> {
    let all: Vec<_> = kinds.iter().flat_map(|kind| documents.all(kind)).collect();
    match all[..] {
        [only] => Ok(only),
        ref all => {
            let kinds = kinds.join(" or ");
            let message = format!(
                "hold {} objects of kind {kinds}, but must hold one",
                all.len()
            );
            Err(Finding::new(&Value::Null, message))
        }
    }
}

/// With `subsetHeader`, each version has a rule of its own, and a last one without a condition serves stable.
fn by_subset(attached: &Attached<'_>, findings: &mut Findings) {
    let header = attached
        .policy
        .outputs()
        .subset_header()
        .unwrap_or_default();
    let (route, rules) = (attached.route, list(at(attached.route, "/spec/rules")));
    let mut stable = &Value::Null;
    for (number, label) in attached.labels().enumerate() {
        let of_version: Vec<_> = rules
            .iter()
            .filter(|rule| at(rule, "/matches/0/headers/0/value") == label)
            .collect();
        let [rule] = of_version[..] else {
            let message = format!("{} rules match the label {label}", of_version.len());
            findings.require(false, route, message);
            continue;
        };
        if number == 0 {
            stable = rule;
        }
        // `Exact` is the default.
        let expected = match at(rule, "/matches/0/headers/0/type") {
            Value::Null => json!([{"name": header, "value": label}]),
            _ => json!([{"name": header, "value": label, "type": "Exact"}]),
        };
        let what = format!("the condition of the rule for {label}");
        findings.same(route, &what, at(rule, "/matches/0/headers"), &expected);
        service::check(attached, rule, Some(label), findings);
        named(attached, rule, label, findings);
    }
    let count = attached.labels().count() + 1;
    let message = format!("must have {count} rules: one for each version, and a last one");
    findings.require(rules.len() == count, route, message);
    fallback(attached, at(stable, "/backendRefs"), findings);
}

/// With `clusterHeader`, one rule leads to whichever cluster the header names.
fn by_cluster(attached: &Attached<'_>, header: &str, findings: &mut Findings) {
    let route = attached.route;
    let rules = list(at(route, "/spec/rules"));
    let first = at(route, "/spec/rules/0");
    let expected = json!([{"name": header, "type": "RegularExpression", "value": ".+"}]);
    let what = "the condition of the first rule";
    findings.same(route, what, at(first, "/matches/0/headers"), &expected);
    findings.require(rules.len() == 2, route, "must have two rules");
    named(attached, first, "canary", findings);
    for destination in list(at(attached.rule, "/route")) {
        service::of_destination(attached, at(destination, "/destination"), findings);
    }
    service::stable(attached, first, findings);
    fallback(attached, at(first, "/backendRefs"), findings);
}

/// The rule that serves while the plugin has chosen nothing.
fn fallback(attached: &Attached<'_>, stable: &Value, findings: &mut Findings) {
    let route = attached.route;
    let [fallback] = attached.plain()[..] else {
        let message = "must have one rule without a condition on a header, for requests without a decision: they get a 404 otherwise";
        return findings.require(false, route, message);
    };
    let backends = at(fallback, "/backendRefs");
    let what = "the backend of the rule without a condition";
    findings.same(route, what, backends, stable);
    service::check(attached, fallback, None, findings);
    named(attached, fallback, "stable", findings);
}

/// Where rules have names, they say what the rule is for.
fn named(attached: &Attached<'_>, rule: &Value, name: &str, findings: &mut Findings) {
    if !attached.in_the_mesh() {
        let found = at(rule, "/name");
        findings.same(attached.route, "a rule's name", found, &json!(name));
    }
}

/// What holds for every rule of the HTTPRoute: it is about the requests of the plugin's rule, and the version does not get
/// the header.
fn of_rule(attached: &Attached<'_>, rule: &Value, findings: &mut Findings) {
    let (route, plain) = (attached.route, at(rule, "/matches/0/headers").is_null());
    // In the mesh, the route is for all requests to the Service, so the last rule takes the rest.
    if attached.in_the_mesh() {
        findings.require(
            plain == at(rule, "/matches").is_null(),
            route,
            "the last rule must match every request of the Service",
        );
    }
    if !(attached.in_the_mesh() && plain) {
        let prefix = at(attached.rule, "/match/0/uri/prefix");
        let path = json!({"type": "PathPrefix", "value": prefix});
        let found = at(rule, "/matches/0/path");
        findings.same(route, "the path of a rule", found, &path);
    }
    if attached.in_the_mesh() {
        return;
    }
    let outputs = attached.policy.outputs();
    let header = match outputs.cluster_header() {
        Some(_) if plain => return,
        Some(header) => header,
        None => outputs.subset_header().unwrap_or_default(),
    };
    let expected =
        json!([{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": [header]}}]);
    let what = format!("the filters of the rule {}", text(at(rule, "/name")));
    findings.same(route, &what, at(rule, "/filters"), &expected);
}
