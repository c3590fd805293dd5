//! Two plugins in one proxy, and a key that is issued and goes on.

use harness::http1::Response;
use harness::{Filter, Setup, manager};
use serde_json::{Value, json};

use crate::support::{World, policy, reached, rule, who};

/// A second filter of this configuration and plugin name after the shipped one.
fn second(bootstrap: &mut Value, name: &str, policy: &str) {
    let mut filter = Filter::new(policy).resource()["resources"][0].clone();
    filter["typed_config"]["config"]["name"] = json!(name);
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
