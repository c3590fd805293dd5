//! Only the filter writes its headers.

use harness::{BLUE, GREEN, Setup};
use serde_json::{Value, json};

use crate::support::{World, is_both, policy, reached, route_everything, rule, virtual_host, who};

/// Attempts of a client: the values of its lines of the header.
const TRIES: &[&[&[u8]]] = &[
    &[GREEN.as_bytes()],
    &[GREEN.as_bytes(), GREEN.as_bytes()],
    &[BLUE.as_bytes(), GREEN.as_bytes()],
    &[GREEN.as_bytes(), b""],
    &[b"", GREEN.as_bytes()],
    &[b""],
    &[b"", b""],
    &[b" "],
    &[b"no-such-cluster"],
    &[b"\xff\xfe"],
];

fn headers<'a>(name: &'a str, values: &[&'a [u8]]) -> Vec<(&'a str, &'a [u8])> {
    values.iter().map(|value| (name, *value)).collect()
}

/// The router passes the header on, so that the upstream can return it.
fn keep_header(bootstrap: &mut Value) {
    virtual_host(bootstrap)
        .as_object_mut()
        .unwrap()
        .remove("request_headers_to_remove")
        .unwrap();
    route_everything(bootstrap);
}

#[test]
fn a_clients_cluster_header_has_no_effect() {
    if is_both("a_clients_cluster_header…", "no route has a cluster header") {
        return;
    }
    let mut rule = rule("color", 1, 0);
    rule["match"] = json!([{"uri": {"prefix": "/color/matched"}}]);
    for early_mutation in [true, false] {
        let world = World::start(&Setup {
            early_mutation,
            change: keep_header,
            ..Setup::new(policy(&rule))
        });
        let mut connection = world.envoy.connect();
        for name in ["x-canary-cluster", "X-Canary-Cluster"] {
            for values in TRIES {
                for (path, decided) in [
                    ("/color/matched", vec![BLUE]),
                    ("/color/else", vec![]),
                    ("/", vec![]),
                ] {
                    let answer = connection.get(path, &headers(name, values)).unwrap();
                    let what = format!("early mutation {early_mutation}, {path}, {values:?}");
                    assert_eq!(answer.status, 200, "{what}: {answer:?}");
                    assert_eq!(who(&answer), "blue", "{what}");
                    assert_eq!(reached(&answer, "x-canary-cluster"), decided, "{what}");
                }
            }
        }
        assert_eq!(world.green.served(), 0);
    }
}

#[test]
fn as_shipped_the_header_never_reaches_the_upstream() {
    let world = World::start(&Setup {
        change: route_everything,
        ..Setup::new(policy(&rule("color", 0, 1)))
    });
    let mut connection = world.envoy.connect();
    for values in TRIES {
        for (path, version) in [("/color", "green"), ("/", "blue")] {
            let answer = connection
                .get(path, &headers("x-canary-cluster", values))
                .unwrap();
            assert_eq!(who(&answer), version);
            assert!(
                reached(&answer, "x-canary-cluster").is_empty(),
                "{answer:?}"
            );
        }
    }
}

#[test]
fn a_filter_without_a_configuration_removes_the_header_as_well() {
    let world = World::start(&Setup {
        early_mutation: false,
        change: keep_header,
        ..Setup::new("not JSON")
    });
    let mut connection = world.envoy.connect();
    for values in TRIES {
        for path in ["/color", "/"] {
            let answer = connection
                .get(path, &headers("x-canary-cluster", values))
                .unwrap();
            assert_eq!(answer.status, 200, "{values:?}: {answer:?}");
            assert_eq!(who(&answer), "blue");
            assert!(
                reached(&answer, "x-canary-cluster").is_empty(),
                "{values:?}: {answer:?}"
            );
        }
    }
}

#[test]
fn every_header_that_the_configuration_names_is_overwritten_or_removed() {
    let policy = json!({
        "http": [rule("color", 1, 0)],
        "clusterHeader": "x-my-cluster",
        "subsetHeader": "X-My-Subset"
    });
    let world = World::start(&Setup {
        change: keep_header,
        ..Setup::new(policy.to_string())
    });
    let mut connection = world.envoy.connect();
    for values in TRIES {
        let sent = [
            headers("x-my-cluster", values),
            headers("x-my-subset", values),
        ]
        .concat();
        let matched = connection.get("/color", &sent).unwrap();
        assert_eq!(reached(&matched, "x-my-cluster"), [BLUE], "{values:?}");
        assert_eq!(reached(&matched, "x-my-subset"), ["blue-sub"], "{values:?}");
        let unmatched = connection.get("/", &sent).unwrap();
        for name in ["x-my-cluster", "x-my-subset"] {
            assert!(
                reached(&unmatched, name).is_empty(),
                "{values:?}: {unmatched:?}"
            );
        }
    }
}
