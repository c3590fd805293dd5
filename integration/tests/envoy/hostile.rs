//! Whatever a client sends, it gets an answer, and the virtual machine keeps running.

use harness::http2::{self, Answer};
use harness::{Echo, Envoy, GREEN, Setup, manager};
use serde_json::{Value, json};

use crate::support::{World, no_vm_restarted, route_everything, rule};

/// A rule that reads the request in every possible way, before a rule that matches everything.
fn curious() -> String {
    let reads = [
        json!({"uri": {"regex": "/[\\x00-~]*(no)?match\\xff"}}),
        json!({"uri": {"exact": "/COLOR/never"}, "ignoreUriCase": true}),
        json!({"method": {"regex": "x.*"}}),
        json!({"scheme": {"exact": "ftp"}}),
        json!({"authority": {"regex": "(a|b)+\\.never"}}),
        json!({"headers": {"x-a": {"exact": "never"}, ":path": {"regex": ".*never"}}}),
        json!({"headers": {"x-a": {"regex": ".*never"}}}),
        json!({"headers": {"x-b": {"prefix": "never"}, "cookie": {}}}),
        json!({"withoutHeaders": {"x-a": {}, "host": {}}}),
        json!({"withoutHeaders": {"x-a": {"regex": ".*"}}, "headers": {"x-never": {}}}),
        json!({"queryParams": {"q": {"exact": "never"}}}),
        json!({"queryParams": {"q": {"regex": "(n|e|v|r)+"}}}),
    ];
    let curious = json!({"name": "curious", "match": reads, "route": [{"cluster": GREEN}]});
    let mut decides = rule("color", 0, 1);
    decides["match"] = json!([{"uri": {"prefix": "/"}}]);
    json!({
        "http": [curious, decides],
        "responseHeader": "x-canary-decision",
        "subsetHeader": "x-canary-subset",
        "clusterHeader": "x-canary-cluster",
        "filterState": true
    })
    .to_string()
}

fn start(change: fn(&mut Value)) -> World {
    World::start(&Setup {
        change,
        ..Setup::new(curious())
    })
}

/// Nothing broke, and the filter decides the next request.
fn still_well(envoy: &Envoy, green: &Echo) {
    no_vm_restarted(envoy);
    let before = green.served();
    for _ in 0..8 {
        let answer = envoy.get("/color");
        assert_eq!(
            answer.header("x-canary-decision"),
            Some("route=color;subset=green-sub;reason=only;share=10000")
        );
    }
    assert_eq!(green.served(), before + 8);
    let log = envoy.log();
    for word in [
        "panicked",
        "[critical]",
        "Proxy-Wasm plugin in-VM backtrace",
        "unreachable",
    ] {
        assert!(!log.contains(word), "{word} in\n{log}");
    }
}

/// Header lines of up to about 60 KB and of all kinds of bytes, under names that the rules use and others.
fn header_tables() -> Vec<Vec<(&'static str, Vec<u8>)>> {
    let bytes = |byte: u8, n: usize| vec![byte; n];
    let mut tables = vec![vec![]];
    for name in [
        "x-a",
        "x-b",
        "cookie",
        "x-canary-cluster",
        "x-canary-subset",
        "x-other",
        "accept",
        "user-agent",
    ] {
        for value in [
            bytes(0, 0),
            bytes(b' ', 3),
            bytes(0xff, 1),
            b"\xc3\x28\xa0\xa1\xe2\x28\xa1".to_vec(),
            (0x80..=0xff).collect(),
            bytes(b'a', 8_000),
            bytes(b'a', 50_000),
            bytes(0xff, 50_000),
        ] {
            tables.push(vec![(name, value.clone())]);
            if value.len() < 20_000 {
                tables.push(vec![
                    (name, value.clone()),
                    (name, value.clone()),
                    (name, b"never".to_vec()),
                ]);
                tables.push(vec![(name, Vec::new()), (name, value)]);
            }
        }
    }
    tables.push((0..90).map(|_| ("x-a", b"b".to_vec())).collect());
    tables.push((0..60).map(|_| ("x-a", bytes(b'v', 900))).collect());
    tables
}

