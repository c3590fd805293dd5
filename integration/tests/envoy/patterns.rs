//! The largest patterns, and larger ones. Each worker's virtual machine, with its small stack, reads all of them.

use harness::{CONFIG_REFUSED, Filter, GREEN, Setup, eventually};
use serde_json::{Value, json};

use crate::support::{World, no_vm_restarted, route_everything, rule, weights};

/// Paths that the pattern matches go to green, and all others follow the shipped rule.
fn policy(pattern: &str) -> String {
    let matched = json!({"uri": {"regex": pattern}});
    let large: Value = json!({"name": "large", "match": [matched], "route": [{"cluster": GREEN}]});
    json!({"http": [large, rule("color", 1, 0)], "responseHeader": "x-canary-decision"}).to_string()
}

fn nested(open: &str, close: &str) -> String {
    format!("/color/{}a{}", open.repeat(150), close.repeat(150))
}

#[test]
fn the_largest_patterns_are_accepted_and_match() {
    let world = World::start(&Setup {
        change: route_everything,
        ..Setup::new(weights(1, 0))
    });
    for (what, pattern, matched) in [
        ("150 groups", nested("(", ")"), "/color/a"),
        (
            "150 loops of two branches",
            nested("(?:b|", ")*"),
            "/color/abab",
        ),
        (
            "150 loops of what may be empty",
            nested("(|", "?)+"),
            "/color/a",
        ),
        (
            "1000 of each kind",
            format!("/color/{}", "[a-c]{0,1000}".repeat(4)),
            "/color/abcabc",
        ),
        (
            "9000 steps",
            format!("/color/{}", ".*".repeat(2_990)),
            "/color/a",
        ),
        (
            "32 KB of nothing",
            format!("/color/a{}", "x{0}".repeat(8_189)),
            "/color/a",
        ),
    ] {
        world.envoy.update(&Filter::new(policy(&pattern)));
        let mut connection = world.envoy.connect();
        eventually(what, || {
            let answer = connection.get(matched, &[]).unwrap();
            answer
                .header("x-canary-decision")?
                .starts_with("route=large;")
                .then_some(())
        });
        let other = connection.get("/color", &[]).unwrap();
        assert_eq!(
            other.header("x-canary-decision"),
            Some("route=color;subset=blue-sub;reason=only;share=10000"),
            "{what}"
        );
        no_vm_restarted(&world.envoy);
    }
}

/// Reading one must also be quick, because Envoy's main thread does it and has to serve the admin interface meanwhile.
#[test]
fn a_pattern_beyond_any_limit_is_refused() {
    let world = World::start(&Setup {
        change: route_everything,
        ..Setup::new(weights(1, 0))
    });
    let refused = CONFIG_REFUSED;
    for opening in [
        "{",
        "[[:a]",
        "(",
        "()",
        "(?i)a",
        ".{1000}",
        "((((a{0}){1000}",
        "\\Q",
        "|",
    ] {
        let pattern = opening.repeat(1_000_000 / opening.len());
        world.envoy.write(&Filter::new(policy(&pattern)));
        eventually(opening, || (world.envoy.stat(refused) == 1).then_some(()));
        let answer = world.envoy.get("/color");
        assert!(
            answer
                .header("x-canary-decision")
                .is_some_and(|decision| decision.starts_with("route=color;"))
        );
        world.envoy.update(&Filter::new(weights(1, 0)));
        // Envoy takes the worker's earlier root again for the same bytes, without configuring it. If the worker was late
        // to refuse, its next request clears the gauge.
        eventually("a good one is taken again", || {
            world.envoy.get("/color");
            (world.envoy.stat(refused) == 0).then_some(())
        });
    }
    no_vm_restarted(&world.envoy);
}

/// Each pattern alone is within all limits. Together they would use up the memory of a virtual machine and crash it.
#[test]
fn too_many_patterns_are_refused() {
    let world = World::start(&Setup {
        change: route_everything,
        ..Setup::new(weights(1, 0))
    });
    let rule = json!({"match": [{"uri": {"regex": "[a-c]{1000}".repeat(9)}}], "route": [{"cluster": GREEN}]});
    for (count, refused) in [(111, 0), (112, 1), (50_000, 1)] {
        let text = json!({"http": vec![&rule; count]}).to_string();
        world.envoy.update(&Filter::new(text));
        eventually("it is judged", || {
            (world.envoy.stat(CONFIG_REFUSED) == refused).then_some(())
        });
        no_vm_restarted(&world.envoy);
    }
}
