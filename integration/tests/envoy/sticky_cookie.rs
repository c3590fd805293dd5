//! The cookie by which a new browser becomes a user.

use harness::http1::Response;
use harness::http2::{self, Answer};
use harness::{Setup, manager};
use serde_json::{Value, json};

use crate::sticky_address::one_trusted_hop;
use crate::sticky_keys::{decided, known, setup};
use crate::support::{World, no_vm_restarted, routes, who};

/// A rule that splits in halves by a cookie with these members besides its name.
fn issuing(members: &Value) -> Setup {
    let mut cookie = json!({"name": "canary-id", "ttl": "720h"});
    cookie
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    setup(&json!([{"httpCookie": cookie}]))
}

/// Sends one GET over HTTP/2 on a connection of its own.
fn over_http2(world: &World, headers: &[(&str, &[u8])]) -> Response {
    match http2::get(world.envoy.address(), b"/color", headers).unwrap() {
        Answer::Response {
            status,
            headers,
            body,
        } => Response {
            status,
            headers,
            body,
        },
        other => panic!("{other:?}"),
    }
}

/// The key that the answer issues, 128 random bits in hex, and the attributes after it.
fn issued(answer: &Response) -> Option<(String, String)> {
    let mut lines = answer
        .values("set-cookie")
        .filter_map(|line| line.strip_prefix("canary-id="));
    let (key, attributes) = lines.next()?.split_once("; ")?;
    assert!(
        key.len() == 32
            && key
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
        "{key}"
    );
    assert_eq!(lines.next(), None, "one cookie");
    Some((key.to_owned(), attributes.to_owned()))
}

#[test]
fn the_first_answer_comes_from_the_version_of_the_cookie_that_it_sets() {
    let world = World::start(&issuing(&json!({})));
    let mut keys = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let mut connection = world.envoy.connect();
        for first in [
            connection.get("/color", &[]).unwrap(),
            over_http2(&world, &[]),
        ] {
            let (key, _) = issued(&first).unwrap();
            let version = known(&mut connection, key.as_bytes());
            assert_eq!(decided(&first), ("cookie", version.as_str()));
            let cookie = format!("canary-id={key}");
            let cookie: [(&str, &[u8]); 1] = [("cookie", cookie.as_bytes())];
            for second in [
                connection.get("/color", &cookie).unwrap(),
                over_http2(&world, &cookie),
            ] {
                assert_eq!(
                    (decided(&second), issued(&second)),
                    (("cookie", version.as_str()), None)
                );
            }
            keys.insert(key);
        }
    }
    assert_eq!(keys.len(), 200, "a key of one's own for everybody");
}

#[test]
fn the_attributes_are_the_configured_ones_and_secure_by_https_alone() {
    for (members, attributes) in [
        (json!({}), "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"),
        (json!({"ttl": "0s"}), "Path=/; HttpOnly; SameSite=Lax"),
        (
            json!({"ttl": "90m", "path": "/color"}),
            "Path=/color; Max-Age=5400; HttpOnly; SameSite=Lax",
        ),
    ] {
        let world = World::start(&Setup {
            change: one_trusted_hop,
            ..issuing(&members)
        });
        let mut connection = world.envoy.connect();
        let mut by = |headers: &[(&str, &[u8])]| {
            issued(&connection.get("/color", headers).unwrap())
                .unwrap()
                .1
        };
        assert_eq!(by(&[]), attributes);
        assert_eq!(by(&[("x-forwarded-proto", b"http")]), attributes);
        assert_eq!(
            by(&[("x-forwarded-proto", b"https")]),
            format!("{attributes}; Secure")
        );
    }
    // Without a trusted hop, the connection counts.
    let world = World::start(&issuing(&json!({})));
    let answer = world
        .envoy
        .connect()
        .get("/color", &[("x-forwarded-proto", b"https")])
        .unwrap();
    assert!(!issued(&answer).unwrap().1.contains("Secure"));
}

#[test]
fn no_cookie_is_issued_on_an_answer_that_a_shared_cache_may_keep() {
    let world = World::start(&issuing(&json!({})));
    let mut connection = world.envoy.connect();
    for (lines, shared) in [
        (&["Cache-Control: public, max-age=60"][..], true),
        (&["cache-control: s-maxage=60"], true),
        (
            &[
                "Cache-Control: no-transform",
                "Cache-Control: max-age=1, S-MaxAge=2",
            ],
            true,
        ),
        (&["Cache-Control: private, max-age=60"], false),
        (&["Cache-Control: no-store"], false),
        (&["X-Cache-Control: public"], false),
        (&["CDN-Cache-Control: max-age=60"], true),
        (&["CDN-Cache-Control: max-age=0"], false),
        (&["Surrogate-Control: max-age=3600+60"], true),
    ] {
        let headers: Vec<(&str, &[u8])> = lines
            .iter()
            .map(|line| ("x-answer", line.as_bytes()))
            .collect();
        let answer = connection.get("/color", &headers).unwrap();
        assert_eq!(issued(&answer).is_none(), shared, "{answer:?}");
        assert_eq!(decided(&answer).0, "cookie");
    }
}

