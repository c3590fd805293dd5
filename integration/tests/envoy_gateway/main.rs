//! The folders of `gateway-api/` for Envoy Gateway in Envoy Gateway itself, without Kubernetes. `make test-envoy-gateway`
//! builds it first; elsewhere this prints that it is skipped.

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
mod modules;
mod resources;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use harness::http1::Response;
use harness::{Echo, eventually};

use gateway::Gateway;
use modules::{MOVED, Modules, NATIVE};
use resources::{Form, Resources};

fn who(answer: &Response) -> &str {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.lines().next().unwrap_or_default()
}

/// The filter has chosen: it writes this header.
fn decided(answer: &Response) -> bool {
    answer.status == 200 && answer.header("x-canary").is_some()
}

/// The filter has chosen nothing, or is not there.
fn undecided(answer: &Response) -> bool {
    answer.status == 200 && answer.header("x-canary").is_none()
}

fn failed(answer: &Response) -> bool {
    answer.status == 500
}

#[test]
fn the_manifests_with_an_image_split_the_traffic() {
    serves(Form::Image);
}

#[test]
fn the_manifests_with_a_file_on_a_server_split_the_traffic() {
    serves(Form::Http);
}

#[test]
fn the_manifests_with_the_native_module_split_the_traffic() {
    serves(Form::Native);
}

/// What holds for each form.
fn serves(form: Form) {
    let Some(program) = gateway::built() else {
        return;
    };
    let (blue, green) = (Echo::start("blue"), Echo::start("green"));
    let modules = Modules::serve();
    let resources = Resources::read(form, &blue, &green, &modules);
    let start = |text: &str, meant| Gateway::start(&program, text, resources.port(), meant);
    println!("{form:?}:");
    let gateway = start(&resources.text([75, 25]), decided);
    gateway.says("accepted");
    splits(&gateway);
    keeps_users(&gateway);
    takes_no_header_of_a_client(&gateway);
    takes_weights_under_load(&gateway, &resources);
    keeps_the_last_good_configuration(&gateway, &resources);
    // Envoy keeps a native module while the weights change.
    let fetched = usize::from(form == Form::Native);
    assert_eq!(modules.asked(NATIVE), fetched);
    drop(gateway);

    let gateway = start(&refused(&resources), undecided);
    everybody_gets(&gateway, "blue");
    gateway.says("refused");
    drop(gateway);

    let missing = resources.without_module(form, &modules);
    everybody_gets(&start(&missing, undecided), "blue");
    if form != Form::Native {
        let default = missing.replace("\"failOpen\":true", "\"failOpen\":false");
        drop(start(&default, failed));
    }
}

#[test]
fn a_native_module_can_be_a_file_of_the_proxy_and_needs_the_envoy_proxy() {
    let Some(program) = gateway::built() else {
        return;
    };
    let (blue, green) = (Echo::start("blue"), Echo::start("green"));
    let modules = Modules::serve();
    let read = || Resources::read(Form::Native, &blue, &green, &modules);
    let start = |resources: &Resources, meant| {
        let text = resources.text([0, 1]);
        Gateway::start(&program, &text, resources.port(), meant)
    };
    everybody_gets(&start(&read().with_local_module(), decided), "green");
    assert_eq!(modules.asked(NATIVE), 0);
    // Envoy follows no redirect.
    let moved = read().with_redirect(&modules);
    everybody_gets(&start(&moved, undecided), "blue");
    assert!(modules.asked(MOVED) > 0);
    drop(start(&read().with_another_module_allowed(), failed));
}

/// The resources with a weight that the filter refuses.
fn refused(resources: &Resources) -> String {
    let text = resources.text([0, 1]);
    text.replace("\"weight\":1", "\"weight\":-1")
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

fn everybody_gets(gateway: &Gateway, version: &str) {
    for user in 0..20 {
        assert_eq!(who(&gateway.of_user(user)), version, "{user}");
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
    gateway.write(&refused(resources));
    gateway.says("refused");
    everybody_gets(gateway, "green");
}
