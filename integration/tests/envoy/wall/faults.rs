//! How the sliders reach one version, and that nothing else does.

use harness::{Filter, GREEN, Setup};
use serde_json::Value;

use super::Wall;
use crate::support::{World, reached, routes, who};

const FAULTS: &str = "/color/faults";

fn without_rules(bootstrap: &mut Value) {
    routes(bootstrap).retain(|route| route["match"]["path"] != FAULTS);
}

#[test]
fn a_request_for_the_faults_reaches_the_version_that_it_names_and_is_not_counted() {
    let world = World::start(&Setup::with(Filter::shipped()));
    let mut connection = world.envoy.connect();
    let mut get = |path: &str, version: &str| {
        let headers: [(&str, &[u8]); 2] = [
            ("x-color-version", version.as_bytes()),
            ("x-canary-cluster", GREEN.as_bytes()),
        ];
        connection.get(path, &headers).unwrap()
    };
    for version in ["blue", "green"] {
        let answer = get(FAULTS, &format!("{version}-sub"));
        assert_eq!(who(&answer), version);
        assert_eq!(answer.header("x-canary"), None, "the filter has not chosen");
        assert!(reached(&answer, "x-canary-cluster").is_empty());
    }
    for (path, version) in [
        (FAULTS, "pink"),
        (FAULTS, ""),
        (
            FAULTS,
            "outbound|8000|blue-sub|color-service.default.svc.cluster.local",
        ),
    ] {
        assert_eq!(get(path, version).status, 404, "{version:?}");
    }
    assert_eq!((world.blue.served(), world.green.served()), (1, 1));
    let counted = |stats: &std::collections::BTreeMap<String, u64>| -> u64 {
        let counters = stats
            .iter()
            .filter(|(name, _)| name.contains("canary_requests_total"));
        counters.map(|(_, count)| count).sum()
    };
    assert_eq!(counted(&world.envoy.stats()), 0);

    // Elsewhere the header means nothing: 200 new users see both.
    for _ in 0..200 {
        assert!(get("/color", "green-sub").header("x-canary").is_some());
    }
    assert!(world.blue.served() > 100, "{}", world.blue.served());
    world
        .envoy
        .wait_for("the requests are counted", |stats| counted(stats) == 200);
}

#[test]
fn without_faults_the_wall_offers_none_and_says_so() {
    let test = "without_faults_the_wall_offers_none_and_says_so";
    let setup = Setup::with(Filter::shipped());
    let Some(mut wall) = Wall::with(test, &setup, ["blue", "green"], false) else {
        return;
    };
    wall.answers(20);
    for label in ["blue-sub", "green-sub"] {
        wall.card_is(label, "note", "Its faults are off.");
    }
    assert_eq!(offered(&mut wall), 0);
    wall.is_clean();
}

#[test]
fn without_rules_in_the_gateway_the_wall_touches_no_fault() {
    let test = "without_rules_in_the_gateway_the_wall_touches_no_fault";
    let setup = Setup {
        change: without_rules,
        ..Setup::with(Filter::shipped())
    };
    let Some(mut wall) = Wall::with(test, &setup, ["blue", "green"], true) else {
        return;
    };
    wall.answers(20);
    for label in ["blue-sub", "green-sub"] {
        wall.card_is(
            label,
            "note",
            "Its faults cannot be set through this gateway.",
        );
    }
    assert_eq!(offered(&mut wall), 0);
    wall.is_clean();
}

/// The number of controls for faults that are shown.
fn offered(wall: &mut Wall) -> u64 {
    let shown = wall.tab.value(
        "[...document.querySelectorAll('[data-set], [data-do]')].filter(at => at.checkVisibility()).length",
    );
    shown.as_u64().unwrap()
}

#[test]
fn faults_that_somebody_else_sets_are_shown() {
    let Some(mut wall) = Wall::start("faults_that_somebody_else_sets_are_shown") else {
        return;
    };
    wall.answers(10);
    wall.card_is("blue-sub", "latencyMs", "0 ms");
    let body = r#"{"latencyMs": 50}"#;
    let mut connection = harness::http1::Connection::open(wall.colors[0].address()).unwrap();
    let request = format!(
        "PUT {FAULTS} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(connection.send(request.as_bytes()).unwrap().status, 200);
    wall.card_is("blue-sub", "latencyMs", "50 ms");
    wall.is_clean();
}
