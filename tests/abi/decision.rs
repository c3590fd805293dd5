//! Where the filter writes a decision, and that it leaves nobody else's there.

use std::collections::BTreeSet;

use crate::support::{Proxy, Vm, lines};
use crate::{color, rule};

const GREEN: &str = "outbound|80|green-sub|c.d";

#[test]
fn a_client_cannot_choose_the_cluster() {
    let mut vm = Vm::with(&color(""));
    for (path, sent) in [("/color", &[GREEN][..]), ("/other", &[])] {
        for client in [&[][..], &["a"], &[""], &["a", "b", "c"]] {
            let mut request = vec![(":path", path)];
            request.extend(client.iter().map(|value| ("x-canary-cluster", *value)));
            assert_eq!(
                vm.send(&request).sent("x-canary-cluster"),
                sent,
                "{path} {client:?}"
            );
        }
    }
}

#[test]
fn every_configured_header_is_written_or_removed() {
    let mut vm = Vm::with(&color(r#""clusterHeader": "x-c", "subsetHeader": "X-S","#));
    let client = [
        ("x-c", "a"),
        ("x-s", "b"),
        ("x-s", "c"),
        ("x-canary-cluster", "d"),
    ];
    let request = |path| [&[(":path", path)][..], &client].concat();
    let matched = vm.send(&request("/color"));
    assert_eq!(
        (matched.sent("x-c"), matched.sent("x-s")),
        (vec![GREEN.into()], vec!["green-sub".into()])
    );
    let other = vm.send(&request("/other"));
    assert!(other.sent("x-c").is_empty() && other.sent("x-s").is_empty());
    assert_eq!(
        other.sent("x-canary-cluster"),
        ["d"],
        "the filter leaves headers alone that it is not configured to write"
    );
}

#[test]
fn only_the_filter_sets_the_response_header() {
    let mut vm = Vm::with(&color(r#""responseHeader": "x-canary","#));
    let upstream = lines(&[
        (":status", "200"),
        ("x-canary", "1"),
        ("x-canary", "2"),
        ("x-other", "3"),
    ]);
    let matched = vm.exchange(lines(&[(":path", "/color")]), upstream.clone());
    assert_eq!(
        matched.answered("x-canary"),
        ["route=color;subset=green-sub;reason=only;share=10000"]
    );
    assert_eq!(matched.answered("x-other"), ["3"]);
    let other = vm.exchange(lines(&[(":path", "/other")]), upstream.clone());
    assert!(other.answered("x-canary").is_empty());

    let mut silent = Vm::with(&color(""));
    let answer = silent.exchange(lines(&[(":path", "/color")]), upstream.clone());
    assert_eq!(
        answer.response, upstream,
        "without a configured header, the response is not changed"
    );
}

#[test]
fn filter_state_is_written_if_it_is_enabled() {
    for (members, state) in [
        ("", None),
        (r#""filterState": true,"#, Some("color/green-sub/only")),
    ] {
        let mut vm = Vm::with(&color(members));
        vm.send(&[(":path", "/color")]);
        let written = Proxy::with(|proxy| proxy.properties.get("wasm.canary").cloned());
        assert_eq!(written.as_deref(), state.map(str::as_bytes));
    }
}

#[test]
fn filter_state_reports_the_destination_and_reason_of_every_request() {
    let key = r#""consistentHash": [{"httpHeaderName": "x-user"}],"#;
    let mut vm = Vm::with(&rule(r#""filterState": true,"#, key, [50, 50]));
    let state = |proxy: &mut Proxy| proxy.properties.remove("wasm.canary").unwrap_or_default();
    let mut states = BTreeSet::new();
    for user in 0..100 {
        let user = user.to_string();
        for (request, reason) in [
            (&[(":path", "/"), ("x-user", &*user)][..], "sticky"),
            (&[(":path", "/")], "weighted"),
        ] {
            let sent = vm.send(request).sent("x-canary-cluster").concat();
            let subset = sent.split('|').nth(2).unwrap().to_owned();
            let state = String::from_utf8(Proxy::with(state)).unwrap();
            assert_eq!(state, format!("color/{subset}/{reason}"));
            states.insert(state);
        }
    }
    assert_eq!(states.len(), 4);
}

#[test]
fn every_decision_is_counted() {
    let mut vm = Vm::with(&rule("", "", [75, 25]));
    for _ in 0..4_000 {
        vm.send(&[(":path", "/")]);
    }
    let count = |subset| {
        let name = format!(
            "canary_requests_total.route=.=color;.;subset=.={subset};.;reason=.=weighted;.;"
        );
        Proxy::metric(&name).unwrap()
    };
    let (blue, green) = (count("blue-sub"), count("green-sub"));
    assert_eq!(blue + green, 4_000);
    // Five standard deviations of a binomial distribution: 5 * sqrt(4000 * 0.75 * 0.25) = 137.
    assert!(green.abs_diff(1_000) <= 137, "{green}");
}

#[test]
fn no_request_is_logged() {
    let mut vm = Vm::with(&color(
        r#""responseHeader": "x-canary", "filterState": true,"#,
    ));
    let before = Proxy::with(|proxy| proxy.log.len());
    vm.send(&[(":path", "/color")]);
    vm.send(&[(":path", "/other")]);
    assert_eq!(Proxy::with(|proxy| proxy.log.len()), before);
}
