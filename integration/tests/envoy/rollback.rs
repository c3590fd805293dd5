//! A canary that answers badly is taken out, in a real Envoy with several workers.

use std::time::{Duration, Instant};

use harness::{Behaviour, Filter, Kind, Scratch, Setup, eventually};
use serde_json::{Value, json};

use crate::live::other_module;
use crate::steady::{Seen, Steady};
use crate::support::{World, no_vm_restarted, policy, rule};

pub(crate) const RATE: u32 = 100;

/// In a row: at 25 % for green, chance gives so many without any in one of 10^12 tries.
const ROW: usize = 96;

fn rolled_back() -> String {
    metric("canary_rolled_back")
}

pub(crate) fn metric(name: &str) -> String {
    format!("wasmcustom.{name}.route=.=color;.;subset=.=green-sub;.;")
}

/// The shipped rule with these weights and this `rollback`.
pub(crate) fn configuration(weights: [u32; 2], rollback: &Value, members: &Value) -> Value {
    let mut rule = rule("color", weights[0], weights[1]);
    rule["rollback"] = rollback.clone();
    for (name, value) in members.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

pub(crate) fn plain(weights: [u32; 2]) -> String {
    policy(&configuration(
        weights,
        &json!({"stable": "blue-sub"}),
        &json!({}),
    ))
}

pub(crate) fn world(policy: String) -> World {
    World::start(&Setup {
        concurrency: 4,
        ..Setup::new(policy)
    })
}

pub(crate) fn warnings(world: &World) -> Vec<String> {
    let log = world.envoy.log();
    let lines = log
        .lines()
        .filter_map(|line| line.split_once("canary-filter canary: rule "));
    lines.map(|(_, line)| line.to_owned()).collect()
}

/// Breaks green and waits until it is out; the answers since then.
pub(crate) fn broken(world: &World, load: &Steady, behaviour: Behaviour) -> Vec<Seen> {
    load.wait_for("green is there", |seen| seen.is_green() && seen.is_good());
    let start = Instant::now();
    world.green.behave(behaviour);
    load.wait_for_row("green is out", ROW, |seen| !seen.is_green());
    load.since(start)
}

#[test]
fn a_canary_that_fails_is_out_within_two_seconds_and_reported_once() {
    let world = world(plain([75, 25]));
    let gauge = |name: &str| world.envoy.stat(&metric(name));
    for name in ["canary_rolled_back", "canary_rollbacks_total"] {
        assert_eq!(gauge(name), 0, "{name} exists from the start");
    }
    let load = Steady::start(&world.envoy, RATE, 8);
    let seen = broken(&world, &load, Behaviour::Status(503));

    let errors: Vec<_> = seen.iter().filter(|seen| !seen.is_good()).collect();
    assert!(
        errors.iter().all(|seen| seen.is_green()),
        "nobody else saw an error: {errors:?}"
    );
    let took = errors.last().unwrap().at - errors[0].at;
    println!("{} users saw an error, within {took:?}", errors.len());
    assert!(took < Duration::from_secs(2), "{took:?}");
    // Every worker acts at its own tick.
    let all_know = errors.last().unwrap().at + Duration::from_millis(700);
    load.wait_for_row("time passes", 100, |_| true);
    let after: Vec<_> = load.since(all_know);
    assert!(
        after
            .iter()
            .all(|seen| seen.decision.ends_with("reason=only;share=10000"))
    );

    world
        .envoy
        .wait_for("the gauges", |stats| stats[&rolled_back()] == 1);
    assert_eq!(gauge("canary_rollbacks_total"), 1, "one worker counts it");
    assert_eq!(gauge("canary_weight"), 0);
    let errors = format!(
        "{}role=.=canary;.;class=.=error;.;",
        metric("canary_responses_total")
    );
    assert!(world.envoy.stat(&errors) >= 9);
    let lines = warnings(&world);
    assert_eq!(lines.len(), 1, "one worker logs it: {lines:?}");
    assert!(
        lines[0].starts_with("color: green-sub rolled back: ")
            && lines[0].contains(" answers were errors (")
            && lines[0].contains(" %), stable blue-sub 0 of "),
        "{lines:?}"
    );
    no_vm_restarted(&world.envoy);
}

#[test]
fn a_rollback_holds_through_updates_and_ends_when_the_operator_has_seen_it() {
    let world = world(plain([75, 25]));
    let load = Steady::start(&world.envoy, RATE, 8);
    broken(&world, &load, Behaviour::Status(500));
    world.green.behave(Behaviour::Good);
    let dir = Scratch::new();
    let still_out = |what: &str, filter: &Filter| {
        world.envoy.update(filter);
        load.wait_for_row(what, ROW, |seen| !seen.is_green());
        assert_eq!(world.envoy.stat(&rolled_back()), 1, "{what}");
    };
    let other = json!({"http": [
        configuration([75, 25], &json!({"stable": "blue-sub"}), &json!({})), rule("other", 1, 0)
    ], "responseHeader": "x-canary-decision"});
    still_out("an unrelated update", &Filter::new(other.to_string()));
    still_out("other weights", &Filter::new(plain([10, 90])));
    still_out("a promotion", &Filter::new(plain([0, 100])));
    // Another native module has a memory of its own.
    if Kind::of_run() == Kind::Wasm {
        still_out(
            "another module",
            &Filter {
                module: other_module(&dir, 1),
                ..Filter::new(plain([50, 50]))
            },
        );
    }
    still_out(
        "a new virtual machine",
        &Filter::new(plain([50, 50])).with_variable("A", "b"),
    );
    still_out("a refused configuration", &Filter::new("no configuration"));

    world.envoy.update(&Filter::new(plain([100, 0])));
    world
        .envoy
        .wait_for("it ends", |stats| stats[&rolled_back()] == 0);
    world.envoy.update(&Filter::new(plain([75, 25])));
    load.wait_for("green is back", Seen::is_green);
    let lines = warnings(&world);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].ends_with(": the configuration gives it no weight"),
        "{lines:?}"
    );
    assert!(
        load.since(Instant::now() - Duration::from_secs(5))
            .iter()
            .all(Seen::is_good)
    );
}

