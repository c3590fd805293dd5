//! What `canary explain` says about a request is what the filter does with it.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use canary::{Explained, HttpRequest, Question, explain};
use fastrand::Rng;
use harness::Setup;
use harness::http1::{Connection, Response};
use serde_json::{Map, Value, json};

use crate::support::{World, header_route, route_everything, rule, who};

const WORLDS: u64 = 3;
const LAST: usize = 8;
const REQUESTS: usize = 2_000;
const HEADER: &str = "x-canary";

const PATHS: &[&str] = &[
    "/",
    "/a",
    "/ab",
    "/A",
    "/a/b",
    "/color",
    "/colorful",
    "/Color/x",
    "/b",
];
const QUERIES: &[&str] = &[
    "",
    "",
    "q",
    "q=",
    "q=1",
    "q=2&q=1",
    "user=u7",
    "user=&q=1",
    "Q=1&user=u3",
];
const METHODS: &[&str] = &["GET", "GET", "POST", "OPTIONS", "DELETE"];
const AUTHORITIES: &[&str] = &["color.test", "Color.test", "color.test:8080", "shop.test"];
const NAMES: &[&str] = &["x-a", "X-B", "x-c"];
const VALUES: &[&str] = &["a", "b", "ab", "A", "a b", ""];

fn any<'t>(rng: &mut Rng, of: &[&'t str]) -> &'t str {
    of[rng.usize(..of.len())]
}

fn texts(rng: &mut Rng, values: &[&str], patterns: &[&str]) -> Value {
    let value = any(rng, values);
    match rng.u8(..4) {
        0 if !value.is_empty() => json!({"prefix": value}),
        1 => json!({"regex": any(rng, patterns)}),
        _ => json!({"exact": value}),
    }
}

fn listed(rng: &mut Rng, names: &[&str]) -> Value {
    let value = match rng.u8(..4) {
        0 => json!({}),
        _ => texts(rng, VALUES, &["a.*", "a|b", ".+", "(?i)A", "[^a]*"]),
    };
    json!({any(rng, names): value})
}

fn entry(rng: &mut Rng) -> Value {
    let mut entry = Map::new();
    for number in 0..rng.usize(1..4) {
        // Nearly every entry compares the path, or no request would be left for later rules.
        let kind = if number == 0 && rng.u8(..8) > 0 {
            0
        } else {
            rng.u8(..10)
        };
        let (field, condition) = match kind {
            0..4 => (
                "uri",
                texts(
                    rng,
                    PATHS,
                    &["/a.*", "/color(ful)?", "(?i)/color.*", "/a|/b"],
                ),
            ),
            4 => ("method", texts(rng, METHODS, &["GET|POST", "(?i)get"])),
            5 => (
                "authority",
                texts(rng, AUTHORITIES, &["(?i)color.*", r"[^:]+(:\d+)?"]),
            ),
            6 => (
                "scheme",
                json!({"exact": any(rng, &["http", "http", "https"])}),
            ),
            7 => ("headers", listed(rng, NAMES)),
            8 => ("withoutHeaders", listed(rng, NAMES)),
            _ => ("queryParams", listed(rng, &["q", "Q", "user"])),
        };
        entry.insert(field.to_owned(), condition);
    }
    if rng.bool() {
        entry.insert("ignoreUriCase".to_owned(), json!(rng.bool()));
    }
    entry.into()
}

/// Every kind of key, alone and after others, and rules without a key.
fn keys(number: usize) -> Value {
    let header = json!({"httpHeaderName": "X-User"});
    let cookie = json!({"httpCookie": {"name": "id"}});
    let query = json!({"httpQueryParameterName": "user"});
    let issued = json!({"httpCookie": {"name": "canary-id", "ttl": "1h"}});
    let address = json!({"useSourceIp": true});
    match number % 6 {
        0 => json!([header, cookie, query]),
        1 => json!([cookie, address]),
        2 => json!([query, issued]),
        3 => json!([header]),
        4 => json!([address]),
        _ => Value::Null,
    }
}

fn rules(rng: &mut Rng) -> Value {
    let rule = |number: usize| {
        let (blue, green) = [(75, 25), (1, 1), (1, 0), (3, 7)][rng.usize(..4)];
        let mut rule = rule(&format!("r{number}"), blue, green);
        // The last one takes what is left of the paths that begin like this.
        let entries = (0..rng.usize(1..4)).map(|_| entry(rng));
        rule["match"] = entries.collect();
        if number == LAST {
            rule["match"] = json!([{"uri": {"prefix": "/co"}}]);
        }
        let keys = keys(number);
        if !keys.is_null() {
            rule["consistentHash"] = keys;
        }
        if number % 4 == 1 {
            rule["ramp"] = json!({"start": "2020-01-01T00:00:00Z", "steps": [{"after": "1h", "weights": [2, 3]}]});
        }
        rule
    };
    (0..=LAST).map(rule).collect()
}

