//! Ten thousand rules, of which the last one decides.

use std::time::Instant;

use harness::{CONFIG_REFUSED, Filter, Setup};
use serde_json::{Value, json};

use crate::support::{World, no_vm_restarted, route_everything, weights, who};

const RULES: usize = 10_000;

#[test]
fn exact_paths() {
    is_taken(
        "exact paths",
        (0..RULES).map(exact),
        &exact_path(RULES - 1),
        "a.test",
    );
}

#[test]
fn prefixes_under_authorities_with_headers() {
    let last = RULES - 1;
    is_taken(
        "prefixes under authorities",
        (0..RULES).map(under_authority),
        &format!("/service-{}/page", last % 20),
        &format!("host-{}.test", last / 20),
    );
}

#[test]
fn regexes_after_prefixes() {
    let matches = (100..RULES).map(prefix).chain((0..100).map(regex));
    is_taken(
        "regexes after prefixes",
        matches,
        "/team-99/17/page",
        "a.test",
    );
}

fn exact(rule: usize) -> Value {
    json!({"uri": {"exact": exact_path(rule)}})
}

fn exact_path(rule: usize) -> String {
    format!("/service-{rule}/page")
}

/// 20 prefixes under each of 500 authorities, half of them with a condition on a header.
fn under_authority(rule: usize) -> Value {
    let mut entry = json!({
        "authority": {"exact": format!("host-{}.test", rule / 20)},
        "uri": {"prefix": format!("/service-{}/", rule % 20)},
    });
    if rule % 2 == 1 {
        entry["headers"] = json!({"x-canary": {"exact": "green"}});
    }
    entry
}

fn prefix(rule: usize) -> Value {
    json!({"uri": {"prefix": format!("/service-{rule}/")}})
}

fn regex(rule: usize) -> Value {
    json!({"uri": {"regex": format!("/[a-z]+-{rule}/[0-9]+/.*")}})
}

/// A running Envoy accepts the list with all its rules, and the last one decides this request.
fn is_taken(list: &str, matches: impl Iterator<Item = Value>, path: &str, authority: &str) {
    let destination = |cluster: &str| json!([{"cluster": cluster}]);
    let mut http: Vec<Value> = matches
        .map(|entry| json!({"match": [entry], "route": destination(harness::BLUE)}))
        .collect();
    assert_eq!(http.len(), RULES);
    http[RULES - 1]["route"] = destination(harness::GREEN);
    let filter =
        Filter::new(json!({"http": http, "responseHeader": "x-canary-decision"}).to_string());

    let world = World::start(&Setup {
        change: header_decides_everywhere,
        ..Setup::new(weights(1, 0))
    });
    let mut connections = [
        world.envoy.connect(),
        world.envoy.connect(),
        world.envoy.connect(),
    ];
    let request = format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nx-canary: green\r\n\r\n");
    let written = Instant::now();
    world.envoy.write(&filter);
    for connection in &mut connections {
        harness::eventually("the last rule decides", || {
            let answer = connection.send(request.as_bytes()).unwrap();
            let decision = answer.header("x-canary-decision").unwrap_or_default();
            (who(&answer) == "green" && decision.starts_with("route=http-9999;")).then_some(())
        });
    }
    println!(
        "{list}: {RULES} rules decide on every connection {:?} after the file was replaced",
        written.elapsed()
    );

    let other = request.replace(path, "/elsewhere");
    let answer = connections[0].send(other.as_bytes()).unwrap();
    assert_eq!(
        (who(&answer), answer.header("x-canary-decision")),
        ("blue", None),
        "no rule, no decision"
    );
    assert_eq!(world.envoy.stat(CONFIG_REFUSED), 0);
    no_vm_restarted(&world.envoy);
}

/// The filter's route for every path, and the stable route after it.
fn header_decides_everywhere(bootstrap: &mut Value) {
    crate::support::header_route(bootstrap)["match"]["prefix"] = json!("/");
    route_everything(bootstrap);
}
