//! Random rule lists from a small vocabulary, so that rules overlap, and requests that hit them and narrowly miss.

use fastrand::Rng;

use crate::pattern::{edited, pattern};
use crate::request::Request;
use crate::rules::{Condition, Match, On, Rule, Text};

const PATHS: &[&str] = &[
    "/",
    "/a",
    "/ab",
    "/a/",
    "/a/b",
    "/a/b/c",
    "/A",
    "/color",
    "/Color",
    "/color/",
    "/colorful",
    "/a%2fb",
    "/a%2Fb",
    "/é",
    "/%C3%A9",
    "/a.b",
    "/a;v=1",
    "/a//b",
    "/a+b",
    "/a%20b",
    "/~a",
    "/abc?x",
    "/*",
];
const PATH_PATTERNS: &[&str] = &[
    "/a|/ab",
    "^/a$",
    "/a.*",
    "(?i)/color",
    "/(a|b)+",
    "/[^/]+",
    "/a/?",
    "/.*é",
    r"/\w+",
    "/a{1,2}(/b)?",
    ".*",
    r"/a\.b",
    "(/a)?(/b)?",
    "/color(/.*)?",
    r"\A/a\z",
    r"/a\b.*",
    "[^?]*",
    "/[[:alpha:]]+",
    "/a|",
    r"/(?:a|ab)(?:/b)*",
    "/..",
    r"/a%2[Ff]b",
    r"/[\x80-\xff]+",
    "color",
    "^/a|b$",
    "/(?i:c)olor.*",
];
const VALUES: &[&str] = &[
    "a", "b", "A", "ab", "a,b", "b,a", "a b", "", "é", "1", "10", "a=b", "%31", "a?b", "aab",
];
const VALUE_PATTERNS: &[&str] = &[
    "a|b", "a.*", ".*", ".+", "^$", "|a", "a*", "(?i)A", "[^a]*", r"\d+", "^a,b$", "..",
    "(a|b|,)+", "é", ".*b",
];
const HEADERS: &[&str] = &[
    "x-a",
    "x-b",
    "X-A",
    "x-c",
    "cookie",
    "accept",
    "user-agent",
    "content-type",
    "referer",
    "x-forwarded-proto",
    "Host",
    ":path",
    ":authority",
    ":method",
    ":scheme",
];
const PARAMS: &[&str] = &["q", "Q", "r", "%71", "é", "a.b", "q[]"];
const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
const AUTHORITIES: &[&str] = &[
    "color.test",
    "Color.Test",
    "color.test:8080",
    "a",
    "b.test",
    "127.0.0.1",
];
const SCHEMES: &[&str] = &["http", "https", "HTTP"];

fn any<'t>(rng: &mut Rng, of: &[&'t str]) -> &'t str {
    of[rng.usize(..of.len())]
}

/// Mostly a few rules. Sometimes there are enough that the filter uses an index instead of trying them: by the path, or by
/// the part that most of them compare.
pub(crate) fn rule_list(rng: &mut Rng) -> Vec<Rule> {
    let length = if rng.u8(..4) == 0 {
        rng.usize(8..60)
    } else {
        rng.usize(1..7)
    };
    let mut rules: Vec<_> = (0..length).map(|_| rule(rng)).collect();
    if length >= 8 && rng.u8(..3) == 0 {
        let on = [
            On::Header("x-a"),
            On::Header("x-a"),
            On::Header("cookie"),
            On::Authority,
        ][rng.usize(..4)];
        for entry in rules.iter_mut().flat_map(|rule| &mut rule.matches) {
            if rng.u8(..8) == 0 {
                continue;
            }
            entry.conditions.retain(|other| other.on != on);
            let values = if on == On::Authority {
                AUTHORITIES
            } else {
                VALUES
            };
            entry.conditions.push(Condition {
                on,
                text: Text::Exact(any(rng, values).to_owned()),
            });
        }
    }
    rules
}

