//! `canary check --with`: the rules of an HTTPRoute, and the policies of Envoy Gateway.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/around.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod around;
mod support;

use around::{assert_problems, check, file};

const FOLDERS: &[&str] = &["istio", "istio-cluster-header", "waypoint", "envoy-gateway"];

fn files(folder: &str) -> Vec<(&'static str, String)> {
    let in_folder = |name: &str| file(&format!("gateway-api/{folder}/{name}"));
    let mut files = match folder {
        "envoy-gateway" => vec![
            ("policy.yaml", in_folder("policy.yaml")),
            ("header.yaml", in_folder("header.yaml")),
            ("gateway.yaml", in_folder("gateway.yaml")),
        ],
        "waypoint" => vec![
            ("plugin.yaml", in_folder("plugin.yaml")),
            ("waypoint.yaml", in_folder("waypoint.yaml")),
        ],
        _ => vec![
            ("plugin.yaml", in_folder("plugin.yaml")),
            ("gateway.yaml", in_folder("gateway.yaml")),
        ],
    };
    if folder == "istio-cluster-header" {
        files.push(("header.yaml", in_folder("header.yaml")));
        files.push(("cluster.yaml", in_folder("cluster.yaml")));
    }
    files.push(("route.yaml", in_folder("route.yaml")));
    files.push(("services.yaml", file("gateway-api/color/services.yaml")));
    files
}

fn envoy_gateway_with(other: &str) -> Vec<String> {
    let mut files = files("envoy-gateway");
    files.push(("other.yaml", other.to_owned()));
    check(&files, &[])
}

#[test]
fn the_files_of_the_repository_fit_together() {
    for folder in FOLDERS {
        let mut found = check(&files(folder), &[]);
        // A caller in the mesh may have no key.
        found.retain(|line| !line.contains("a user may have none of these keys"));
        assert_problems(&found, &[]);
    }
}

#[test]
fn a_missing_catch_all_is_reported() {
    for (folder, catch_all) in [
        ("istio", "  # The plugin has"),
        ("envoy-gateway", "  # The catch-all."),
    ] {
        let mut files = files(folder);
        let route = files.iter_mut().find(|(name, _)| *name == "route.yaml");
        let text = &mut route.unwrap().1;
        text.truncate(text.find(catch_all).unwrap());
        let mut found = check(&files, &[]);
        found.sort_by_key(|line| line.contains("green"));
        let problem = |rule| {
            format!(
                "route.yaml: warning: the route `{rule}` has no fallback: a request without `x-canary-subset`, "
            )
        };
        assert_problems(&found, &[&problem("blue"), &problem("green")]);
    }
}

#[test]
fn a_version_without_a_rule_and_a_rule_without_a_version_are_reported() {
    let change = ("route.yaml", "value: green", "value: red");
    let unmatched = "no route matches on the value `green` of `x-canary-subset`";
    let unknown = "subsetHeader: a route matches on `red`, which is not a label of any destination";
    for (folder, plugin) in [("istio", "plugin.yaml"), ("envoy-gateway", "policy.yaml")] {
        assert_problems(
            &check(&files(folder), &[change]),
            &[
                &format!("{plugin}: warning: {unknown}"),
                &format!("{plugin}: warning: http[0].route[1]: {unmatched}"),
            ],
        );
    }
}

#[test]
fn a_policy_that_does_not_cover_the_first_route_is_reported() {
    let target = "kind: Gateway, name: color-gateway}\n  wasm:";
    for (to, problems) in [
        ("kind: HTTPRoute, name: color}\n  wasm:", &[][..]),
        (
            "kind: HTTPRoute, name: color, sectionName: green}\n  wasm:",
            &[
                "policy.yaml: warning: the policy is for the rule `green` only: requests that first match another route never reach the filter, because the header is not there yet; put the policy on the Gateway, or on the whole HTTPRoute",
            ],
        ),
    ] {
        let change = ("policy.yaml", target, to);
        assert_problems(&check(&files("envoy-gateway"), &[change]), problems);
    }
}

const ON_ROUTE: &str =
    "  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: color}]\n";

#[test]
fn a_second_extension_policy_that_replaces_this_one_is_reported() {
    let other = format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\nmetadata: {{name: another}}\nspec:\n{ON_ROUTE}"
    );
    let problem = "policy.yaml: warning: the EnvoyExtensionPolicy `another` replaces this one on the HTTPRoute `color`, so the filter does not run there; give the other policy a `mergeType`";
    assert_problems(&envoy_gateway_with(&other), &[problem]);
    let merges = format!("{other}  mergeType: StrategicMerge\n");
    assert_problems(&envoy_gateway_with(&merges), &[]);
}

#[test]
fn a_policy_on_the_rule_of_one_version_is_reported() {
    for kind in ["SecurityPolicy", "BackendTrafficPolicy"] {
        let whole = format!(
            "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: {kind}\nmetadata: {{name: keys}}\nspec:\n{ON_ROUTE}"
        );
        assert_problems(&envoy_gateway_with(&whole), &[]);
        let of = |rule: &str| {
            whole.replace(
                "name: color}",
                &format!("name: color, sectionName: {rule}}}"),
            )
        };
        let problem = format!(
            "policy.yaml: warning: the {kind} `keys` is for the rule `green` only: which policies apply is decided by the first route that matches, before the filter has chosen, so requests reach that version without it; put it on the whole HTTPRoute or on the Gateway"
        );
        assert_problems(&envoy_gateway_with(&of("green")), &[&problem]);
    }
}
