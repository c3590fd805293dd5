//! The native module as a cluster specifier, and what it does when it panics.

use harness::{BLUE, CONFIG_REFUSED, Delivery, Filter, GREEN, Kind, Setup, eventually, manager};
use serde_json::{Value, json};

use crate::support::{World, header_route, rule, who};

/// The specifier with this configuration.
fn specifier(policy: &Value) -> Filter {
    Filter::new(policy.to_string()).of(Kind::Specifier)
}

fn policy(rule: &Value) -> Value {
    json!({"http": [rule]})
}

fn requests(world: &World, subset: &str, reason: &str) -> u64 {
    let labels = format!("route=.=color;.;subset=.={subset};.;reason=.={reason};.;");
    world
        .envoy
        .stat(&format!("wasmcustom.canary_requests_total.{labels}"))
}

fn no_endpoints(world: &World, subset: &str) -> u64 {
    let labels = format!("route.color.subset.{subset}");
    let name = format!("wasmcustom.canary_no_endpoints.{labels}");
    world.envoy.stat(&name)
}

/// A Lua filter before the router, after the filters that are there.
pub(crate) fn lua(bootstrap: &mut Value, place: usize, code: &str) {
    let filter = json!({"name": "lua", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": code}
    }});
    let filters = manager(bootstrap)["http_filters"].as_array_mut().unwrap();
    filters.insert(place, filter);
}

#[test]
fn the_specifier_splits_by_weight_and_counts_each_request_once() {
    // The route is picked three times for each request.
    let world = World::start(&Setup {
        change: |bootstrap| {
            let clear = "function envoy_on_request(handle) handle:clearRouteCache() handle:headers():get('a') end";
            lua(bootstrap, 0, clear);
            lua(bootstrap, 0, clear);
        },
        ..Setup::with(specifier(&policy(&rule("color", 75, 25))))
    });
    const REQUESTS: u32 = 8_000;
    let mut connections: Vec<_> = (0..4).map(|_| world.envoy.connect()).collect();
    for n in 0..REQUESTS as usize {
        connections[n % 4].get("/color", &[]).unwrap();
    }
    let (blue, green) = (world.blue.served(), world.green.served());
    // Five standard deviations are 194.
    assert!(blue.abs_diff(6_000) < 194, "{blue} blue, {green} green");
    assert_eq!(requests(&world, "blue-sub", "weighted"), blue);
    assert_eq!(requests(&world, "green-sub", "weighted"), green);
    let answer = world.envoy.get("/color");
    assert!(!answer.body.contains("x-canary-cluster"), "{answer:?}");
}

#[test]
fn users_of_the_specifier_stay_on_their_versions() {
    let mut sticky = rule("color", 50, 50);
    sticky["consistentHash"] = json!([{"httpHeaderName": "x-user"}, {"useSourceIp": true}]);
    let world = World::start(&Setup::with(specifier(&policy(&sticky))));
    let version = |user: u32| {
        let user = user.to_string();
        let mut connection = world.envoy.connect();
        let answer = connection.get("/color", &[("x-user", user.as_bytes())]);
        who(&answer.unwrap()).to_owned()
    };
    let first: Vec<_> = (0..60).map(version).collect();
    assert!(first.contains(&"blue".to_owned()) && first.contains(&"green".to_owned()));
    assert_eq!((0..60).map(version).collect::<Vec<_>>(), first);
    let all: Vec<_> = (0..20)
        .map(|_| who(&world.envoy.get("/color")).to_owned())
        .collect();
    assert!(all.iter().all(|version| *version == all[0]), "{all:?}");
}

#[test]
fn the_specifier_refuses_what_needs_the_answer_and_keeps_the_last_good_configuration() {
    let world = World::start(&Setup::with(specifier(&policy(&rule("color", 0, 1)))));
    assert_eq!(who(&world.envoy.get("/color")), "green");
    let mut beyond = rule("color", 1, 0);
    beyond["rollback"] = json!({"stable": "blue-sub"});
    for (bad, path) in [
        (policy(&beyond), "http[0].rollback: "),
        (
            json!({"http": [rule("color", 1, 0)], "filterState": true}),
            "filterState: ",
        ),
        (json!({"http": []}), "http: "),
    ] {
        world.envoy.write(&specifier(&bad));
        world
            .envoy
            .wait_for("it is refused", |stats| stats[CONFIG_REFUSED] == 1);
        assert!(
            world
                .envoy
                .log()
                .contains(&format!("stays in force: {path}"))
        );
        for _ in 0..20 {
            assert_eq!(who(&world.envoy.get("/color")), "green");
        }
        world.envoy.write(&specifier(&policy(&rule("color", 0, 2))));
        world
            .envoy
            .wait_for("it is taken", |stats| stats[CONFIG_REFUSED] == 0);
    }
    world.envoy.write(&specifier(&policy(&rule("color", 1, 0))));
    eventually("the new weights are in force", || {
        (who(&world.envoy.get("/color")) == "blue").then_some(())
    });
}

