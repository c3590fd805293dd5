//! The same requests with the same keys through both modules: every decision is the same.

use fastrand::Rng;
use harness::http1::{Connection, Response};
use harness::{Filter, Kind, Setup};
use serde_json::{Value, json};

use crate::support::{World, reached, rule};

const REQUESTS: usize = 10_000;

/// Rules of every kind: each key, no key, one version, several conditions.
fn rules() -> Value {
    let with = |name: &str, weights: [u32; 2], members: Value| {
        let mut rule = rule(name, weights[0], weights[1]);
        for (member, value) in members.as_object().unwrap() {
            rule[member] = value.clone();
        }
        rule
    };
    let issued = json!({"httpCookie": {"name": "id", "ttl": "1h"}});
    json!([
        with(
            "by-header",
            [75, 25],
            json!({
                "match": [{"uri": {"prefix": "/color/a"}}],
                "consistentHash": [{"httpHeaderName": "x-user"}, {"httpQueryParameterName": "user"}],
            })
        ),
        with(
            "by-cookie",
            [1, 99],
            json!({
                "match": [{"uri": {"regex": "/color/b[0-9]*"}, "headers": {"x-beta": {}}}],
                "consistentHash": [issued],
                "rollback": {"stable": "blue-sub"},
            })
        ),
        with(
            "by-both",
            [33, 67],
            json!({
                "match": [{"method": {"exact": "GET"}, "queryParams": {"q": {"prefix": "1"}}}],
                "consistentHash": [{"httpHeaderName": "x-user"}, issued],
                "salt": "another",
            })
        ),
        with(
            "by-address",
            [50, 50],
            json!({
                "match": [{"uri": {"exact": "/color/XYZ"}, "ignoreUriCase": true}],
                "consistentHash": [{"useSourceIp": true}],
            })
        ),
        with(
            "only",
            [0, 1],
            json!({"match": [{"headers": {"x-beta": {"exact": "2"}}}]})
        ),
        with(
            "not",
            [1, 1],
            json!({"match": [{"withoutHeaders": {"x-user": {"regex": "[a-m].*"}}}]})
        ),
    ])
}

/// A request, as its path and headers.
fn request(random: &mut Rng) -> (String, Vec<(&'static str, Vec<u8>)>) {
    let path = [
        "/color/a",
        "/color/a/b",
        "/color/b",
        "/color/b7",
        "/color/xyz",
        "/color",
        "/color/bx",
    ];
    let query = ["", "?q=1", "?q=12&user=u", "?user=", "?user=x%20y&q=2", "?"];
    let mut path = random.choice(path).unwrap().to_owned();
    path.push_str(random.choice(query).unwrap());
    if random.bool() {
        path.push_str(if path.contains('?') {
            "&user="
        } else {
            "?user="
        });
        path.push_str(&random.u32(..500).to_string());
    }
    let mut headers = Vec::new();
    let mut text = |length| -> Vec<u8> { (0..length).map(|_| random.u8(b'a'..=b'z')).collect() };
    let values = [text(2), text(1), text(3)];
    if random.bool() {
        headers.push(("x-user", values[0].clone()));
    }
    if random.u8(..8) == 0 {
        headers.push(("x-user", vec![0xff, 0xfe]));
    }
    if random.bool() {
        headers.push((
            "x-beta",
            random.choice([&b"1"[..], b"2", b""]).unwrap().to_vec(),
        ));
    }
    if random.bool() {
        headers.push(("cookie", [b"a=b; id=", &*values[2]].concat()));
    }
    if random.u8(..4) == 0 {
        headers.push(("cookie", b"id=\"\"; c".to_vec()));
    }
    if random.u8(..8) == 0 {
        headers.push(("x-canary-cluster", b"spoofed".to_vec()));
    }
    (path, headers)
}

/// What an answer says of the decision. What is random is left out: the version without a key, and the key of a new user.
fn decision(answer: &Response) -> (u16, String, bool, Vec<String>) {
    let decision = answer.header("x-canary-decision").unwrap_or_default();
    let is_new = answer.header("set-cookie").is_some();
    let is_random = decision.contains("reason=weighted") || is_new;
    let part =
        |part: &&str| !is_random || !(part.starts_with("subset=") || part.starts_with("share="));
    let mut shown: Vec<_> = decision
        .split(';')
        .filter(part)
        .map(str::to_owned)
        .collect();
    if !is_random {
        shown.push(answer.body.lines().next().unwrap_or_default().to_owned());
    }
    let cookies = if is_new {
        Vec::new()
    } else {
        reached(answer, "cookie")
    };
    let cookies = cookies.iter().map(|&cookie| cookie.to_owned()).collect();
    (answer.status, shown.join(";"), is_new, cookies)
}

#[test]
fn both_modules_decide_ten_thousand_requests_alike() {
    let policy = json!({"http": rules(), "responseHeader": "x-canary-decision"}).to_string();
    let kinds = [Kind::Wasm, Kind::Native, Kind::Both];
    let worlds = kinds.map(|kind| World::start(&Setup::with(Filter::new(&*policy).of(kind))));
    let mut connections: Vec<Vec<Connection>> = worlds
        .iter()
        .map(|world| (0..3).map(|_| world.envoy.connect()).collect())
        .collect();
    let mut random = Rng::with_seed(20_261_126);
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for n in 0..REQUESTS {
        let (path, headers) = request(&mut random);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        let answers = connections
            .iter_mut()
            .map(|of_world| decision(&of_world[n % 3].get(&path, &headers).unwrap()));
        let answers: Vec<_> = answers.collect();
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{path} {headers:?}\n{answers:#?}"
        );
        *seen.entry(answers[0].1.clone()).or_default() += 1;
    }
    // Each rule and each kind of key has decided.
    for part in [
        "route=by-header;subset=green-sub;reason=sticky;key=header",
        "key=query",
        "route=by-cookie",
        "key=cookie",
        "route=by-both",
        "key=source-ip",
        "route=only;subset=green-sub;reason=only",
        "route=not;reason=weighted",
    ] {
        assert!(
            seen.keys().any(|shown| shown.contains(part)),
            "{part}\n{seen:#?}"
        );
    }
    let counted = worlds.iter().map(|world| {
        let stats = world.envoy.stats();
        let requests = stats
            .iter()
            .filter(|(name, _)| name.contains("canary_requests_total"));
        requests.map(|(_, count)| count).sum::<u64>()
    });
    let counted: Vec<_> = counted.collect();
    assert!(
        counted.iter().all(|count| *count == counted[0]),
        "{counted:?}"
    );
}
