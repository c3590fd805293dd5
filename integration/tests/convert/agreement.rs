//! The same requests by both routes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fastrand::Rng;
use harness::http1::Response;
use serde_json::Value;

use crate::arena::{Arena, DECISION, Side};
use crate::cases::{Case, all, random};
use crate::istiod::{list, text};
use crate::requests::{Request, Source};

/// Requests for each case, at least.
const REQUESTS: usize = 600;
/// Requests of each route that splits, at least, so that its shares are seen.
const OF_A_SPLIT: u64 = 1500;
/// Requests for each case, at most.
const MOST: usize = 40_000;

/// Random VirtualServices, or a few of them together.
const RANDOM: usize = 60;

/// Clients at the same time.
const CLIENTS: usize = 8;

/// What of an answer must be the same whichever version gave it.
const SAME: [&str; 7] = [
    "location",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "x-up-path",
    "x-up-method",
    "x-up-host",
    "x-up-via",
];

/// One route before the conversion, with what was seen of it.
#[derive(Debug, Default)]
struct Seen {
    /// The rules that the filter chose for its requests; an empty name if none.
    rules: BTreeSet<String>,
    native: BTreeMap<String, u64>,
    converted: BTreeMap<String, u64>,
}

#[test]
fn every_request_takes_the_same_way_before_and_after() {
    let cases: Vec<_> = all()
        .into_iter()
        .filter(|case| case.converted.is_ok())
        .collect();
    assert!(cases.len() >= 39, "{}", cases.len());
    compare_all(&cases, OF_A_SPLIT);
}

/// Of these, some routes are out of reach, and each split is seen too rarely to tell its shares.
#[test]
fn the_requests_of_random_virtual_services_take_the_same_way() {
    let mut rng = Rng::with_seed(16);
    let cases: Vec<_> = (0..RANDOM).map(|number| random(number, &mut rng)).collect();
    let (good, refused): (Vec<_>, Vec<_>) =
        cases.into_iter().partition(|case| case.converted.is_ok());
    for case in &refused {
        println!("{}: {:?}", case.name, case.converted.as_ref().err());
    }
    assert!(good.len() > RANDOM / 2, "{}", good.len());
    compare_all(&good, 0);
}

/// `of_a_split`: how many requests of each split are wanted.
fn compare_all(cases: &[Case], of_a_split: u64) {
    let arena = Arena::start(cases);
    let next = AtomicUsize::new(0);
    // A client waits most of the time.
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let seed = case
                        .name
                        .bytes()
                        .fold(0_u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
                    let mut rng = Rng::with_seed(seed);
                    let (sent, seen) = compare(case, &arena, of_a_split, &mut rng);
                    if of_a_split > 0 {
                        shares(case, &seen);
                    }
                    if of_a_split > 0 || !is_shared(case) && !is_partly_elsewhere(case) {
                        rules(case, &seen);
                    }
                    println!("{}: {sent} requests, {} routes", case.name, seen.len());
                }
            });
        }
    });
}

/// Whether two VirtualServices have the same host. A rule of the one may then match requests of the other one's routes that
/// stay, since only Istio knows their order. They still take these routes.
fn is_shared(case: &Case) -> bool {
    let hosts = case
        .services
        .iter()
        .flat_map(|it| list(&it["spec"]["hosts"]));
    let hosts: Vec<_> = hosts.map(text).collect();
    let unique: BTreeSet<_> = hosts.iter().collect();
    unique.len() < hosts.len()
}

/// Whether an entry is for another listener, which the filter cannot see: its rule then matches more than its route, and a
/// route that stays gets no rule.
fn is_partly_elsewhere(case: &Case) -> bool {
    let routes = case
        .services
        .iter()
        .flat_map(|it| list(&it["spec"]["http"]));
    let mut entries = routes.flat_map(|it| list(&it["match"]));
    entries.any(|it| !it["port"].is_null() || !it["gateways"].is_null())
}

/// The known difference: Envoy drops whatever follows the last colon, and a rule takes only digits for a port.
#[test]
fn a_request_with_a_malformed_port_gets_the_stable_version() {
    let cases: Vec<_> = all()
        .into_iter()
        .filter(|case| case.name.starts_with("10-"))
        .collect();
    let arena = Arena::start(&cases);
    for (host, name) in [
        ("shop.example.com", "canary"),
        ("Shop.example.com:80", "canary"),
        ("shop.example.com:", "stable"),
        ("shop.example.com:x", "stable"),
    ] {
        let answer = arena
            .client(&cases[0], Side::Converted)
            .ask(&Request::to(host));
        assert_eq!(answer.header("x-route-name"), Some(name), "{host}");
    }
}

fn compare(
    case: &Case,
    arena: &Arena,
    of_a_split: u64,
    rng: &mut Rng,
) -> (usize, BTreeMap<String, Seen>) {
    let source = Source::of(&case.services);
    let mut native = arena.client(case, Side::Native);
    let mut converted = arena.client(case, Side::Converted);
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let splits = split_routes(case);
    let mut sent = 0;
    loop {
        let enough = of_a_split == 0
            || splits.keys().all(|route| {
                seen.get(route)
                    .is_some_and(|seen| seen.converted.values().sum::<u64>() >= of_a_split)
            });
        if sent >= REQUESTS && (enough || sent >= MOST) {
            assert!(
                enough,
                "{}: too few requests of a split: {seen:?}",
                case.name
            );
            return (sent, seen);
        }
        let request = if sent < REQUESTS {
            source.any_request(rng)
        } else {
            source.split_request(rng)
        };
        let (one, other) = (native.ask(&request), converted.ask(&request));
        sent += 1;
        agree(case, &request, (&one, &other));
        let route = one.header("x-route").unwrap_or("none").to_owned();
        let seen = seen.entry(route).or_default();
        seen.rules.insert(rule(&other));
        *seen.native.entry(cluster(&one)).or_default() += 1;
        *seen.converted.entry(cluster(&other)).or_default() += 1;
    }
}

