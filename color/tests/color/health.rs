//! `color health`, which a container engine runs.

use std::io::Write;
use std::net::TcpListener;
use std::process::Output;
use std::thread;

use crate::support::{Running, command};

fn health(port: u16) -> Output {
    command(&[("PORT", &port.to_string())])
        .arg("health")
        .output()
        .unwrap()
}

#[test]
fn a_service_that_answers_is_healthy() {
    let running = Running::start("blue");
    let output = health(running.address.port());
    assert!(output.status.success(), "{output:?}");
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[test]
fn a_service_that_does_not_answer_is_not_healthy() {
    let port = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let output = health(port);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.starts_with(&format!("color: not healthy on port {port}: ")),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn another_answer_than_200_is_not_healthy() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
            .unwrap();
    });
    assert_eq!(health(port).status.code(), Some(1));
}

#[test]
fn another_argument_is_refused() {
    let output = command(&[("PORT", "0")]).arg("healthy").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        output.stderr,
        b"color: unknown argument \"healthy\": there is only `health`\n"
    );
}
