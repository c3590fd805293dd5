//! Which answers count, and as what.

use super::watched;
use crate::rule;
use crate::support::{Proxy, Vm, lines};

/// The number of green's responses of each class, after the ticks that flush them.
fn classes(vm: &mut Vm) -> [u64; 3] {
    vm.tick();
    ["ok", "error", "slow"].map(|class| {
        let name = format!("canary_responses_total.route=.=color;.;subset=.=green-sub;.;role=.=canary;.;class=.={class};.;");
        Proxy::metric(&name).unwrap()
    })
}

type Line = (&'static str, &'static str);

/// The headers of a response, and whether it ends with them.
fn headers(status: &'static str, end: bool, more: &[Line]) -> (Vec<Line>, bool) {
    ([&[(":status", status)], more].concat(), end)
}

#[test]
fn every_answer_counts_once_with_its_class() {
    let details = "upstream_reset_after_response_started{connection_termination}";
    let grpc = |status| Some(vec![("grpc-status", status)]);
    for (number, ((headers, end), trailers, ended, class)) in [
        (headers("200", true, &[]), None, "via_upstream", 0),
        (headers("200", false, &[]), None, "via_upstream", 0),
        (headers("503", true, &[]), None, "no_healthy_upstream", 1),
        (headers("504", false, &[]), None, details, 1),
        (headers("200", false, &[]), None, details, 1),
        (
            headers("200", false, &[]),
            None,
            "downstream_remote_disconnect",
            0,
        ),
        (
            headers("200", true, &[("grpc-status", "14")]),
            None,
            "via_upstream",
            1,
        ),
        (
            headers("200", true, &[("grpc-status", "5")]),
            None,
            "via_upstream",
            0,
        ),
        (headers("200", false, &[]), grpc("13"), "via_upstream", 1),
        (headers("200", false, &[]), grpc("0"), details, 0),
        (headers("101", false, &[]), None, details, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let mut vm = Vm::with(&watched("", [0, 1]));
        let before = classes(&mut vm);
        let stream = vm.open();
        stream.request(lines(&[(":path", "/")]));
        stream.response_headers(lines(&headers), end);
        if let Some(trailers) = trailers {
            stream.response_trailers(lines(&trailers));
        }
        stream.set_property("response.code_details", ended);
        stream.delete();
        let after = classes(&mut vm);
        let counted: Vec<_> = (0..3).map(|at| after[at] - before[at]).collect();
        let mut expected = [0; 3];
        expected[class] = 1;
        assert_eq!(counted, expected, "number {number}");
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the filter reads the real clock")]
fn a_request_without_an_answer_counts_only_if_it_took_too_long() {
    for (slower_than, class) in [
        ("", None),
        (r#", "slowerThan": "1h""#, None),
        (r#", "slowerThan": "1ms""#, Some(2)),
    ] {
        let mut vm = Vm::with(&watched(slower_than, [0, 1]));
        let before = classes(&mut vm);
        let stream = vm.open();
        stream.request(lines(&[(":path", "/")]));
        std::thread::sleep(std::time::Duration::from_millis(5));
        stream.delete();
        let after = classes(&mut vm);
        let counted = (0..3).find(|at| after[*at] > before[*at]);
        assert_eq!(counted, class, "{slower_than}");
    }
}

#[test]
fn only_a_rule_with_rollback_looks_at_its_answers() {
    let plain = rule("", "", [1, 1]);
    for (configuration, reads) in [(plain, &[][..]), (watched("", [1, 1]), &["get :status"])] {
        let mut vm = Vm::with(&configuration);
        let stream = vm.open();
        stream.request(lines(&[(":path", "/")]));
        Proxy::with(|proxy| proxy.calls.clear());
        stream.response_headers(lines(&[(":status", "200")]), false);
        stream.delete();
        let calls = Proxy::with(|proxy| proxy.calls.clone());
        let asked: Vec<_> = calls
            .iter()
            .filter(|call| call.starts_with("get "))
            .collect();
        assert_eq!(asked, reads);
        let ends = calls
            .iter()
            .filter(|call| call.starts_with("property "))
            .count();
        assert_eq!(ends, reads.len(), "{calls:?}");
    }
}
