//! A new user gets a cookie, which already decides the first request.

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
fn the_cookie_already_decides_the_first_request() {
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
            "a user with a cookie gets no new one"
        );
        assert!(
            again
                .answered("x-canary")
                .concat()
                .ends_with(";reason=sticky;key=cookie;share=5000")
        );
    }
}

/// A later filter and the application find the key in the first request, just as they will in the second.
#[test]
fn the_first_request_carries_the_key_upstream() {
    let mut vm = vm();
    for (own, rest) in [
        (&[][..], ""),
        (&["a=b"], "; a=b"),
        (&["a=b", "c=d"], "; a=b; c=d"),
        (&["id="], "; id="),
    ] {
        let mut request = vec![(":path", "/")];
        request.extend(own.iter().map(|line| ("cookie", *line)));
        let first = vm.send(&request);
        let issued = first.answered("set-cookie").concat();
        let pair = issued.split(';').next().unwrap();
        assert_eq!(first.sent("cookie"), [format!("{pair}{rest}")]);
        let second = vm.send(&[(":path", "/"), ("cookie", &first.sent("cookie").concat())]);
        assert_eq!(second.sent("cookie"), first.sent("cookie"));
        assert_eq!(decided(&second), decided(&first));
    }
}

#[test]
fn a_key_in_a_later_cookie_line_is_found() {
    let mut vm = vm();
    let key = format!("id={:032x}", 7);
    let alone = vm.send(&[(":path", "/"), ("cookie", &key)]);
    let later = vm.send(&[(":path", "/"), ("cookie", "a=b"), ("cookie", &key)]);
    assert_eq!(decided(&later), decided(&alone));
    assert!(later.answered("set-cookie").is_empty());
    assert_eq!(
        later.sent("cookie"),
        ["a=b", &key],
        "the request of a known user is not changed"
    );
}

#[test]
fn a_response_that_sets_the_cookie_itself_keeps_its_own() {
    let mut vm = vm();
    for (own, issued) in [
        (&["id=session; Path=/"][..], false),
        (&["a=b", "id=session"], false),
        (&["id2=a"], true),
        (&["a=id=b"], true),
    ] {
        let mut answer = vec![(":status", "200")];
        answer.extend(own.iter().map(|line| ("set-cookie", *line)));
        let answer = vm.exchange(lines(&[(":path", "/")]), lines(&answer));
        let cookies = answer.answered("set-cookie");
        assert_eq!(&cookies[..own.len()], own, "the application's are kept");
        assert_eq!(cookies.len() > own.len(), issued, "{cookies:?}");
    }
}

#[test]
fn a_preflight_is_split_by_weight_and_gets_no_cookie() {
    let mut vm = vm();
    let preflight = [
        (":path", "/"),
        (":method", "OPTIONS"),
        ("origin", "https://a.example"),
        ("access-control-request-method", "PUT"),
    ];
    let answer = vm.send(&preflight);
    assert!(
        answer
            .answered("x-canary")
            .concat()
            .ends_with(";reason=weighted;share=5000")
    );
    assert!(answer.answered("set-cookie").is_empty() && answer.sent("cookie").is_empty());
}

#[test]
fn a_request_over_https_gets_a_secure_cookie() {
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
fn a_response_for_shared_caches_gets_no_cookie() {
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
        (&["max-age=60"], 1),
    ] {
        let control = cache_control.iter().map(|value| ("cache-control", *value));
        let answer: Lines = lines(&[(":status", "200"), ("set-cookie", "a=b")])
            .into_iter()
            .chain(lines(&control.collect::<Vec<_>>()))
            .collect();
        let answer = vm.exchange(lines(&[(":path", "/")]), answer);
        let cookies = answer.answered("set-cookie");
        assert_eq!(cookies[0], "a=b", "the upstream's is kept");
        assert_eq!(cookies.len() - 1, issued, "{cache_control:?}: {cookies:?}");
    }
}
