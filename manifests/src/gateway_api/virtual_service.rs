//! A waypoint's VirtualService: the versions are subsets of the Service that the callers name.

use serde_json::{Value, json};

use super::{Attached, service};
use crate::{Findings, at, list, text};

/// Each version but the first has a route of its own. The last route has no condition: it is for the first version, which
/// is stable, and for requests without a decision.
pub(super) fn check(attached: &Attached<'_>, findings: &mut Findings) {
    let route = attached.route;
    let outputs = attached.policy.outputs();
    let header = match (outputs.cluster_header(), outputs.subset_header()) {
        (None, Some(header)) => header,
        _ => {
            let message = "clusterHeader is of no use in a waypoint, whose clusters have names of their own: give only subsetHeader";
            return findings.require(false, attached.plugin, message);
        }
    };
    let found = at(route, "/spec/gateways");
    findings.same(route, "the list of gateways", found, &json!(["mesh"]));
    let hosts = json!([host(attached)]);
    findings.same(route, "the list of hosts", at(route, "/spec/hosts"), &hosts);

    let http = list(at(route, "/spec/http"));
    let count = attached.labels().count();
    let message =
        format!("must have {count} routes: one for each version but the first, and a last one");
    findings.require(http.len() == count, route, message);
    for (number, label) in attached.labels().enumerate() {
        let of_version = match number {
            0 => http.last().filter(|last| at(last, "/match").is_null()),
            _ => of_label(attached, header, label, findings),
        };
        match of_version {
            Some(of_version) => destination(attached, of_version, label, findings),
            None => findings.require(false, route, format!("no route is for {label}")),
        }
    }
}

/// The Service's host.
fn host(attached: &Attached<'_>) -> String {
    let (name, _) = attached.called();
    let namespace = text(at(attached.route, "/metadata/namespace"));
    format!("{name}.{namespace}.svc.cluster.local")
}

/// The route of a version. The version does not get the header.
fn of_label<'d>(
    attached: &Attached<'d>,
    header: &str,
    label: &str,
    findings: &mut Findings,
) -> Option<&'d Value> {
    let uri = at(attached.rule, "/match/0/uri");
    let condition = json!([{"uri": uri, "headers": {header: {"exact": label}}}]);
    let mut http = list(at(attached.route, "/spec/http")).iter();
    let found = http.find(|route| *at(route, "/match") == condition)?;
    let what = format!("the list of headers that the route for {label} removes");
    let removed = at(found, "/headers/request/remove");
    findings.same(attached.route, &what, removed, &json!([header]));
    Some(found)
}

/// The route leads to the one subset of the Service that has the version's pods.
fn destination(attached: &Attached<'_>, of_version: &Value, label: &str, findings: &mut Findings) {
    let (name, port) = attached.called();
    let host = host(attached);
    let rules = attached.documents.all("DestinationRule").into_iter();
    let subsets = rules
        .filter(|rule| at(rule, "/spec/host") == host.as_str())
        .flat_map(|rule| list(at(rule, "/spec/subsets")));
    let labels = json!({"color": label});
    let of_label: Vec<_> = subsets
        .filter(|subset| *at(subset, "/labels") == labels)
        .collect();
    let [subset] = of_label[..] else {
        let message = format!(
            "{} subsets of {host} have the labels {labels}",
            of_label.len()
        );
        return findings.require(false, attached.route, message);
    };
    let expected = json!([{"destination": {
        "host": host, "subset": at(subset, "/name"), "port": {"number": port}
    }}]);
    let what = format!("the destination of the route for {label}");
    findings.same(attached.route, &what, at(of_version, "/route"), &expected);
    service::of_subset(attached, name, &labels, findings);
}
