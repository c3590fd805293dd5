//! A thousand configurations under a million requests. It takes minutes: `make soak`.

use std::time::{Duration, Instant};

use harness::{Behaviour, Filter, Setup, manager};
use serde_json::{Value, json};

use crate::load::{Load, RING};
use crate::rollback::{RATE, metric};
use crate::steady::{Seen, Steady};
use crate::support::{World, no_vm_restarted, rule};

const UPDATES: u64 = 1_000;
const REQUESTS: u64 = 1_000_000;
/// The number of updates between two changes of `retry`, which end a rollback.
const RETRY: u64 = 25;
/// The number of updates between two readings of the memory.
const PART: u64 = 100;
/// The number of updates in which caches, pools and the virtual machines' heaps fill up.
const WARM: usize = 3;
/// How much the resident memory may vary after that, in KiB, because allocators return memory and take it again.
const FLAT: u64 = 2 * 1024;

#[test]
#[ignore = "takes minutes: make soak"]
fn a_thousand_configurations_of_one_rule_under_a_million_requests() {
    soak(1);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn a_thousand_configurations_of_a_thousand_rules_under_a_million_requests() {
    soak(1_000);
}

fn soak(rules: usize) {
    let world = World::start(&Setup {
        change: without_access_log,
        ..Setup::with(generation(rules, 0))
    });
    let meter = world.envoy.meter();
    let load = Load::with_pause(&world.envoy, 8, Duration::ZERO);
    let started = Instant::now();
    let mut resident = Vec::new();
    for update in 1..=UPDATES {
        world.envoy.write(&generation(rules, update));
        load.wait_for_generation(update % RING);
        let due = REQUESTS * update / UPDATES;
        load.wait_for_requests(due.saturating_sub(load.requests()));
        if update % PART == 0 {
            resident.push(meter.resident().unwrap());
            println!(
                "rules {rules}: {update} updates, {} requests, {} s, {} KiB resident",
                load.requests(),
                started.elapsed().as_secs(),
                resident.last().unwrap()
            );
        }
    }
    let requests = load.finish();
    assert!(requests >= REQUESTS, "{requests}");
    no_vm_restarted(&world.envoy);
    assert_flat(&resident);
}

/// Green is slow, which the rule of the steady load counts as an error and no client does.
#[test]
#[ignore = "takes minutes: make soak"]
fn a_thousand_configurations_while_rollbacks_begin_and_end() {
    let world = World::start(&Setup {
        change: without_access_log,
        concurrency: 4,
        ..Setup::with(with_rollback(0))
    });
    world
        .green
        .behave(Behaviour::Slow(Duration::from_millis(40)));
    let meter = world.envoy.meter();
    let load = Load::with_pause(&world.envoy, 8, Duration::ZERO);
    let steady = Steady::start(&world.envoy, RATE, 8);
    let mut resident = Vec::new();
    for update in 1..=UPDATES {
        world.envoy.write(&with_rollback(update));
        load.wait_for_generation(update % RING);
        load.wait_for_requests(20);
        if update % RETRY == 0 {
            steady.wait_for_row("green is out", 50, |seen| !seen.is_green());
        }
        if update % RETRY == 1 {
            steady.wait_for("green is back", Seen::is_green);
        }
        if update % PART == 0 {
            resident.push(meter.resident().unwrap());
        }
    }
    let rollbacks = world.envoy.stat(&metric("canary_rollbacks_total"));
    let requests = load.finish();
    println!(
        "{UPDATES} updates, {requests} requests, {rollbacks} rollbacks, {resident:?} KiB resident"
    );
    assert!(rollbacks >= UPDATES / RETRY, "{rollbacks}");
    assert!(steady.all(Seen::is_good));
    no_vm_restarted(&world.envoy);
    assert_flat(&resident);
}

fn assert_flat(resident: &[u64]) {
    let warm = &resident[WARM - 1..];
    let (least, most) = (warm.iter().min().unwrap(), warm.iter().max().unwrap());
    assert!(
        most - least <= FLAT,
        "KiB resident after every {PART} updates: {resident:?}"
    );
}

/// Rules that the load does not match, then the rule for the load, with other weights each time.
fn generation(rules: usize, update: u64) -> Filter {
    let name = format!("g{}", update % RING);
    let share = u32::try_from(update % 100).unwrap();
    let mut http: Vec<Value> = (1..rules)
        .map(|number| {
            let mut other = rule(&format!("other-{number}"), 1, 1);
            other["match"] = json!([{"uri": {"prefix": format!("/other/{number}/")}}]);
            other
        })
        .collect();
    http.push(rule(&name, 100 - share, share));
    Filter::new(
        json!({"http": http, "responseHeader": "x-canary-decision", "filterState": true})
            .to_string(),
    )
}

/// The rule of the load as above, after a rule for the steady load that takes a slow version out.
fn with_rollback(update: u64) -> Filter {
    let mut watched = rule("color", 50, 50);
    watched["match"] = json!([{"headers": {"x-user": {"prefix": "user-"}}}]);
    let retry = (update.saturating_sub(1) / RETRY % RING).to_string();
    watched["rollback"] = json!({
        "stable": "blue-sub", "slowerThan": "30ms", "retryAfter": "1h", "retry": retry
    });
    let name = format!("g{}", update % RING);
    let http = [watched, rule(&name, 100, 0)];
    Filter::new(json!({"http": http, "responseHeader": "x-canary-decision"}).to_string())
}

/// A log line for each of a million requests would use the test's own memory.
fn without_access_log(bootstrap: &mut Value) {
    manager(bootstrap)
        .remove("access_log")
        .expect("the shipped file has one");
}
