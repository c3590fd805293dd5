//! Any bytes as a configuration.

use canary_filter::{Choice, Policy, Request};

use crate::Seeded;
use crate::head::Head;

/// Bytes are accepted or refused, always with the same outcome; what is accepted decides about any request.
pub fn config(bytes: &[u8]) {
    match (Policy::from_json(bytes), Policy::from_json(bytes)) {
        (Ok(policy), Ok(_)) => accepted(&policy),
        (Err(fault), Err(again)) => {
            assert_eq!(fault, again, "the verdict depends on the bytes alone");
            refused(&fault.to_string());
        }
        (first, second) => {
            panic!("the verdict depends on the bytes alone: {first:?}, then {second:?}")
        }
    }
}

fn refused(line: &str) {
    assert!(!line.trim().is_empty(), "a fault has a reason");
    assert!(
        !line.chars().any(char::is_control),
        "a fault is one line: {line:?}"
    );
    assert!(line.chars().count() < 500, "a fault fits in a log: {line}");
}

fn accepted(policy: &Policy) {
    let rules = policy.router().rules();
    assert!(!rules.is_empty(), "there is a rule");
    let outputs = policy.outputs();
    assert!(
        outputs
            .cluster_header()
            .or(outputs.subset_header())
            .is_some(),
        "a decision goes somewhere"
    );
    for rule in rules {
        for seed in 0..4 {
            let head = Head::plain();
            let choice = rule.choose(&Request::new(&head), &mut Seeded::new(seed));
            written(&choice.expect("a rule sends its requests somewhere"));
        }
    }
    let head = Head::plain();
    let request = Request::new(&head);
    if let Some(rule) = policy.router().route(&request) {
        assert!(
            rules.iter().any(|known| known.name() == rule.name()),
            "the rule is one of the policy's"
        );
    }
}

/// What goes into headers, metric names and filter state is text that cannot break them.
pub(crate) fn written(choice: &Choice<'_>) {
    let cookie = choice.set_cookie.clone().unwrap_or_default();
    let texts = [
        choice.destination.cluster(),
        &choice.response_header(),
        choice.filter_state(),
        &cookie,
    ];
    for text in texts {
        assert!(
            !text.chars().any(char::is_control),
            "a header's value is one line: {text:?}"
        );
    }
    assert!(
        !choice.rule.contains([';', '/']) && !choice.destination.label().contains(';'),
        "a name ends where the next field begins: {choice:?}"
    );
}
