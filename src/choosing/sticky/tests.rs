use super::Key;
use crate::choosing::random::tests::Fixed;
use crate::choosing::reason::Reason;
use crate::choosing::rendezvous;
use crate::config::header_name::HeaderName;
use crate::request::Lines;
use crate::{Destination, InForce, Policy, Request, Rule};

fn policy(members: &str, weights: [u32; 2]) -> Result<Policy, String> {
    let [blue, green] = weights;
    let text = format!(
        r#"{{"http": [{{"name": "color", {members} "route": [
            {{"cluster": "blue", "weight": {blue}}}, {{"cluster": "green", "weight": {green}}}]}}]}}"#
    );
    Policy::from_json(text.as_bytes()).map_err(|fault| fault.to_string())
}

/// A decision with its texts.
struct Chosen {
    reason: Reason,
    key: Option<&'static str>,
    label: String,
    set_cookie: Option<String>,
}

fn chosen(policy: &Policy, lines: &Lines) -> Chosen {
    let request = Request::new(lines);
    let decision = policy
        .decide(&request, &InForce::default(), &mut Fixed(80))
        .unwrap();
    let description = policy.describe(&decision).unwrap();
    Chosen {
        reason: decision.reason,
        key: decision.key.map(|key| key.as_str()),
        label: description.destination().label().to_owned(),
        set_cookie: description.set_cookie(&[]),
    }
}

/// The line `source.address` is not a header, but sets the client's address.
fn choose(policy: &Policy, lines: &[(&str, &str)]) -> Chosen {
    let is_address = |(name, _): &&(&str, &str)| *name == "source.address";
    let address = lines.iter().find(is_address);
    let lines = Lines::new(lines);
    let lines = match address {
        Some((_, address)) => lines.from_address(address),
        None => lines,
    };
    chosen(policy, &lines)
}

/// A rule that sends three quarters of the users to blue, by the header `u`. The names of the clusters are these prefixes
/// and the labels.
fn rule(name: &str, salt: Option<&str>, [blue, green]: [&str; 2]) -> Rule {
    let destinations = vec![
        Destination::new(Some(&format!("{blue}-blue")), "blue"),
        Destination::new(Some(&format!("{green}-green")), "green"),
    ];
    let keys = vec![Key::Header(HeaderName::to_read("u").unwrap())];
    let rule = Rule::new(name, destinations, &[3, 1]).unwrap();
    rule.sticky_by(keys, salt)
}

/// The label and the cluster that the rule chooses.
fn chosen_by(rule: &Rule, lines: &Lines) -> (String, String) {
    let decision = rule.choose(0, None, &Request::new(lines), &mut Fixed(0));
    let destination = &rule.destinations()[decision.destination as usize];
    (
        destination.label().to_owned(),
        destination.cluster().unwrap().to_owned(),
    )
}

const ALL: &str = r#""consistentHash": [
    {"httpHeaderName": "X-User"}, {"httpCookie": {"name": "id"}}, {"httpQueryParameterName": "user"}, {"useSourceIp": true}],"#;
const ISSUED: &str = r#""consistentHash": [{"httpHeaderName": "x-user"}, {"httpCookie": {"name": "id", "ttl": "1h"}}],"#;

#[test]
fn the_first_key_that_the_request_carries_decides() {
    let policy = policy(ALL, [75, 25]).unwrap();
    let request = [
        ("x-user", "u"),
        ("cookie", "a=b; id=c"),
        (":path", "/?user=q"),
        ("source.address", "192.0.2.1:80"),
    ];
    for (from, kind) in [(0, "header"), (1, "cookie"), (2, "query"), (3, "source-ip")] {
        let choice = choose(&policy, &request[from..]);
        assert_eq!((choice.reason, choice.key), (Reason::Sticky, Some(kind)));
    }
    let choice = choose(&policy, &[]);
    assert_eq!(
        (choice.reason, choice.key, &*choice.label),
        (Reason::Weighted, None, "green"),
        "without a key, the random point decides"
    );
}

#[test]
fn an_empty_key_counts_as_absent() {
    let policy = policy(ALL, [75, 25]).unwrap();
    let choice = choose(
        &policy,
        &[
            ("x-user", ""),
            ("cookie", "id="),
            (":path", "/?user="),
            ("source.address", "192.0.2.1:80"),
        ],
    );
    assert_eq!(choice.key, Some("source-ip"));
}

#[test]
fn the_first_of_several_lines_of_a_header_is_the_key() {
    let policy = policy(ALL, [75, 25]).unwrap();
    for user in 0..200 {
        let (one, other) = (format!("one{user}"), format!("other{user}"));
        let by = |lines: &[(&str, &str)]| {
            let choice = choose(&policy, lines);
            (choice.key, choice.label)
        };
        assert_eq!(
            by(&[("x-user", &one), ("x-user", &other)]),
            by(&[("x-user", &one)])
        );
        let cookies = [&one, &other].map(|user| format!("id={user}"));
        let first = [("cookie", &*cookies[0])];
        assert_eq!(
            by(&[("cookie", &cookies[0]), ("cookie", &cookies[1])]),
            by(&first)
        );
    }
}

