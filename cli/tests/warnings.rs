//! `canary check`: what is likely to be a mistake although the filter accepts it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{Folder, Said};

const BEFORE_RAMPS: &str = "--at=2026-11-30T09:00:00Z";

fn check(http: &str) -> Said {
    Folder::with("f.yaml", format!("http:\n{http}")).canary(["check", BEFORE_RAMPS, "f.yaml"])
}

/// The warnings without the name of the file and the word.
fn warnings(http: &str) -> Vec<String> {
    let said = check(http);
    assert_eq!(said.status, 0, "{said:?}");
    let lines = said.stderr.lines();
    lines
        .map(|line| {
            line.strip_prefix("f.yaml:")
                .unwrap()
                .replace("warning: ", "")
        })
        .collect()
}

/// Two rules that lead to different versions, with these entries of `match`.
fn two(first: &str, second: &str) -> String {
    format!(
        "- {{name: first, match: [{first}], route: [{{cluster: a}}]}}\n- {{name: second, match: [{second}], route: [{{cluster: b}}]}}\n"
    )
}

#[test]
fn a_rule_that_is_never_reached_is_warned_of_with_the_rule_that_hides_it() {
    let hidden = "3:3: http[1]: the rule `second` is never reached: the earlier rule `first` (http[0]) takes all of its requests; move it before that rule, or remove it";
    for (first, second) in [
        ("{uri: {prefix: /a/}}", "{uri: {prefix: /a/b/}}"),
        (
            "{uri: {prefix: /a/}}",
            "{uri: {exact: /a/b}, method: {exact: GET}}",
        ),
        (
            "{uri: {prefix: /a/}}, {uri: {exact: /a}}",
            "{uri: {exact: /a}}",
        ),
        (
            "{uri: {regex: '/a(/.*)?'}}",
            "{uri: {exact: /a}}, {uri: {exact: /a/b}}",
        ),
        (
            "{uri: {prefix: /A/}, ignoreUriCase: true}",
            "{uri: {prefix: /a/b/}}",
        ),
        (
            "{headers: {x: {}}}",
            "{headers: {X: {exact: a}}, queryParams: {q: {}}}",
        ),
        (
            "{authority: {exact: a}}",
            "{headers: {host: {exact: a}}, uri: {prefix: /b/}}",
        ),
        ("{}", "{uri: {prefix: /a/}}"),
        ("", "{headers: {x: {exact: a}}}"),
        ("", ""),
    ] {
        assert_eq!(warnings(&two(first, second)), [hidden], "{first} {second}");
    }
}

#[test]
fn a_rule_that_several_rules_hide_together_names_all_of_them() {
    let rule = |name: &str, entries: &str| {
        format!("- {{name: {name}, match: [{entries}], route: [{{cluster: {name}}}]}}\n")
    };
    let http = rule("a", "{uri: {prefix: /a/}}")
        + &rule("b", "{uri: {prefix: /b/}}")
        + &rule("c", "{uri: {exact: /b/c}}, {uri: {exact: /a/c}}");
    let reason = "4:3: http[2]: the rule `c` is never reached: the earlier rules `a` (http[0]), `b` (http[1]) take all of its requests; ";
    assert!(
        warnings(&http)[0].starts_with(reason),
        "{:?}",
        warnings(&http)
    );
}

#[test]
fn an_entry_that_is_never_reached_is_warned_of_while_its_rule_is_reached() {
    let http = two(
        "{uri: {prefix: /a/}}",
        "{uri: {prefix: /b/}}, {uri: {prefix: /a/b/}}",
    );
    let warning = "3:48: http[1].match[1]: a part of the rule `second` is never reached: the earlier rule `first` (http[0]) takes all requests of this entry";
    assert_eq!(warnings(&http), [warning]);
}

#[test]
fn an_exception_after_the_rule_that_it_is_an_exception_from_is_warned_of() {
    let http = |testers: &str, cluster: &str| {
        format!(
            "- {{name: color, match: [{{uri: {{prefix: /color/}}}}], route: [{{cluster: blue, weight: 1}}, {{cluster: green, weight: 1}}]}}\n- {{name: testers, match: [{testers}], route: [{{cluster: {cluster}}}]}}\n"
        )
    };
    let warning = "3:27: http[1].match[0]: a part of the rule `testers` is never reached: the earlier rule `color` (http[0]) takes all requests whose path begins with `/color/`, and leads to the same version; move the rule with more conditions before the other one";
    for (testers, cluster, expected) in [
        ("{headers: {x-tester: {}}}", "green", vec![warning]),
        (
            "{headers: {x-tester: {}}, uri: {prefix: /}}",
            "green",
            vec![warning],
        ),
        // Another service, other paths, or no condition beside the path.
        ("{headers: {x-tester: {}}}", "other", vec![]),
        (
            "{headers: {x-tester: {}}, uri: {prefix: /shop/}}",
            "green",
            vec![],
        ),
        ("{uri: {prefix: /}}", "green", vec![]),
    ] {
        assert_eq!(warnings(&http(testers, cluster)), expected, "{testers}");
    }
}

