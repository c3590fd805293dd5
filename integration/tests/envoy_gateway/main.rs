//! `gateway-api/envoy-gateway-http` in Envoy Gateway itself, without Kubernetes. `make test-envoy-gateway` builds it first;
//! elsewhere this prints that it is skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests and their support: a failure ends the test and names the line"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "not the core: it waits for Envoy"
)]

mod gateway;
mod resources;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use harness::http1::Response;
use harness::{Echo, eventually};

use gateway::{Gateway, Modules};
use resources::Resources;

fn who(answer: &Response) -> &str {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.lines().next().unwrap_or_default()
}

#[test]
fn the_manifests_split_the_traffic_of_envoy_gateway() {
    let Some(program) = gateway::built() else {
        return;
    };
    let (blue, green) = (Echo::start("blue"), Echo::start("green"));
    let modules = Modules::serve();
    let resources = Resources::read(&blue, &green, &modules);
    let start = |text: &str, status| Gateway::start(&program, text, resources.port(), status);
    let gateway = start(&resources.text([75, 25]), 200);
    splits(&gateway);
    keeps_users(&gateway);
    takes_no_header_of_a_client(&gateway);
    takes_weights_under_load(&gateway, &resources);
    keeps_the_last_good_configuration(&gateway, &resources);
    drop(gateway);

    let refused = resources
        .text([0, 1])
        .replace("\"weight\":1", "\"weight\":-1");
    let gateway = start(&refused, 200);
    for user in 0..20 {
        assert_eq!(who(&gateway.of_user(user)), "blue");
    }
    eventually("the gauge shows the refusal", || {
        gateway.refused().then_some(())
    });
    drop(gateway);

    // A module with another checksum than the policy names cannot be fetched.
    let missing = resources
        .text([0, 1])
        .replace(modules.checksum(), &"0".repeat(64));
    assert_eq!(who(&start(&missing, 200).of_user(1)), "blue");
    let default = missing.replace("\"failOpen\":true", "\"failOpen\":false");
    drop(start(&default, 500));
}

fn splits(gateway: &Gateway) {
    let answers = (0..1000).map(|_| gateway.get(""));
    let blue = answers.filter(|answer| who(answer) == "blue").count();
    println!("{blue} of 1000 new users got blue, at 75 to 25");
    // Five standard deviations.
    assert!((682..=818).contains(&blue), "{blue}");
}

fn keeps_users(gateway: &Gateway) {
    for user in 0..100 {
        let first = gateway.of_user(user);
        for _ in 0..4 {
            assert_eq!(who(&gateway.of_user(user)), who(&first), "{user}");
        }
    }
}

fn takes_no_header_of_a_client(gateway: &Gateway) {
    for user in 0..20 {
        let expected = gateway.of_user(user);
        for value in ["blue", "green", "x"] {
            let headers = format!("cookie: canary-id={user}\r\nx-canary-subset: {value}\r\n");
            let answer = gateway.get(&headers);
            assert_eq!(who(&answer), who(&expected), "{user} {value}");
            assert!(!answer.body.contains("x-canary-subset"), "{answer:?}");
        }
    }
}

/// Everybody gets green, and no request fails meanwhile.
fn takes_weights_under_load(gateway: &Gateway, resources: &Resources) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut requests = 0;
            while !done.load(Ordering::Relaxed) && requests < 20_000 {
                who(&gateway.get(""));
                requests += 1;
                thread::sleep(Duration::from_millis(1));
            }
            requests
        });
        gateway.write(&resources.text([0, 1]));
        eventually("everybody gets green", || {
            let all = (0..20).all(|_| who(&gateway.get("")) == "green");
            all.then_some(())
        });
        done.store(true, Ordering::Relaxed);
        let requests = load.join().expect("no request fails");
        println!("{requests} requests while the weights changed, none failed");
        assert!(requests > 10, "{requests}");
    });
}

fn keeps_the_last_good_configuration(gateway: &Gateway, resources: &Resources) {
    gateway.write(
        &resources
            .text([0, 1])
            .replace("\"weight\":1", "\"weight\":-1"),
    );
    eventually("the gauge shows the refusal", || {
        gateway.refused().then_some(())
    });
    for user in 0..20 {
        assert_eq!(who(&gateway.of_user(user)), "green");
    }
}
