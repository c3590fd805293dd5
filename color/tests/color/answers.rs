//! The answers of the binary.

use std::io::Write;
use std::net::TcpListener;

use crate::support::{Answer, Running, command};
use serde_json::{Value, json};

const JSON: &str = "accept: application/json";

#[test]
fn it_prints_its_address() {
    let color = Running::start("blue");
    let expected = format!("color blue listening on 0.0.0.0:{}\n", color.address.port());
    assert_eq!(color.line, expected);
}

#[test]
fn it_listens_on_the_configured_address() {
    let color = Running::with(&[("COLOR", "blue"), ("HOST", "127.0.0.1"), ("PORT", "0")]);
    assert_eq!(
        color.line,
        format!(
            "color blue listening on 127.0.0.1:{}\n",
            color.address.port()
        )
    );
    color.ask("GET /", &[]).assert_page();
}

#[test]
fn every_path_answers_the_page() {
    let color = Running::start("blue");
    for path in [
        "/",
        "/color",
        "/color/",
        "/color/a/b?c=d",
        "/other",
        "//",
        "/healthz/",
        "/%00%ff",
    ] {
        let answer = color.ask(&format!("GET {path}"), &["accept: text/html,*/*;q=0.8"]);
        answer.assert_page();
        let headers = [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("vary", "accept"),
            ("set-cookie", "color=blue; Path=/; SameSite=Lax"),
            ("x-color", "blue"),
        ];
        for (name, value) in headers {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        for text in [
            "<title>Color: blue</title>",
            "background-color:blue",
            "test-host",
        ] {
            assert!(answer.body.contains(text), "{path}: {text}");
        }
    }
}

#[test]
fn json_is_the_answer_if_the_request_asks_for_it() {
    let color = Running::start("green");
    let answer = color.ask("GET /color", &[JSON]);
    assert_eq!(answer.status, "HTTP/1.1 200 OK");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("vary"), Some("accept"));
    assert!(
        answer
            .header("set-cookie")
            .unwrap()
            .starts_with("color=green;")
    );
    let expected = json!({"color": "green", "host": "test-host", "requests": 1});
    assert_eq!(
        serde_json::from_str::<Value>(&answer.body).unwrap(),
        expected
    );
}

#[test]
fn pages_and_json_are_counted_and_other_answers_are_not() {
    let color = Running::start("blue");
    for request in [
        "GET /",
        "GET /healthz",
        "HEAD /color",
        "GET /healthz",
        "POST /color",
    ] {
        color.ask(request, &[]);
    }
    let answer = color.ask("GET /", &[JSON]);
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer["requests"], 3);
    assert!(color.ask("GET /", &[]).body.contains(">4<"));
}

#[test]
fn health_is_ok_and_takes_only_reads() {
    let color = Running::start("blue");
    let answer = color.ask("GET /healthz", &[]);
    assert_eq!(
        (answer.status.as_str(), answer.body.as_str()),
        ("HTTP/1.1 200 OK", "ok\n")
    );
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.header("set-cookie"), None);

    let answer = color.ask("POST /healthz", &["content-length: 0"]);
    assert_eq!(answer.status, "HTTP/1.1 405 Method Not Allowed");
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
}

#[test]
fn head_has_the_headers_of_the_page_and_no_body() {
    let color = Running::start("blue");
    let page = color.ask("GET /color", &[]);
    let head = color.ask("HEAD /color", &[]);
    assert_eq!(head.status, page.status);
    assert_eq!(head.body, "");
    for name in [
        "content-type",
        "content-length",
        "set-cookie",
        "x-color",
        "cache-control",
        "vary",
    ] {
        assert!(head.header(name).is_some(), "{name}");
        assert_eq!(head.header(name), page.header(name), "{name}");
    }
}

#[test]
fn every_method_answers_the_page() {
    let color = Running::start("blue");
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
        color
            .ask(&format!("{method} /color"), &["content-length: 0"])
            .assert_page();
    }
}

#[test]
fn a_request_that_no_page_can_answer_is_refused_and_not_counted() {
    let color = Running::start("blue");
    let tunnel = color.ask("CONNECT example.com:80", &[]);
    assert_eq!(tunnel.status, "HTTP/1.1 501 Not Implemented");

    let mut stream = color.connect();
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: color\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        .unwrap();
    assert_eq!(
        Answer::read_to_end(stream).status,
        "HTTP/1.1 400 Bad Request"
    );

    let answer = color.ask("GET /", &[JSON]);
    assert!(answer.body.contains("\"requests\":1"), "{}", answer.body);
}

#[test]
fn a_large_body_is_read_and_the_connection_stays_usable() {
    let color = Running::start("blue");
    let mut stream = color.connect();
    let body = vec![b'x'; 4 << 20];
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: color\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(&body).unwrap();
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nhost: color\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let both = Answer::read_to_end(stream);
    assert_eq!(both.status, "HTTP/1.1 200 OK");
    assert!(both.body.contains("</html>\nHTTP/1.1 200 OK\r\n"));
    assert!(both.body.ends_with("ok\n"));
}

#[test]
fn hostile_text_breaks_neither_header_nor_page_nor_line() {
    let plain: Vec<String> = names(&Running::start("blue").ask("GET /", &[]));
    let texts = [
        "\"><script>alert(1)</script>",
        "red\r\nset-cookie: admin=1\r\n\r\n<script>",
        "red; path=/; domain=example.com",
        "red;} body{background:url(http://example.com)}",
        "\u{1b}[31m",
        "błękit",
        &"x".repeat(100_000),
    ];
    for text in texts {
        let color = Running::start(text);
        let answer = color.ask("GET /", &[]);
        answer.assert_page();
        assert_eq!(names(&answer), plain, "{text:?}");
        assert_eq!(
            answer.header("set-cookie").unwrap().matches(';').count(),
            2,
            "{text:?}"
        );
        assert_eq!(
            answer.body.matches("<script").count(),
            1,
            "{text:?}: the page's own"
        );
        let json = color.ask("GET /", &[JSON]);
        let json: Value = serde_json::from_str(&json.body).unwrap();
        let shown: String = text.chars().take(128).collect();
        assert_eq!(json["color"], shown.as_str());
    }
}

fn names(answer: &Answer) -> Vec<String> {
    answer
        .headers
        .iter()
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn a_bad_port_is_one_line_and_exit_code_1() {
    let output = command(&[("PORT", "http")]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "color: PORT must be a number from 0 to 65535, not \"http\"\n"
    );
}

#[test]
fn a_bad_address_is_one_line_and_exit_code_1() {
    let output = command(&[("HOST", "localhost")]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "color: HOST must be an IP address to listen on, not \"localhost\"\n"
    );
}

#[test]
fn a_taken_port_is_one_line_and_exit_code_1() {
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = command(&[("PORT", &port)]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("color: cannot listen on port {port}: address already in use\n")
    );
}
