use super::*;
use crate::Policy;
use crate::choosing::random::Random;
use crate::choosing::reason::Reason;
use crate::request::tests::Lines;

fn policy(http: &str) -> Result<Policy, String> {
    Policy::from_json(format!(r#"{{"http": {http}}}"#).as_bytes())
        .map_err(|fault| fault.to_string())
}

fn routed(policy: &Policy, lines: &[(&str, &str)]) -> Option<String> {
    let lines = Lines::new(lines);
    policy
        .router()
        .route(&Request::new(&lines))
        .map(|rule| rule.name().to_owned())
}

#[test]
fn the_first_rule_that_matches_decides() {
    let policy = policy(
        r#"[
            {"name": "tester", "match": [{"uri": {"prefix": "/a"}, "headers": {"x": {"exact": "1"}}}],
             "route": [{"cluster": "c"}]},
            {"name": "two", "match": [{"uri": {"exact": "/a"}}, {"uri": {"prefix": "/b"}}],
             "route": [{"cluster": "c"}]},
            {"name": "hidden", "match": [{"uri": {"exact": "/a"}}], "route": [{"cluster": "c"}]},
            {"name": "regex", "match": [{"uri": {"regex": "/c+"}}], "route": [{"cluster": "c"}]},
            {"name": "prefix", "match": [{"uri": {"prefix": "/"}}], "route": [{"cluster": "c"}]},
            {"name": "never", "route": [{"cluster": "c"}]}
        ]"#,
    )
    .unwrap();
    for (path, x, rule) in [
        ("/a", "1", "tester"),
        ("/a", "2", "two"),
        ("/a/b", "1", "tester"),
        ("/a/b", "2", "prefix"),
        ("/b/c", "1", "two"),
        ("/cc", "1", "regex"),
        ("/d", "1", "prefix"),
        ("*", "1", "never"),
    ] {
        assert_eq!(
            routed(&policy, &[(":path", path), ("x", x)]).as_deref(),
            Some(rule),
            "{path} {x}"
        );
    }
}

#[test]
fn a_request_that_no_rule_matches_is_nobodys() {
    let policy =
        policy(r#"[{"match": [{"uri": {"prefix": "/color"}}], "route": [{"cluster": "c"}]}]"#)
            .unwrap();
    assert_eq!(routed(&policy, &[(":path", "/other")]), None);
    assert_eq!(
        routed(&policy, &[(":path", "/color")]).as_deref(),
        Some("http-0")
    );
}

#[test]
fn a_rule_without_conditions_takes_every_request() {
    for members in [
        "",
        r#""match": [],"#,
        r#""match": [{}],"#,
        r#""match": [{"uri": {"exact": "/x"}}, {}],"#,
    ] {
        let policy = policy(&format!(r#"[{{{members} "route": [{{"cluster": "c"}}]}}]"#)).unwrap();
        assert!(routed(&policy, &[]).is_some(), "{members}");
    }
}

#[test]
fn a_short_host_is_completed_as_istio_does() {
    let text = r#"{"namespace": "shop", "http": [{"route": [
        {"destination": {"host": "color-service", "subset": "blue-sub", "port": {"number": 8000}}}]}]}"#;
    let policy = Policy::from_json(text.as_bytes()).unwrap();
    let cluster = policy.router().rules()[0].destinations()[0]
        .cluster()
        .to_owned();
    assert_eq!(
        cluster,
        "outbound|8000|blue-sub|color-service.shop.svc.cluster.local"
    );
}

#[test]
fn faults_have_the_place_of_their_rule() {
    let rule = |name: &str| format!(r#"{{"name": "{name}", "route": [{{"cluster": "c"}}]}}"#);
    for (http, line) in [
        ("[]".to_owned(), "http: needs at least one rule"),
        (
            format!("[{}, {}]", rule("a"), rule("a")),
            "http[1].name: is the name of an earlier rule",
        ),
        (
            format!(
                "[{}, {}]",
                rule("http-1"),
                r#"{"route": [{"cluster": "c"}]}"#
            ),
            "http[1].name: is the name of an earlier rule",
        ),
        (
            format!("[{}]", rule("a/b")),
            "http[0].name: is no name: 1 to 63 letters, digits, `-`, `_`, `.`",
        ),
        (
            format!("[{}]", rule(&"a".repeat(64))),
            "http[0].name: is no name: 1 to 63 letters, digits, `-`, `_`, `.`",
        ),
        (
            r#"[{"route": []}]"#.to_owned(),
            "http[0].route: needs at least one destination",
        ),
        (
            r#"[{"route": [{"cluster": "c"}, {"cluster": "d"}]}]"#.to_owned(),
            "http[0].route: the weights sum to 0",
        ),
        (
            r#"[{"route": [{"cluster": "c"}, {"cluster": "c", "weight": 1}]}]"#.to_owned(),
            "http[0].route[1]: has the same subset, cluster or host as an earlier one",
        ),
    ] {
        assert_eq!(policy(&http).unwrap_err(), line);
    }
}

struct Seeded(fastrand::Rng);

impl Random for Seeded {
    fn below(&mut self, total: u64) -> u64 {
        self.0.u64(0..total)
    }

    fn key(&mut self) -> u128 {
        self.0.u128(..)
    }
}

#[test]
fn shares_are_the_weights_whatever_their_scale() {
    for (blue, green) in [(75, 25), (3, 1), (1_500_000_000, 500_000_000)] {
        let policy = policy(&format!(
            r#"[{{"route": [{{"cluster": "blue", "weight": {blue}}}, {{"cluster": "green", "weight": {green}}}]}}]"#
        ))
        .unwrap();
        let mut random = Seeded(fastrand::Rng::with_seed(7));
        let lines = Lines::default();
        let request = Request::new(&lines);
        let mut green = 0_u32;
        for _ in 0..40_000 {
            let choice = policy
                .router()
                .route(&request)
                .unwrap()
                .choose(&request, &mut random)
                .unwrap();
            assert_eq!(choice.reason, Reason::Weighted);
            green += u32::from(choice.destination.label() == "green");
        }
        // A quarter, within five standard deviations: 5 * sqrt(40000 * 0.75 * 0.25) = 433.
        assert!(green.abs_diff(10_000) <= 433, "{green}");
    }
}

#[test]
fn all_patterns_together_have_a_limit() {
    // 1000 steps and the last one, each.
    let rules = |count| {
        let rule = r#"{"match": [{"headers": {"x-a": {"regex": ".{1000}"}}}], "route": [{"cluster": "c"}]}"#;
        policy(&format!("[{}]", vec![rule; count].join(",")))
    };
    assert!(rules(999).is_ok());
    assert_eq!(
        rules(1000).map(drop).unwrap_err().to_string(),
        "http[999].match[0].headers.x-a.regex: the patterns have more than 1000000 steps together"
    );
}