#[test]
fn rules_from_the_narrow_to_the_wide_have_no_warning() {
    for (first, second) in [
        ("{uri: {prefix: /a/b/}}", "{uri: {prefix: /a/}}"),
        (
            "{uri: {prefix: /a/}, headers: {x: {exact: b}}}",
            "{uri: {prefix: /a/}}",
        ),
        (
            "{uri: {exact: /a}}",
            "{uri: {exact: /a}, ignoreUriCase: true}",
        ),
        ("{headers: {x: {exact: a}}}", "{headers: {x: {prefix: a}}}"),
        ("{withoutHeaders: {x: {}}}", "{headers: {x: {}}}"),
        (
            "{queryParams: {q: {exact: a}}}",
            "{queryParams: {q: {exact: b}}}",
        ),
        ("{uri: {prefix: /a/}}", ""),
    ] {
        assert_eq!(warnings(&two(first, second)), [""; 0], "{first} {second}");
    }
}

fn one(entry: &str) -> String {
    format!("- match: [{entry}]\n  route: [{{cluster: a}}]\n")
}

#[test]
fn a_prefix_that_ends_in_a_word_is_warned_of_once_in_a_rule() {
    let warning = "2:18: http[0].match[0].uri.prefix: `/color` also takes `/color2`; for `/color` and what is below it, write two entries, `uri: {exact: /color}` and `uri: {prefix: /color/}`";
    for entry in [
        "{uri: {prefix: /color}}",
        "{uri: {prefix: /color}, method: {exact: GET}}, {uri: {prefix: /color}}",
    ] {
        assert_eq!(warnings(&one(entry)), [warning]);
    }
    for entry in [
        "{uri: {exact: /color}}, {uri: {prefix: /color/}}",
        "{uri: {prefix: /assets/app-}}",
        "{uri: {prefix: /}}",
        "{uri: {prefix: ''}}",
        "{uri: {exact: /color}}",
        "{headers: {x: {prefix: a}}}",
        "{uri: {regex: '/color[^/]*(/.*)?'}}",
    ] {
        assert_eq!(warnings(&one(entry)), [""; 0], "{entry}");
    }
}

#[test]
fn a_condition_that_never_holds_or_has_a_simpler_form_is_warned_of() {
    for (entry, path, reason) in [
        (
            "{uri: {regex: /color.*}}",
            "uri.regex",
            "is a plain prefix; write `prefix: \"/color\"`, or `/color(/.*)?` without `/color2`",
        ),
        (
            "{uri: {regex: /color/.*}}",
            "uri.regex",
            "is a plain prefix; write `prefix: \"/color/\"`",
        ),
        (
            "{uri: {regex: /color}}",
            "uri.regex",
            "is a plain text; write `exact: \"/color\"`",
        ),
        (
            "{uri: {regex: .*}}",
            "uri.regex",
            "matches every path; leave `uri` out",
        ),
        (
            "{authority: {regex: 'a\\.b'}}",
            "authority.regex",
            "is a plain text; write `exact: \"a.b\"`",
        ),
        (
            "{method: {regex: .*}}",
            "method.regex",
            "matches every value; leave the condition out",
        ),
        (
            "{headers: {x.y: {regex: .*}}}",
            "headers.x.y.regex",
            "matches every value; write `{}`, which only asks for its presence",
        ),
        (
            "{queryParams: {q: {regex: a.*}}}",
            "queryParams.q.regex",
            "is a plain prefix; write `prefix: \"a\"`",
        ),
        (
            "{withoutHeaders: {x: {regex: .*}}}",
            "withoutHeaders.x.regex",
            "no request matches: an absent header counts as empty, which this takes, too; write `{}` for a header that must be absent",
        ),
        (
            "{headers: {x: {regex: a$b}}}",
            "headers.x.regex",
            "no value matches; look for a `^`, `$` or `\\b` in the middle",
        ),
        (
            "{uri: {regex: '/a\\?b=1'}}",
            "uri.regex",
            "no path matches: it is compared without its query, and begins with `/`",
        ),
        (
            "{uri: {regex: 'color/\\d+'}}",
            "uri.regex",
            "no path matches: it is compared without its query, and begins with `/`",
        ),
        (
            "{uri: {exact: '/a?b=1'}}",
            "uri.exact",
            "no request matches: the path is compared without its query; use `queryParams` for the query",
        ),
        (
            "{uri: {prefix: color}}",
            "uri.prefix",
            "no request matches: every path begins with `/`; write `/color`",
        ),
    ] {
        let found = warnings(&one(entry));
        assert_eq!(found.len(), 1, "{found:?}");
        let expected = format!(": http[0].match[0].{path}: {reason}");
        assert!(found[0].ends_with(&expected), "{}\n{expected}", found[0]);
    }
    let folded = "{uri: {regex: /color}, ignoreUriCase: true}";
    assert_eq!(
        warnings(&one(folded)),
        [""; 0],
        "`exact` would ignore the case"
    );
}