#[test]
fn the_cookies_of_the_service_stay_beside_it() {
    let world = World::start(&issuing(&json!({})));
    let own: [(&str, &[u8]); 2] = [
        ("x-answer", b"Set-Cookie: a=1; Path=/"),
        ("x-answer", b"Set-Cookie: b=2"),
    ];
    let answer = world.envoy.connect().get("/color", &own).unwrap();
    let lines: Vec<_> = answer.values("set-cookie").collect();
    assert_eq!(lines[..2], ["a=1; Path=/", "b=2"]);
    assert_eq!(lines.len(), 3);
    assert!(issued(&answer).is_some());
}

#[test]
fn a_cookie_of_the_same_name_is_the_applications() {
    let world = World::start(&issuing(&json!({})));
    let own: [(&str, &[u8]); 1] = [("x-answer", b"Set-Cookie: canary-id=session; Path=/")];
    let answer = world.envoy.connect().get("/color", &own).unwrap();
    let lines: Vec<_> = answer.values("set-cookie").collect();
    assert_eq!(lines, ["canary-id=session; Path=/"]);
}

#[test]
fn an_embedded_application_gets_the_attributes_that_it_asks_for() {
    let attributes = json!([
        {"name": "SameSite", "value": "None"}, {"name": "Partitioned"}, {"name": "HttpOnly", "value": "false"},
        {"name": "Domain", "value": ".shop.example"}
    ]);
    let world = World::start(&issuing(&json!({"attributes": attributes})));
    let (_, attributes) = issued(&world.envoy.get("/color")).unwrap();
    assert_eq!(
        attributes,
        "Path=/; Max-Age=2592000; Domain=shop.example; SameSite=None; Secure; Partitioned"
    );
}

#[test]
fn a_preflight_is_weighted_and_gets_no_cookie() {
    let world = World::start(&issuing(&json!({})));
    let preflight = b"OPTIONS /color HTTP/1.1\r\nhost: a\r\norigin: https://b\r\naccess-control-request-method: PUT\r\n\r\n";
    let options = b"OPTIONS /color HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut connection = world.envoy.connect();
    let answer = connection.send(preflight).unwrap();
    assert!(
        answer
            .header("x-canary-decision")
            .unwrap()
            .contains(";reason=weighted;")
    );
    assert_eq!(issued(&answer), None);
    let answer = connection.send(options).unwrap();
    assert_eq!(decided(&answer).0, "cookie");
    assert!(issued(&answer).is_some());
}

#[test]
fn answers_of_envoy_itself_set_the_cookie_as_well() {
    let world = World::start(&Setup {
        change: local_answers,
        ..issuing(&json!({}))
    });
    let mut connection = world.envoy.connect();
    for (path, status) in [
        ("/color/direct", 200),
        ("/color/redirect", 301),
        ("/color/nobody", 503),
    ] {
        let first = connection.get(path, &[]).unwrap();
        assert_eq!(first.status, status, "{first:?}");
        let (key, _) = issued(&first).unwrap_or_else(|| panic!("{path}: {first:?}"));
        let cookie = format!("canary-id={key}");
        let second = connection
            .get(path, &[("cookie", cookie.as_bytes())])
            .unwrap();
        assert_eq!((second.status, issued(&second)), (status, None), "{path}");
        let decision = |answer: &Response| answer.header("x-canary-decision").unwrap().to_owned();
        assert_eq!(decision(&second), decision(&first), "{path}");
        assert!(decision(&first).contains(";reason=sticky;key=cookie;"));
    }
    no_vm_restarted(&world.envoy);
}

/// A direct response, a redirect, and a cluster that does not exist.
fn local_answers(bootstrap: &mut Value) {
    let route = |name: &str, action: &str, value: Value| json!({"name": name, "match": {"prefix": format!("/color/{name}")}, action: value});
    routes(bootstrap).splice(
        0..0,
        [
            route(
                "direct",
                "direct_response",
                json!({"status": 200, "body": {"inline_string": "direct"}}),
            ),
            route("redirect", "redirect", json!({"path_redirect": "/color"})),
            route("nobody", "route", json!({"cluster": "nobody"})),
        ],
    );
}

#[test]
fn an_answer_from_a_cache_after_the_filter_gives_each_user_a_cookie_of_their_own() {
    let world = World::start(&Setup {
        change: cache,
        ..issuing(&json!({}))
    });
    let mut connection = world.envoy.connect();
    let cacheable: [(&str, &[u8]); 2] = [
        ("x-answer", b"Cache-Control: max-age=600"),
        ("x-answer", b"Date: Fri, 31 Dec 2100 00:00:00 GMT"),
    ];
    let answers: Vec<_> = (0..20)
        .map(|_| connection.get("/color", &cacheable).unwrap())
        .collect();
    let served = world.blue.served() + world.green.served();
    assert!(served < 20, "{served} of 20: the cache has answered none");
    let keys: std::collections::BTreeSet<_> = answers
        .iter()
        .map(|answer| issued(answer).unwrap().0)
        .collect();
    assert_eq!(keys.len(), 20);
    no_vm_restarted(&world.envoy);
}

