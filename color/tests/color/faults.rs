//! `/color/faults`: a version that is bad on purpose.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Running};

const OK: &str = "HTTP/1.1 200 OK";
const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable";

fn set(color: &Running, faults: &Value) -> Answer {
    let answer = color.send("PUT /color/faults", faults.to_string().as_bytes());
    assert_eq!(answer.status, OK, "{}", answer.body);
    answer
}

fn faults(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn faults_are_read_as_they_were_set() {
    let color = Running::with_faults("green");
    let none = json!({"errorPercent": 0, "latencyMs": 0});
    let read = || color.ask("GET /color/faults", &[]);
    assert_eq!(faults(&read()), none);
    let some = json!({"errorPercent": 30, "latencyMs": 5});
    assert_eq!(faults(&set(&color, &some)), some);
    assert_eq!(faults(&read()), some);
    assert_eq!(read().header("x-color"), Some("green"));
    assert_eq!(faults(&set(&color, &json!({}))), none, "a PUT replaces all");
    let other = color.ask("POST /color/faults", &["content-length: 0"]);
    assert_eq!(other.status, "HTTP/1.1 405 Method Not Allowed");
}

#[test]
fn the_given_part_of_the_answers_fails_and_they_still_name_the_version() {
    let color = Running::with_faults("#0a0");
    set(&color, &json!({"errorPercent": 25}));
    let answers: Vec<_> = (0..100).map(|_| color.ask("GET /color", &[])).collect();
    let failed: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == UNAVAILABLE)
        .collect();
    assert!((22..=28).contains(&failed.len()), "{}", failed.len());
    for answer in &answers {
        assert_eq!(answer.header("x-color"), Some("#0a0"));
        assert_eq!(answer.header("x-color-faults"), Some("on"));
    }
    assert!(
        failed
            .iter()
            .all(|answer| answer.header("set-cookie").is_none()),
        "an error is no answer of the service"
    );
}

#[test]
fn a_version_that_fails_is_healthy_and_serves_the_wall_and_can_be_mended() {
    let color = Running::with_faults("green");
    set(&color, &json!({"errorPercent": 100}));
    let status = |request: &str| color.ask(request, &[]).status;
    for request in ["GET /color", "GET /", "HEAD /color", "GET /color/faults/"] {
        assert_eq!(status(request), UNAVAILABLE, "{request}");
    }
    for request in ["GET /healthz", "GET /color/wall", "GET /color/faults"] {
        assert_eq!(status(request), OK, "{request}");
    }
    set(&color, &json!({"errorPercent": 0}));
    color.ask("GET /color", &[]).assert_page();
}

#[test]
fn latency_delays_pages_and_nothing_else() {
    let color = Running::with_faults("green");
    set(&color, &json!({"latencyMs": 400}));
    let took = |request: &str| {
        let start = Instant::now();
        assert_eq!(color.ask(request, &[]).status, OK);
        start.elapsed()
    };
    assert!(took("GET /color") >= Duration::from_millis(400));
    for request in ["GET /healthz", "GET /color/wall", "GET /color/faults"] {
        assert!(took(request) < Duration::from_millis(400), "{request}");
    }
}

#[test]
fn a_hostile_body_is_refused_and_changes_nothing() {
    let color = Running::with_faults("green");
    let kept = json!({"errorPercent": 0, "latencyMs": 1});
    set(&color, &kept);
    let deep = "[".repeat(1000);
    let long = format!("{{\"errorPercent\": 100{}}}", " ".repeat(2000));
    let huge = "x".repeat(4 << 20);
    let cases: [(&str, &[u8], &str); 8] = [
        ("400 Bad Request", b"", "the body is not a JSON object\n"),
        (
            "400 Bad Request",
            b"{\"errorPercent\": 1",
            "the body is not a JSON object\n",
        ),
        (
            "400 Bad Request",
            &[0xff; 100],
            "the body is not a JSON object\n",
        ),
        (
            "400 Bad Request",
            deep.as_bytes(),
            "the body is not a JSON object\n",
        ),
        (
            "400 Bad Request",
            br#"{"errorPercent": 101}"#,
            "errorPercent is not an integer from 0 to 100\n",
        ),
        (
            "400 Bad Request",
            b"{\"<script>\\r\\n\": 1}",
            "the field \"<script>\\r\\n\" is unknown: there are errorPercent and latencyMs\n",
        ),
        (
            "413 Payload Too Large",
            long.as_bytes(),
            "the body is longer than 1024 bytes\n",
        ),
        (
            "413 Payload Too Large",
            huge.as_bytes(),
            "the body is longer than 1024 bytes\n",
        ),
    ];
    for (status, body, reason) in cases {
        let answer = color.send("PUT /color/faults", body);
        assert_eq!(answer.status, format!("HTTP/1.1 {status}"), "{reason}");
        assert_eq!(answer.body, reason);
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(faults(&color.ask("GET /color/faults", &[])), kept);
    }

    let mut stream = color.connect();
    stream
        .write_all(
            b"PUT /color/faults HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        )
        .unwrap();
    let broken = Answer::read_to_end(stream);
    assert_eq!(broken.status, "HTTP/1.1 400 Bad Request");
}

#[test]
fn without_the_switch_there_are_no_faults() {
    let color = Running::start("green");
    for request in ["GET /color/faults", "PUT /color/faults"] {
        let answer = color.send(request, br#"{"errorPercent": 100}"#);
        assert_eq!(answer.status, "HTTP/1.1 404 Not Found", "{request}");
        assert_eq!(
            answer.body,
            "faults are off: start color with COLOR_FAULTS=on\n"
        );
    }
    let page = color.ask("GET /color", &[]);
    page.assert_page();
    assert_eq!(page.header("x-color-faults"), None);
}
