//! How many users a change of the weights moves, with this filter and with others. The tables in docs/stickiness.md are the
//! results of these tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use canary_filter::{InForce, Lines, Policy, Random, Request};
use xxhash_rust::xxh64::xxh64;

const USERS: u32 = 100_000;

/// Labels with their weights, in the order of the configuration.
type Weights = &'static [(&'static str, u32)];

/// What changes, before and after.
type Change = (&'static str, Weights, Weights);

/// Changes of one weight relative to all others. Every change between two versions is of this kind.
const ONE_WEIGHT: &[Change] = &[
    (
        "9 : 1 becomes 3 : 1",
        &[("blue", 9), ("green", 1)],
        &[("blue", 3), ("green", 1)],
    ),
    (
        "95 / 5 becomes 75 / 25",
        &[("blue", 95), ("green", 5)],
        &[("blue", 75), ("green", 25)],
    ),
    (
        "75 / 25 becomes 50 / 50",
        &[("blue", 75), ("green", 25)],
        &[("blue", 50), ("green", 50)],
    ),
    (
        "promotion: 50 / 50 becomes 0 / 100",
        &[("blue", 50), ("green", 50)],
        &[("blue", 0), ("green", 100)],
    ),
    (
        "rollback: 75 / 25 becomes 100 / 0",
        &[("blue", 75), ("green", 25)],
        &[("blue", 100), ("green", 0)],
    ),
    (
        "75 / 25 is written 3 : 1",
        &[("blue", 75), ("green", 25)],
        &[("blue", 3), ("green", 1)],
    ),
    (
        "green is written before blue",
        &[("blue", 75), ("green", 25)],
        &[("green", 25), ("blue", 75)],
    ),
    (
        "red comes to blue and green: 75 / 25 becomes 75 / 25 / 5",
        &[("blue", 75), ("green", 25)],
        &[("blue", 75), ("green", 25), ("red", 5)],
    ),
    (
        "blue leaves: 50 / 30 / 20 becomes 0 / 30 / 20",
        &[("blue", 50), ("green", 30), ("red", 20)],
        &[("blue", 0), ("green", 30), ("red", 20)],
    ),
];

/// Changes of several weights relative to the others.
const SEVERAL_WEIGHTS: &[Change] = &[(
    "red gets 5 of green's: 75 / 25 / 0 becomes 75 / 20 / 5",
    &[("blue", 75), ("green", 25), ("red", 0)],
    &[("blue", 75), ("green", 20), ("red", 5)],
)];

struct NotDrawn;

impl Random for NotDrawn {
    fn below(&mut self, _: u64) -> u64 {
        unreachable!("every request has a key")
    }

    fn key(&mut self) -> u128 {
        unreachable!("no cookie is issued")
    }
}

fn users() -> impl Iterator<Item = String> {
    (0..USERS).map(|user| format!("user-{user}"))
}

/// Where this filter sends every user.
fn here(weights: Weights) -> Vec<&'static str> {
    let route: Vec<_> = weights
        .iter()
        .map(|(label, weight)| format!(r#"{{"cluster": "{label}", "weight": {weight}}}"#))
        .collect();
    let text = format!(
        r#"{{"http": [{{"name": "color", "consistentHash": [{{"httpHeaderName": "x-user"}}], "route": [{}]}}]}}"#,
        route.join(", ")
    );
    let policy = Policy::from_json(text.as_bytes()).unwrap();
    let in_force = InForce::default();
    let label = |user: String| {
        let lines = Lines::new(&[("x-user", user)]);
        let decision = policy.decide(&Request::new(&lines), &in_force, &mut NotDrawn);
        weights[decision.unwrap().destination as usize].0
    };
    users().map(label).collect()
}

/// Where Envoy sends every user with `use_hash_policy` over weighted clusters and a hash policy of this one header:
/// the hash is XXH64 of the value, and its remainder modulo the sum of the weights falls into the range of one cluster
/// (Envoy's `RouteEntryImplBase::pickWeightedCluster`).
fn envoy(weights: Weights) -> Vec<&'static str> {
    let total: u32 = weights.iter().map(|(_, weight)| weight).sum();
    let label = |user: String| {
        let mut point = xxh64(user.as_bytes(), 0) % u64::from(total);
        for (label, weight) in weights {
            match point.checked_sub(u64::from(*weight)) {
                Some(rest) => point = rest,
                None => return *label,
            }
        }
        unreachable!("the point is below the sum")
    };
    users().map(label).collect()
}

/// The share of the users that every method has to move, which is the sum of what the destinations lose.
fn must_move(before: Weights, after: Weights) -> f64 {
    let shares = |weights: Weights| -> BTreeMap<_, _> {
        let total: u32 = weights.iter().map(|(_, weight)| weight).sum();
        weights
            .iter()
            .map(|(label, weight)| (*label, f64::from(*weight) / f64::from(total)))
            .collect()
    };
    let (before, after) = (shares(before), shares(after));
    before
        .iter()
        .map(|(label, share)| (share - after.get(label).unwrap_or(&0.0)).max(0.0))
        .sum()
}

fn share(count: usize) -> f64 {
    count as f64 / f64::from(USERS)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn moved(before: &[&str], after: &[&str]) -> usize {
    before
        .iter()
        .zip(after)
        .filter(|(one, other)| one != other)
        .count()
}

fn on(label: &str, users: &[&str]) -> usize {
    users.iter().filter(|version| **version == label).count()
}

/// How many of these users have to move, so that every destination has as many users as after the change.
fn fewest(before: &[&str], after: &[&str]) -> usize {
    let labels: BTreeSet<_> = before.iter().collect();
    labels
        .into_iter()
        .map(|label| on(label, before).saturating_sub(on(label, after)))
        .sum()
}

fn documented(table: &str) {
    let page = include_str!("../docs/stickiness.md");
    assert!(
        page.contains(table),
        "docs/stickiness.md has to say:\n{table}"
    );
}

#[test]
fn only_users_who_must_move_do_and_the_documentation_gives_the_numbers() {
    let mut table =
        "| change | must move | here | Envoy's hash policy |\n| --- | --- | --- | --- |\n"
            .to_owned();
    for (what, old, new) in ONE_WEIGHT.iter().chain(SEVERAL_WEIGHTS) {
        let must = must_move(old, new);
        let (before, after) = (here(old), here(new));
        let here = moved(&before, &after);
        if ONE_WEIGHT.iter().any(|(one, ..)| one == what) {
            assert_eq!(here, fewest(&before, &after), "{what}");
            let bound = 5.0 * (must * (1.0 - must) / f64::from(USERS)).sqrt();
            assert!(
                (share(here) - must).abs() <= bound,
                "{what}: {here} of {USERS} instead of {must}"
            );
        }
        let [must, here, envoy] =
            [must, share(here), share(moved(&envoy(old), &envoy(new)))].map(percent);
        writeln!(table, "| {what} | {must} | {here} | {envoy} |").unwrap();
    }
    documented(&table);
}

#[test]
fn after_a_change_the_users_are_where_the_documentation_says() {
    let mut table = "\
| change | weights ask for | here | Envoy's hash policy | decision in a cookie |
| --- | --- | --- | --- | --- |\n"
        .to_owned();
    for (what, old, new) in [ONE_WEIGHT[1], ONE_WEIGHT[3], ONE_WEIGHT[4]] {
        let total: u32 = new.iter().map(|(_, weight)| weight).sum();
        let asked = f64::from(new[1].1) / f64::from(total);
        // A cookie that holds the decision keeps its user there, whatever the weights are now.
        let pinned = here(old);
        let [asked, here, envoy, pinned] = [
            asked,
            share(on("green", &here(new))),
            share(on("green", &envoy(new))),
            share(on("green", &pinned)),
        ]
        .map(percent);
        writeln!(table, "| {what} | {asked} | {here} | {envoy} | {pinned} |").unwrap();
    }
    documented(&table);
}

/// The same users in a real Envoy: `integration/tests/envoy/hash_policy.rs`.
#[test]
fn envoy_and_the_formula_for_it_move_the_same_number_of_users() {
    let (before, after) = (envoy(ONE_WEIGHT[0].1), envoy(ONE_WEIGHT[0].2));
    let steps = before.iter().zip(&after).take(2_000);
    let count = |from, to| steps.clone().filter(|step| *step == (&from, &to)).count();
    assert_eq!([count("blue", "green"), count("green", "blue")], [406, 93]);
}
