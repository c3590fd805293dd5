//! Metrics, logs and headers under the documented names.

use harness::{BLUE, GREEN, Kind, Setup, eventually};
use serde_json::json;

use crate::support::{World, policy, route_everything, rule, weights};

#[test]
fn requests_are_counted_by_route_subset_and_reason() {
    let world = World::start(&Setup::new(weights(3, 1)));
    for _ in 0..4 {
        let mut connection = world.envoy.connect();
        for _ in 0..100 {
            connection.get("/color", &[]).unwrap();
        }
    }
    world.envoy.get("/");
    let page = world.envoy.admin("/stats/prometheus");
    assert!(
        page.contains("# TYPE canary_requests_total counter\n"),
        "{page}"
    );
    for (subset, count) in [
        ("blue-sub", world.blue.served()),
        ("green-sub", world.green.served()),
    ] {
        let line = format!(
            "canary_requests_total{{route=\"color\",subset=\"{subset}\",reason=\"weighted\"}} {count}\n"
        );
        assert!(page.contains(&line), "{line}\nis not in\n{page}");
        let name = format!(
            "wasmcustom.canary_requests_total.route=.=color;.;subset=.={subset};.;reason=.=weighted;.;"
        );
        assert_eq!(world.envoy.stat(&name), count);
    }
    assert_eq!(world.blue.served() + world.green.served(), 400);
    assert!(
        page.contains(
            "# TYPE canary_config_refused gauge\ncanary_config_refused{plugin=\"canary\"} 0\n"
        ),
        "{page}"
    );
}

#[test]
fn envoys_own_metrics_of_a_cluster_have_the_subset_as_a_label() {
    let world = World::start(&Setup::new(weights(0, 1)));
    for _ in 0..3 {
        world.envoy.get("/color");
    }
    let page = world.envoy.admin("/stats/prometheus");
    let line = page.lines().find(|line| {
        line.starts_with("envoy_cluster_upstream_rq_xx{") && line.contains("subset=\"green-sub\"")
    });
    let line = line.unwrap_or_else(|| panic!("{page}"));
    assert!(
        line.contains("envoy_response_code_class=\"2\"") && line.ends_with("} 3"),
        "{line}"
    );
}

#[test]
fn a_destination_that_is_the_only_one_with_a_share_says_so() {
    let world = World::start(&Setup::new(weights(100, 0)));
    world.envoy.get("/color");
    let name =
        "wasmcustom.canary_requests_total.route=.=color;.;subset=.=blue-sub;.;reason=.=only;.;";
    assert_eq!(world.envoy.stat(name), 1);
}

#[test]
fn the_access_log_has_the_route_the_cluster_and_the_decision() {
    let with_state = |blue, green| {
        json!({"http": [rule("color", blue, green)], "filterState": true}).to_string()
    };
    // The specifier's route is the only one.
    let refused = if Kind::of_run() == Kind::Both {
        "canary"
    } else {
        "stable"
    };
    for (configuration, decision) in [
        (
            with_state(0, 1),
            format!("route=canary cluster={GREEN} canary=color/green-sub/only"),
        ),
        (
            with_state(1, 0),
            format!("route=canary cluster={BLUE} canary=color/blue-sub/only"),
        ),
        // Off by default.
        (
            weights(0, 1),
            format!("route=canary cluster={GREEN} canary=-"),
        ),
        (
            "{}".to_owned(),
            format!("route={refused} cluster={BLUE} canary=-"),
        ),
    ] {
        let world = World::start(&Setup::new(configuration));
        world.envoy.get("/color/seen");
        let line = eventually("the request is in the access log", || {
            world
                .envoy
                .log()
                .lines()
                .find(|line| line.contains("/color/seen"))
                .map(str::to_owned)
        });
        assert!(line.contains(" GET /color/seen HTTP/1.1 200 "), "{line}");
        assert!(line.ends_with(&decision), "{line}\n{decision}");
    }
}

#[test]
fn the_response_header_shows_the_decision_and_nothing_else_does() {
    let world = World::start(&Setup {
        change: route_everything,
        ..Setup::new(weights(0, 1))
    });
    let mut connection = world.envoy.connect();
    let matched = connection.get("/color", &[]).unwrap();
    let values: Vec<_> = matched
        .headers
        .iter()
        .filter(|(name, _)| name == "x-canary-decision")
        .collect();
    assert_eq!(
        values,
        [&(
            "x-canary-decision".to_owned(),
            "route=color;subset=green-sub;reason=only;share=10000".to_owned()
        )]
    );
    // The value that the upstream sent under this name is replaced.
    let unmatched = connection.get("/", &[]).unwrap();
    assert_eq!(unmatched.header("x-canary-decision"), None);
}

#[test]
fn a_response_header_that_is_not_configured_is_left_alone() {
    let policy = json!({"http": [rule("color", 0, 1)]}).to_string();
    let world = World::start(&Setup::new(policy));
    assert_eq!(
        world.envoy.get("/color").header("x-canary-decision"),
        Some("upstream")
    );
}

#[test]
fn a_rule_without_a_name_is_counted_by_its_index() {
    let mut unnamed = rule("", 0, 1);
    unnamed.as_object_mut().unwrap().remove("name");
    let world = World::start(&Setup::new(policy(&unnamed)));
    let answer = world.envoy.get("/color");
    assert_eq!(
        answer.header("x-canary-decision"),
        Some("route=http-0;subset=green-sub;reason=only;share=10000")
    );
}

#[test]
fn nothing_is_logged_for_a_request() {
    let world = World::start(&Setup::new(weights(1, 1)));
    let lines = |log: String| {
        log.lines()
            .filter(|line| line.contains("[wasm]") || line.contains("[dynamic_modules]"))
            .count()
    };
    let before = lines(world.envoy.log());
    for _ in 0..50 {
        world.envoy.get("/color");
    }
    assert_eq!(lines(world.envoy.log()), before);
}
