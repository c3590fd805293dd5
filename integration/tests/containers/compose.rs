//! `make up`, `make weights` and `make down`, on ports and in a project of their own, so that they can run beside a demo.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use harness::http1::{Connection, Response};
use harness::{GREEN, eventually};
use serde_json::Value;

use crate::engine::{attempt, engine, run};
use crate::stand_in;

/// The name of the containers' project.
const PROJECT: &str = "canary-test";

/// The variables for the listener, the admin page and the two Colors.
const VARIABLES: [&str; 4] = ["PORT", "ADMIN_PORT", "BLUE_PORT", "GREEN_PORT"];

/// The containers of `make up`, which end when the value is dropped.
struct Up {
    envoy_image: String,
    ports: [u16; 4],
}

impl Up {
    fn start() -> Self {
        let free = VARIABLES.map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let up = Self {
            envoy_image: stand_in::envoy_image(),
            ports: free.map(|listener| listener.local_addr().unwrap().port()),
        };
        up.make(&["up"]).unwrap();
        up
    }

    /// A target of the Makefile for these containers alone.
    fn make(&self, arguments: &[&str]) -> Result<String, String> {
        let mut all: Vec<_> = ["-s"]
            .iter()
            .chain(arguments)
            .map(ToString::to_string)
            .collect();
        all.extend([
            format!("ENVOY_IMAGE={}", self.envoy_image),
            format!("PROJECT={PROJECT}"),
            format!("COMPOSE=target/{PROJECT}"),
            format!("DEMO=target/{PROJECT}/none"),
        ]);
        let ports = VARIABLES.iter().zip(self.ports);
        all.extend(ports.map(|(variable, port)| format!("{variable}={port}")));
        attempt("make", &all)
    }

    fn container(service: &str) -> Value {
        let label = format!("label=com.docker.compose.project={PROJECT}");
        let service = format!("label=com.docker.compose.service={service}");
        let id = run(
            &engine(),
            &["ps", "-q", "--filter", &label, "--filter", &service],
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
        let down = self.make(&["down"]);
        stand_in::remove(&self.envoy_image);
        if !thread::panicking() {
            down.unwrap();
        }
    }
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// The colour of the version that answers on this connection.
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

    let [listener, admin, blue, green] = up.ports;
    let mut connection = Connection::open(local(listener)).unwrap();
    // 1 000 at one in four, within five standard deviations (13.7 each).
    let answered = greens(&mut connection, 1_000);
    assert!((182..=318).contains(&answered), "{answered} of 1000");
    assert_eq!(connection.get("/", &[]).unwrap().status, 404);

    weights(&up, &mut connection, [0, 100]);
    weights(&up, &mut connection, [100, 0]);
    // A client cannot choose the version by the header.
    assert_eq!(
        color(&mut connection, &[("x-canary-cluster", GREEN.as_bytes())]),
        "blue"
    );

    for port in [blue, green] {
        assert_eq!(
            harness::http1::get(local(port), "/healthz").unwrap().status,
            200
        );
    }
    assert_eq!(
        harness::http1::get(local(admin), "/ready").unwrap().status,
        200
    );
    up.make(&["down"]).unwrap();
    let refused = up.make(&["weights", "BLUE=50", "GREEN=50"]).unwrap_err();
    assert!(refused.contains("the demo does not run"), "{refused}");
    drop(up);
    for port in [listener, admin, blue, green] {
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
            &format!("label=com.docker.compose.project={PROJECT}"),
        ],
    );
    assert_eq!(left, "");
}

/// Changes the weights to 0 and 100 or back, and checks that they are in force within two seconds and no request fails.
fn weights(up: &Up, connection: &mut Connection, [blue, green]: [usize; 2]) {
    let (blue, greens_of_100) = (format!("BLUE={blue}"), green);
    up.make(&["weights", &blue, &format!("GREEN={green}")])
        .unwrap();
    let end = Instant::now() + Duration::from_secs(2);
    while greens(connection, 100) != greens_of_100 {
        assert!(
            Instant::now() < end,
            "{blue} and GREEN={green} are not in force after two seconds"
        );
    }
}
