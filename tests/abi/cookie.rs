//! A new user is given a cookie, and the first answer obeys it.

use crate::rule;
use crate::support::{Exchange, Lines, Vm, lines};

fn vm() -> Vm {
    let key = r#""consistentHash": [{"httpCookie": {"name": "id", "path": "/c", "ttl": "1h"}}],"#;
    Vm::with(&rule(r#""responseHeader": "x-canary","#, key, [50, 50]))
}

fn decided(answer: &Exchange) -> (String, Vec<String>) {
    (
        answer.sent("x-canary-cluster").concat(),
        answer.answered("x-canary"),
    )
}

#[test]
fn the_first_answer_already_obeys_the_cookie() {
    let mut vm = vm();
    for _ in 0..64 {
        let first = vm.send(&[(":path", "/"), (":scheme", "http")]);
        let cookie = first.answered("set-cookie").concat();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/c; Max-Age=3600; HttpOnly; SameSite=Lax");
        let key = pair.strip_prefix("id=").unwrap();
        assert!(
            key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{key}"
        );

        let again = vm.send(&[(":path", "/"), ("cookie", pair)]);
        assert_eq!(decided(&again), decided(&first));
        assert!(
            again.answered("set-cookie").is_empty(),
            "who has one keeps it"
        );
        assert!(
            again
                .answered("x-canary")
                .concat()
                .ends_with(";reason=sticky;key=cookie")
        );
    }
}

#[test]
fn a_request_by_https_gets_a_secure_cookie() {
    let mut vm = vm();
    for (scheme, secure) in [
        ("https", true),
        ("HTTPS", true),
        ("http", false),
        ("", false),
    ] {
        let answer = vm.send(&[(":path", "/"), (":scheme", scheme)]);
        assert_eq!(
            answer.answered("set-cookie").concat().contains("; Secure"),
            secure,
            "{scheme}"
        );
    }
}

#[test]
fn an_answer_for_shared_caches_brings_no_cookie() {
    let mut vm = vm();
    for (cache_control, issued) in [
        (&[][..], 1),
        (&["private"], 1),
        (&["no-store"], 1),
        (&["max-age=60"], 1),
        (&["public"], 0),
        (&["max-age=60, S-MaxAge=60"], 0),
        (&["no-transform", "public"], 0),
        (&["x=\"public\""], 1),
    ] {
        let control = cache_control.iter().map(|value| ("cache-control", *value));
        let answer: Lines = lines(&[(":status", "200"), ("set-cookie", "a=b")])
            .into_iter()
            .chain(lines(&control.collect::<Vec<_>>()))
            .collect();
        let answer = vm.exchange(lines(&[(":path", "/")]), answer);
        let cookies = answer.answered("set-cookie");
        assert_eq!(cookies[0], "a=b", "the upstream's own stays");
        assert_eq!(cookies.len() - 1, issued, "{cache_control:?}: {cookies:?}");
    }
}