fn paths() -> Vec<Vec<u8>> {
    let mut paths: Vec<Vec<u8>> = [
        &b"/color"[..],
        b"/",
        b"/color?",
        b"/color?q",
        b"/color?q=",
        b"/color?q&q=never",
        b"/color?&&==&q=%ff",
        b"/color?q=a?q=b#c",
        b"/color/%00%ff%2f%2e",
        b"/color/../../..",
        b"/color;v=1",
        b"*",
        b"color",
        b"",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    for raw in [
        &b"\xff"[..],
        b"\x80\x81",
        b"\xc3",
        b"\xf0\x9f\x8d\x8a",
        b"\xed\xa0\x80",
    ] {
        paths.push([b"/color/", raw].concat());
        paths.push([b"/color?q=", raw].concat());
        paths.push([b"/", raw].concat());
        paths.push([b"/color?", raw, b"=1"].concat());
    }
    for long in [8_000, 50_000] {
        paths.push([&b"/color/"[..], &vec![b'a'; long]].concat());
        paths.push([&b"/color?q="[..], &vec![b'n'; long]].concat());
        paths.push([&b"/color/"[..], &vec![0xff; long]].concat());
    }
    paths
}

fn borrowed<'a>(headers: &'a [(&'static str, Vec<u8>)]) -> Vec<(&'static str, &'a [u8])> {
    headers
        .iter()
        .map(|(name, value)| (*name, value.as_slice()))
        .collect()
}

#[test]
fn any_headers_over_http1_are_answered() {
    let world = start(route_everything);
    for headers in header_tables() {
        let answer = world.envoy.connect().get("/color", &borrowed(&headers));
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {headers:?}"));
        assert_eq!(answer.status, 200, "{headers:?} {answer:?}");
        assert!(
            answer
                .header("x-canary-decision")
                .is_some_and(|decision| decision.ends_with("reason=only;share=10000"))
        );
        assert!(answer.body.starts_with("green\n"), "{headers:?} {answer:?}");
    }
    still_well(&world.envoy, &world.green);
}

#[test]
fn any_headers_over_http2_are_answered() {
    let world = start(route_everything);
    for headers in header_tables() {
        let answer = http2::get(world.envoy.address(), b"/color", &borrowed(&headers)).unwrap();
        let Answer::Response {
            status: 200, body, ..
        } = &answer
        else {
            panic!("{headers:?}: {answer:?}")
        };
        assert!(body.starts_with("green\n"), "{body}");
    }
    still_well(&world.envoy, &world.green);
}

#[test]
fn any_path_over_http1_is_answered() {
    let world = start(route_everything);
    for path in paths() {
        let answer = world.envoy.connect().get(&path, &[]);
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {path:?}"));
        assert!(
            [200, 307, 400].contains(&answer.status),
            "{answer:?}: {path:?}"
        );
    }
    still_well(&world.envoy, &world.green);
}

#[test]
fn any_path_over_http2_is_answered() {
    for change in [route_everything, as_sent] {
        let world = start(change);
        let mut raw = 0;
        for path in paths() {
            let shown = String::from_utf8_lossy(&path[..path.len().min(60)]).into_owned();
            let answer = http2::get(world.envoy.address(), &path, &[])
                .unwrap_or_else(|error| panic!("{error}: {shown}"));
            let served = matches!(answer, Answer::Response { status: 200, .. });
            let refused = matches!(
                answer,
                Answer::Response {
                    status: 307 | 400,
                    ..
                } | Answer::Reset(_)
            );
            // Only values that are not a path.
            let closed = answer == Answer::Closed && !path.starts_with(b"/");
            assert!(served || refused || closed, "{answer:?}: {shown}");
            raw += u32::from(served && path.contains(&0xff));
        }
        assert!(raw >= 3, "{raw} paths with 0xff have reached the filter");
        still_well(&world.envoy, &world.green);
    }
}

/// Without normalization, so that the filter sees the bytes as sent.
fn as_sent(bootstrap: &mut Value) {
    route_everything(bootstrap);
    let manager = manager(bootstrap);
    for field in [
        "normalize_path",
        "merge_slashes",
        "path_with_escaped_slashes_action",
    ] {
        manager.remove(field).unwrap();
    }
}

#[test]
fn more_than_60_kb_of_headers_is_envoys_431_and_less_is_served() {
    let world = start(route_everything);
    for (kib, status) in [(58, 200), (62, 431)] {
        let value = vec![b'a'; kib << 10];
        let answer = world
            .envoy
            .connect()
            .get("/color", &[("x-a", &value)])
            .unwrap();
        assert_eq!(answer.status, status, "{kib} KiB");
    }
    still_well(&world.envoy, &world.green);
}

#[test]
fn malformed_http_is_answered_or_refused() {
    let world = start(route_everything);
    for (request, statuses) in [
        (&b"GET /color HTTP/1.0\r\n\r\n"[..], &[426][..]),
        (b"GET /color HTTP/1.1\r\n\r\n", &[400]),
        (b"GET /color HTTP/1.1\r\nhost:\r\n\r\n", &[200, 400]),
        (b"GET /color HTTP/1.1\r\nhost: \xff\r\n\r\n", &[200, 400]),
        (
            b"GET /color HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            &[200, 400],
        ),
        (
            b"GET http://other.test/color HTTP/1.1\r\nhost: a\r\n\r\n",
            &[200],
        ),
        (b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", &[200, 400, 404]),
        (
            b"CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n",
            &[400, 403, 404],
        ),
        (b"BREW /color HTTP/1.1\r\nhost: a\r\n\r\n", &[200, 400]),
        (b"GET /color HTTP/1.1\r\nhost: a\r\nx-a\r\n\r\n", &[400]),
        (
            b"GET /color HTTP/1.1\r\nhost: a\r\nx-a: \x00\r\n\r\n",
            &[400],
        ),
        (b"\x16\x03\x01\x00\xa5\x01\r\n\r\n", &[400]),
    ] {
        let shown = String::from_utf8_lossy(request);
        let answer = world
            .envoy
            .connect()
            .send(request)
            .unwrap_or_else(|error| panic!("{shown:?}: {error}"));
        assert!(statuses.contains(&answer.status), "{shown:?}: {answer:?}");
    }
    still_well(&world.envoy, &world.green);
}

/// The SDK reads all names of a header map as text, so Envoy must not let any other name in.
#[test]
fn a_header_name_that_is_not_text_never_reaches_the_filter() {
    let mut reads_all = rule("color", 0, 1);
    reads_all["match"] = json!([{"headers": {"x-a": {"exact": "2"}}}]);
    // The filter also reads an answer's headers before it issues a cookie.
    reads_all["consistentHash"] = json!([{"httpCookie": {"name": "id", "ttl": "0s"}}]);
    let policy = json!({"http": [reads_all], "responseHeader": "x-canary-decision"}).to_string();
    let world = World::start(&Setup {
        change: route_everything,
        ..Setup::new(policy)
    });
    for name in [
        &b"x-\xff"[..],
        b"x-\xc3\x28",
        b"\xff",
        b"x-\x80a",
        "x-\u{e9}".as_bytes(),
    ] {
        let shown = String::from_utf8_lossy(name);
        let sent = [
            b"GET /color HTTP/1.1\r\nhost: a\r\nx-a: 1\r\nx-a: 2\r\n",
            name,
            b": 1\r\n\r\n",
        ]
        .concat();
        assert_eq!(
            world.envoy.connect().send(&sent).unwrap().status,
            400,
            "{shown}"
        );

        let headers = [(&b"x-a"[..], &b"1"[..]), (b"x-a", b"2"), (name, b"1")];
        let answer = http2::get_raw(world.envoy.address(), b"/color", &headers).unwrap();
        assert!(
            matches!(answer, Answer::Reset(_) | Answer::Closed),
            "{shown}: {answer:?}"
        );

        let upstreams = [name, b": 1"].concat();
        let headers = [("x-a", &b"1"[..]), ("x-a", b"2"), ("x-answer", &upstreams)];
        let answer = world.envoy.connect().get("/color", &headers).unwrap();
        assert_eq!(answer.status, 502, "{shown}: {answer:?}");
    }
    let answer = world
        .envoy
        .connect()
        .get("/color", &[("x-a", b"1"), ("x-a", b"2")])
        .unwrap();
    assert!(
        answer.header("set-cookie").is_some() && answer.body.starts_with("green\n"),
        "{answer:?}"
    );
    no_vm_restarted(&world.envoy);
}