#[test]
fn retry_and_a_changed_match_end_a_rollback() {
    for (rollback, members) in [
        (json!({"stable": "blue-sub", "retry": "mended"}), json!({})),
        (
            json!({"stable": "blue-sub"}),
            json!({"match": [{"uri": {"prefix": "/colo"}}]}),
        ),
    ] {
        let world = world(plain([75, 25]));
        let load = Steady::start(&world.envoy, RATE, 8);
        broken(&world, &load, Behaviour::Status(503));
        world.green.behave(Behaviour::Good);
        let policy = policy(&configuration([75, 25], &rollback, &members));
        world.envoy.update(&Filter::new(policy));
        load.wait_for("green is back", Seen::is_green);
        world
            .envoy
            .wait_for("the gauge", |stats| stats[&rolled_back()] == 0);
        assert!(warnings(&world)[1].ends_with(": the rule has changed"));
    }
}

#[test]
fn every_kind_of_bad_answer_counts() {
    let slow = json!({"stable": "blue-sub", "slowerThan": "50ms"});
    let plain = json!({"stable": "blue-sub"});
    for (behaviour, rollback) in [
        (Behaviour::Close, &plain),
        (Behaviour::Cut, &plain),
        (Behaviour::GrpcTrailer(14), &plain),
        (Behaviour::GrpcHeader(13), &plain),
        (Behaviour::Slow(Duration::from_millis(120)), &slow),
        (Behaviour::Hang, &plain),
    ] {
        let setup = Setup {
            concurrency: 4,
            trailers: true,
            change: timeout,
            ..Setup::new(policy(&configuration([50, 50], rollback, &json!({}))))
        };
        println!("{behaviour:?}");
        let world = World::start(&setup);
        let load = Steady::start(&world.envoy, RATE, 16);
        broken(&world, &load, behaviour);
        assert_eq!(warnings(&world).len(), 1, "{behaviour:?}");
        no_vm_restarted(&world.envoy);
    }
}

