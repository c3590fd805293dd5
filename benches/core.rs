//! Measures what a decision costs in the core. It should cost the same with one rule and with ten thousand.
//!
//! Each measurement covers a whole decision: it reads the fields (as copies, like those of the proxy), finds the rule and
//! chooses the destination.

#![allow(missing_docs, clippy::expect_used)] // criterion's macros make functions without docs; a benchmark may panic.

use std::hint::black_box;
use std::time::Duration;

use canary_filter::{InForce, Lines, Policy, Request};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const MANY: usize = 10_000;

fn exact(rule: usize) -> String {
    format!(r#"{{"uri": {{"exact": "/service-{rule}/color"}}}}"#)
}

/// 20 prefixes under each of 500 authorities. Every second entry also has a condition on a header.
fn authority(rule: usize) -> String {
    let header = if rule.is_multiple_of(2) {
        r#", "headers": {"x-canary": {"exact": "green"}}"#
    } else {
        ""
    };
    let (host, path) = (rule / 20, rule % 20);
    format!(
        r#"{{"authority": {{"exact": "host-{host}.example"}}, "uri": {{"prefix": "/service-{path}/"}}{header}}}"#
    )
}

fn prefix(rule: usize) -> String {
    format!(r#"{{"uri": {{"prefix": "/service-{rule}/"}}}}"#)
}

/// A pattern whose prefix does not help the index.
fn regex(rule: usize) -> String {
    format!(r#"{{"uri": {{"regex": "/[a-z]+-{rule}/[0-9]+/.*"}}}}"#)
}

fn configuration(entries: impl Iterator<Item = String>) -> String {
    let route = r#"[{"cluster": "blue", "weight": 75}, {"cluster": "green", "weight": 25}]"#;
    let rules: Vec<_> = entries
        .map(|entry| format!(r#"{{"match": [{entry}], "route": {route}}}"#))
        .collect();
    format!(r#"{{"http": [{}]}}"#, rules.join(","))
}

fn policy(entries: impl Iterator<Item = String>) -> Policy {
    Policy::from_json(configuration(entries).as_bytes()).expect("the configuration is good")
}

fn get(path: &str, authority: &str, header: (&str, &str)) -> Lines {
    let lines = [
        (":path", path),
        (":authority", authority),
        ("accept", "*/*"),
        header,
    ];
    Lines::new(&lines).from_address("192.0.2.1:4711")
}

fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    let in_force = InForce::default();
    let last = MANY - 2;
    let canary = ("x-canary", "green");
    let under = |rule: usize| {
        get(
            &format!("/service-{}/color", rule % 20),
            &format!("host-{}.example", rule / 20),
            canary,
        )
    };
    let regexes = || (0..100).map(regex);
    for (name, policy, request) in [
        (
            "exact, 1 rule",
            policy([exact(last)].into_iter()),
            get(&format!("/service-{last}/color"), "a", canary),
        ),
        (
            "exact, 10000 rules",
            policy((0..MANY).map(exact)),
            get(&format!("/service-{last}/color"), "a", canary),
        ),
        (
            "authority, 1 rule",
            policy([authority(last)].into_iter()),
            under(last),
        ),
        (
            "authority, 10000 rules",
            policy((0..MANY).map(authority)),
            under(last),
        ),
        (
            "prefix, 1 rule",
            policy([prefix(last)].into_iter()),
            get(&format!("/service-{last}/color"), "a", canary),
        ),
        (
            "prefix, 10000 rules",
            policy((0..MANY).map(prefix)),
            get(&format!("/service-{last}/color"), "a", canary),
        ),
        (
            "regex, 100 rules",
            policy(regexes()),
            get("/service-99/1/color", "a", canary),
        ),
        (
            "regex after 9900 prefixes",
            policy((100..MANY).map(prefix).chain(regexes())),
            get("/service-99/1/color", "a", canary),
        ),
    ] {
        let mut random = fastrand::Rng::with_seed(1);
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                let request = Request::new(black_box(&request));
                policy
                    .decide(&request, &in_force, &mut random)
                    .expect("a rule matches")
            });
        });
    }
}

fn sticky(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sticky");
    let in_force = InForce::default();
    for (name, keys, line) in [
        ("none", "", ("x", "y")),
        (
            "header",
            r#", "consistentHash": [{"httpHeaderName": "x-user"}]"#,
            ("x-user", "user-4711"),
        ),
        (
            "cookie",
            r#", "consistentHash": [{"httpCookie": {"name": "id"}}]"#,
            ("cookie", "a=b; id=0123456789abcdef0123456789abcdef"),
        ),
    ] {
        let route = r#"[{"cluster": "blue", "weight": 75}, {"cluster": "green", "weight": 25}]"#;
        let text = format!(r#"{{"http": [{{"name": "color", "route": {route}{keys}}}]}}"#);
        let policy = Policy::from_json(text.as_bytes()).expect("the configuration is good");
        let request = get("/color", "a", line);
        let mut random = fastrand::Rng::with_seed(1);
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                let request = Request::new(black_box(&request));
                policy
                    .decide(&request, &in_force, &mut random)
                    .expect("the rule matches")
            });
        });
    }
}

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile 10000 rules");
    for (name, text) in [
        ("exact", configuration((0..MANY).map(exact))),
        ("authority", configuration((0..MANY).map(authority))),
        (
            "prefix and regex",
            configuration((100..MANY).map(prefix).chain((0..100).map(regex))),
        ),
    ] {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| Policy::from_json(black_box(text.as_bytes())));
        });
    }
}

fn quick() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
}

criterion_group!(name = benches; config = quick(); targets = decide, sticky, compile);
criterion_main!(benches);
