//! Two plugins in one proxy, and a key that is issued and goes on.

use harness::http1::Response;
use harness::{Filter, Kind, Setup, eventually, manager};
use serde_json::{Value, json};

use crate::rollback::configuration;
use crate::support::{World, is_native, no_vm_restarted, policy, reached, routes, rule, who};

/// A second filter of this configuration and plugin name after the shipped one.
fn second(bootstrap: &mut Value, name: &str, policy: &str) {
    let mut filter = Filter::new(policy).resource()["resources"][0].clone();
    match Kind::of_run() {
        Kind::Wasm => filter["typed_config"]["config"]["name"] = json!(name),
        _ => filter["typed_config"]["filter_name"] = json!(name),
    }
    let filters = manager(bootstrap)["http_filters"].as_array_mut().unwrap();
    filters.insert(
        1,
        json!({"name": "second", "typed_config": filter["typed_config"]}),
    );
}

fn sticky() -> Value {
    let mut rule = rule("color", 50, 50);
    rule["consistentHash"] = json!([{"httpCookie": {"name": "canary-id", "ttl": "1h"}}]);
    rule
}

fn cookies(answer: &Response) -> Vec<&str> {
    let lines = answer.values("set-cookie");
    lines
        .filter(|line| line.starts_with("canary-id="))
        .collect()
}

/// Seen before: two cookies with different keys, and 66 of 200 new users on another version at their second request.
#[test]
fn two_filters_that_are_sticky_by_one_cookie_issue_one_key() {
    let world = World::start(&Setup {
        change: |bootstrap| {
            let first = json!({"http": [sticky()], "clusterHeader": "x-second"});
            second(bootstrap, "second", &first.to_string());
        },
        ..Setup::new(policy(&sticky()))
    });
    for _ in 0..200 {
        let mut connection = world.envoy.connect();
        let first = connection.get("/color", &[("cookie", b"a=b")]).unwrap();
        let issued = cookies(&first);
        assert_eq!(issued.len(), 1, "{issued:?}");
        let pair = issued[0].split(';').next().unwrap();
        let carried = format!("{pair}; a=b");
        assert_eq!(
            reached(&first, "cookie"),
            [&*carried],
            "the application sees it at once"
        );
        let second = connection
            .get("/color", &[("cookie", carried.as_bytes())])
            .unwrap();
        assert_eq!((who(&second), cookies(&second)), (who(&first), vec![]));
        assert_eq!(reached(&second, "cookie"), [&*carried]);
    }
}

#[test]
fn a_plugin_that_never_had_a_good_configuration_leaves_the_others_header_alone() {
    let world = World::start(&Setup {
        change: |bootstrap| {
            let refused = r#"{"clusterHeader": "x-second-team", "http": []}"#;
            second(bootstrap, "second", refused);
        },
        ..Setup::new(policy(&rule("color", 0, 100)))
    });
    let mut connection = world.envoy.connect();
    let spoofed = [("x-second-team", &b"blue"[..])];
    for _ in 0..50 {
        let answer = connection.get("/color", &spoofed).unwrap();
        assert_eq!(who(&answer), "green");
        assert!(
            answer
                .header("x-canary-decision")
                .unwrap()
                .contains("green-sub")
        );
        assert_eq!(reached(&answer, "x-second-team"), [""; 0]);
    }
    let gauge = |plugin: &str| {
        let name = format!("wasmcustom.canary_config_refused.plugin=.={plugin};.;");
        world.envoy.stat(&name)
    };
    assert_eq!((gauge("canary"), gauge("second")), (0, 1));
    // Another update of the first plugin is not a good configuration of the second one.
    world
        .envoy
        .update(&Filter::new(policy(&rule("color", 1, 99))));
    assert_eq!((gauge("canary"), gauge("second")), (0, 1));
}

/// A limit that docs/operations.md describes: nothing tells a filter which of two plugins with one name it is.
#[test]
fn a_plugin_of_the_same_name_that_is_refused_runs_the_rules_of_the_other() {
    if is_native(
        "a_plugin_of_the_same_name…",
        "it depends on which one Envoy configures first",
    ) {
        return;
    }
    let world = World::start(&Setup {
        change: |bootstrap| second(bootstrap, "canary", r#"{"http": []}"#),
        ..Setup::new(policy(&rule("color", 0, 100)))
    });
    let mut connection = world.envoy.connect();
    let counter =
        "wasmcustom.canary_requests_total.route=.=color;.;subset=.=green-sub;.;reason=.=only;.;";
    for _ in 0..20 {
        assert_eq!(who(&connection.get("/color", &[]).unwrap()), "green");
    }
    assert_eq!(world.envoy.stat(counter), 40, "both filters decided");
}

/// A rule named `color`, with `rollback`, for this path.
fn watched(path: &str) -> Value {
    let rule = json!({"match": [{"uri": {"prefix": path}}]});
    configuration([50, 50], &json!({"stable": "blue-sub"}), &rule)
}

/// The number of virtual machines.
fn machines(world: &World) -> u64 {
    world.envoy.stat("wasm.envoy.wasm.runtime.v8.active")
}

#[test]
fn two_plugins_in_one_virtual_machine_each_judge_their_own_rule() {
    if is_native(
        "two_plugins_in_one_virtual_machine…",
        "it has no virtual machine",
    ) {
        return;
    }
    let alone = World::start(&Setup::new(policy(&watched("/color/one"))));
    let world = World::start(&Setup {
        change: |bootstrap| {
            let other = json!({
                "http": [watched("/color/two")], "clusterHeader": "x-second", "responseHeader": "x-two"
            });
            second(bootstrap, "second", &other.to_string());
            let filter = &mut manager(bootstrap)["http_filters"][1];
            filter["typed_config"]["config"]["root_id"] = json!("second");
            let header = json!({"name": "x-second", "present_match": true});
            let route = json!({
                "match": {"prefix": "/color/two", "headers": [header]}, "route": {"cluster_header": "x-second"}
            });
            routes(bootstrap).insert(0, route);
        },
        ..Setup::new(policy(&watched("/color/one")))
    });
    assert_eq!(machines(&world), machines(&alone), "they share them");
    let mut connection = world.envoy.connect();
    // By chance none of so many goes to green in one of 10^12 tries.
    let mut greens = |path: &str, green_answers: &str| {
        let mut to_green = || {
            let status = [("x-status-green", green_answers.as_bytes())];
            let answer = connection.get(path, &status).unwrap();
            let decision = ["x-canary-decision", "x-two"].map(|name| answer.header(name));
            decision
                .into_iter()
                .flatten()
                .any(|it| it.contains("subset=green-sub"))
        };
        (0..40).filter(|_| to_green()).count()
    };
    let lines = || {
        let log = world.envoy.log();
        let lines = log
            .lines()
            .filter_map(|line| line.split_once(": canary-filter "));
        let lines = lines.filter(|(_, line)| line.contains(" rolled back: "));
        lines
            .map(|(_, line)| line.split(" rolled back: ").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let out = [
        "second: rule color: green-sub",
        "canary: rule color: green-sub",
    ];
    eventually("the second plugin's green is out", || {
        assert!(greens("/color/one", "200") > 0);
        (greens("/color/two", "503") == 0).then_some(())
    });
    assert_eq!(lines(), out[..1]);
    eventually("the first plugin's green is out", || {
        assert_eq!(greens("/color/two", "200"), 0);
        (greens("/color/one", "503") == 0).then_some(())
    });
    assert_eq!(lines(), out);
    no_vm_restarted(&world.envoy);
}
