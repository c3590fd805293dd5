//! `canary check --with`: what does not fit between a configuration and the objects around the filter.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/around.rs"]
mod around;
mod support;

use std::fs;

use around::{assert_problems, check, envoy, file, istio};
use support::{Folder, Said};

#[test]
fn the_files_of_the_repository_fit_together() {
    assert_problems(&check(&envoy(), &[]), &[]);
    assert_problems(&check(&istio(), &[]), &[]);
    let mut by_subset = istio();
    by_subset[0].1 = by_subset[0].1.replace(
        "clusterHeader: x-canary-cluster",
        "subsetHeader: x-canary-subset",
    );
    by_subset[3].1 = file("istio/subset-header/virtual-service.yaml");
    assert_problems(&check(&by_subset, &[]), &[]);
}

#[test]
fn a_cluster_header_that_nothing_reads_is_reported() {
    let unread = "warning: clusterHeader: no route takes its cluster from `x-canary-cluster`";
    let change = (
        "envoy.yaml",
        "cluster_header: x-canary-cluster",
        "cluster_header: x-other",
    );
    // The file names no header, so the problem is at the whole configuration.
    assert_problems(
        &check(&envoy(), &[change]),
        &[&format!("canary.yaml: {unread}")],
    );
    let change = (
        "route.yaml",
        "cluster_header: x-canary-cluster",
        "timeout: 5s",
    );
    assert_problems(
        &check(&istio(), &[change]),
        &[&format!(
            "plugin.yaml: {unread}; a route of Envoy needs `cluster_header: x-canary-cluster`; in Istio, an EnvoyFilter writes it"
        )],
    );
    let change = ("vs.yaml", "- name: canary", "- name: versions");
    assert_problems(
        &check(&istio(), &[change]),
        &[&format!(
            "plugin.yaml: {unread}: the EnvoyFilter is for routes with the name `canary`, and none has it; "
        )],
    );
}

#[test]
fn a_cluster_header_that_nothing_strips_is_reported() {
    let unstripped = "warning: clusterHeader: nothing removes `x-canary-cluster` from the requests of clients before the filters, ";
    let change = (
        "envoy.yaml",
        "- remove: x-canary-cluster",
        "- remove: x-other",
    );
    assert_problems(
        &check(&envoy(), &[change]),
        &[&format!("canary.yaml: {unstripped}")],
    );
    let files = istio()
        .into_iter()
        .filter(|(name, _)| *name != "header.yaml");
    let files: Vec<_> = files.collect();
    assert_problems(
        &check(&files, &[]),
        &[&format!("plugin.yaml: {unstripped}")],
    );
    let policy = "kind: ClientTrafficPolicy\nspec: {headers: {earlyRequestHeaders: {remove: [X-Canary-Cluster]}}}\n";
    let files = [files, vec![("policy.yaml", policy.to_owned())]].concat();
    assert_problems(&check(&files, &[]), &[]);
}

#[test]
fn a_subset_a_port_and_a_cluster_that_do_not_exist_are_reported() {
    let host = "color-service.default.svc.cluster.local";
    let change = ("dr.yaml", "name: green-sub", "name: green");
    let subset = format!(
        "plugin.yaml: warning: http[0].route[1].destination.subset: no DestinationRule has the subset `green-sub` of `{host}`"
    );
    assert_problems(&check(&istio(), &[change]), &[&subset]);
    let change = ("services.yaml", "port: 8000", "port: 80");
    let port = |number: usize| {
        format!(
            "plugin.yaml: warning: http[0].route[{number}].destination.port.number: the Service `{host}` has no port 8000, only 80"
        )
    };
    let ports = [port(0), port(1)];
    assert_problems(&check(&istio(), &[change]), &[&ports[0], &ports[1]]);
    let change = (
        "clusters.yaml",
        "name: outbound|8000|green-sub",
        "name: outbound|8000|green",
    );
    let cluster = format!(
        "canary.yaml: warning: http[0].route[1].cluster: Envoy has no cluster `outbound|8000|green-sub|{host}`"
    );
    assert_problems(&check(&envoy(), &[change]), &[&cluster]);
    // Names are completed as Istio does it.
    let change = ("dr.yaml", host, "color-service");
    assert_problems(&check(&istio(), &[change]), &[]);
    // A wildcard is for every host below it.
    let change = ("dr.yaml", host, "'*.svc.cluster.local'");
    assert_problems(&check(&istio(), &[change]), &[]);
}

#[test]
fn a_cookie_that_needs_https_behind_a_listener_without_tls_is_reported() {
    let secure = (
        "plugin.yaml",
        "ttl: 720h}",
        "ttl: 720h, attributes: [{name: SameSite, value: None}]}",
    );
    let warning = "plugin.yaml: warning: http[0].consistentHash[0].httpCookie.attributes[0]: port 80 of the Gateway `color-gateway` is without TLS, and browsers drop a cookie with `SameSite=None` that does not come over https";
    assert_problems(&check(&istio(), &[secure]), &[warning]);
    let host = ("plugin.yaml", "name: canary-id", "name: __Host-id");
    assert_eq!(check(&istio(), &[host]).len(), 1);
    let https = (
        "gateway.yaml",
        "protocol: HTTP}",
        "protocol: HTTPS}\n    tls: {mode: SIMPLE}",
    );
    let redirect = (
        "gateway.yaml",
        "protocol: HTTP}",
        "protocol: HTTP}\n    tls: {httpsRedirect: true}",
    );
    let only_https = (
        "plugin.yaml",
        "{prefix: /color}",
        "{prefix: /color}\n        scheme: {exact: https}",
    );
    for changes in [
        &[secure, https][..],
        &[secure, redirect],
        &[secure, only_https],
    ] {
        assert_problems(&check(&istio(), changes), &[]);
    }
    let cookie = (
        "canary.yaml",
        "\"ttl\": \"720h\"",
        "\"ttl\": \"720h\", \"attributes\": [{\"name\": \"Partitioned\"}]",
    );
    let found = check(&envoy(), &[cookie]);
    assert!(
        found.len() == 1 && found[0].contains(": the listener `ingress` of Envoy is without TLS, "),
        "{found:?}"
    );
}

#[test]
fn nothing_is_missing_where_no_object_could_have_it() {
    let plugin = ("plugin.yaml", file("istio/base/plugin.yaml"));
    for (other, changes) in [
        (
            "kind: Service\nmetadata: {name: other}\nspec: {ports: [{port: 80}]}\n",
            &[][..],
        ),
        ("kind: ConfigMap\ndata: {}\n", &[]),
        ("kind: Gateway\nspec: {}\n", &[]),
    ] {
        let files = [plugin.clone(), ("other.yaml", other.to_owned())];
        assert_problems(&check(&files, changes), &[]);
    }
}

#[test]
fn a_file_around_the_filter_that_cannot_be_read_is_an_error() {
    let folder = Folder::with("f.yaml", "http: [{route: [{cluster: a}]}]\n");
    fs::write(folder.path("broken.yaml"), "a: [\n").unwrap();
    let said = folder.canary(["check", "f.yaml", "--with", "none.yaml", "broken.yaml"]);
    assert_eq!(
        said,
        Said {
            status: 1,
            stdout: "f.yaml: ok: 1 rule, http-0: a 100 %\n".to_owned(),
            stderr: "none.yaml: No such file or directory (os error 2)\nbroken.yaml:1:4: is not valid YAML: unclosed bracket '['\n".to_owned(),
        }
    );
}