/// The rule that the filter chose, by `route=name;subset=…`.
fn rule(answer: &Response) -> String {
    let decision = answer.header(DECISION).unwrap_or_default();
    let rule = decision
        .strip_prefix("route=")
        .and_then(|it| it.split(';').next());
    rule.unwrap_or_default().to_owned()
}

fn cluster(answer: &Response) -> String {
    answer.header("x-cluster").unwrap_or_default().to_owned()
}

/// The answers are the same, but for the version if the route splits.
fn agree(case: &Case, request: &Request, (native, converted): (&Response, &Response)) {
    let context = || {
        format!(
            "{}\n{request:?}\nnative: {native:?}\nconverted: {converted:?}",
            case.name
        )
    };
    assert_eq!(native.status, converted.status, "{}", context());
    assert_eq!(native.body, converted.body, "{}", context());
    for name in SAME {
        assert_eq!(
            native.header(name),
            converted.header(name),
            "{name}: {}",
            context()
        );
    }
    // Neither the filter's value nor the client's reaches an upstream, unless another VirtualService has the route.
    let delegates = case.services.iter().any(|it| it["spec"]["hosts"].is_null());
    let marked = !delegates
        && converted
            .header("x-up-canary")
            .is_some_and(|value| !value.is_empty());
    assert!(!marked, "x-up-canary: {}", context());
    // The filter decides wherever it should.
    let reached = converted.header("x-route-name").unwrap_or_default();
    assert_ne!(reached, "stable", "{}", context());
    let splits = split_routes(case);
    match native.header("x-route").and_then(|route| splits.get(route)) {
        None => {
            assert_eq!(cluster(native), cluster(converted), "{}", context());
            for name in ["x-version", "x-up-debug"] {
                assert_eq!(
                    native.header(name),
                    converted.header(name),
                    "{name}: {}",
                    context()
                );
            }
        }
        Some(versions) => {
            for answer in [native, converted] {
                let version = versions
                    .iter()
                    .find(|it| text(&it["name"]) == cluster(answer));
                let version = version.unwrap_or_else(|| panic!("another cluster: {}", context()));
                treated(version, request, answer, &context);
            }
        }
    }
}

/// The version's own changes of headers were made.
fn treated(version: &Value, request: &Request, answer: &Response, context: &impl Fn() -> String) {
    for added in list(&version["response_headers_to_add"]) {
        let header = &added["header"];
        let value = answer.header(text(&header["key"]));
        assert_eq!(value, header["value"].as_str(), "{}", context());
    }
    let removed = list(&version["request_headers_to_remove"])
        .iter()
        .any(|it| it == "x-debug");
    let there = answer.header("x-up-debug").is_some();
    if request.has("x-debug") && answer.header("x-up-path").is_some() {
        assert!(!(removed && there), "{}", context());
    }
}

/// The routes that split, by the name that `x-route` gives them, with their versions.
fn split_routes(case: &Case) -> BTreeMap<String, Vec<Value>> {
    let mut splits = BTreeMap::new();
    for (host_number, host) in list(&case.native()["virtual_hosts"]).iter().enumerate() {
        for (number, route) in list(&host["routes"]).iter().enumerate() {
            let clusters = list(&route["route"]["weighted_clusters"]["clusters"]);
            if !clusters.is_empty() {
                splits.insert(format!("{host_number}.{number}"), clusters.to_vec());
            }
        }
    }
    splits
}

/// Every route that splits has a rule of its own, and this rule takes requests of no other route: the rule's statistics and
/// its rollback count them.
fn rules(case: &Case, seen: &BTreeMap<String, Seen>) {
    let splits = split_routes(case);
    let mut of_splits = BTreeSet::new();
    for (route, seen) in seen.iter().filter(|(route, _)| splits.contains_key(*route)) {
        assert_eq!(
            seen.rules.len(),
            1,
            "{} {route}: {:?}",
            case.name,
            seen.rules
        );
        assert!(!seen.rules.contains(""), "{} {route}", case.name);
        of_splits.extend(&seen.rules);
    }
    for (route, seen) in seen
        .iter()
        .filter(|(route, _)| !splits.contains_key(*route))
    {
        let taken: Vec<_> = seen
            .rules
            .iter()
            .filter(|it| of_splits.contains(it))
            .collect();
        assert!(taken.is_empty(), "{} {route}: {taken:?}", case.name);
    }
}

/// Both have the shares of the weights, to five standard deviations.
fn shares(case: &Case, seen: &BTreeMap<String, Seen>) {
    for (route, versions) in split_routes(case) {
        let sum: f64 = versions
            .iter()
            .map(|it| it["weight"].as_f64().unwrap())
            .sum();
        for version in &versions {
            let share = version["weight"].as_f64().unwrap() / sum;
            for counts in [&seen[&route].native, &seen[&route].converted] {
                let all = counts.values().sum::<u64>() as f64;
                let count = counts.get(text(&version["name"])).copied().unwrap_or(0) as f64;
                let deviation = (all * share * (1.0 - share)).sqrt();
                assert!(
                    (count - all * share).abs() <= 5.0 * deviation,
                    "{} {route}: {counts:?}, {} should have {share}",
                    case.name,
                    version["name"]
                );
            }
        }
    }
}
