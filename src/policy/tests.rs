use super::*;
use crate::choosing::decision::{Issued, KeyKind};
use crate::choosing::reason::Reason;
use crate::choosing::split::Split;
use crate::request::Lines;

fn policy(http: &str) -> Result<Policy, String> {
    Policy::from_json(format!(r#"{{"http": {http}}}"#).as_bytes())
        .map_err(|fault| fault.to_string())
}

fn routed(policy: &Policy, lines: &[(&str, &str)]) -> Option<String> {
    let lines = Lines::new(lines);
    policy
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
    let cluster = policy.rules()[0].destinations()[0].cluster();
    assert_eq!(
        cluster,
        Some("outbound|8000|blue-sub|color-service.shop.svc.cluster.local")
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
            "http[0].name: is not a valid name: 1 to 63 letters, digits, `-`, `_`, `.`",
        ),
        (
            format!("[{}]", rule(&"a".repeat(64))),
            "http[0].name: is not a valid name: 1 to 63 letters, digits, `-`, `_`, `.`",
        ),
        (
            r#"[{"name": "color"}]"#.to_owned(),
            "http[0].route: is required",
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

#[test]
fn shares_are_the_weights_whatever_their_scale() {
    for (blue, green) in [(75, 25), (3, 1), (1_500_000_000, 500_000_000)] {
        let policy = policy(&format!(
            r#"[{{"route": [{{"cluster": "blue", "weight": {blue}}}, {{"cluster": "green", "weight": {green}}}]}}]"#
        ))
        .unwrap();
        let mut random = fastrand::Rng::with_seed(7);
        let lines = Lines::default();
        let request = Request::new(&lines);
        let mut green = 0_u32;
        for _ in 0..40_000 {
            let decision = policy
                .decide(&request, &InForce::default(), &mut random)
                .unwrap();
            assert_eq!(decision.reason, Reason::Weighted);
            green += decision.destination;
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

#[test]
fn the_splits_in_force_replace_those_of_the_policy() {
    let policy = policy(
        r#"[{"match": [{"uri": {"prefix": "/a"}}], "route": [{"cluster": "c", "weight": 1}, {"cluster": "d"}]},
            {"route": [{"cluster": "c", "weight": 1}, {"cluster": "d"}]}]"#,
    )
    .unwrap();
    let mut in_force = InForce::default();
    in_force.set(1, Some(Split::new(&[0, 1]).unwrap()));
    for (path, rule, destination) in [("/a", 0, 0), ("/b", 1, 1)] {
        let lines = Lines::new(&[(":path", path)]);
        let mut random = fastrand::Rng::with_seed(7);
        let decision = policy.decide(&Request::new(&lines), &in_force, &mut random);
        let decision = decision.unwrap();
        assert_eq!((decision.rule, decision.destination), (rule, destination));
    }
}

#[test]
fn a_decision_says_what_it_means_after_its_request_is_gone() {
    let policy = policy(
        r#"[{"route": [{"cluster": "x"}]},
            {"name": "color", "consistentHash": [{"httpHeaderName": "u"}, {"httpCookie": {"name": "id", "ttl": "0s"}}],
             "route": [{"cluster": "blue", "weight": 1}, {"cluster": "green", "weight": 1}]}]"#,
    )
    .unwrap();
    let sticky = |key, cookie| Decision {
        rule: 1,
        destination: 1,
        reason: Reason::Sticky,
        key: Some(key),
        cookie,
        user: Some(7),
        share: 5_000,
    };
    let only = Decision {
        rule: 0,
        destination: 0,
        reason: Reason::Only,
        key: None,
        cookie: None,
        user: None,
        share: 10_000,
    };
    let issued = Some(Issued::new(0xab, false));
    for (decision, header, state, set_cookie) in [
        (
            only,
            "route=http-0;subset=x;reason=only;share=10000",
            "http-0/x/only",
            None,
        ),
        (
            sticky(KeyKind::Header, None),
            "route=color;subset=green;reason=sticky;key=header;share=5000",
            "color/green/sticky",
            None,
        ),
        (
            sticky(KeyKind::Cookie, issued),
            "route=color;subset=green;reason=sticky;key=cookie;share=5000",
            "color/green/sticky",
            Some(format!("id={:032x}; Path=/; HttpOnly; SameSite=Lax", 0xab)),
        ),
    ] {
        let description = policy.describe(&decision).unwrap();
        assert_eq!(description.response_header(), header);
        assert_eq!(description.filter_state(), state);
        assert_eq!(description.set_cookie(&[]), set_cookie);
    }
    let counter = policy.describe(&only).unwrap().requests_total();
    assert_eq!(
        counter,
        "canary_requests_total.route=.=http-0;.;subset=.=x;.;reason=.=only;.;"
    );
    assert!(policy.describe(&Decision { rule: 2, ..only }).is_none());
    assert!(
        policy
            .describe(&Decision {
                destination: 1,
                ..only
            })
            .is_none()
    );
}

#[test]
fn all_faults_are_found_and_nothing_that_only_follows_from_one() {
    let text = r#"{"subsetHeader": "a b", "namespace": "a.b", "more": 1, "http": [
        {"name": "a/b", "match": [{"uri": {"exact": 5}}, {"headers": {"x-a": {"regex": "("}}, "port": 80}],
         "route": [{"destination": {"host": "c..d"}}, {"cluster": "c", "weight": "75"}]},
        5,
        {"name": "x", "salt": "s", "consistentHash": [{"httpCookie": {"ttl": "x", "path": "y"}}]},
        {"name": "x", "route": [{"cluster": "c"}]},
        {"name": "x", "route": [{"cluster": "c"}]}]}"#;
    let mut lines: Vec<_> = Policy::faults(text.as_bytes())
        .iter()
        .map(|fault| fault.to_string())
        .collect();
    lines.sort();
    let expected = [
        "http[0].match[0].uri.exact: invalid type: integer `5`, expected a string",
        "http[0].match[1].headers.x-a.regex: a `(` is not closed",
        "http[0].match[1].port: stays in the VirtualService: a filter cannot carry it out",
        "http[0].name: is not a valid name: 1 to 63 letters, digits, `-`, `_`, `.`",
        "http[0].route[0].destination.host: is not a valid host name",
        "http[0].route[1].weight: invalid type: string \"75\", expected a whole number",
        "http[1]: invalid type: integer `5`, expected an object",
        "http[2].consistentHash[0].httpCookie.name: is required",
        "http[2].consistentHash[0].httpCookie.path: is not a valid cookie path: it begins with `/` and holds visible ASCII without `;`",
        "http[2].consistentHash[0].httpCookie.ttl: `x` is not a valid duration, such as 30m or 720h",
        "http[2].route: is required",
        "http[4].name: is the name of an earlier rule",
        "more: unknown field `more`, expected one of",
        "namespace: is not a valid DNS name",
        "subsetHeader: `a b` is not a valid header name",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
    assert!(Policy::faults(br#"{"http": [{"route": [{"cluster": "c"}]}]}"#).is_empty());
}

#[test]
fn a_policy_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Policy>();
}

#[test]
fn ten_thousand_rules_compile_into_a_policy() {
    let rules: Vec<_> = (0..10_000)
        .map(|n| {
            format!(
                r#"{{"match": [{{"uri": {{"exact": "/p/{n}"}}}}], "route": [{{"cluster": "a"}}]}}"#
            )
        })
        .collect();
    let policy =
        Policy::from_json(format!(r#"{{"http": [{}]}}"#, rules.join(",")).as_bytes()).unwrap();
    let lines = Lines::new(&[(":path", "/p/9999")]);
    assert_eq!(
        policy.route(&Request::new(&lines)).unwrap().name(),
        "http-9999"
    );
}
