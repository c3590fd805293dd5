//! The manifests of a gateway in `istio/` in a real Envoy: with the plugin, without it, and with a failing one.

use std::fs;

use harness::http1::Response;
use harness::{BLUE, Delivery, Envoy, Filter, GREEN, Kind, Scratch, Setup, eventually, manager};
use serde_json::{Value, json};

use crate::istiod::Manifests;
use crate::support::{World, reached, who};

/// Attempts of a client: the values of its lines of the header.
const TRIES: &[&[&str]] = &[
    &[],
    &[GREEN],
    &[GREEN, GREEN],
    &[BLUE, GREEN],
    &[GREEN, ""],
    &["", GREEN],
    &[""],
    &["no-such-cluster"],
];

fn gateway() -> Manifests {
    Manifests::read(
        &[
            "base/plugin.yaml",
            "base/header.yaml",
            "base/route.yaml",
            "color/virtual-service.yaml",
        ],
        None,
    )
}

/// The configuration that istiod generates from these manifests, with other weights.
pub(crate) fn setup(manifests: &Manifests, change: fn(&mut Value), weights: [u32; 2]) -> Setup {
    assert_eq!(manifests.plugin()["failStrategy"], "FAIL_OPEN");
    let filter = Filter {
        failure_policy: "FAIL_OPEN",
        ..Filter::new(manifests.policy(weights)).of(Kind::Wasm)
    };
    let delivery = Delivery::DiscoveryWithoutDefault;
    Setup {
        delivery,
        early_mutation: false,
        change,
        ..Setup::with(filter)
    }
}

/// The gateway with the plugin and both patches, as Istio translates them.
fn at_gateway(weights: [u32; 2]) -> Setup {
    setup(
        &gateway(),
        |bootstrap| gateway().translate(bootstrap),
        weights,
    )
}

pub(crate) fn get(envoy: &Envoy, path: &str, header: &str, values: &[&str]) -> Response {
    let host = "color-service.default.svc.cluster.local";
    let lines: String = values
        .iter()
        .map(|value| format!("{header}: {value}\r\n"))
        .collect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{lines}\r\n");
    envoy.connect().send(request.as_bytes()).unwrap()
}

/// Whatever a client sends as `header`, this version answers, and it does not receive the header.
pub(crate) fn nobody_steers(world: &World, state: &str, header: &str, version: &str) {
    for values in TRIES {
        for path in ["/color", "/color/deep?x=1"] {
            let answer = get(&world.envoy, path, header, values);
            assert_eq!(
                who(&answer),
                version,
                "{state}, {path}, {values:?}: {answer:?}"
            );
            assert!(
                reached(&answer, header).is_empty(),
                "{state}, {path}, {values:?}: {answer:?}"
            );
        }
    }
}

#[test]
fn the_gateway_sends_each_request_where_the_plugin_decides() {
    let world = World::start(&at_gateway([1, 1]));
    let mut seen = [0, 0];
    for _ in 0..100 {
        let answer = get(&world.envoy, "/color", "accept", &["text/plain"]);
        let version = usize::from(who(&answer) == "green");
        seen[version] += 1;
        let decision = format!(
            "route=color;subset={}-sub;reason=sticky;key=cookie;share=5000",
            who(&answer)
        );
        assert_eq!(
            answer.header("x-canary"),
            Some(decision.as_str()),
            "{answer:?}"
        );
        assert!(
            answer
                .header("set-cookie")
                .unwrap()
                .starts_with("canary-id="),
            "{answer:?}"
        );
    }
    // Fewer than 10 of 100 at one in two: less than once in 10^16 runs.
    assert!(seen.iter().all(|count| *count >= 10), "{seen:?}");
    assert_eq!(get(&world.envoy, "/other", "accept", &[]).status, 404);
}

#[test]
fn with_the_plugin_a_client_cannot_choose_the_cluster() {
    let world = World::start(&at_gateway([0, 1]));
    nobody_steers(&world, "present", "x-canary-cluster", "green");
    assert_eq!(world.blue.served(), 0);
}

#[test]
fn without_the_plugin_a_client_cannot_choose_the_cluster() {
    let with = at_gateway([0, 1]);
    let world = World::start(&Setup {
        delivery: Delivery::Absent,
        ..with
    });
    nobody_steers(&world, "absent", "x-canary-cluster", "blue");
    assert_eq!(world.green.served(), 0);
}

/// The counterpart of the two tests above: without the protection, the attack works.
#[test]
fn without_the_plugin_and_the_patch_of_the_listener_a_client_could_choose_the_cluster() {
    let with = setup(
        &gateway(),
        |bootstrap| gateway().without("canary-header").translate(bootstrap),
        [0, 1],
    );
    let world = World::start(&Setup {
        delivery: Delivery::Absent,
        ..with
    });
    assert_eq!(
        who(&get(&world.envoy, "/color", "x-canary-cluster", &[GREEN])),
        "green"
    );
}

