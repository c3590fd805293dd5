//! `canary check --with`: routes that read the filter's headers and leave requests without one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/around.rs"]
mod around;
mod support;

use around::{assert_problems, check, envoy, file, istio};

#[test]
fn a_route_without_a_fallback_is_reported_in_its_own_file() {
    let problem = "the route `canary` has no fallback: a request without `x-canary-cluster`, ";
    let without = |text: &str, from: &str, to: &str| {
        let start = text.find(from).unwrap();
        let end = text[start..]
            .find(to)
            .map_or(text.len(), |length| start + length);
        text[..start].to_owned() + &text[end..]
    };
    let mut files = istio();
    files[3].1 = without(&files[3].1, "  - name: stable", "\0");
    assert_problems(
        &check(&files, &[]),
        &[&format!("vs.yaml: warning: {problem}")],
    );
    let mut files = envoy();
    files[1].1 = without(
        &files[1].1,
        "              - name: stable",
        "          access_log:",
    );
    assert_problems(
        &check(&files, &[]),
        &[&format!("envoy.yaml: warning: {problem}")],
    );
    // A fallback for other paths, or for fewer requests.
    let stable = |to| ("envoy.yaml", "match: {prefix: /color}", to);
    for to in ["match: {prefix: /colors}", "match: {prefix: /, grpc: {}}"] {
        assert_problems(
            &check(&envoy(), &[stable(to)]),
            &[&format!("envoy.yaml: warning: {problem}")],
        );
    }
    assert_problems(&check(&envoy(), &[stable("match: {prefix: /}")]), &[]);
    // In front of the route, a fallback takes everything; nothing comes after it.
    let mut files = istio();
    let stable = files[3]
        .1
        .split_once("  - name: stable")
        .unwrap()
        .1
        .to_owned();
    files[3].1 = without(&files[3].1, "  - name: stable", "\0");
    files[3].1 = files[3]
        .1
        .replace("  http:\n", &format!("  http:\n  - name: stable{stable}"));
    assert_eq!(check(&files, &[]).len(), 1);
}

#[test]
fn a_route_that_takes_its_cluster_from_a_header_without_requiring_it_is_reported() {
    let problem = "the route `canary` takes its cluster from `x-canary-cluster` without requiring it, so a request for which the filter has chosen nothing gets a 503; match on the presence of `x-canary-cluster`";
    let change = (
        "vs.yaml",
        "      headers: {x-canary-cluster: {}}   # present\n",
        "",
    );
    assert_problems(
        &check(&istio(), &[change]),
        &[&format!("vs.yaml: warning: {problem}")],
    );
    let change = ("envoy.yaml", "present_match: true", "present_match: false");
    assert_problems(
        &check(&envoy(), &[change]),
        &[&format!("envoy.yaml: warning: {problem}")],
    );
}

#[test]
fn labels_that_no_route_matches_on_are_reported() {
    let subset = (
        "plugin.yaml",
        "clusterHeader: x-canary-cluster",
        "subsetHeader: x-canary-subset",
    );
    let unmatched = "plugin.yaml: warning: subsetHeader: no route matches on `x-canary-subset`";
    assert_problems(&check(&istio(), &[subset]), &[unmatched]);
    let mut files = istio();
    files[3].1 = file("istio/subset-header/virtual-service.yaml");
    let change = ("vs.yaml", "exact: green-sub", "exact: green");
    let label = "plugin.yaml: warning: http[0].route[1]: no route matches on the value `green-sub` of `x-canary-subset`";
    let unknown = "plugin.yaml: warning: subsetHeader: a route matches on `green`, which is not a label of any destination";
    assert_problems(&check(&files, &[subset, change]), &[unknown, label]);
    let route = "kind: HTTPRoute
spec:
  rules:
  - matches: [{headers: [{name: x-canary-subset, value: blue-sub}]}]
  - matches: [{headers: [{name: X-Canary-Subset, value: green-sub}]}]
";
    let files = [
        ("plugin.yaml", file("istio/base/plugin.yaml")),
        ("route.yaml", route.to_owned()),
    ];
    let fallback = "the route has no fallback: a request without `x-canary-subset`, ";
    let found = check(&files, &[subset]);
    for (found, place) in found.iter().zip(["4:5", "5:5"]) {
        let expected = format!("route.yaml:{place}: warning: {fallback}");
        assert!(found.starts_with(&expected), "{found}");
    }
    assert_eq!(found.len(), 2);
    // The order of the rules does not matter in an HTTPRoute.
    let first = route.replace("  rules:\n", "  rules:\n  - backendRefs: [{name: blue}]\n");
    let files = [files[0].clone(), ("route.yaml", first)];
    assert_problems(&check(&files, &[subset]), &[]);
}
