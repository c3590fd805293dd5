//! A configuration with a mistake never takes the proxy down.

use std::thread;
use std::time::Duration;

use harness::{
    Behaviour, CONFIG_REFUSED, Delivery, Filter, Kind, Scratch, Setup, eventually, http1,
};
use serde_json::json;

use crate::bad_table::{Bad, table};
use crate::live::other_module;
use crate::load::{Load, generation};
use crate::support::{World, is_native, no_vm_restarted, policy, rule, weights, who};

const CREATED: &str = "wasm.envoy.wasm.runtime.v8.created";

/// A valid configuration that sends everything to green.
fn good(n: u64) -> Filter {
    Filter::new(policy(&rule(&format!("g{n}"), 0, 1)))
}

fn wait_for_refusal(world: &World, refused: u64) {
    world
        .envoy
        .wait_for(&format!("{CONFIG_REFUSED} is {refused}"), |stats| {
            stats.get(CONFIG_REFUSED) == Some(&refused)
        });
}

/// The lines in which the filter refuses a configuration.
fn complaints(world: &World) -> Vec<String> {
    world
        .envoy
        .log()
        .lines()
        .filter(|line| line.contains("configuration refused"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_mistake_is_refused_with_its_place_and_the_old_configuration_stays_in_force() {
    let world = World::start(&Setup::with(good(0)));
    let load = Load::start(&world.envoy, 3);
    let table = table();
    assert!(table.len() >= 40);
    for (
        n,
        Bad {
            text,
            place,
            reason,
        },
    ) in (1..).zip(&table)
    {
        let before = complaints(&world).len();
        world.envoy.write(&Filter::new(text));
        // One line each from the virtual machine in which Envoy tries it, the main thread and both workers; the native
        // module has one configuration for all.
        let threads = if Kind::of_run() == Kind::Wasm { 4 } else { 1 };
        let lines = eventually("every thread refuses", || {
            let lines = complaints(&world).split_off(before);
            (lines.len() >= threads).then_some(lines)
        });
        let shown: String = text.chars().take(200).collect();
        for line in lines {
            assert!(line.contains("[error]"), "{line}");
            assert!(
                line.contains(&format!("stays in force: {place}")),
                "{shown}\n{line}\n{place}"
            );
            assert!(line.contains(reason), "{shown}\n{line}\n{reason}");
        }
        // Each thread publishes for itself: the gauge may change once more after the last line.
        wait_for_refusal(&world, 1);
        // The load checks that the previous configuration decided every answer.
        load.wait_for_generation(n - 1);
        world.envoy.write(&good(n));
        load.wait_for_generation(n);
        wait_for_refusal(&world, 0);
    }
    load.finish();
    assert_eq!(world.blue.served(), 0, "every request went to green");
    no_vm_restarted(&world.envoy);
}

#[test]
fn a_configuration_that_is_not_text_is_refused() {
    let world = World::start(&Setup::with(good(0)));
    let packed = |name: &str, value| {
        Some(
            json!({"@type": format!("type.googleapis.com/google.protobuf.{name}"), "value": value}),
        )
    };
    let mut cases = vec![
        // Struct: Envoy passes protobuf, although the comment in its API says otherwise.
        packed("Struct", json!({"http": [{"route": [{"cluster": "a"}]}]})),
        // {"http": "\xff"}
        packed("BytesValue", json!("eyJodHRwIjogIv8ifQ==")),
        packed("BytesValue", json!("AAAA")),
        packed("StringValue", json!("")),
        None,
    ];
    if Kind::of_run() != Kind::Wasm {
        // A native module gets it as JSON.
        cases.remove(0);
    }
    for (n, configuration) in (1..).zip(cases) {
        world.envoy.update(&Filter {
            configuration: configuration.clone(),
            ..Filter::new("")
        });
        wait_for_refusal(&world, 1);
        for _ in 0..20 {
            let answer = world.envoy.get("/color");
            assert_eq!(generation(&answer), Some(n - 1), "{configuration:?}");
        }
        world.envoy.update(&good(n));
        wait_for_refusal(&world, 0);
        eventually("the next good one is taken", || {
            (generation(&world.envoy.get("/color")) == Some(n)).then_some(())
        });
    }
    no_vm_restarted(&world.envoy);
}

#[test]
fn a_new_virtual_machine_finds_the_last_good_configuration() {
    if is_native("a_new_virtual_machine…", "it has no virtual machine") {
        return;
    }
    let dir = Scratch::new();
    let world = World::start(&Setup::with(good(7)));
    let created = world.envoy.stat(CREATED);
    let load = Load::start(&world.envoy, 3);
    let bad = Filter::new("{");
    let new_vms = [
        bad.clone()
            .with_variable("REASON", "a variable makes a new virtual machine"),
        Filter {
            module: other_module(&dir, 1),
            ..bad.clone()
        },
        bad.with_variable("REASON", "a third one"),
    ];
    for (n, filter) in (1..).zip(new_vms) {
        world.envoy.write(&filter);
        world.envoy.wait_for("a new virtual machine", |stats| {
            stats[CREATED] >= created + 3 * n
        });
        eventually("all of its threads refuse", || {
            (complaints(&world).len() as u64 >= 3 * n).then_some(())
        });
        load.wait_for_requests(500);
        load.wait_for_generation(7);
        wait_for_refusal(&world, 1);
    }
    world
        .envoy
        .write(&good(8).with_variable("REASON", "a third one"));
    load.wait_for_generation(8);
    wait_for_refusal(&world, 0);
    load.finish();
    assert_eq!(world.blue.served(), 0);
    no_vm_restarted(&world.envoy);
}

#[test]
fn an_envoy_that_starts_with_a_mistake_serves_and_takes_the_next_good_one() {
    for delivery in [Delivery::Discovery, Delivery::DiscoveryWithoutDefault] {
        for mistake in [
            "{",
            "",
            r#"{"http": [{"route": [{"cluster": "a", "weight": -5}]}]}"#,
        ] {
            let world = World::start(&Setup {
                delivery,
                ..Setup::new(mistake)
            });
            let mut connection = world.envoy.connect();
            for _ in 0..50 {
                assert_eq!(
                    who(&connection.get("/color", &[]).unwrap()),
                    "blue",
                    "{delivery:?} {mistake}"
                );
            }
            assert_eq!(connection.get("/", &[]).unwrap().status, 404);
            wait_for_refusal(&world, 1);
            assert!(
                complaints(&world)
                    .iter()
                    .all(|line| line.contains("no earlier one"))
            );

            world.envoy.update(&Filter::new(weights(0, 1)));
            wait_for_refusal(&world, 0);
            eventually("it is taken", || {
                (who(&connection.get("/color", &[]).unwrap()) == "green").then_some(())
            });
        }
    }
}

#[test]
fn an_envoy_with_a_static_mistake_starts_and_serves() {
    let world = World::start(&Setup {
        delivery: Delivery::Static,
        ..Setup::new("{")
    });
    assert_eq!(who(&world.envoy.get("/color")), "blue");
    assert_eq!(world.envoy.stat(CONFIG_REFUSED), 1);
}

#[test]
fn a_static_configuration_without_a_mistake_decides() {
    let world = World::start(&Setup {
        delivery: Delivery::Static,
        ..Setup::new(weights(0, 1))
    });
    assert_eq!(who(&world.envoy.get("/color")), "green");
}

/// The host takes the living root again for the same bytes, without configuring it, so a worker that is late publishes the
/// verdict on the configuration between after the main thread has published the last one.
#[test]
fn what_is_published_follows_the_configuration_that_serves_also_on_a_late_worker() {
    if is_native("what_is_published…", "no worker publishes anything") {
        return;
    }
    // A pattern that keeps a worker busy for some seconds with a path of 50 KB.
    let busy = json!({"uri": {"regex": format!("/busy{}", ".*".repeat(2_000))}});
    let mut rules = vec![rule("color", 0, 1), rule("busy", 1, 0)];
    rules[1]["match"] = json!([busy]);
    let good = json!({"http": rules, "responseHeader": "x-canary-decision"}).to_string();
    let world = World::start(&Setup {
        concurrency: 1,
        ..Setup::new(&*good)
    });
    assert_eq!(who(&world.envoy.get("/color")), "green");
    world.green.behave(Behaviour::Slow(Duration::from_secs(6)));
    let address = world.envoy.address();
    // A stream of the first root, which lives as long as it.
    let open = thread::spawn(move || http1::get(address, "/color").unwrap());
    thread::sleep(Duration::from_millis(200));
    let path = format!("/busy{}\n", "a".repeat(50_000));
    let busy = thread::spawn(move || http1::get(address, path.trim_end()).map(|it| it.status));
    thread::sleep(Duration::from_millis(200));
    world.envoy.update(&Filter::new("bad"));
    wait_for_refusal(&world, 1);
    world.envoy.update(&Filter::new(&*good));
    assert!(!busy.is_finished(), "the worker is late");
    let _ = busy.join().unwrap();
    wait_for_refusal(&world, 1);
    world.green.behave(Behaviour::Good);
    assert_eq!(who(&world.envoy.get("/color")), "green");
    wait_for_refusal(&world, 0);
    open.join().unwrap();
    world
        .envoy
        .update(&Filter::new("bad").with_variable("A", "b"));
    assert_eq!(
        who(&world.envoy.get("/color")),
        "green",
        "and it is the one that is remembered"
    );
}
