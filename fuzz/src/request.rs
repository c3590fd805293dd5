//! Any bytes as a request, against random rules.

use canary_filter::{Choice, Policy, Reason, Request};

use crate::config::written;
use crate::head::Head;
use crate::{Seeded, rules};

/// The first two bytes choose the rules, the rest is a request: the path, and on each further line a header.
///
/// The rule that the index finds is the first one that matches when each is tried alone, and the same user gets the
/// same version.
pub fn request(bytes: &[u8]) {
    let (seed, head) = match bytes {
        [high, low, head @ ..] => (
            u64::from(u16::from_be_bytes([*high, *low])),
            Head::read(head),
        ),
        short => (0, Head::read(short)),
    };
    let rules = rules::random(seed);
    let policy = policy(&rules);
    let request = Request::new(&head);
    let found = policy.router().route(&request);

    let tried = rules.iter().position(|rule| {
        let alone = self::policy(std::slice::from_ref(rule));
        alone.router().route(&Request::new(&head)).is_some()
    });
    let found_at = found.map(|found| {
        policy
            .router()
            .rules()
            .iter()
            .position(|rule| rule.name() == found.name())
            .expect("it is one of them")
    });
    assert_eq!(
        found_at, tried,
        "the first rule that matches decides: {rules:#?}"
    );

    if let Some(rule) = found {
        let choose = |seed| rule.choose(&Request::new(&head), &mut Seeded::new(seed));
        let (one, other) = (choose(seed), choose(!seed));
        chosen(
            &one.expect("a rule sends its requests somewhere"),
            &other.expect("whatever the point"),
        );
    }
}

fn policy(rules: &[String]) -> Policy {
    let text = format!(r#"{{"http": [{}]}}"#, rules.join(","));
    Policy::from_json(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

fn chosen(one: &Choice<'_>, other: &Choice<'_>) {
    for choice in [one, other] {
        written(choice);
        assert!(
            choice.destination.weight() > 0,
            "weight 0 gets nothing: {choice:?}"
        );
        assert_eq!(
            choice.key.is_some(),
            choice.reason == Reason::Sticky,
            "a key is told when it decided"
        );
    }
    assert_eq!(
        one.reason, other.reason,
        "the reason does not depend on chance"
    );
    if one.reason == Reason::Sticky && one.set_cookie.is_none() {
        assert_eq!(
            one.destination.label(),
            other.destination.label(),
            "the same user gets the same version"
        );
    }
}
