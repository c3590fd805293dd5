//! `make up`, `make weights`, `make down`.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use integration::http1::{Connection, Response};
use integration::{GREEN, eventually};
use serde_json::Value;

use crate::engine::{attempt, engine, run};
use crate::stand_in;

/// What `make up` has started; it ends with the value.
struct Up {
    envoy_image: String,
}

impl Up {
    fn start() -> Self {
        let up = Self {
            envoy_image: stand_in::envoy_image(),
        };
        make(&["up", &format!("ENVOY_IMAGE={}", up.envoy_image)]);
        up
    }

    fn container(service: &str) -> Value {
        let label = "label=com.docker.compose.project=canary";
        let service = format!("label=com.docker.compose.service={service}");
        let id = run(
            &engine(),
            &["ps", "-q", "--filter", label, "--filter", &service],
        );
        assert_eq!(id.lines().count(), 1, "{service}: {id:?}");
        let inspected: Value = serde_json::from_str(&run(&engine(), &["inspect", &id])).unwrap();
        inspected[0].clone()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if thread::panicking() {
            let container =
                attempt(&engine(), &["ps", "-q", "--filter", "name=envoy"]).unwrap_or_default();
            eprintln!(
                "{:?}",
                attempt(&engine(), &["logs", "--tail", "20", &container])
            );
        }
        let down = attempt("make", &["-s", "down"]);
        stand_in::remove(&self.envoy_image);
        if !thread::panicking() {
            down.unwrap();
        }
    }
}

fn make(arguments: &[&str]) {
    run("make", &[&["-s"], arguments].concat());
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// Who answers, on this connection.
fn color(connection: &mut Connection, headers: &[(&str, &[u8])]) -> String {
    let headers = [&[("accept", &b"application/json"[..])], headers].concat();
    let answer: Response = connection.get("/color", &headers).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["color"].as_str().unwrap().to_owned()
}

fn greens(connection: &mut Connection, requests: usize) -> usize {
    (0..requests)
        .filter(|_| color(connection, &[]) == "green")
        .count()
}

#[test]
fn the_demo_runs_in_containers_and_its_weights_change_live() {
    let up = Up::start();
    for service in ["envoy", "blue", "green"] {
        let container = Up::container(service);
        eventually(&format!("{service} is healthy"), || {
            (Up::container(service)["State"]["Health"]["Status"] == "healthy").then_some(())
        });
        assert_ne!(container["Config"]["User"], "", "{service}");
        assert_eq!(container["HostConfig"]["ReadonlyRootfs"], true, "{service}");
        let ports = container["NetworkSettings"]["Ports"].as_object().unwrap();
        for binding in ports.values().filter_map(Value::as_array).flatten() {
            assert_eq!(
                binding["HostIp"], "127.0.0.1",
                "{service}: open to this machine only"
            );
        }
    }

    let mut connection = Connection::open(local(8080)).unwrap();
    // 1 000 at one in four, within five standard deviations (13.7 each).
    let green = greens(&mut connection, 1_000);
    assert!((182..=318).contains(&green), "{green} of 1000");
    assert_eq!(connection.get("/", &[]).unwrap().status, 404);

    weights(&mut connection, "0", "100", 100);
    weights(&mut connection, "100", "0", 0);
    // Nobody steers it.
    assert_eq!(
        color(&mut connection, &[("x-canary-cluster", GREEN.as_bytes())]),
        "blue"
    );

    for port in [8081, 8082] {
        assert_eq!(
            integration::http1::get(local(port), "/healthz")
                .unwrap()
                .status,
            200
        );
    }
    assert_eq!(
        integration::http1::get(local(9901), "/ready")
            .unwrap()
            .status,
        200
    );
    drop(up);
    for port in [8080, 8081, 8082, 9901] {
        assert!(
            Connection::open(local(port)).is_err(),
            "{port} is still open"
        );
    }
    let left = run(
        &engine(),
        &[
            "ps",
            "-aq",
            "--filter",
            "label=com.docker.compose.project=canary",
        ],
    );
    assert_eq!(left, "");
}

/// Changes the weights and waits until they hold, at most two seconds; not one request fails.
fn weights(connection: &mut Connection, blue: &str, green: &str, greens_of_100: usize) {
    make(&[
        "weights",
        &format!("BLUE={blue}"),
        &format!("GREEN={green}"),
    ]);
    let end = Instant::now() + Duration::from_secs(2);
    while greens(connection, 100) != greens_of_100 {
        assert!(
            Instant::now() < end,
            "{blue}/{green} does not hold after two seconds"
        );
    }
}
