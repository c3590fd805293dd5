//! Changes while Envoy runs.

use std::fs;
use std::path::PathBuf;

use harness::{BLUE, CONFIG_REFUSED, Delivery, Filter, GREEN, Kind, Scratch, Setup, manager};
use serde_json::{Value, json};

use crate::load::Load;
use crate::support::{World, is_both, no_vm_restarted, policy, routes, rule, weights, who};

const CREATED: &str = "wasm.envoy.wasm.runtime.v8.created";

fn generation(n: u64, blue: u32, green: u32) -> Filter {
    Filter::new(policy(&rule(&format!("g{n}"), blue, green)))
}

#[test]
fn weights_change_under_load_without_a_failed_request_or_a_restart() {
    let world = World::start(&Setup::with(generation(0, 75, 25)));
    let created = world.envoy.stat(CREATED);
    let load = Load::start(&world.envoy, 4);
    for n in 1..=20 {
        let (blue, green) = [(50, 50), (100, 0), (0, 100), (1, 99)][n as usize % 4];
        world.envoy.write(&generation(n, blue, green));
        load.wait_for_generation(n);
        load.wait_for_requests(100);
    }
    let requests = load.finish();
    assert!(requests >= 2_000, "{requests}");
    // The workers keep their virtual machines. Each update has one more for a moment, in which Envoy tries it.
    assert!(world.envoy.stat(CREATED) <= created + 20);
    no_vm_restarted(&world.envoy);
}

#[test]
fn after_a_rollback_or_promotion_the_other_version_gets_no_request() {
    let world = World::start(&Setup::with(generation(0, 50, 50)));
    for (n, blue, green) in [(1, 100, 0), (2, 0, 100)] {
        let load = Load::start(&world.envoy, 4);
        world.envoy.write(&generation(n, blue, green));
        load.wait_for_generation(n);
        let before = (world.blue.served(), world.green.served());
        load.wait_for_requests(2_000);
        load.finish();
        let other = if blue == 0 {
            world.blue.served() - before.0
        } else {
            world.green.served() - before.1
        };
        assert_eq!(other, 0);
    }
}

#[test]
fn another_module_is_loaded_live() {
    let world = World::start(&Setup::with(generation(0, 1, 1)));
    let created = world.envoy.stat(CREATED);
    let dir = Scratch::new();
    let load = Load::start(&world.envoy, 4);
    for n in 1..=3 {
        world.envoy.write(&Filter {
            module: other_module(&dir, n),
            ..generation(n.into(), 1, 1)
        });
        load.wait_for_generation(n.into());
    }
    load.finish();
    if Kind::of_run() == Kind::Wasm {
        assert!(world.envoy.stat(CREATED) > created);
    }
    no_vm_restarted(&world.envoy);
}

/// The same module with other bytes: with an additional custom section, which is bytes after the end for the native one.
pub(crate) fn other_module(dir: &Scratch, n: u8) -> PathBuf {
    let mut module = fs::read(Filter::new("").module).unwrap();
    module.extend_from_slice(&[0, 3, 1, b'n', n]);
    let path = dir.join(&format!("plugin-{n}.wasm"));
    fs::write(&path, module).unwrap();
    path
}

#[test]
fn without_the_module_everybody_is_on_stable_until_it_comes() {
    if is_both(
        "without_the_module…",
        "Envoy does not start without the specifier of a route",
    ) {
        return;
    }
    let missing = Filter {
        module: "no-such-module.wasm".into(),
        ..Filter::new(weights(0, 1))
    };
    let world = World::start(&Setup::with(missing));
    for path in ["/color", "/color/deep?x"] {
        assert_eq!(who(&world.envoy.get(path)), "blue");
    }
    assert_eq!(world.envoy.get("/").status, 404);
    assert_eq!(
        world
            .envoy
            .stat("extension_config_discovery.http_filter.canary.update_rejected"),
        1
    );

    world.envoy.write(&Filter::new(weights(0, 1)));
    world.envoy.wait_for("the module is taken", |stats| {
        stats.get("extension_config_discovery.http_filter.canary.update_success") == Some(&1)
    });
    harness::eventually("the filter decides", || {
        (who(&world.envoy.get("/color")) == "green").then_some(())
    });
}

