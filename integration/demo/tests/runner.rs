//! The demo as a user runs it, on ports and in a folder of its own. `make integration` sets up what these tests need.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: a failure ends the test and names the line"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "not the core: it waits for the demo"
)]

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use launch::envoy;
use launch::http1::{self, Connection};

/// The ports of the documentation.
const USUAL: [u16; 4] = [8080, 9901, 8081, 8082];

/// The variables for the listener, the admin page and the two Colors.
const VARIABLES: [&str; 4] = ["PORT", "ADMIN_PORT", "BLUE_PORT", "GREEN_PORT"];

/// A folder and ports for one demo.
struct Place {
    folder: PathBuf,
    ports: [u16; 4],
    native: bool,
}

impl Place {
    /// The same for a demo with the native module.
    fn native(test: &str) -> Self {
        Self {
            native: true,
            ..Self::new(test)
        }
    }

    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        // All four are open at the same time, so that they differ.
        let free = USUAL.map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let ports = free.map(|listener| listener.local_addr().unwrap().port());
        // A program that another test is starting holds copies of the listeners until it runs.
        eventually("the ports are free", || are_free(&ports));
        Self {
            folder,
            ports,
            native: false,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        command
            .current_dir(launch::root())
            .env_remove("CARGO_MANIFEST_DIR")
            .env("CANARY_NATIVE", if self.native { "1" } else { "" })
            .env("CANARY_DEMO", &self.folder);
        for (variable, port) in VARIABLES.iter().zip(self.ports) {
            command.env(format!("CANARY_{variable}"), port.to_string());
        }
        command
    }

    fn start(&self) -> Demo {
        let output = self.folder.join("output");
        let file = File::create(&output).unwrap();
        let mut command = self.command();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        let mut demo = Demo(command.stdin(Stdio::null()).spawn().unwrap());
        eventually("the demo answers", || {
            let said = || fs::read_to_string(&output).unwrap();
            assert!(demo.0.try_wait().unwrap().is_none(), "{}", said());
            http1::get(self.listener(), "/color").is_ok_and(|answer| answer.status == 200)
        });
        demo
    }

    fn listener(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports[0]).into()
    }

    /// The filter's gauge of green's share, in 1/10,000.
    fn share_of_green(&self) -> u64 {
        let stats = envoy::stats((Ipv4Addr::LOCALHOST, self.ports[1]).into()).unwrap();
        stats["wasmcustom.canary_weight.route=.=color;.;subset=.=green-sub;.;"]
    }

    /// `make weights` for this demo, with the programs that cargo has built for the tests.
    fn make_weights(&self, blue: u32, green: u32) -> Output {
        let programs = Path::new(env!("CARGO_BIN_EXE_demo")).parent().unwrap();
        Command::new("make")
            .current_dir(launch::root())
            // A make may run this test. The one here is independent of it.
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .args(["-s", "weights", "parts=true"])
            .args([format!("BLUE={blue}"), format!("GREEN={green}")])
            .arg(format!("PROGRAMS={}", programs.display()))
            .arg(format!("DEMO={}", self.folder.display()))
            .arg(format!("COMPOSE={}/none", self.folder.display()))
            .output()
            .unwrap()
    }
}

struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn are_free(ports: &[u16]) -> bool {
    let mut ports = ports.iter();
    ports.all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "not within 30 s: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_demo_and_make_weights_work_on_other_ports_while_the_usual_ones_are_taken() {
    // Whatever is already taken is taken by something else, which is as good.
    let _taken = USUAL.map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
    let place = Place::new("other_ports");
    let demo = place.start();
    // `make weights` returns once the filter has acted on the weights, which its gauge shows.
    for (blue, green) in [(50, 50), (100, 0), (0, 100)] {
        let changed = place.make_weights(blue, green);
        assert!(changed.status.success(), "{}", stderr(&changed));
        assert_eq!(place.share_of_green(), u64::from(green) * 100);
    }
    let mut connection = Connection::open(place.listener()).unwrap();
    let json: [(&str, &[u8]); 1] = [("accept", b"application/json")];
    for _ in 0..50 {
        let answer = connection.get("/color", &json).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.contains("green"), "{answer:?}");
    }
    drop(demo);
}