#[test]
fn without_the_patch_of_the_route_everybody_is_on_stable() {
    let with = setup(
        &gateway(),
        |bootstrap| gateway().without("canary-route").translate(bootstrap),
        [0, 1],
    );
    nobody_steers(
        &World::start(&with),
        "unpatched",
        "x-canary-cluster",
        "blue",
    );
}

/// If the image cannot be pulled, Istio's agent gives Envoy another filter instead of the plugin: with FAIL_OPEN one that
/// lets everything pass, and with any other value one that denies everything.
fn allow_all(bootstrap: &mut Value) {
    gateway().translate(bootstrap);
    let allow = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"});
    let filters = manager(bootstrap)["http_filters"].as_array_mut().unwrap();
    filters.insert(0, json!({"name": "canary", "typed_config": allow}));
}

#[test]
fn after_a_failed_pull_everybody_is_on_stable_and_a_client_cannot_choose() {
    let with = setup(&gateway(), allow_all, [0, 1]);
    let world = World::start(&Setup {
        delivery: Delivery::Absent,
        ..with
    });
    nobody_steers(&world, "failed pull", "x-canary-cluster", "blue");
    assert_eq!(world.green.served(), 0);
}

/// A module that Envoy accepts and that crashes at the first request.
const CRASHES: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) unreachable))"#;

#[test]
fn after_a_crash_everybody_is_on_stable_and_a_client_cannot_choose() {
    let dir = Scratch::new();
    let module = dir.join("crashes.wasm");
    fs::write(&module, wat::parse_str(CRASHES).unwrap()).unwrap();
    let mut setup = at_gateway([0, 1]);
    setup.filter.module = module;
    setup.concurrency = 1;
    let world = World::start(&setup);
    // The request that crashes is lost.
    assert_eq!(
        get(&world.envoy, "/color", "x-canary-cluster", &[GREEN]).status,
        503
    );
    nobody_steers(&world, "crashed", "x-canary-cluster", "blue");
    assert_eq!(world.green.served(), 0);
}

#[test]
fn a_proxy_that_starts_with_a_module_it_cannot_load_answers_500() {
    // Istio's agent pulls the image first and refuses anything but a module, so this needs a module that only Envoy
    // refuses. `envoy/` has a default for this case, but istiod sends none.
    let dir = Scratch::new();
    let module = dir.join("empty.wasm");
    fs::write(&module, wat::parse_str("(module)").unwrap()).unwrap();
    let mut setup = at_gateway([0, 1]);
    setup.filter.module = module;
    let world = World::start(&setup);
    let answer = get(&world.envoy, "/color", "x-canary-cluster", &[GREEN]);
    assert_eq!(answer.status, 500, "{answer:?}");
    eventually("the access log has the flag", || {
        world.envoy.log().contains("flags=NFCF").then_some(())
    });
    assert_eq!(world.green.served(), 0);

    world.envoy.write(&Filter {
        failure_policy: "FAIL_OPEN",
        ..Filter::new(gateway().policy([0, 1])).of(Kind::Wasm)
    });
    eventually("the good module is taken", || {
        (get(&world.envoy, "/color", "accept", &[]).status == 200).then_some(())
    });
    nobody_steers(&world, "mended", "x-canary-cluster", "green");
}

/// Istio's authorization at this place of the chain. It denies requests that take the route `canary`.
fn authorize(bootstrap: &mut Value, place: usize) {
    gateway().translate(bootstrap);
    let manager = manager(bootstrap);
    let types = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3";
    let filter =
        json!({"name": "authorization", "typed_config": {"@type": format!("{types}.RBAC")}});
    manager["http_filters"]
        .as_array_mut()
        .unwrap()
        .insert(place, filter);
    let deny = json!({"@type": format!("{types}.RBACPerRoute"), "rbac": {"rules": {}}});
    let route = &mut manager["route_config"]["virtual_hosts"][0]["routes"][0];
    assert_eq!(route["name"], "canary");
    route["typed_per_filter_config"] = json!({"authorization": deny});
}

#[test]
fn authorization_applies_to_the_route_that_the_plugin_has_chosen() {
    assert_eq!(gateway().plugin()["phase"], "AUTHN");
    let after = World::start(&setup(
        &gateway(),
        |bootstrap| authorize(bootstrap, 1),
        [0, 1],
    ));
    assert_eq!(get(&after.envoy, "/color", "accept", &[]).status, 403);
    // This is why the phase is AUTHN: later the plugin would change a route that is already authorized.
    let before = World::start(&setup(
        &gateway(),
        |bootstrap| authorize(bootstrap, 0),
        [0, 1],
    ));
    assert_eq!(who(&get(&before.envoy, "/color", "accept", &[])), "green");
}