#[test]
fn a_specifier_that_starts_with_a_mistake_sends_everything_to_stable() {
    let world = World::start(&Setup::with(specifier(&policy(&rule("color", 5, 0)))));
    drop(world);
    let mut bad = rule("color", 50, 50);
    bad["route"][1]["weight"] = json!(-5);
    let world = World::start(&Setup::with(specifier(&policy(&bad))));
    for _ in 0..30 {
        assert_eq!(who(&world.envoy.get("/color")), "blue");
    }
    assert_eq!(world.envoy.stat(CONFIG_REFUSED), 1);
    world.envoy.write(&specifier(&policy(&rule("color", 0, 1))));
    eventually("a good one is taken", || {
        (who(&world.envoy.get("/color")) == "green").then_some(())
    });
}

#[test]
fn a_version_without_endpoints_gets_nothing_while_that_lasts() {
    let mut sticky = rule("color", 1, 1);
    sticky["consistentHash"] = json!([{"httpHeaderName": "x-user"}]);
    let good = policy(&sticky);
    let mut typo = sticky.clone();
    typo["route"][1]["destination"]["port"]["number"] = json!(8001);
    let world = World::start(&Setup::with(specifier(&good)));
    let users = || -> Vec<_> {
        let mut connection = world.envoy.connect();
        let version = |user: u32| {
            let user = user.to_string();
            let answer = connection.get("/color", &[("x-user", user.as_bytes())]);
            who(&answer.unwrap()).to_owned()
        };
        (0..40).map(version).collect()
    };
    let before = users();
    assert!(before.contains(&"green".to_owned()));
    world.envoy.write(&specifier(&policy(&typo)));
    eventually("nobody is sent to the unknown cluster", || {
        users()
            .iter()
            .all(|version| version == "blue")
            .then_some(())
    });
    assert_eq!(no_endpoints(&world, "green-sub"), 1);
    assert_eq!(no_endpoints(&world, "blue-sub"), 0);
    world.envoy.write(&specifier(&good));
    eventually("everybody is back", || (users() == before).then_some(()));
    eventually("the gauge shows it", || {
        (no_endpoints(&world, "green-sub") == 0).then_some(())
    });
}

#[test]
fn if_no_version_has_an_endpoint_the_choice_stands_and_envoy_answers() {
    let mut gone = rule("color", 1, 1);
    for place in [0, 1] {
        gone["route"][place]["destination"]["port"]["number"] = json!(8001);
    }
    let world = World::start(&Setup::with(specifier(&policy(&gone))));
    for _ in 0..20 {
        assert_eq!(world.envoy.get("/color").status, 503);
    }
    assert_eq!(no_endpoints(&world, "green-sub"), 1);
    assert_eq!(no_endpoints(&world, "blue-sub"), 1);
}

#[test]
fn a_panic_costs_one_request_its_choice_and_nothing_else() {
    let planted = |kind: Kind, policy: &Value| {
        let filter = Filter::new(policy.to_string()).of(kind);
        Setup::with(filter.with_variable("CANARY_PLANTED_PANIC", "/color/panic"))
    };
    for kind in [Kind::Native, Kind::Specifier, Kind::Both] {
        let world = World::start(&planted(kind, &policy(&rule("color", 0, 1))));
        let mut connection = world.envoy.connect();
        for _ in 0..10 {
            assert_eq!(who(&connection.get("/color", &[]).unwrap()), "green");
            let spoofed = [("x-canary-cluster", GREEN.as_bytes())];
            let answer = connection.get("/color/panic", &spoofed).unwrap();
            assert_eq!(who(&answer), "blue", "{kind:?}");
        }
        // With both, the specifier and the filter panic for one request.
        let each = if kind == Kind::Both { 2 } else { 1 };
        assert_eq!(
            world.envoy.stat("wasmcustom.canary_panics_total"),
            10 * each
        );
        let log = world.envoy.log();
        let place = "canary-filter: panicked at native/src/guard.rs:";
        assert!(log.contains(place) && log.contains("planted"), "{log}");
    }
}

#[test]
fn a_filter_in_the_listener_itself_and_a_route_that_is_disabled_for_it() {
    // Disabled on the route, the filter neither counts nor replaces what the upstream writes; the specifier still chooses.
    let world = World::start(&Setup {
        delivery: Delivery::Static,
        change: |bootstrap| {
            header_route(bootstrap)["typed_per_filter_config"] = json!({"canary": {
                "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true
            }});
        },
        ..Setup::with(
            Filter::new(
                json!({"http": [rule("color", 0, 1)], "responseHeader": "x-canary-decision"})
                    .to_string(),
            )
            .of(Kind::Both),
        )
    });
    for _ in 0..10 {
        let answer = world.envoy.get("/color");
        assert_eq!(
            (who(&answer), answer.header("x-canary-decision")),
            ("green", Some("upstream"))
        );
    }
    assert_eq!(requests(&world, "green-sub", "only"), 0);
    assert!(world.envoy.admin("/clusters").contains(BLUE));
}