/// Few rules match everything, because otherwise nothing would be left for later ones.
fn rule(rng: &mut Rng) -> Rule {
    let mut rule = Rule {
        matches: (0..rng.usize(1..4)).map(|_| entry(rng)).collect(),
    };
    rule.matches
        .retain(|entry| !entry.conditions.is_empty() || rng.u8(..20) == 0);
    if rule.matches.is_empty() && rng.u8(..20) != 0 {
        rule.matches.push(Match {
            conditions: vec![condition(On::Uri, rng)],
            ignore_uri_case: false,
        });
    }
    rule
}

fn entry(rng: &mut Rng) -> Match {
    let mut conditions: Vec<Condition> = Vec::new();
    for _ in 0..[0, 1, 1, 1, 2, 2, 3, 4][rng.usize(..8)] {
        let on = match rng.u8(..20) {
            0..8 => On::Uri,
            8 => On::Scheme,
            9 => On::Method,
            10 => On::Authority,
            11..14 => On::Header(any(rng, HEADERS)),
            14..17 => On::WithoutHeader(any(rng, HEADERS)),
            _ => On::QueryParam(any(rng, PARAMS)),
        };
        if conditions.iter().all(|other| other.on != on) {
            conditions.push(condition(on, rng));
        }
    }
    Match {
        conditions,
        ignore_uri_case: rng.u8(..4) == 0,
    }
}

fn condition(on: On, rng: &mut Rng) -> Condition {
    let (values, patterns) = match on {
        On::Uri | On::Header(":path") | On::WithoutHeader(":path") => (PATHS, PATH_PATTERNS),
        On::Method | On::Header(":method") | On::WithoutHeader(":method") => {
            (METHODS, &["GET|PUT", "P.*", "(?i)get"][..])
        }
        On::Authority
        | On::Header("Host" | ":authority")
        | On::WithoutHeader("Host" | ":authority") => (
            AUTHORITIES,
            &["(?i)color.*", r"[^:]+(:\d+)?", r".*\.test"][..],
        ),
        On::Scheme | On::Header(":scheme") | On::WithoutHeader(":scheme") => {
            (SCHEMES, &["https?", "(?i)HTTP"][..])
        }
        On::Header(_) | On::WithoutHeader(_) | On::QueryParam(_) => (VALUES, VALUE_PATTERNS),
    };
    let value = any(rng, values).to_owned();
    let text = match rng.u8(..10) {
        0 => Text::Any,
        1..5 => Text::Exact(value),
        5..7 if on == On::Uri && rng.u8(..30) == 0 => Text::Prefix(String::new()),
        5..7 if !value.is_empty() => Text::Prefix(value),
        9 => random_pattern(rng),
        _ => Text::Regex(any(rng, patterns).to_owned()),
    };
    Condition { on, text }
}

fn random_pattern(rng: &mut Rng) -> Text {
    Text::Regex(pattern(rng).text)
}

/// A request that matches one of the rules, and then often gets a small change.
pub(crate) fn request(rules: &[Rule], rng: &mut Rng) -> Request {
    let mut request = Request::get(any(rng, PATHS));
    request.http2 = rng.u8(..6) == 0;
    let entries = &rules[rng.usize(..rules.len())].matches;
    if !entries.is_empty() && rng.u8(..8) != 0 {
        for condition in &entries[rng.usize(..entries.len())].conditions {
            satisfy(&mut request, condition, rng);
        }
    }
    for _ in 0..rng.usize(..3) {
        disturb(&mut request, rng);
    }
    sendable(&mut request);
    request
}

fn satisfy(request: &mut Request, Condition { on, text }: &Condition, rng: &mut Rng) {
    let fallback = if *on == On::Uri {
        any(rng, PATHS)
    } else {
        any(rng, VALUES)
    };
    let value = match text {
        Text::Any => fallback.to_owned(),
        Text::Exact(value) => value.clone(),
        Text::Prefix(value) => value.clone() + any(rng, &["", "", "x", "/", "/b", "?", "é"]),
        Text::Regex(regex) => from_regex(regex, fallback),
    };
    match on {
        On::Uri | On::Header(":path") => request.path = value.into(),
        On::Method | On::Header(":method") => request.method = value,
        On::Authority | On::Header("Host" | ":authority") => request.authority = value.into(),
        On::Scheme | On::Header(":scheme") | On::WithoutHeader(_) => {}
        On::Header(name) => {
            for value in lines(value, rng) {
                request.headers.push(((*name).to_owned(), value.into()));
            }
        }
        On::QueryParam(name) => lines(value, rng)
            .iter()
            .for_each(|value| add_param(request, name, value)),
    }
}

