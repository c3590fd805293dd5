//! The keys by which a user is known, in order.

use harness::Setup;
use harness::http1::{Connection, Response};
use serde_json::{Value, json};

use crate::split::is_share;
use crate::support::{World, rule, who};

/// A rule that splits in halves by these keys, for paths with this prefix. All such rules have the same salt, so a value
/// gives the same version in each of them, whichever key carries it.
pub(crate) fn keyed(name: &str, prefix: &str, keys: &Value) -> Value {
    let mut rule = rule(name, 1, 1);
    rule["match"] = json!([{"uri": {"prefix": prefix}}]);
    rule["salt"] = json!("keys");
    rule["consistentHash"] = keys.clone();
    rule
}

/// A proxy with a rule at `/color/known` that is sticky by the header `x-user`, and one at `/color` by these keys.
pub(crate) fn setup(keys: &Value) -> Setup {
    let known = keyed(
        "known",
        "/color/known",
        &json!([{"httpHeaderName": "x-user"}]),
    );
    let rules = [known, keyed("tested", "/color", keys)];
    Setup::new(json!({"http": rules, "responseHeader": "x-canary-decision"}).to_string())
}

/// The version of the user with this name.
pub(crate) fn known(connection: &mut Connection, user: &[u8]) -> String {
    who(&connection.get("/color/known", &[("x-user", user)]).unwrap()).to_owned()
}

/// The kind of key that decided, and the version that it chose.
pub(crate) fn decided(answer: &Response) -> (&str, &str) {
    let decision = answer.header("x-canary-decision").unwrap();
    let key = decision
        .rsplit_once(";reason=sticky;key=")
        .and_then(|(_, rest)| rest.split(';').next())
        .unwrap_or("none");
    (key, who(answer))
}

#[test]
fn the_first_key_that_the_request_carries_decides() {
    let keys = json!([
        {"httpHeaderName": "X-User"},
        {"httpCookie": {"name": "id"}},
        {"httpQueryParameterName": "user"},
        {"useSourceIp": true}
    ]);
    let world = World::start(&setup(&keys));
    let mut connection = world.envoy.connect();
    let address = known(&mut connection, b"127.0.0.1");
    for n in 0..40 {
        let [by_header, by_cookie, by_query] = ["h", "c", "q"].map(|kind| format!("{kind}{n}"));
        let version =
            [&by_header, &by_cookie, &by_query].map(|user| known(&mut connection, user.as_bytes()));
        let query = format!("/color?user={by_query}");
        let cookie = format!("a=b; id={by_cookie}");
        let headers: [(&str, &[u8]); 2] = [
            ("x-user", by_header.as_bytes()),
            ("cookie", cookie.as_bytes()),
        ];
        let empty: [(&str, &[u8]); 2] = [("x-user", b""), ("cookie", b"id=")];
        for (path, headers, key, version) in [
            (&*query, &headers[..], "header", &version[0]),
            (&query, &headers[1..], "cookie", &version[1]),
            (&query, &[], "query", &version[2]),
            (&query, &empty, "query", &version[2]),
            ("/color?user=", &empty, "source-ip", &address),
            ("/color", &[], "source-ip", &address),
        ] {
            let answer = connection.get(path, headers).unwrap();
            assert_eq!(
                decided(&answer),
                (key, version.as_str()),
                "{path} {headers:?}"
            );
        }
    }
}

#[test]
fn of_several_header_lines_and_parameters_the_first_decides() {
    let world = World::start(&setup(
        &json!([{"httpHeaderName": "x-id"}, {"httpQueryParameterName": "user"}]),
    ));
    let mut connection = world.envoy.connect();
    for n in 0..40 {
        let (one, other) = (format!("one{n}"), format!("other{n}"));
        let version = known(&mut connection, one.as_bytes());
        let twice = [("x-id", one.as_bytes()), ("x-id", other.as_bytes())];
        assert_eq!(
            decided(&connection.get("/color", &twice).unwrap()),
            ("header", version.as_str())
        );
        let path = format!("/color?a=b&user={one}&user={other}");
        assert_eq!(
            decided(&connection.get(path, &[]).unwrap()),
            ("query", version.as_str())
        );
    }
}

#[test]
fn bytes_that_are_not_text_are_a_key() {
    let world = World::start(&setup(&json!([{"httpHeaderName": "x-id"}])));
    let mut connection = world.envoy.connect();
    for byte in 0x80..=0xff {
        let user = [byte, 0xff, b'u'];
        let version = known(&mut connection, &user);
        let answer = connection.get("/color", &[("x-id", &user)]).unwrap();
        assert_eq!(decided(&answer), ("header", version.as_str()), "{byte:x}");
    }
}

#[test]
fn without_a_key_every_request_is_split_by_weight() {
    let mut rule = rule("color", 75, 25);
    rule["consistentHash"] = json!([{"httpHeaderName": "x-user"}, {"httpCookie": {"name": "id"}}]);
    let world = World::start(&Setup::new(crate::support::policy(&rule)));
    let (mut green, n) = (0, 4_000);
    for _ in 0..4 {
        let mut connection = world.envoy.connect();
        for _ in 0..n / 4 {
            let answer = connection.get("/color", &[("cookie", b"other=1")]).unwrap();
            assert!(
                answer
                    .header("x-canary-decision")
                    .unwrap()
                    .contains(";reason=weighted;")
            );
            assert_eq!(answer.header("set-cookie"), None);
            green += u32::from(who(&answer) == "green");
        }
    }
    assert!(is_share(green, n, 0.25), "{green} of {n}");
}
