//! Any bytes as a configuration.

use canary_filter::{Decision, InForce, Policy, Request};
use fastrand::Rng;

use crate::head;

/// The same bytes are always accepted or always refused, and an accepted configuration can decide any request.
pub fn config(bytes: &[u8]) {
    match (Policy::from_json(bytes), Policy::from_json(bytes)) {
        (Ok(policy), Ok(_)) => {
            assert_eq!(
                Policy::faults(bytes),
                [],
                "an accepted configuration has no fault"
            );
            accepted(&policy);
        }
        (Err(fault), Err(again)) => {
            assert_eq!(fault, again, "the verdict depends on the bytes alone");
            let all = Policy::faults(bytes);
            assert_eq!(
                all.first(),
                Some(&fault),
                "the first fault comes first in the list of all faults"
            );
            all.iter().for_each(|fault| refused(&fault.to_string()));
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
    let rules = policy.rules();
    assert!(!rules.is_empty(), "a policy has a rule");
    let outputs = policy.outputs();
    assert!(
        outputs
            .cluster_header()
            .or(outputs.subset_header())
            .is_some(),
        "a policy writes its decisions to a header"
    );
    let in_force = InForce::default();
    for (rule, _) in (0..).zip(rules) {
        for seed in 0..4 {
            let lines = head::plain();
            let request = Request::new(&lines);
            let decision = policy.choose(rule, &request, &in_force, &mut Rng::with_seed(seed));
            written(
                policy,
                &decision.expect("a rule sends its requests somewhere"),
            );
        }
    }
    let lines = head::plain();
    if let Some(rule) = policy.route(&Request::new(&lines)) {
        assert!(
            rules.iter().any(|known| known.name() == rule.name()),
            "the rule is one of the policy's"
        );
    }
}

/// The texts for headers, metric names and filter state contain nothing that could break those.
pub(crate) fn written(policy: &Policy, decision: &Decision) {
    let description = policy
        .describe(decision)
        .expect("a policy describes its own decisions");
    let destination = description.destination();
    let texts = [
        destination.cluster().unwrap_or_default(),
        &description.response_header(),
        &description.filter_state(),
        &description.set_cookie(&[]).unwrap_or_default(),
    ];
    for text in texts {
        assert!(
            !text.chars().any(char::is_control),
            "a header's value is one line: {text:?}"
        );
    }
    assert!(
        !description.rule().name().contains([';', '/']) && !destination.label().contains(';'),
        "a name ends where the next field begins: {description:?}"
    );
}