/// A version that does not answer is given up after a while: Envoy's own 504.
fn timeout(bootstrap: &mut Value) {
    for route in crate::support::routes(bootstrap) {
        if route["route"].is_object() {
            route["route"]["timeout"] = json!("0.3s");
        }
    }
}

#[test]
fn nothing_happens_where_both_are_bad_or_only_observed() {
    let world = world(plain([50, 50]));
    let load = Steady::start(&world.envoy, RATE, 8);
    load.wait_for("green is there", Seen::is_green);
    world.blue.behave(Behaviour::Status(503));
    world.green.behave(Behaviour::Status(503));
    let start = Instant::now();
    load.wait_for_row("time passes", 400, |_| true);
    assert!(load.since(start).iter().any(Seen::is_green));
    assert_eq!(warnings(&world), [""; 0]);

    world.blue.behave(Behaviour::Good);
    let observe = json!({"stable": "blue-sub", "observe": true});
    world.envoy.update(&Filter::new(policy(&configuration(
        [50, 50],
        &observe,
        &json!({}),
    ))));
    let counter = metric("canary_rollbacks_observed_total");
    world
        .envoy
        .wait_for("it is observed", |stats| stats.get(&counter) == Some(&1));
    let start = Instant::now();
    load.wait_for_row("time passes", 200, |_| true);
    assert!(
        load.since(start).iter().any(Seen::is_green),
        "it keeps its share"
    );
    assert_eq!(world.envoy.stat(&rolled_back()), 0);
    let lines = warnings(&world);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("color: green-sub would be rolled back: "),
        "{lines:?}"
    );
}

#[test]
fn it_gets_its_share_back_after_retry_after_and_waits_longer_each_time() {
    let rollback = json!({"stable": "blue-sub", "retryAfter": "1s"});
    let world = world(policy(&configuration([50, 50], &rollback, &json!({}))));
    let load = Steady::start(&world.envoy, RATE, 8);
    broken(&world, &load, Behaviour::Status(503));
    world
        .envoy
        .wait_for("it comes back and goes again, twice", |stats| {
            stats[&metric("canary_rollbacks_total")] >= 3
        });
    world.green.behave(Behaviour::Good);
    load.wait_for_row("it stays", 200, Seen::is_good);
    load.wait_for("green is back", Seen::is_green);
    let waits: Vec<u32> = warnings(&world)
        .iter()
        .filter_map(|line| {
            line.split_once(" rolled back after ")?
                .1
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert!(waits.len() >= 3, "{waits:?}");
    let doubled: Vec<u32> = (0..waits.len()).map(|n| 1 << n).collect();
    assert_eq!(waits, doubled);
}

#[test]
fn users_of_the_canary_move_to_stable_and_come_back_and_nobody_else_moves() {
    let rollback = json!({"stable": "blue-sub", "retryAfter": "2s"});
    let sticky = json!({"consistentHash": [{"httpHeaderName": "x-user"}]});
    let world = world(policy(&configuration([75, 25], &rollback, &sticky)));
    let versions = || -> Vec<_> {
        let mut connection = world.envoy.connect();
        let version = |user: u32| {
            let user = format!("fixed-{user}");
            let answer = connection
                .get("/color", &[("x-user", user.as_bytes())])
                .unwrap();
            answer
                .header("x-canary-decision")
                .unwrap()
                .contains("green-sub")
        };
        (0..200).map(version).collect()
    };
    let before = versions();
    assert!(before.iter().any(|green| *green));
    let load = Steady::start(&world.envoy, RATE, 8);
    broken(&world, &load, Behaviour::Status(503));
    assert!(versions().iter().all(|green| !green));
    world.green.behave(Behaviour::Good);
    load.wait_for("green is back", Seen::is_green);
    // The other worker follows with its next tick.
    eventually("everybody is back where they were", || {
        (versions() == before).then_some(())
    });
}
