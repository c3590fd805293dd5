//! Old configurations live on while their streams do. Only the one that gets the requests judges and shows its weights.

use std::time::{Duration, Instant};

use harness::http1::Connection;
use harness::{Behaviour, Filter, Scratch, Setup};
use serde_json::json;

use crate::live::other_module;
use crate::rollback::{RATE, broken, configuration, metric, plain, warnings};
use crate::steady::{Seen, Steady};
use crate::support::{World, header_route, is_native, no_vm_restarted, policy};

/// Requests whose answers green holds back, each on a connection of its own, so that every worker has some.
struct Held(Vec<Connection>);

impl Held {
    /// Half of them go to green, which answers them with this status when it releases this hold.
    fn start(world: &World, hold: &str, status: u16, count: usize) -> Self {
        let before = world.green.served();
        let request = format!(
            "GET /color HTTP/1.1\r\nhost: color.test\r\nx-hold-green: {hold}\r\nx-status-green: {status}\r\n\r\n"
        );
        let open = |_| {
            let mut connection = world.envoy.connect();
            connection.begin(request.as_bytes()).unwrap();
            connection
        };
        let held = Self((0..count).map(open).collect());
        harness::eventually("enough of them are green's", || {
            (world.green.served() - before >= count as u64 / 4).then_some(())
        });
        held
    }

    /// Reads all answers. Returns how many had this status.
    fn finish(mut self, status: u16) -> usize {
        let answers = self.0.iter_mut().map(|open| open.receive().unwrap());
        answers.filter(|answer| answer.status == status).count()
    }
}

/// Two workers, and routes that wait for every answer.
fn world() -> World {
    World::start(&Setup {
        change: |bootstrap| {
            header_route(bootstrap)["route"]["timeout"] = json!("0s");
        },
        ..Setup::new(plain([50, 50]))
    })
}

/// Green keeps this share, in 1/10 000, and nobody sees an error, for a while in which any root would tick several times.
fn goes_on(world: &World, load: &Steady, share: u64) {
    let all = format!(";share={share}");
    load.wait_for_row("every worker has the configuration", 60, |seen| {
        !seen.is_green() || seen.decision.ends_with(&all)
    });
    world.envoy.wait_for("the gauge", |stats| {
        stats[&metric("canary_weight")] == share
    });
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        assert_eq!(world.envoy.stat(&metric("canary_weight")), share);
        assert_eq!(world.envoy.stat(&metric("canary_rolled_back")), 0);
        std::thread::sleep(Duration::from_millis(50));
    }
    let seen = load.since(start);
    assert!(seen.iter().all(Seen::is_good));
    assert!(seen.iter().rev().take(100).any(Seen::is_green));
    assert_eq!(warnings(world), [""; 0]);
}

/// Envoy takes the first root again for the third configuration, because one of its streams is open.
#[test]
fn late_answers_of_an_older_configuration_are_dropped_also_when_it_comes_back() {
    let world = world();
    let other = policy(&configuration(
        [60, 40],
        &json!({"stable": "blue-sub", "retry": "other"}),
        &json!({}),
    ));
    let open = Held::start(&world, "open", 200, 24);
    let late = Held::start(&world, "late", 503, 80);
    let load = Steady::start(&world.envoy, RATE, 8);
    goes_on(&world, &load, 5_000);
    world.envoy.update(&Filter::new(other));
    goes_on(&world, &load, 4_000);
    world.green.release("late");
    assert!(late.finish(503) >= 20);
    goes_on(&world, &load, 4_000);
    world.envoy.update(&Filter::new(plain([50, 50])));
    goes_on(&world, &load, 5_000);
    world.green.release("open");
    assert_eq!(open.finish(200), 24);
    goes_on(&world, &load, 5_000);
    broken(&world, &load, Behaviour::Status(503));
    no_vm_restarted(&world.envoy);
}

#[test]
fn late_answers_of_an_older_module_are_dropped_and_a_rollback_holds_while_its_streams_live() {
    if is_native(
        "late_answers_of_an_older_module…",
        "another native module has a memory of its own",
    ) {
        return;
    }
    let world = world();
    let dir = Scratch::new();
    let update = |number| {
        world.envoy.update(&Filter {
            module: other_module(&dir, number),
            ..Filter::new(plain([50, 50]))
        });
    };
    let open = Held::start(&world, "open", 200, 24);
    let late = Held::start(&world, "late", 503, 80);
    let load = Steady::start(&world.envoy, RATE, 8);
    goes_on(&world, &load, 5_000);
    update(1);
    goes_on(&world, &load, 5_000);
    world.green.release("late");
    assert!(late.finish(503) >= 20);
    goes_on(&world, &load, 5_000);

    broken(&world, &load, Behaviour::Status(503));
    world.green.behave(Behaviour::Good);
    let mended = Instant::now();
    update(2);
    load.wait_for_row("it stays out", 300, |seen| !seen.is_green());
    assert_eq!(world.envoy.stat(&metric("canary_rolled_back")), 1);
    world.green.release("open");
    assert_eq!(open.finish(200), 24);
    assert_eq!(warnings(&world).len(), 1);
    assert!(load.since(mended).iter().all(Seen::is_good));
    no_vm_restarted(&world.envoy);
}
