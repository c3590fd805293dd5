//! The VirtualService's routes and the EnvoyFilters against the plugin.

use serde_json::{Value, json};

use crate::{Deployed, Documents, Findings, at, list, text};

const TYPES: &str = "type.googleapis.com/envoy.extensions";

pub(crate) fn check(deployed: &Deployed<'_>, findings: &mut Findings) {
    match deployed.policy.outputs().cluster_header() {
        Some(header) => by_cluster(deployed, header, findings),
        None => by_subset(deployed, findings),
    }
    routes(deployed, findings);
}

/// With `clusterHeader`, one route leads to whichever cluster the header names.
fn by_cluster(deployed: &Deployed<'_>, header: &str, findings: &mut Findings) {
    let route = at(deployed.virtual_service, "/spec/http/0");
    patches(deployed.documents, route, header, findings);

    let service = deployed.virtual_service;
    findings.same(
        service,
        "the condition of the first route",
        at(route, "/match/0/headers"),
        &json!({ header: {} }),
    );
    findings.same(
        service,
        "the list of headers that the first route removes",
        at(route, "/headers/request/remove"),
        &json!([header]),
    );
}

/// The two patches that `clusterHeader` needs: one removes the client's header, the other makes the route of that name
/// take its cluster from the header.
pub(crate) fn patches(documents: &Documents, route: &Value, header: &str, findings: &mut Findings) {
    removal(documents, header, findings);
    if let Some((filter, patch)) = patch(documents, "HTTP_ROUTE", findings) {
        let expected = json!({
            "applyTo": "HTTP_ROUTE",
            "match": {
                "context": at(patch, "/match/context"),
                "routeConfiguration": {"vhost": {"route": {"name": at(route, "/name")}}}
            },
            "patch": {"operation": "MERGE", "value": {"route": {"cluster_header": header}}}
        });
        findings.same(filter, "the patch of the route", patch, &expected);
    }
}

/// A patch removes the client's header before any filter runs; otherwise a client could name any cluster.
fn removal(documents: &Documents, header: &str, findings: &mut Findings) {
    let Some((filter, patch)) = patch(documents, "NETWORK_FILTER", findings) else {
        return;
    };
    let extensions = "/patch/value/typed_config/early_header_mutation_extensions/0/name";
    let expected = json!({
        "applyTo": "NETWORK_FILTER",
        "match": {
            "context": at(patch, "/match/context"),
            "listener": {"filterChain": {"filter": {"name": "envoy.filters.network.http_connection_manager"}}}
        },
        "patch": {"operation": "MERGE", "value": {"typed_config": {
            "@type": format!("{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "early_header_mutation_extensions": [{
                // Any name will do.
                "name": patch.pointer(extensions),
                "typed_config": {
                    "@type": format!(
                        "{TYPES}.http.early_header_mutation.header_mutation.v3.HeaderMutation"
                    ),
                    "mutations": [{"remove": header}]
                }
            }]
        }}}
    });
    let what = "the patch that removes the client's header";
    findings.same(filter, what, patch, &expected);
}

/// The one EnvoyFilter with a patch of this kind, and its only patch.
fn patch<'d>(
    documents: &'d Documents,
    apply_to: &str,
    findings: &mut Findings,
) -> Option<(&'d Value, &'d Value)> {
    let filters = documents.all("EnvoyFilter").into_iter();
    let found: Vec<_> = filters
        .filter_map(|filter| match list(at(filter, "/spec/configPatches")) {
            [patch] if at(patch, "/applyTo") == apply_to => Some((filter, patch)),
            _ => None,
        })
        .collect();
    let message = format!(
        "hold {} EnvoyFilters with a patch of a {apply_to}, but must hold one",
        found.len()
    );
    findings.require(found.len() == 1, &Value::Null, message);
    found.first().copied()
}

/// With `subsetHeader` alone, each version has a route of its own.
fn by_subset(deployed: &Deployed<'_>, findings: &mut Findings) {
    for filter in deployed.documents.all("EnvoyFilter") {
        let message = "is not needed without clusterHeader: remove it";
        findings.require(false, filter, message);
    }
    let header = deployed
        .policy
        .outputs()
        .subset_header()
        .unwrap_or_default();
    let service = deployed.virtual_service;
    let routes = list(at(service, "/spec/http"));
    for destination in deployed.destinations() {
        let subset = at(destination, "/subset");
        let condition = json!({ header: {"exact": subset} });
        let route = routes
            .iter()
            .find(|route| *at(route, "/match/0/headers") == condition)
            .unwrap_or(&Value::Null);
        let what = format!("the destination of the route for the subset {subset}");
        findings.same(
            service,
            &what,
            at(route, "/route/0/destination"),
            destination,
        );
    }
    for route in routes {
        let what = format!(
            "the list of headers that route {} removes",
            at(route, "/name")
        );
        let removed = at(route, "/headers/request/remove");
        findings.same(service, &what, removed, &json!([header]));
    }
}

/// Each route but the rest is about the rule's requests. The one without a condition on the header, which serves while
/// the plugin is absent, leads to the stable version.
fn routes(deployed: &Deployed<'_>, findings: &mut Findings) {
    let service = deployed.virtual_service;
    let http = list(at(service, "/spec/http"));
    let stable = deployed.stable();
    let mut plain = 0;
    for route in http.iter().filter(|route| at(route, "/name") != "rest") {
        let what = format!("the path of route {}", at(route, "/name"));
        let path = at(deployed.rule, "/match/0/uri");
        findings.same(service, &what, at(route, "/match/0/uri"), path);
        let destination = at(route, "/route/0/destination");
        findings.require(
            deployed
                .destinations()
                .any(|version| version == destination),
            service,
            format!(
                "route {} leads to {destination}, which is not a destination of the plugin",
                at(route, "/name")
            ),
        );
        if at(route, "/match/0/headers").is_null() {
            plain += 1;
            let what = "the destination of the route without a condition";
            findings.same(service, what, destination, stable);
        } else {
            let message = "the routes with a condition on the header must come first";
            findings.require(plain == 0, service, message);
        }
    }
    findings.require(
        plain == 1,
        service,
        format!(
            "{plain} routes have no condition on the header, but one must, for the stable version"
        ),
    );
    // Before the patch arrives, the first route of clusterHeader is used as it is written.
    if deployed.policy.outputs().cluster_header().is_some() {
        let first = at(service, "/spec/http/0/route/0/destination");
        let what = "the destination of the first route without its patch";
        findings.same(service, what, first, stable);
    }
    for rest in http.iter().filter(|route| at(route, "/name") == "rest") {
        let host = text(at(stable, "/host"));
        let destination = at(rest, "/route/0/destination");
        let what = "the destination of the route `rest`";
        findings.same(service, what, destination, &json!({"host": host}));
    }
}
