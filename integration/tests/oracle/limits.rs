//! The known differences, which docs/semantics.md documents: Envoy accepts these patterns and the filter refuses them with
//! a reason. No pattern is accepted and read differently.

use canary_filter::Policy;

use crate::arena::{Arena, Site};
use crate::rules::{Condition, Match, On, Rule, Text, policy};

const REFUSED: &[(&str, &str)] = &[
    (r"\pN", r"\p is not supported"),
    (r"\p{Greek}", r"\p is not supported"),
    (r"\P{L}", r"\p is not supported"),
    (r"[\pL]", r"\p is not supported"),
    (r"\0", "backreferences and octal are not supported"),
    (r"\07", "backreferences and octal are not supported"),
    (r"[\07]", "backreferences and octal are not supported"),
    (r"\101", "backreferences and octal are not supported"),
    ("a(?i)*", "nothing to repeat"),
    ("(?)a", "`(?` is followed by something other"),
    ("(?<m>(?<m>a))", "used twice"),
];

/// A route update with one of these fails as a whole.
const REFUSED_BY_BOTH: &[&str] = &[
    "a**",
    "(?=a)",
    r"\1",
    r"\x{100}",
    "a{1001}",
    "(a{100}){11}",
    "[z-a]",
    r"[a-\d]",
    r"\Z",
    "[[:nope:]]",
];

/// The beginnings of RE2's reasons (`RE2::ErrorCode`).
const RE2: &[&str] = &[
    "invalid escape sequence",
    "invalid character class",
    "invalid character class range",
    "invalid repetition size",
    "bad repetition operator",
    "invalid perl operator",
];

fn rule(pattern: &str) -> Rule {
    let condition = Condition {
        on: On::Header("x-a"),
        text: Text::Regex(pattern.to_owned()),
    };
    Rule {
        matches: vec![Match {
            conditions: vec![condition],
            ignore_uri_case: false,
        }],
    }
}

#[test]
fn these_patterns_of_re2_are_refused_with_the_reason() {
    for (pattern, reason) in REFUSED {
        let configuration = policy(&[rule(pattern)]).to_string();
        let fault = Policy::from_json(configuration.as_bytes())
            .map(drop)
            .expect_err(pattern)
            .to_string();
        assert!(
            fault.starts_with("http[0].match[0].headers.x-a.regex: "),
            "{fault}"
        );
        assert!(fault.contains(reason), "{pattern}: {fault}");
    }
    let rules: Vec<_> = REFUSED.iter().map(|(pattern, _)| rule(pattern)).collect();
    let native = Arena::start(&[Site::native(&rules)]);
    assert!(
        native.is_ok(),
        "Envoy takes them: {}",
        native.err().unwrap().last_lines(3)
    );
}

#[test]
fn what_envoy_refuses_the_filter_refuses_as_well() {
    for pattern in REFUSED_BY_BOTH {
        assert!(
            Policy::from_json(policy(&[rule(pattern)]).to_string().as_bytes()).is_err(),
            "{pattern}"
        );
        let ended = Arena::start(&[Site::native(&[rule(pattern)])]).err();
        let log = ended
            .unwrap_or_else(|| panic!("Envoy accepts {pattern}"))
            .last_lines(3);
        // The reason must be RE2's: otherwise Envoy has ended for another one.
        assert!(
            RE2.iter().any(|reason| log.contains(reason)),
            "{pattern}: {log}"
        );
    }
}

#[test]
fn a_pattern_has_a_limit_of_its_own() {
    // It has 26 000 steps, but a pattern may have at most 10 000.
    let long: Vec<_> = (b'a'..=b'z')
        .map(|letter| format!("{}{{1000}}", char::from(letter)))
        .collect();
    let rules = [rule(&long.join("|"))];
    let fault = Policy::from_json(policy(&rules).to_string().as_bytes())
        .map(drop)
        .unwrap_err();
    assert!(
        fault.to_string().ends_with("the pattern is too large"),
        "{fault}"
    );
    assert!(
        Arena::start(&[Site::native(&rules)]).is_ok(),
        "it is within Istio's limit"
    );
}