#[test]
fn a_module_that_goes_missing_changes_nothing() {
    let world = World::start(&Setup::with(generation(0, 0, 1)));
    let load = Load::start(&world.envoy, 2);
    world.envoy.update(&Filter {
        module: "no-such-module.wasm".into(),
        ..generation(1, 1, 0)
    });
    load.wait_for_requests(500);
    world.envoy.write(&generation(2, 0, 1));
    load.wait_for_generation(2);
    load.finish();
    assert_eq!(world.blue.served(), 0);
}

/// The filter never sees it, so only Envoy's own statistics show it (docs/operations.md).
#[test]
fn a_file_that_is_not_yaml_changes_nothing_and_is_counted() {
    const FAILURES: &str = "extension_config_discovery.http_filter.canary.update_failure";
    let world = World::start(&Setup::with(generation(0, 0, 1)));
    for (number, text) in [
        (1, "resources:\n- a: 1\n b: 2\n"),
        (2, ""),
        (3, "\u{0}\u{1}"),
    ] {
        world.envoy.write_text(text);
        world.envoy.wait_for("the failure is counted", |stats| {
            stats.get(FAILURES) == Some(&number)
        });
        assert_eq!(who(&world.envoy.get("/color")), "green", "{text:?}");
    }
    assert_eq!(world.envoy.stat(CONFIG_REFUSED), 0);
    let load = Load::start(&world.envoy, 2);
    world.envoy.write(&generation(1, 1, 1));
    load.wait_for_generation(1);
    load.finish();
}

/// These two show why the filter does not call `clear_route_cache`.
#[test]
fn writing_the_header_selects_the_route_again() {
    // Envoy selects a route before its filters run, here `stable`. The header alone makes it select `canary`.
    let world = World::start(&Setup::new(weights(0, 1)));
    let answer = world.envoy.get("/color");
    assert_eq!((who(&answer), world.green.served()), ("green", 1));

    // A filter that writes the header but keeps the cached route leaves the request on the first route.
    let world = World::start(&Setup {
        delivery: Delivery::Absent,
        change: header_without_a_new_route,
        ..Setup::new("")
    });
    assert_eq!(who(&world.envoy.get("/color")), "blue");
}

/// Envoy's own filter writes the header and keeps the cached route.
fn header_without_a_new_route(bootstrap: &mut Value) {
    let header = json!({"header": {"key": "x-canary-cluster", "value": GREEN}});
    let filter = json!({
        "name": "write",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"request_mutations": [{"append": header}]}
        }
    });
    manager(bootstrap)["http_filters"]
        .as_array_mut()
        .unwrap()
        .insert(0, filter);
}

#[test]
fn routes_may_match_on_the_subset_header_instead() {
    if is_both(
        "routes_may_match_on_the_subset…",
        "the specifier chooses the cluster",
    ) {
        return;
    }
    let policy = json!({"http": [rule("color", 0, 1)], "subsetHeader": "x-canary-subset"});
    let world = World::start(&Setup {
        change: subset_routes,
        ..Setup::new(policy.to_string())
    });
    let answer = world.envoy.get("/color");
    assert_eq!(who(&answer), "green");
    assert_eq!(
        crate::support::reached(&answer, "x-canary-subset"),
        ["green-sub"]
    );
    assert!(crate::support::reached(&answer, "x-canary-cluster").is_empty());
}

fn subset_routes(bootstrap: &mut Value) {
    let route = |subset: &str, cluster: &str| {
        let header = json!({"name": "x-canary-subset", "string_match": {"exact": subset}});
        json!({"name": subset, "match": {"prefix": "/color", "headers": [header]}, "route": {"cluster": cluster}})
    };
    let routes = routes(bootstrap);
    routes.retain(|route| route["name"] != "canary");
    routes.splice(0..0, [route("green-sub", GREEN), route("blue-sub", BLUE)]);
}