#[test]
fn a_sticky_rule_whose_users_may_lack_a_key_is_warned_of() {
    let http = |keys: &str| {
        format!(
            "- {{name: c, consistentHash: [{keys}], route: [{{cluster: a}}, {{cluster: b, weight: 1}}]}}\n"
        )
    };
    let warning = "2:13: http[0].consistentHash: a user may have none of these keys, and then gets a version at random with each request; end the list with a key that everybody has: `httpCookie` with a `ttl`, or `useSourceIp: true`";
    for (keys, expected) in [
        ("{httpHeaderName: x}", vec![warning]),
        (
            "{httpHeaderName: x}, {httpCookie: {name: c}}",
            vec![warning],
        ),
        ("{httpQueryParameterName: q}", vec![warning]),
        (
            "{httpHeaderName: x}, {httpCookie: {name: c, ttl: 0s}}",
            vec![],
        ),
        ("{httpHeaderName: x}, {useSourceIp: true}", vec![]),
    ] {
        assert_eq!(warnings(&http(keys)), expected, "{keys}");
    }
}

#[test]
fn a_rollback_whose_stable_gets_little_or_nothing_is_warned_of() {
    let http = |stable: u32, ramp: &str| {
        format!(
            "- {{name: c, rollback: {{stable: a}}, {ramp}route: [{{cluster: a, weight: {stable}}}, {{cluster: b, weight: 95}}]}}\n"
        )
    };
    let nothing = "http[0].rollback: `a` has the weight 0, so nothing is compared with it and nothing is rolled back";
    let little = "http[0].rollback: `a` gets less than 5 % of the requests, so it takes long until its errors can be compared with others";
    let ramp = "ramp: {start: '2026-11-01T00:00:00Z', steps: [{after: 0s, weights: [4, 96]}, {after: 9000h, weights: [0, 1]}]}, ";
    for (stable, ramp, expected) in [
        (0, "", vec![nothing]),
        (4, "", vec![little]),
        (5, "", vec![]),
        (100, ramp, vec![little]),
    ] {
        let found = warnings(&http(stable, ramp));
        let reasons: Vec<_> = found
            .iter()
            .map(|it| it.split_once(": ").unwrap().1)
            .collect();
        assert_eq!(reasons, expected, "{stable}");
    }
}

#[test]
fn a_ramp_that_is_over_is_warned_of() {
    let file = "http:\n- name: c\n  route: [{cluster: a, weight: 9}, {cluster: b, weight: 1}]\n  ramp:\n    start: '2026-12-01T09:00:00Z'\n    steps: [{after: 0s, weights: [3, 1]}, {after: 1h, weights: [1, 3]}]\n";
    let folder = Folder::with("f.yaml", file);
    let warning = "f.yaml:4:3: warning: http[0].ramp: has ended: the weights of `steps[1]` hold from now on; write its weights (1, 3) into `route` and remove `ramp`\n";
    for (time, expected) in [
        ("2026-12-01T08:00:00Z", ""),
        ("2026-12-01T09:59:59Z", ""),
        ("2026-12-01T11:00:00+01:00", warning),
        ("2036-12-01T10:00:00Z", warning),
    ] {
        let said = folder.canary(["check", "f.yaml", "--at", time]);
        assert_eq!((said.status, said.stderr.as_str()), (0, expected), "{time}");
    }
    let said = folder.canary(["check", "f.yaml", "--at", "2026-12-01"]);
    assert_eq!(said.status, 2);
}

#[test]
fn with_strict_a_warning_is_as_bad_as_an_error() {
    let folder = Folder::with(
        "f.yaml",
        format!("http:\n{}", one("{uri: {prefix: /color}}")),
    );
    let lax = folder.canary(["check", "f.yaml"]);
    let strict = folder.canary(["check", "f.yaml", "--strict"]);
    assert_eq!((lax.status, strict.status), (0, 1));
    assert_eq!(lax.stderr, strict.stderr);
    let good = Folder::with(
        "f.yaml",
        format!("http:\n{}", one("{uri: {prefix: /color/}}")),
    );
    assert_eq!(good.canary(["check", "f.yaml", "--strict"]).status, 0);
}
