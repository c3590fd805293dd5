//! Any bytes as a request, against random rules.

use canary_filter::{Decision, InForce, Policy, Reason, Request};
use fastrand::Rng;

use crate::config::written;
use crate::{head, rules};

/// The first two bytes choose the rules, the rest is a request: the path, and on each further line a header.
///
/// The rule that the index finds is the first one that matches when each rule is tried alone, and the same user gets the
/// same version.
pub fn request(bytes: &[u8]) {
    let (seed, lines) = match bytes {
        [high, low, head @ ..] => (
            u64::from(u16::from_be_bytes([*high, *low])),
            head::read(head),
        ),
        short => (0, head::read(short)),
    };
    let rules = rules::random(seed);
    let policy = policy(&rules);
    let in_force = InForce::default();
    let decide = |seed| {
        let request = Request::new(&lines);
        policy.decide(&request, &in_force, &mut Rng::with_seed(seed))
    };
    let (one, other) = (decide(seed), decide(!seed));

    let tried = rules.iter().position(|rule| {
        let alone = self::policy(std::slice::from_ref(rule));
        alone.route(&Request::new(&lines)).is_some()
    });
    let found = one.map(|decision| decision.rule as usize);
    assert_eq!(
        found, tried,
        "the first rule that matches decides: {rules:#?}"
    );
    match (one, other) {
        (Some(one), Some(other)) => decided(&policy, one, other),
        (one, other) => assert_eq!(one, other, "matching does not depend on chance"),
    }
}

fn policy(rules: &[String]) -> Policy {
    let text = format!(r#"{{"http": [{}]}}"#, rules.join(","));
    Policy::from_json(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

fn decided(policy: &Policy, one: Decision, other: Decision) {
    for decision in [one, other] {
        written(policy, &decision);
        let weights = policy.rules()[decision.rule as usize].weights();
        assert!(
            weights.len() == 1 || weights[decision.destination as usize] > 0,
            "weight 0 gets nothing: {decision:?}"
        );
        assert_eq!(
            decision.key.is_some(),
            decision.reason == Reason::Sticky,
            "a decision names the key that made it"
        );
    }
    assert_eq!(
        one.reason, other.reason,
        "the reason does not depend on chance"
    );
    if one.reason == Reason::Sticky && one.cookie.is_none() {
        assert_eq!(
            one.destination, other.destination,
            "the same user gets the same version"
        );
    }
}