#[test]
fn the_first_cookie_line_that_has_the_name_is_the_key() {
    let policy = policy(ALL, [75, 25]).unwrap();
    let by = |lines: &[(&str, &str)]| {
        let choice = choose(&policy, lines);
        (choice.key, choice.label)
    };
    for user in 0..200 {
        let key = format!("id=user{user}");
        let alone = by(&[("cookie", &key)]);
        for lines in [
            &["a=b", &key][..],
            &["a=b", "c=d", &key, "id=later"],
            &[&key, "id=later"],
            &["", &key],
        ] {
            let lines: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            assert_eq!(by(&lines), alone, "{lines:?}");
        }
    }
    let empty = by(&[
        ("cookie", "id="),
        ("cookie", "id=later"),
        ("source.address", "a:1"),
    ]);
    assert_eq!(
        empty.0,
        Some("source-ip"),
        "an empty value counts as absent"
    );
}

#[test]
fn an_address_is_the_same_user_in_ipv4_and_in_ipv6_form() {
    let policy = policy(ALL, [75, 25]).unwrap();
    for user in 0..200 {
        let from = |address: String| choose(&policy, &[("source.address", &address)]).label;
        assert_eq!(
            from(format!("192.0.2.{user}:80")),
            from(format!("[::ffff:192.0.2.{user}]:81"))
        );
    }
}

#[test]
fn a_preflight_does_not_count_as_a_user() {
    let policy = policy(ISSUED, [75, 25]).unwrap();
    let preflight = [
        (":method", "OPTIONS"),
        ("origin", "https://a.example"),
        ("access-control-request-method", "POST"),
    ];
    let choice = choose(&policy, &preflight);
    assert_eq!(
        (choice.reason, choice.key, choice.set_cookie),
        (Reason::Weighted, None, None)
    );
    let with_key = [&preflight[..], &[("x-user", "u")]].concat();
    assert_eq!(choose(&policy, &with_key).reason, Reason::Sticky);
    for missing in 0..3 {
        let mut other = preflight.to_vec();
        other.remove(missing);
        assert!(choose(&policy, &other).set_cookie.is_some(), "{other:?}");
    }
}

#[test]
fn the_value_decides_and_not_the_kind_of_key() {
    let policy = policy(ALL, [75, 25]).unwrap();
    for user in 0..200 {
        let label = |name: &str, value: String| choose(&policy, &[(name, &value)]).label;
        let by_header = label("x-user", format!("u{user}"));
        assert_eq!(by_header, label("cookie", format!("id=u{user}")));
        assert_eq!(by_header, label(":path", format!("/?user=u{user}")));
    }
}

#[test]
fn the_cookie_of_a_new_user_already_decides_the_first_request() {
    let policy = policy(ISSUED, [75, 25]).unwrap();
    let first = choose(&policy, &[(":path", "/"), (":scheme", "https")]);
    let key = format!("{:032x}", 80);
    assert_eq!(
        first.set_cookie,
        Some(format!(
            "id={key}; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure"
        ))
    );
    assert_eq!((first.reason, first.key), (Reason::Sticky, Some("cookie")));
    let second = choose(&policy, &[("cookie", &format!("id={key}"))]);
    assert_eq!((second.set_cookie, second.label), (None, first.label));
    assert_eq!(
        choose(&policy, &[("x-user", "u")]).set_cookie,
        None,
        "the request carries another key"
    );
    assert!(
        choose(&policy, &[("cookie", "id=")]).set_cookie.is_some(),
        "an empty cookie is replaced"
    );
    assert!(
        !choose(&policy, &[(":scheme", "http")])
            .set_cookie
            .unwrap()
            .contains("Secure")
    );
}

#[test]
fn a_cookie_is_issued_even_if_one_destination_gets_everything() {
    let policy = policy(ISSUED, [100, 0]).unwrap();
    let choice = choose(&policy, &[]);
    assert_eq!(
        (choice.reason, choice.key, &*choice.label),
        (Reason::Only, None, "blue")
    );
    assert!(choice.set_cookie.is_some());
}

#[test]
fn rules_with_the_same_salt_agree_and_others_are_independent() {
    const USERS: u32 = 100_000;
    let agreeing = |salts: [Option<&str>; 2]| {
        let [one, other] = [("one", salts[0]), ("other", salts[1])]
            .map(|(name, salt)| rule(name, salt, ["a", "a"]));
        let agree = |user: u32| {
            let lines = Lines::new(&[("u", user.to_string())]);
            let version = |rule: &Rule| chosen_by(rule, &lines).0;
            version(&one) == version(&other)
        };
        (0..USERS).filter(|user| agree(*user)).count()
    };
    let one_salt = Some("one");
    assert_eq!(agreeing([one_salt, one_salt]), 100_000);
    assert_eq!(
        agreeing([None, one_salt]),
        100_000,
        "the rule's name is the default salt"
    );
    // Independent rules agree by chance if both choose blue or both choose green. The bound is five standard deviations.
    let share: f64 = 0.75 * 0.75 + 0.25 * 0.25;
    let deviation = (share * (1.0 - share) * f64::from(USERS)).sqrt();
    let off = agreeing([None, None]) as f64 - share * f64::from(USERS);
    assert!(
        off.abs() <= 5.0 * deviation,
        "different names are different salts: {off}"
    );
}

