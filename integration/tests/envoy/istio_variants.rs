//! The other variants in `istio/` in a real Envoy: routes by subset, and the sidecars of a mesh.

use harness::{Delivery, GREEN, Setup, manager};
use serde_json::{Value, json};

use crate::istio::{get, nobody_steers, setup};
use crate::istiod::Manifests;
use crate::support::{World, reached, who};

fn subset_header() -> Manifests {
    let files = [
        "base/plugin.yaml",
        "base/header.yaml",
        "base/route.yaml",
        "subset-header/virtual-service.yaml",
    ];
    Manifests::read(&files, Some("subset-header/kustomization.yaml"))
}

/// The gateway whose routes match on the subset, with everybody on green.
fn by_subset() -> Setup {
    setup(
        &subset_header(),
        |bootstrap| subset_header().translate(bootstrap),
        [0, 1],
    )
}

fn mesh() -> Manifests {
    let files = [
        "base/plugin.yaml",
        "base/header.yaml",
        "base/route.yaml",
        "mesh/virtual-service.yaml",
    ];
    Manifests::read(&files, Some("mesh/kustomization.yaml"))
}

#[test]
fn routes_by_subset_need_no_envoy_filter() {
    let with = by_subset();
    let world = World::start(&with);
    nobody_steers(&world, "present", "x-canary-subset", "green");
    for values in [
        &["blue-sub"][..],
        &["blue-sub", "blue-sub"],
        &["no-such-subset"],
    ] {
        let answer = get(&world.envoy, "/color", "x-canary-subset", values);
        assert_eq!(who(&answer), "green", "{values:?}");
    }
    assert_eq!(world.blue.served(), 0);
}

/// The documented limit of this variant: without the plugin, nothing removes the header.
#[test]
fn by_subset_and_without_the_plugin_a_client_chooses_between_the_subsets_and_nothing_else() {
    let with = by_subset();
    let world = World::start(&Setup {
        delivery: Delivery::Absent,
        ..with
    });
    for (value, version) in [
        ("green-sub", "green"),
        ("blue-sub", "blue"),
        (GREEN, "blue"),
        ("x", "blue"),
    ] {
        let answer = get(&world.envoy, "/color", "x-canary-subset", &[value]);
        assert_eq!(who(&answer), version, "{value}");
        assert!(reached(&answer, "x-canary-subset").is_empty(), "{answer:?}");
    }
}

/// In a mesh, the host without a subset has a cluster of its own. Here there are only the two.
fn mesh_without_the_rest(bootstrap: &mut Value) {
    mesh().translate(bootstrap);
    let host = &mut manager(bootstrap)["route_config"]["virtual_hosts"][0];
    let rest = host["routes"].as_array_mut().unwrap().pop().unwrap();
    assert_eq!(rest["name"], "rest");
    assert_eq!(rest["route"]["cluster"], GREEN.replace("green-sub", ""));
}

#[test]
fn in_the_mesh_the_caller_s_sidecar_decides() {
    assert_eq!(mesh().plugin()["match"], json!([{"mode": "CLIENT"}]));
    let with = setup(&mesh(), mesh_without_the_rest, [0, 1]);
    let world = World::start(&with);
    nobody_steers(&world, "present", "x-canary-cluster", "green");

    let world = World::start(&Setup {
        delivery: Delivery::Absent,
        ..with
    });
    nobody_steers(&world, "absent", "x-canary-cluster", "blue");
    assert_eq!(world.green.served(), 0);
}

#[test]
fn in_the_mesh_the_same_user_gets_the_same_version() {
    let world = World::start(&setup(&mesh(), mesh_without_the_rest, [1, 1]));
    for user in 0..20 {
        let user = format!("user-{user}");
        let ask = || get(&world.envoy, "/color", "x-user-id", &[&user]);
        let first = ask();
        assert!(first.header("set-cookie").is_none(), "{first:?}");
        for _ in 0..5 {
            assert_eq!(who(&ask()), who(&first), "{user}");
        }
    }
}
