//! The filter handles every request, whatever it contains.

use proptest::prelude::*;

use crate::rule;
use crate::support::{Lines, Proxy, Vm, lines};

/// A configuration with every kind of condition, key and output.
fn everything() -> String {
    let members = r#"
        "match": [
            {"uri": {"regex": "/(a|b)*"}, "headers": {"x-a": {"regex": "[^b]*"}}},
            {"uri": {"prefix": "/C"}, "ignoreUriCase": true, "queryParams": {"q": {"prefix": "a"}}},
            {"method": {"exact": "GET"}, "scheme": {"prefix": "h"}, "authority": {"regex": ".+"}},
            {"withoutHeaders": {"x-b": {"exact": ""}, "x-c": {}}}
        ],
        "consistentHash": [
            {"httpHeaderName": "x-u"}, {"httpQueryParameterName": "u"},
            {"httpCookie": {"name": "id", "ttl": "0s"}}
        ],"#;
    rule(
        r#""clusterHeader": "x-k", "subsetHeader": "x-s", "responseHeader": "x-r", "filterState": true,"#,
        members,
        [1, 1],
    )
}

#[test]
fn malformed_requests_are_handled() {
    let long = "a".repeat(60_000);
    let cases: &[Lines] = &[
        lines::<&str>(&[]),
        lines(&[(":path", "")]),
        lines(&[(":path", "*"), (":method", "OPTIONS")]),
        lines(&[(":method", "CONNECT"), (":authority", "a:443")]),
        lines(&[(":path", b"/\xff\xfe\x00")]),
        lines(&[
            (":path", &b"/a?u=\xff&q=\x80"[..]),
            ("x-a", &b"\xff"[..]),
            ("x-u", &b"\xc3"[..]),
        ]),
        lines(&[
            (":path", "/a"),
            ("x-a", ""),
            ("x-b", ""),
            ("x-c", ""),
            ("x-u", ""),
        ]),
        lines(&[
            (":path", &b"/a"[..]),
            ("cookie", &b"id=\xff; \"; =; id"[..]),
            ("cookie", &b";;;="[..]),
        ]),
        lines(&[
            (":path", long.as_str()),
            ("x-a", &long),
            ("x-u", &long),
            ("cookie", &long),
        ]),
        lines(&[
            (":path", "?"),
            ("x-k", "a"),
            ("x-k", "b"),
            ("x-s", "c"),
            ("x-r", "d"),
        ]),
    ];
    let mut vm = Vm::with(&everything());
    for request in cases {
        vm.exchange(request.clone(), lines(&[(":status", "200")]));
    }
    assert_eq!(
        vm.send(&[(":path", "/a"), ("x-a", "a")]).sent("x-k").len(),
        1,
        "the filter still works"
    );
}

#[test]
fn a_response_may_come_without_its_request() {
    // If an earlier filter answers, Envoy does not show the request to this one.
    let mut vm = Vm::with(&everything());
    let stream = vm.open();
    let answer = stream.response(lines(&[(":status", "403"), ("x-r", "upstream")]));
    assert_eq!(answer, lines(&[(":status", "403")]));
    stream.delete();
}

#[test]
fn a_request_may_end_before_its_response() {
    let mut vm = Vm::with(&everything());
    for _ in 0..3 {
        let stream = vm.open();
        stream.request(lines(&[(":path", "/a")]));
        stream.delete();
    }
    vm.open().delete();
    vm.send(&[(":path", "/a")]);
}

#[test]
fn any_plugin_name_works() {
    let mut vm = Vm::start();
    Proxy::with(|proxy| {
        proxy
            .properties
            .insert("plugin_name".to_owned(), b"\xff\xfe".to_vec())
    });
    assert!(vm.configure(everything()));
    Proxy::with(|proxy| proxy.properties.remove("plugin_name"));
    assert!(vm.configure("bad"));
}

fn line() -> impl Strategy<Value = (String, Vec<u8>)> {
    let names = [
        ":path",
        ":method",
        ":scheme",
        ":authority",
        "x-a",
        "x-b",
        "x-c",
        "x-u",
        "cookie",
        "x-k",
        "x-s",
        "x-r",
    ];
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "(/|[abC?&=;\" ]|id=|u=|q=){0,12}".prop_map(String::into_bytes),
    ];
    (
        prop::sample::select(names.map(str::to_owned).to_vec()),
        value,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_get_at_most_one_decision(
        requests in prop::collection::vec((prop::collection::vec(line(), 0..12), prop::collection::vec(line(), 0..3)), 1..20),
    ) {
        let mut vm = Vm::start();
        vm.configure(everything());
        for (request, response) in requests {
            let done = vm.exchange(request, response);
            let (cluster, subset, header) = (done.sent("x-k"), done.sent("x-s"), done.answered("x-r"));
            prop_assert_eq!((cluster.len(), subset.len()), (header.len(), header.len()));
            if let [cluster] = &cluster[..] {
                prop_assert_eq!(cluster, &format!("outbound|80|{}|c.d", subset[0]));
                let prefix = format!("route=color;subset={};reason=", subset[0]);
                prop_assert!(header[0].starts_with(&prefix), "{}", header[0]);
            }
        }
    }
}
