use super::*;
use serde_json::Value;

/// The number of users in a test of shares and moves. The bounds below are five standard deviations for this number.
const USERS: u32 = 100_000;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/rendezvous.json")).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn picked(salt: &str, key: &[u8], destinations: &[(&str, u32)]) -> usize {
    pick(
        key,
        destinations
            .iter()
            .map(|(label, weight)| (seed(salt, label), *weight)),
    )
    .unwrap()
}

/// The version of every user.
fn versions<'d>(salt: &str, destinations: &[(&'d str, u32)]) -> Vec<&'d str> {
    (0..USERS)
        .map(|user| destinations[picked(salt, format!("user-{user}").as_bytes(), destinations)].0)
        .collect()
}

fn moved<'d>(before: &[&'d str], after: &[&'d str]) -> Vec<(&'d str, &'d str)> {
    before
        .iter()
        .copied()
        .zip(after.iter().copied())
        .filter(|(one, other)| one != other)
        .collect()
}

/// Five standard deviations of a share among all users.
fn bound(share: f64) -> f64 {
    5.0 * (share * (1.0 - share) / f64::from(USERS)).sqrt()
}

fn assert_share(count: usize, share: f64, what: &str) {
    let observed = count as f64 / f64::from(USERS);
    assert!(
        (observed - share).abs() <= bound(share),
        "{what}: {observed} instead of {share}"
    );
}

#[test]
fn hashes_are_those_of_the_golden_vectors() {
    let vectors = vectors();
    for vector in vectors["hashes"].as_array().unwrap() {
        let text = |field: &str| vector[field].as_str().unwrap();
        let seed = seed(text("salt"), text("label"));
        assert_eq!(format!("{seed:016x}"), text("seed"), "{vector}");
        assert_eq!(
            format!("{:016x}", xxh3_64_with_seed(&bytes(text("key_hex")), seed)),
            text("hash"),
            "{vector}"
        );
    }
}

#[test]
fn picks_are_those_of_the_golden_vectors() {
    let vectors = vectors();
    let picks = vectors["picks"].as_array().unwrap();
    assert_eq!(picks.len(), 270);
    for vector in picks {
        let destinations: Vec<_> = vector["destinations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|destination| {
                (
                    destination["label"].as_str().unwrap(),
                    u32::try_from(destination["weight"].as_u64().unwrap()).unwrap(),
                )
            })
            .collect();
        let index = picked(
            vector["salt"].as_str().unwrap(),
            &bytes(vector["key_hex"].as_str().unwrap()),
            &destinations,
        );
        assert_eq!(destinations[index].0, vector["pick"], "{vector}");
    }
}

/// The half that is added to the hash changes no pick of the vectors, but it makes the score finite at both ends.
#[test]
fn a_score_is_finite_and_follows_the_formula() {
    let ln_2 = std::f64::consts::LN_2;
    for (hash, weight, expected) in [
        // u = 2^-54, 1.5 * 2^-53, 2^-1 + 2^-54 (which is 2^-1 in a double), 1 - 2^-54 (which is 1).
        (0, 1, 54.0 * ln_2),
        ((1 << 11) - 1, 1, 54.0 * ln_2),
        (1 << 11, 1, 53.0 * ln_2 - 1.5_f64.ln()),
        (1 << 63, 1, ln_2),
        (1 << 63, 4, ln_2 / 4.0),
        (u64::MAX, 7, 0.0),
    ] {
        let score = score(hash, weight);
        assert!(
            (score - expected).abs() <= 1e-14 * expected,
            "{hash}: {score} instead of {expected}"
        );
    }
}

#[test]
fn every_destination_gets_its_share_of_the_users() {
    for weights in [
        &[("blue", 75), ("green", 25)][..],
        &[("a", 1), ("b", 2), ("c", 7)],
        &[("a", 999), ("b", 1)],
    ] {
        let versions = versions("color", weights);
        let total: u32 = weights.iter().map(|(_, weight)| weight).sum();
        for (label, weight) in weights {
            let count = versions.iter().filter(|version| *version == label).count();
            assert_share(count, f64::from(*weight) / f64::from(total), label);
        }
    }
}

#[test]
fn scale_and_order_of_the_weights_move_no_user() {
    let before = versions("color", &[("blue", 75), ("green", 25)]);
    assert_eq!(before, versions("color", &[("green", 1), ("blue", 3)]));
    assert_eq!(
        before,
        versions("color", &[("blue", 1_500_000_000), ("green", 500_000_000)])
    );
    assert_eq!(
        before,
        versions("color", &[("red", 0), ("blue", 75), ("green", 25)])
    );
}

#[test]
fn a_growing_canary_gains_users_and_loses_none() {
    for (p, q) in [(0, 5), (5, 25), (25, 75), (75, 100), (10, 25)] {
        let before = versions("color", &[("blue", 100 - p), ("green", p)]);
        let after = versions("color", &[("blue", 100 - q), ("green", q)]);
        let moved = moved(&before, &after);
        assert!(
            moved.iter().all(|step| *step == ("blue", "green")),
            "{p} -> {q}"
        );
        assert_share(
            moved.len(),
            f64::from(q - p) / 100.0,
            &format!("{p} -> {q}"),
        );
    }
}

#[test]
fn removing_a_destination_moves_only_its_own_users() {
    let before = versions("color", &[("a", 50), ("b", 30), ("c", 20)]);
    for (out, weights) in [("a", [0, 30, 20]), ("b", [50, 0, 20]), ("c", [50, 30, 0])] {
        let after = versions(
            "color",
            &[("a", weights[0]), ("b", weights[1]), ("c", weights[2])],
        );
        assert!(
            moved(&before, &after).iter().all(|(from, _)| *from == out),
            "{out}"
        );
        assert!(!after.contains(&out));
    }
}

#[test]
fn equal_salts_agree_and_different_salts_are_independent() {
    let weights = [("blue", 75), ("green", 25)];
    let (one, other) = (versions("one", &weights), versions("other", &weights));
    assert_eq!(one, versions("one", &weights));
    let both = one
        .iter()
        .zip(&other)
        .filter(|(one, other)| **one == "green" && **other == "green")
        .count();
    assert_share(both, 0.25 * 0.25, "green by both salts");
}

proptest::proptest! {
    #[test]
    fn any_key_and_weights_have_a_destination(
        key in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
        weights in proptest::collection::vec(0..=i32::MAX.unsigned_abs(), 1..8),
    ) {
        let destinations = weights.iter().enumerate().map(|(index, weight)| (index as u64, *weight));
        match pick(&key, destinations) {
            Some(index) => proptest::prop_assert!(weights[index] > 0),
            None => proptest::prop_assert!(weights.iter().all(|weight| *weight == 0)),
        }
    }
}
