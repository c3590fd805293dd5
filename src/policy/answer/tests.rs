use std::cell::Cell;
use std::time::Duration;

use super::*;
use crate::choosing::reason::Reason;

/// Rule 0 is not watched, rule 1 is, and rule 2 also limits the time of an answer to a second.
fn policy() -> Policy {
    let rule = |name: &str, rollback: &str| {
        format!(
            r#"{{"name": "{name}", {rollback} "route": [{{"cluster": "a", "weight": 1}}, {{"cluster": "b", "weight": 1}}]}}"#
        )
    };
    let text = format!(
        r#"{{"http": [{}, {}, {}]}}"#,
        rule("plain", ""),
        rule("watched", r#""rollback": {"stable": "a"},"#),
        rule(
            "timed",
            r#""rollback": {"stable": "a", "slowerThan": "1s"},"#
        ),
    );
    Policy::from_json(text.as_bytes()).unwrap()
}

fn decision(rule: u32) -> Decision {
    Decision {
        rule,
        destination: 1,
        reason: Reason::Weighted,
        key: None,
        cookie: None,
        user: None,
        share: 5_000,
    }
}

#[allow(clippy::disallowed_methods, reason = "some time")]
fn start() -> Instant {
    Instant::now()
}

/// An answer with this status and gRPC status to a request of this rule, after this time.
struct Case {
    rule: u32,
    status: &'static str,
    grpc_status: Option<&'static str>,
    ends: bool,
    after: Duration,
}

const GOOD: Case = Case {
    rule: 1,
    status: "200",
    grpc_status: None,
    ends: false,
    after: Duration::ZERO,
};

/// The answer after its headers, and what they add.
fn headers(case: &Case) -> (Answer, Option<Credit>) {
    let started = start();
    let mut answer = policy().awaits(&decision(case.rule), || started);
    let header = |name: &str| match name {
        ":status" => Some(case.status.into()),
        "grpc-status" => case.grpc_status.map(Into::into),
        _ => unreachable!("{name}"),
    };
    let credit = answer.headers(case.ends, header, || started + case.after);
    (answer, credit)
}

/// How many requests and errors a worker has counted of the destination then, and the class.
fn counted(credits: &[Option<Credit>], rule: u32) -> (u32, u32, Option<Class>) {
    let mut answers = Answers::new(2);
    let mut class = None;
    for credit in credits.iter().flatten() {
        credit.add_to(&mut answers, &decision(rule));
        assert!(class.is_none() || credit.class.is_none(), "one class only");
        class = class.or(credit.class);
    }
    let (requests, errors) = answers.sums(1);
    (requests, errors, class)
}

#[test]
fn only_the_answers_of_watched_rules_are_awaited_and_the_time_is_read_where_it_matters() {
    for (rule, awaited, reads) in [(0, false, 0), (1, true, 0), (2, true, 1), (3, false, 0)] {
        let read = Cell::new(0);
        let now = || {
            read.set(read.get() + 1);
            start()
        };
        let answer = policy().awaits(&decision(rule), now);
        assert_eq!(matches!(answer, Answer::Awaited(_)), awaited, "{rule}");
        assert_eq!(read.get(), reads, "{rule}");
    }
}

#[test]
fn headers_that_decide_the_class_end_the_counting() {
    let second = Duration::from_secs(1);
    let longer = second + Duration::from_nanos(1);
    for (name, case, counts) in [
        ("good so far", Case { ..GOOD }, (1, 0, None)),
        (
            "headers alone",
            Case { ends: true, ..GOOD },
            (1, 0, Some(Class::Ok)),
        ),
        (
            "error",
            Case {
                status: "503",
                ..GOOD
            },
            (1, 1, Some(Class::Error)),
        ),
        (
            "another protocol",
            Case {
                status: "101",
                ..GOOD
            },
            (1, 0, Some(Class::Ok)),
        ),
        (
            "gRPC error in the headers",
            Case {
                grpc_status: Some("14"),
                ends: true,
                ..GOOD
            },
            (1, 1, Some(Class::Error)),
        ),
        (
            "gRPC status that the trailers will replace",
            Case {
                grpc_status: Some("14"),
                ..GOOD
            },
            (1, 0, None),
        ),
        (
            "at the limit",
            Case {
                rule: 2,
                after: second,
                ..GOOD
            },
            (1, 0, None),
        ),
        (
            "slow",
            Case {
                rule: 2,
                after: longer,
                ..GOOD
            },
            (1, 1, Some(Class::Slow)),
        ),
        (
            "slow error",
            Case {
                rule: 2,
                after: longer,
                status: "500",
                ..GOOD
            },
            (1, 1, Some(Class::Error)),
        ),
        (
            "no limit",
            Case {
                after: longer,
                ..GOOD
            },
            (1, 0, None),
        ),
        (
            "not watched",
            Case {
                rule: 0,
                status: "503",
                ..GOOD
            },
            (0, 0, None),
        ),
    ] {
        let (mut answer, credit) = headers(&case);
        assert_eq!(counted(&[credit], case.rule), counts, "{name}");
        let open = counts == (1, 0, None);
        assert_eq!(matches!(answer, Answer::Good(_)), open, "{name}");
        if !open {
            let later = [
                answer.headers(true, |_| unreachable!(), || unreachable!()),
                answer.trailers(|| unreachable!()),
                answer.end(|| unreachable!(), || unreachable!()),
            ];
            assert_eq!(later, [None, None, None], "{name}");
        }
    }
}

#[test]
fn the_end_of_a_good_answer_decides_its_class_once() {
    let (open, first) = headers(&GOOD);
    for (status, counts) in [
        (Some("0"), (1, 0, Some(Class::Ok))),
        (Some("14"), (1, 1, Some(Class::Error))),
        (None, (1, 0, Some(Class::Ok))),
    ] {
        let mut answer = open;
        let trailers = answer.trailers(|| status.map(Into::into));
        let end = answer.end(|| unreachable!(), || unreachable!());
        assert_eq!(counted(&[first, trailers, end], 1), counts, "{status:?}");
    }
    for (details, counts) in [
        ("via_upstream", (1, 0, Some(Class::Ok))),
        ("response_timeout", (1, 1, Some(Class::Error))),
    ] {
        let mut answer = open;
        let end = answer.end(|| Some(details.into()), || unreachable!());
        assert_eq!(counted(&[first, end], 1), counts, "{details}");
        assert_eq!(answer.end(|| unreachable!(), || unreachable!()), None);
    }
}

#[test]
fn a_stream_without_an_answer_counts_only_if_the_client_has_waited_for_too_long() {
    for (rule, seconds, counts) in [
        (1, 9, (0, 0, None)),
        (2, 1, (0, 0, None)),
        (2, 2, (1, 1, Some(Class::Slow))),
    ] {
        let started = start();
        let mut answer = policy().awaits(&decision(rule), || started);
        let now = || started + Duration::from_secs(seconds);
        let end = answer.end(|| unreachable!(), now);
        assert_eq!(counted(&[end], rule), counts, "{rule} {seconds}");
        assert_eq!(answer.end(|| unreachable!(), now), None);
    }
}
