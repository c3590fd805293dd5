//! Which version each user gets, and who moves.

use canary_filter::{Issued, KeyKind, Rule, Split};
use fastrand::Rng;
use serde::Serialize;

use crate::commands::simulate::{OfPolicy, Progress, Scenario};

const SEED: u64 = 1;

/// How many users are counted between two reports of the progress.
const BATCH: u32 = 4096;

/// A destination, and how many users it has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// Its label.
    pub label: String,
    /// Its weight in force.
    pub weight: u32,
    /// The share that it should have, from 0 to 1.
    pub expected: f64,
    /// The users that it has; requests, if the rule has no keys.
    pub users: u32,
    /// The share that it has, from 0 to 1.
    pub seen: f64,
}

/// Who moves to another version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moves {
    /// Why no user can be followed.
    pub unknown: Option<String>,
    /// What makes it less sure who moves.
    pub note: Option<String>,
    /// The labels before, in the order of the old file.
    pub from: Vec<String>,
    /// The labels after: those of the old file, then new ones.
    pub to: Vec<String>,
    /// For each label before, the users of each label after.
    pub users: Vec<Vec<u32>>,
    /// How many users get another version.
    pub moved: u32,
    /// The version to which users go back: `rollback.stable`, else the first one.
    pub stable: String,
    /// How many users had another version and get this one.
    pub back: u32,
}

/// How much work the users are.
pub(super) fn steps(scenario: &Scenario, moves: bool) -> u64 {
    u64::from(scenario.users) * if moves { 3 } else { 1 }
}

/// `header x-user-id`, for each key.
pub(super) fn keys(rule: &Rule) -> Vec<String> {
    let text = |(kind, name): (KeyKind, Option<String>)| match name {
        Some(name) => format!("{} {name}", kind.as_str()),
        None => kind.as_str().to_owned(),
    };
    rule.keys().into_iter().map(text).collect()
}

/// The users' keys in their order: 128 random bits in hex, as the filter issues them.
fn each_user(users: u32, progress: &Progress, mut visit: impl FnMut(&[u8])) {
    let mut rng = Rng::with_seed(SEED);
    for user in 1..=users {
        visit(&Issued::new(rng.u128(..), false).key());
        if user % BATCH == 0 {
            progress.add(BATCH.into());
        }
    }
    progress.add((users % BATCH).into());
}

/// The place of the destination of each user; of each request, if the rule has no keys.
fn chosen(rule: &Rule, weights: &[u32], draws: &mut Rng, key: &[u8]) -> usize {
    let place = rule.destination_of(key, weights).or_else(|| {
        let split = Split::new(weights).ok()?;
        Some(split.pick(|total| draws.u64(..total)))
    });
    place.map_or(0, |place| place as usize)
}

pub(super) fn shares(rule: &Rule, scenario: &Scenario, progress: &Progress) -> Vec<Seen> {
    let weights = rule.weights_at(scenario.at);
    let mut counts = vec![0_u32; weights.len()];
    let mut draws = Rng::with_seed(SEED + 1);
    each_user(scenario.users, progress, |key| {
        if let Some(count) = counts.get_mut(chosen(rule, &weights, &mut draws, key)) {
            *count += 1;
        }
    });
    let expected = parts(&weights);
    let destinations = rule.destinations().iter().enumerate();
    let seen = destinations.map(|(place, destination)| {
        let users = counts.get(place).copied().unwrap_or(0);
        Seen {
            label: destination.label().to_owned(),
            weight: weights.get(place).copied().unwrap_or(0),
            expected: expected.get(place).copied().unwrap_or(0.0),
            users,
            seen: f64::from(users) / f64::from(scenario.users.max(1)),
        }
    });
    seen.collect()
}

/// The shares of weights, from 0 to 1. One destination has everything, whatever its weight.
pub(super) fn parts(weights: &[u32]) -> Vec<f64> {
    if let [_] = weights {
        return vec![1.0];
    }
    let sum: f64 = weights.iter().copied().map(f64::from).sum();
    weights
        .iter()
        .map(|weight| f64::from(*weight) / sum)
        .collect()
}

pub(super) fn moves(
    old: &OfPolicy<'_>,
    new: Option<&OfPolicy<'_>>,
    scenario: &Scenario,
    progress: &Progress,
) -> Moves {
    let labels = |rule: &Rule| -> Vec<String> {
        let destinations = rule.destinations().iter();
        destinations.map(|it| it.label().to_owned()).collect()
    };
    let from = labels(old.rule);
    let stable = old.policy.stable_of(old.number).unwrap_or(0);
    let mut moves = Moves {
        unknown: None,
        note: None,
        to: from.clone(),
        users: Vec::new(),
        moved: 0,
        stable: from.get(stable).cloned().unwrap_or_default(),
        back: 0,
        from,
    };
    let Some(new) = new else {
        moves.unknown = Some("the new file has no rule of this name".to_owned());
        return moves;
    };
    let (before, after) = (keys(old.rule), keys(new.rule));
    if before.is_empty() || after.is_empty() {
        let reason = "without consistentHash in both files each request is drawn anew, so nobody keeps a version";
        moves.unknown = Some(reason.to_owned());
        return moves;
    }
    if before != after {
        moves.note = Some(format!(
            "the keys change from {} to {}; this is for users who have the same key in both",
            before.join(", "),
            after.join(", ")
        ));
    }
    let after = labels(new.rule);
    let added = after.iter().filter(|label| !moves.from.contains(label));
    moves.to.extend(added.cloned());
    count(&mut moves, (old.rule, new.rule), &after, scenario, progress);
    moves
}

fn count(
    moves: &mut Moves,
    (old, new): (&Rule, &Rule),
    after: &[String],
    scenario: &Scenario,
    progress: &Progress,
) {
    let weights = [old, new].map(|rule| rule.weights_at(scenario.at));
    let [old_weights, new_weights] = &weights;
    // Where each destination of the new rule is among the labels of the table.
    let places: Vec<_> = after
        .iter()
        .map(|label| moves.to.iter().position(|it| it == label))
        .collect();
    moves.users = vec![vec![0; moves.to.len()]; moves.from.len()];
    let mut draws = Rng::with_seed(SEED);
    each_user(scenario.users, progress, |key| {
        let from = chosen(old, old_weights, &mut draws, key);
        let to = chosen(new, new_weights, &mut draws, key);
        let to = places.get(to).copied().flatten();
        if let Some(count) = to.and_then(|to| moves.users.get_mut(from)?.get_mut(to)) {
            *count += 1;
        }
    });
    progress.add(scenario.users.into());
    let stable = moves.from.iter().position(|label| *label == moves.stable);
    for (from, row) in moves.users.iter().enumerate() {
        for (to, users) in row.iter().enumerate() {
            if from != to {
                moves.moved += users;
                moves.back += if Some(to) == stable { *users } else { 0 };
            }
        }
    }
}
