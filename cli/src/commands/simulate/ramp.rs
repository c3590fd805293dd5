//! The shares of a ramp over time.

use std::collections::BTreeSet;

use canary_filter::{Ramp, Rule};
use serde::Serialize;

use crate::commands::simulate::users::parts;
use crate::commands::status::utc;

/// How many times between the first and the last step are shown beside those of the steps.
const BETWEEN: i64 = 16;

/// The shares at one time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// In seconds since 1970.
    pub at: i64,
    /// The same as RFC 3339 writes it.
    pub time: String,
    /// The share of each destination, from 0 to 1.
    pub shares: Vec<f64>,
}

/// The shares from just before the start to the last step; nothing without a ramp.
pub(super) fn over_time(rule: &Rule) -> Vec<Moment> {
    let Some(ramp) = rule.ramp() else {
        return Vec::new();
    };
    let moment = |at: i64| Moment {
        at,
        time: utc(at),
        shares: parts(&rule.weights_at(at)),
    };
    times(ramp).into_iter().map(moment).collect()
}

fn times(ramp: &Ramp) -> BTreeSet<i64> {
    let start = ramp.start();
    let mut times = BTreeSet::from([start.saturating_sub(1), start]);
    let mut last = start.saturating_sub(1);
    while let (_, Some(next)) = ramp.position(last) {
        times.insert(next);
        last = next;
    }
    let length = last.saturating_sub(start);
    for part in 1..BETWEEN {
        times.insert(start.saturating_add(length / BETWEEN * part));
    }
    times
}
