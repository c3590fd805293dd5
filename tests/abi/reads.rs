//! What a request costs: each call to the proxy and each allocation has a reason.

use crate::support::Vm;
use crate::{color, rule};

/// The calls of a request, except the definition of a metric, which happens once per virtual machine.
fn calls(configuration: &str, request: &[(&str, &str)]) -> Vec<String> {
    let mut calls = Vm::with(configuration).send(request).calls;
    calls.retain(|call| !call.starts_with("define "));
    calls
}

#[test]
fn a_field_is_read_once_and_only_if_a_rule_needs_it() {
    let matching = |entry: &str| rule("", &format!(r#""match": [{entry}],"#), [0, 1]);
    let keyed = |keys: &str| rule("", &format!(r#""consistentHash": [{keys}],"#), [1, 1]);
    let header = r#""x-a": {"exact": "1"}"#;
    let decided = ["set x-canary-cluster", "increment"];
    let nothing = ["get x-canary-cluster"];
    for (configuration, request, reads, writes) in [
        (rule("", "", [0, 1]), &[][..], &[][..], &decided[..]),
        (rule("", "", [1, 1]), &[], &[], &decided),
        (color(""), &[(":path", "/color")], &["get :path"], &decided),
        (color(""), &[(":path", "/other")], &["get :path"], &nothing),
        (
            color(""),
            &[(":path", "/other"), ("x-canary-cluster", "a")],
            &["get :path"],
            &["get x-canary-cluster", "remove x-canary-cluster"],
        ),
        (
            color(r#""subsetHeader": "x-s", "clusterHeader": "x-c", "filterState": true,"#),
            &[(":path", "/color")],
            &["get :path"],
            &["set x-c", "set x-s", "set property canary", "increment"],
        ),
        // The path is compared first. If it does not match, no header is read.
        (
            matching(&format!(
                r#"{{"uri": {{"prefix": "/a"}}, "headers": {{{header}}}}}"#
            )),
            &[(":path", "/b"), ("x-a", "1")],
            &["get :path"],
            &nothing,
        ),
        // One read is enough if the header is absent or its first value matches. Otherwise the whole map is read.
        (
            matching(&format!(r#"{{"headers": {{{header}}}}}"#)),
            &[],
            &["get x-a"],
            &nothing,
        ),
        (
            matching(&format!(r#"{{"headers": {{{header}}}}}"#)),
            &[("x-a", "1")],
            &["get x-a"],
            &decided,
        ),
        (
            matching(&format!(r#"{{"headers": {{{header}}}}}"#)),
            &[("x-a", "2"), ("x-a", "1")],
            &["get x-a", "all"],
            &decided,
        ),
        (
            matching(r#"{"queryParams": {"q": {"exact": "1"}, "r": {}}}"#),
            &[(":path", "/?q=1&r")],
            &["get :path"],
            &decided,
        ),
        (
            keyed(r#"{"httpHeaderName": "x-u"}, {"useSourceIp": true}"#),
            &[("x-u", "1")],
            &["get x-u"],
            &decided,
        ),
        (
            keyed(r#"{"httpHeaderName": "x-u"}, {"useSourceIp": true}"#),
            &[],
            &["get x-u", "property source.address"],
            &decided,
        ),
        // No other destination has a share, so the key would decide nothing.
        (
            rule(
                "",
                r#""consistentHash": [{"httpHeaderName": "x-u"}],"#,
                [0, 1],
            ),
            &[("x-u", "1")],
            &[],
            &decided,
        ),
    ] {
        assert_eq!(
            calls(&configuration, request),
            [reads, writes].concat(),
            "{configuration} {request:?}"
        );
    }
}

#[test]
fn a_request_does_not_ask_the_host_for_randomness() {
    let mut vm = Vm::with(&rule("", "", [1, 1]));
    let all: Vec<_> = (0..100)
        .flat_map(|_| vm.send(&[(":path", "/")]).calls)
        .collect();
    assert!(all.iter().all(|call| !call.starts_with("time")), "{all:?}");
}

/// Counts the filter's own allocations. The proxy allocates the bytes that it hands over.
#[test]
fn a_request_allocates_only_what_it_needs() {
    let header = r#""responseHeader": "x-canary","#;
    let state = r#""filterState": true,"#;
    let key = r#""consistentHash": [{"httpHeaderName": "x-u"}],"#;
    for (configuration, expected) in [
        // The stream's context, which the SDK keeps in a box.
        (rule("", "", [1, 1]), 1),
        (color(""), 1),
        (rule("", key, [1, 1]), 1),
        // The header's value.
        (color(header), 2),
        // The property's path, as a list and in the form of the ABI. Its value is kept from earlier requests.
        (color(state), 3),
    ] {
        let mut vm = Vm::with(&configuration);
        let request = [(":path", "/color"), ("x-u", "user-1")];
        // After these requests, both versions have been chosen and their counters are defined.
        (0..64).for_each(|_| drop(vm.send(&request)));
        assert_eq!(vm.send(&request).allocations, expected, "{configuration}");
    }
}

#[test]
fn ended_requests_leave_nothing_behind() {
    let mut vm = Vm::with(&color(""));
    let mut allocations = |requests| -> Vec<_> {
        (0..requests)
            .map(|_| vm.send(&[(":path", "/color")]).allocations)
            .collect()
    };
    allocations(1);
    // If contexts were not removed, the SDK's table would grow, which allocates.
    assert!(
        allocations(10_000)
            .iter()
            .all(|allocations| *allocations == 1)
    );
}