fn request(rng: &mut Rng) -> HttpRequest {
    let (path, query) = (any(rng, PATHS), any(rng, QUERIES));
    let question = if query.is_empty() { "" } else { "?" };
    let mut headers = Vec::new();
    let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
    for _ in 0..rng.usize(..3) {
        header(
            any(rng, &["x-a", "x-b", "x-c"]),
            any(rng, VALUES).to_owned(),
        );
    }
    if rng.bool() {
        header(
            "x-user",
            ["", "ada", "bob"][rng.usize(..3)].to_owned() + &rng.u8(..50).to_string(),
        );
    }
    for name in ["id", "canary-id", "other"] {
        if rng.u8(..3) == 0 {
            header(
                "cookie",
                format!(
                    "a=b; {name}={}",
                    any(rng, &["", "\"k1\"", "k2", "k3; id=k4"])
                ),
            );
        }
    }
    HttpRequest {
        method: any(rng, METHODS).to_owned(),
        authority: Some(any(rng, AUTHORITIES).to_owned()),
        headers,
        source_ip: Some([127, 0, 0, 1].into()),
        ..HttpRequest::get(format!("{path}{question}{query}"))
    }
}

fn send(connection: &mut Connection, request: &HttpRequest) -> Response {
    let authority = request.authority.as_deref().unwrap();
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: {authority}\r\n",
        request.method, request.path
    );
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("content-length: 0\r\n\r\n");
    connection.send(text.as_bytes()).unwrap()
}

/// Panics if they differ. Returns what decided.
fn compare(explained: &Explained, answer: &Response) -> String {
    let header = answer.header(HEADER);
    let Some(chosen) = &explained.chosen else {
        assert_eq!(header, None);
        return "no rule".to_owned();
    };
    let header = header.unwrap_or_else(|| panic!("no header, but {chosen:?}"));
    let mut possible = chosen.writes.iter();
    let written = possible.find(|it| it.response_header.as_ref().unwrap().1 == header);
    let written = written.unwrap_or_else(|| panic!("{header}, but {chosen:?}"));
    assert_eq!(written.destination, format!("{}-sub", who(answer)));
    let cookie = answer
        .header("set-cookie")
        .and_then(|it| it.split('=').next());
    assert_eq!(cookie, chosen.issues.as_deref());
    if chosen.random {
        assert!(chosen.writes.len() == 2 && chosen.destination.is_none());
        return format!("chance, {}", chosen.reason);
    }
    assert_eq!(chosen.destination.as_ref(), Some(&written.destination));
    let key = chosen.keys.last().map_or("none", |key| key.kind);
    format!("{}, {key}", chosen.reason)
}

#[test]
fn explain_says_what_the_filter_does_with_6000_random_requests() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at = now.as_secs().try_into().unwrap();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..WORLDS {
        let mut rng = Rng::with_seed(seed);
        let policy = json!({"http": rules(&mut rng), "responseHeader": HEADER}).to_string();
        let world = World::start(&Setup {
            change: |bootstrap| {
                // The filter's choice decides for every path.
                header_route(bootstrap)["match"]["prefix"] = json!("/");
                route_everything(bootstrap);
            },
            ..Setup::new(policy.clone())
        });
        let mut connection = world.envoy.connect();
        for number in 0..REQUESTS {
            let request = request(&mut rng);
            let answer = send(&mut connection, &request);
            let question = Question {
                request,
                at,
                out: Vec::new(),
            };
            let explained = explain(policy.as_bytes(), true, &question).unwrap();
            let decided = std::panic::catch_unwind(|| compare(&explained[0], &answer));
            let decided = decided.unwrap_or_else(|_| {
                panic!(
                    "seed {seed}, request {number}: {:?}\n{policy}",
                    question.request
                )
            });
            *seen.entry(decided).or_default() += 1;
        }
    }
    for decided in [
        "no rule",
        "chance, sticky",
        "chance, weighted",
        "sticky, header",
        "sticky, cookie",
        "sticky, query",
        "sticky, source-ip",
        "only, none",
    ] {
        assert!(
            seen.get(decided).is_some_and(|count| *count >= 20),
            "{decided}: {seen:?}"
        );
    }
}