/// Envoy's cache filter, between the filter and the router.
fn cache(bootstrap: &mut Value) {
    let filter = json!({
        "name": "cache",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.cache.v3.CacheConfig",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig"
            }
        }
    });
    manager(bootstrap)["http_filters"]
        .as_array_mut()
        .unwrap()
        .insert(1, filter);
}

/// Cookie headers, each with the user that it names, or with none.
const HEADERS: &[(&[&str], Option<&str>)] = &[
    (&["canary-id=USER"], Some("USER")),
    (&["a=1; canary-id=USER; b=2"], Some("USER")),
    (&["a=1;canary-id=USER;b=2"], Some("USER")),
    (&["canary-id=\"USER\""], Some("USER")),
    (&["  canary-id = USER  ; x"], Some("USER")),
    (&["canary-id=USER; canary-id=other"], Some("USER")),
    (&["canary-id=USER", "canary-id=other"], Some("USER")),
    (&["canary-id=USER=="], Some("USER==")),
    (&[";;=; =; a; canary-id=USER;"], Some("USER")),
    (&["\u{ff}=\u{fe}; canary-id=USER"], Some("USER")),
    (&["canary-id="], None),
    (&["canary-id"], None),
    (&["Canary-Id=USER"], None),
    (&["xcanary-id=USER; canary-id2=USER"], None),
    (&["\"canary-id=USER\""], None),
    (&[";"], None),
];

#[test]
fn a_cookie_is_read_as_browsers_and_others_write_it() {
    let world = World::start(&issuing(&json!({})));
    let mut connection = world.envoy.connect();
    for n in 0..30 {
        let user = format!("user{n}");
        for (lines, named) in HEADERS {
            let lines: Vec<_> = lines
                .iter()
                .map(|line| line.replace("USER", &user))
                .collect();
            let headers: Vec<_> = lines
                .iter()
                .map(|line| ("cookie", line.as_bytes()))
                .collect();
            let version =
                named.map(|named| known(&mut connection, named.replace("USER", &user).as_bytes()));
            let answers = [
                connection.get("/color", &headers).unwrap(),
                over_http2(&world, &headers),
            ];
            for (answer, protocol) in answers.iter().zip(["HTTP/1.1", "HTTP/2"]) {
                assert_eq!(
                    issued(answer).is_none(),
                    version.is_some(),
                    "{protocol}: {lines:?}"
                );
                let expected = version.as_deref().unwrap_or(who(answer));
                assert_eq!(
                    decided(answer),
                    ("cookie", expected),
                    "{protocol}: {lines:?}"
                );
            }
        }
    }
    no_vm_restarted(&world.envoy);
}

/// A browser sends one line (RFC 6265, 5.4), but a proxy may add others. Envoy joins the lines of HTTP/2 and keeps those of
/// HTTP/1.1 apart.
#[test]
fn of_several_cookie_lines_the_first_that_has_the_name_counts() {
    let world = World::start(&issuing(&json!({})));
    let mut connection = world.envoy.connect();
    for n in 0..30 {
        let user = format!("user{n}");
        let version = known(&mut connection, user.as_bytes());
        let own = format!("canary-id={user}");
        for lines in [["a=1", &own], [&own, "a=1"], [&own, "canary-id=other"]] {
            let headers = lines.map(|line| ("cookie", line.as_bytes()));
            for answer in [
                connection.get("/color", &headers).unwrap(),
                over_http2(&world, &headers),
            ] {
                assert_eq!(
                    (decided(&answer), issued(&answer)),
                    (("cookie", version.as_str()), None),
                    "{lines:?}"
                );
            }
        }
    }
}

#[test]
fn the_crumbs_of_http2_are_one_cookie_header() {
    let world = World::start(&issuing(&json!({})));
    let mut connection = world.envoy.connect();
    for n in 0..30 {
        let user = format!("user{n}");
        let version = known(&mut connection, user.as_bytes());
        let own = format!("canary-id={user}");
        for crumbs in [
            [&*own, "a=1", "b=2"],
            ["a=1", &own, "b=2"],
            ["a=1", "b=2", &own],
        ] {
            let headers = crumbs.map(|crumb| ("cookie", crumb.as_bytes()));
            let answer = over_http2(&world, &headers);
            assert_eq!(
                (decided(&answer), issued(&answer)),
                (("cookie", version.as_str()), None),
                "{crumbs:?}"
            );
        }
    }
}