#[test]
fn bad_keys_are_refused_with_their_path() {
    for (members, line) in [
        (
            r#""consistentHash": [],"#,
            "http[0].consistentHash: needs at least one key",
        ),
        (
            r#""consistentHash": [{}],"#,
            "http[0].consistentHash[0]: give exactly one of",
        ),
        (
            r#""consistentHash": [{"useSourceIp": false}],"#,
            "http[0].consistentHash[0]: give exactly one of",
        ),
        (
            r#""consistentHash": [{"httpHeaderName": "a", "useSourceIp": true}],"#,
            "http[0].consistentHash[0]: give exactly one of",
        ),
        (
            r#""consistentHash": [{"httpHeaderName": "a b"}],"#,
            "http[0].consistentHash[0].httpHeaderName: is not a valid header name",
        ),
        (
            r#""consistentHash": [{"httpQueryParameterName": ""}],"#,
            "http[0].consistentHash[0].httpQueryParameterName: is empty",
        ),
        (
            r#""consistentHash": [{"httpCookie": {"name": "a;b"}}],"#,
            "http[0].consistentHash[0].httpCookie.name: is not a valid cookie name",
        ),
        (
            r#""consistentHash": [{"httpCookie": {"name": "a", "ttl": "1 day"}}],"#,
            "http[0].consistentHash[0].httpCookie.ttl: `1 day` is not a valid duration",
        ),
        (
            r#""consistentHash": [{"httpCookie": {}}],"#,
            "http[0].consistentHash[0].httpCookie.name: is required",
        ),
        (
            r#""consistentHash": [{"useSourceIp": true}, {"httpHeaderName": "a"}],"#,
            "http[0].consistentHash[1]: is never reached",
        ),
        (
            r#""consistentHash": [{"httpCookie": {"name": "a", "ttl": "0s"}}, {"useSourceIp": true}],"#,
            "http[0].consistentHash[1]: is never reached",
        ),
        (
            r#""consistentHash": [{"httpHeaderName": "a"}, {"httpHeaderName": "A"}],"#,
            "http[0].consistentHash[1]: is never reached",
        ),
        (
            r#""salt": "s","#,
            "http[0].salt: has no effect without consistentHash",
        ),
    ] {
        let fault = policy(members, [1, 1]).unwrap_err();
        assert!(
            fault.starts_with(line),
            "{members}\n  gave     {fault}\n  expected {line}"
        );
    }
    let nameless =
        br#"{"http": [{"consistentHash": [{"useSourceIp": true}], "route": [{"cluster": "a"}]}]}"#;
    let fault = Policy::from_json(nameless).unwrap_err().to_string();
    assert!(
        fault.starts_with("http[0].name: is required with consistentHash"),
        "{fault}"
    );
    for keys in [
        r#"{"httpCookie": {"name": "a"}}, {"httpCookie": {"name": "a", "ttl": "0s"}}"#,
        r#"{"httpCookie": {"name": "a"}}, {"httpCookie": {"name": "A"}}"#,
        r#"{"httpHeaderName": "a"}, {"httpQueryParameterName": "a"}"#,
    ] {
        assert!(
            policy(&format!(r#""consistentHash": [{keys}],"#), [1, 1]).is_ok(),
            "{keys}"
        );
    }
}

/// Otherwise a user could get different versions of two services that have to agree.
#[test]
fn the_label_decides_and_not_the_cluster() {
    let [one, other] = ["one", "other"].map(|cluster| rule(cluster, Some("color"), [cluster; 2]));
    let mut greens = 0;
    for user in 0..400 {
        let lines = Lines::new(&[("u", user.to_string())]);
        let (label, cluster) = chosen_by(&one, &lines);
        assert_eq!(cluster, format!("one-{label}"));
        assert_eq!(
            chosen_by(&other, &lines),
            (label.clone(), format!("other-{label}"))
        );
        let picked = rendezvous::pick(
            user.to_string().as_bytes(),
            [("blue", 3), ("green", 1)]
                .map(|(label, weight)| (rendezvous::seed("color", label), weight))
                .into_iter(),
        );
        assert_eq!(label, ["blue", "green"][picked.unwrap()]);
        greens += usize::from(label == "green");
    }
    assert!((60..140).contains(&greens), "{greens}");
}

proptest::proptest! {
    #[test]
    fn any_bytes_can_be_a_key(
        cookie in proptest::collection::vec(proptest::num::u8::ANY, 0..60),
        path in proptest::collection::vec(proptest::num::u8::ANY, 0..60),
        address in proptest::collection::vec(proptest::num::u8::ANY, 0..60),
    ) {
        let policy = policy(ALL, [75, 25]).unwrap();
        let lines = Lines::new(&[("cookie", cookie), (":path", path)]).from_address(address);
        proptest::prop_assert!(["blue", "green"].contains(&&*chosen(&policy, &lines).label));
    }
}