/// Sets the part of green's answers that fails, through the gateway.
fn let_green_fail(place: &Place, percent: u32) {
    let body = format!(r#"{{"errorPercent": {percent}}}"#);
    let request = format!(
        "PUT /color/faults HTTP/1.1\r\nhost: demo\r\nx-color-version: green-sub\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = Connection::open(place.listener()).unwrap();
    let answer = connection.send(request.as_bytes()).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-color"), Some("green"));
}

/// The status of a hundred answers, and whether each is green's.
fn versions(connection: &mut Connection) -> Vec<(u16, bool)> {
    let answers = (0..100).map(|_| connection.get("/color", &[]).unwrap());
    answers
        .map(|answer| (answer.status, answer.header("x-color") == Some("green")))
        .collect()
}

fn all_blue(seen: &[(u16, bool)]) -> bool {
    seen.iter().all(|version| *version == (200, false))
}

fn green_is_well(seen: &[(u16, bool)]) -> bool {
    seen.iter().any(|(_, green)| *green) && seen.iter().all(|(status, _)| *status == 200)
}

#[test]
fn a_failing_green_leaves_stays_out_under_other_weights_and_comes_back_once_it_is_mended() {
    rolls_back(&Place::new("rollback"));
}

#[test]
fn the_demo_with_the_native_module_shows_the_same() {
    rolls_back(&Place::native("rollback_native"));
}

fn rolls_back(place: &Place) {
    let demo = place.start();
    let mut connection = Connection::open(place.listener()).unwrap();
    let_green_fail(place, 100);
    eventually("green is out", || all_blue(&versions(&mut connection)));
    // The first try comes after the 5 s of `retryAfter`.
    let before_the_try = Instant::now() + Duration::from_secs(4);
    assert!(place.make_weights(50, 50).status.success());
    while Instant::now() < before_the_try {
        let seen = versions(&mut connection);
        assert!(
            all_blue(&seen) || Instant::now() > before_the_try,
            "other weights leave green out"
        );
        thread::sleep(Duration::from_millis(100));
    }
    assert!(place.make_weights(100, 0).status.success());
    let_green_fail(place, 0);
    assert!(place.make_weights(75, 25).status.success());
    eventually("green is back", || {
        green_is_well(&versions(&mut connection))
    });
    drop(demo);
}

#[test]
fn a_green_that_is_mended_comes_back_by_itself() {
    let place = Place::new("retry");
    let demo = place.start();
    let mut connection = Connection::open(place.listener()).unwrap();
    let_green_fail(&place, 100);
    eventually("green is out", || all_blue(&versions(&mut connection)));
    let_green_fail(&place, 0);
    eventually("green is back", || {
        green_is_well(&versions(&mut connection))
    });
    drop(demo);
}

#[test]
fn make_weights_says_that_a_killed_demo_does_not_run() {
    let place = Place::new("killed");
    let demo = place.start();
    let running = || place.command().arg("running").status().unwrap();
    assert!(running().success());
    // `Child::kill` is SIGKILL: the runner cannot clean up.
    drop(demo);
    assert!(place.folder.join("canary.yaml").is_file());
    assert!(!running().success());
    let refused = place.make_weights(50, 50);
    assert!(!refused.status.success());
    let said = stderr(&refused);
    assert!(
        said.contains("the demo does not run: start it with make demo or make up"),
        "{said}"
    );
    let weights = fs::read_to_string(place.folder.join("canary.yaml")).unwrap();
    assert!(weights.contains(r#""weight": 75"#), "{weights}");
    // Nothing of the killed demo is left, so that it starts again.
    eventually("the ports are free again", || are_free(&place.ports));
    drop(place.start());
}

#[test]
fn a_second_demo_in_the_same_folder_is_refused() {
    let place = Place::new("twice");
    let _demo = place.start();
    let other = Place {
        folder: place.folder.clone(),
        ..Place::new("twice_other")
    };
    let refused = other.command().output().unwrap();
    let said = stderr(&refused);
    assert!(
        said.starts_with("demo: a demo already runs in ") && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn a_taken_port_is_refused_in_one_line_that_says_how_to_choose_another() {
    for (at, variable) in VARIABLES.iter().enumerate() {
        let place = Place::new(&format!("taken_{variable}"));
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, place.ports[at])).unwrap();
        let refused = place.command().output().unwrap();
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        let port = taken.local_addr().unwrap().port();
        assert!(
            said.starts_with(&format!("demo: port {port} is taken")) && said.lines().count() == 1,
            "{said}"
        );
        assert!(said.contains(&format!("make demo {variable}=")), "{said}");
    }
}

#[test]
fn all_taken_ports_are_named_at_once() {
    let place = Place::new("taken_all");
    let _taken = place
        .ports
        .map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
    let said = stderr(&place.command().output().unwrap());
    assert_eq!(said.lines().count(), 1, "{said}");
    for (variable, port) in VARIABLES.iter().zip(place.ports) {
        assert!(said.contains(&format!("port {port} is taken")), "{said}");
        assert!(said.contains(&format!(" {variable}=")), "{said}");
    }
}