/// Mostly the value; or an empty one, or the value with another one of the same name before or after it.
fn lines(value: String, rng: &mut Rng) -> Vec<String> {
    match rng.u8(..12) {
        0 => vec![String::new()],
        1 => vec![any(rng, VALUES).to_owned(), value],
        2 => vec![value, any(rng, VALUES).to_owned()],
        _ => vec![value],
    }
}

/// The pattern's own letters, which it often matches.
fn from_regex(regex: &str, fallback: &str) -> String {
    let branch = regex.split('|').next().unwrap_or_default();
    let plain: String = branch
        .chars()
        .filter(|letter| !r"()[]{}^$*+?\|".contains(*letter))
        .collect();
    if plain.is_empty() {
        fallback.to_owned()
    } else {
        plain
    }
}

fn add_param(request: &mut Request, name: &str, value: &str) {
    let separator = if request.path.contains(&b'?') {
        b'&'
    } else {
        b'?'
    };
    request.path.push(separator);
    request.path.extend_from_slice(name.as_bytes());
    if !value.is_empty() {
        request.path.push(b'=');
        request.path.extend_from_slice(value.as_bytes());
    }
}

fn disturb(request: &mut Request, rng: &mut Rng) {
    match rng.u8(..16) {
        0..3 => request.path = edited(&request.path, rng),
        3 => request.path.extend_from_slice(
            any(
                rng,
                &[
                    "?",
                    "#",
                    "#a?q=1",
                    "?q",
                    "?q=&q=1",
                    "/../a",
                    "/./",
                    "%41",
                    "?&&=&q",
                    "?q=a#&q=b",
                ],
            )
            .as_bytes(),
        ),
        4 => add_param(request, any(rng, PARAMS), any(rng, VALUES)),
        5 => request.path.extend(std::iter::repeat_n(
            b'a',
            [300, 5_000, 40_000][rng.usize(..3)],
        )),
        6 => request.method = any(rng, METHODS).to_owned(),
        7 => request.authority = any(rng, AUTHORITIES).into(),
        8 => request.path.extend_from_slice(&[0x80 | rng.u8(..), b'a']),
        9 => request.path.make_ascii_uppercase(),
        10 if !request.headers.is_empty() => {
            let number = rng.usize(..request.headers.len());
            request.headers[number].1 = edited(&request.headers[number].1, rng);
        }
        11 if !request.headers.is_empty() => {
            let (name, _) = request.headers[rng.usize(..request.headers.len())].clone();
            let place = rng.usize(..=request.headers.len());
            request
                .headers
                .insert(place, (name, any(rng, VALUES).into()));
        }
        12 if !request.headers.is_empty() => {
            drop(request.headers.remove(rng.usize(..request.headers.len())))
        }
        _ => {
            let name = any(rng, &HEADERS[..9]);
            request
                .headers
                .push((name.to_owned(), any(rng, VALUES).into()));
        }
    }
}

/// Removes bytes that a request cannot hold or that would split it in two.
fn sendable(request: &mut Request) {
    request.path.retain(|byte| *byte > b' ' && *byte != 0x7f);
    request.authority.retain(|byte| byte.is_ascii_graphic());
    request.method.retain(|letter| letter.is_ascii_uppercase());
    if request.method.is_empty() {
        "GET".clone_into(&mut request.method);
    }
    for (_, value) in &mut request.headers {
        value.retain(|byte| *byte >= b' ' && *byte != 0x7f);
    }
    request
        .headers
        .retain(|(name, _)| !name.starts_with(':') && !name.eq_ignore_ascii_case("host"));
    // Only HTTP/2 can carry these.
    request.http2 |= !request.path.is_ascii();
    if request.http2 {
        // The HTTP/2 client sends nothing else.
        (request.method, request.authority) = ("GET".to_owned(), b"color.test".to_vec());
    }
    // Envoy refuses any other path before a route or a filter sees it. Over HTTP/2 it closes the connection after a second.
    if !request.path.starts_with(b"/") {
        request.path.insert(0, b'/');
    }
}
