//! What a request costs: each call to the proxy and each allocation has a reason.

use crate::support::Vm;
use crate::{color, rule};

/// Without the definition of a metric, which comes once in a virtual machine.
fn calls(configuration: &str, request: &[(&str, &str)]) -> Vec<String> {
    let mut calls = Vm::with(configuration).send(request).calls;
    calls.retain(|call| !call.starts_with("define "));
    calls
}

#[test]
fn a_field_is_read_when_a_rule_asks_for_it_and_once() {
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
        // The path is compared first: what it decides needs no header.
        (
            matching(&format!(
                r#"{{"uri": {{"prefix": "/a"}}, "headers": {{{header}}}}}"#
            )),
            &[(":path", "/b"), ("x-a", "1")],
            &["get :path"],
            &nothing,
        ),
        // One read decides when the header is absent or its first value will do; the whole map otherwise.
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
        // No other destination has a share: the key would decide nothing.
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
fn randomness_is_asked_for_once_in_a_virtual_machine() {
    let mut vm = Vm::with(&rule("", "", [1, 1]));
    let all: Vec<_> = (0..100)
        .flat_map(|_| vm.send(&[(":path", "/")]).calls)
        .collect();
    assert!(all.iter().all(|call| !call.starts_with("time")), "{all:?}");
}

/// The filter's own allocations; the bytes that the proxy hands over are the proxy's.
#[test]
fn a_request_allocates_only_what_it_needs() {
    let told = r#""responseHeader": "x-canary","#;
    let state = r#""filterState": true,"#;
    let key = r#""consistentHash": [{"httpHeaderName": "x-u"}],"#;
    for (configuration, expected) in [
        // The stream's context, which the SDK keeps in a box.
        (rule("", "", [1, 1]), 1),
        (color(""), 1),
        (rule("", key, [1, 1]), 1),
        // The header's value.
        (color(told), 2),
        // The property's path, as a list and as the ABI has it; its value is there from earlier requests.
        (color(state), 3),
    ] {
        let mut vm = Vm::with(&configuration);
        let request = [(":path", "/color"), ("x-u", "user-1")];
        // Both versions have been chosen by then, and their counters defined.
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
    // A context that stayed would make the SDK's table grow, which allocates.
    assert!(
        allocations(10_000)
            .iter()
            .all(|allocations| *allocations == 1)
    );
}
