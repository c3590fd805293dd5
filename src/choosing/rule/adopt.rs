//! The decision that explains a choice made elsewhere: the cluster specifier has chosen, and the filter reports it.

use crate::choosing::decision::{Decision, Issued, KeyKind};
use crate::choosing::random::Random;
use crate::choosing::reason::Reason;
use crate::choosing::rendezvous;
use crate::choosing::rule::Rule;
use crate::choosing::split::Split;
use crate::choosing::sticky::{Found, Sticky};
use crate::request::{Fields, Request};

/// How many keys are tried for a new user. A destination with a share of 1 % needs 100 on average, so that more than
/// 2,000 are needed once in 10^8 times; a smaller share may leave its new users without a cookie until the next request.
const TRIES: u128 = 2_000;

impl<S> Rule<S> {
    /// The decision about a request that has been sent to this cluster, as [`choose`](Self::choose) would have made it. A
    /// new user gets a key that leads to the same destination. `None` if the cluster is not of this rule.
    pub(crate) fn adopt<'r, F: Fields>(
        &'r self,
        rule: u32,
        in_force: Option<&Split>,
        cluster: &[u8],
        request: &Request<'r, F>,
        random: &mut impl Random,
    ) -> Option<Decision> {
        let is_chosen = |name: Option<&str>| name.is_some_and(|name| name.as_bytes() == cluster);
        let mut clusters = self.destinations.iter().map(|it| it.cluster());
        let destination = u32::try_from(clusters.position(is_chosen)?).ok()?;
        let split = in_force.unwrap_or(&self.split);
        let is_only = split.only() == Some(destination);
        let plain = Decision {
            rule,
            destination,
            reason: if is_only {
                Reason::Only
            } else {
                Reason::Weighted
            },
            key: None,
            cookie: None,
            user: None,
            share: split.share(destination),
        };
        let Some(sticky) = self.sticky.as_deref() else {
            return Some(plain);
        };
        if split.only().is_some() && !sticky.issues() {
            return Some(plain);
        }
        let by_key = |kind, key: &[u8], cookie| Decision {
            reason: if is_only {
                Reason::Only
            } else {
                Reason::Sticky
            },
            key: (!is_only).then_some(kind),
            cookie,
            user: Some(rendezvous::user(key)),
            ..plain
        };
        Some(match sticky.key(request, random) {
            None => plain,
            Some(Found::Carried(kind, key)) => by_key(kind, key, None),
            Some(Found::Made(first)) => match leading_to(destination, first, sticky, split) {
                Some(issued) => by_key(KeyKind::Cookie, &issued.key(), Some(issued)),
                None => plain,
            },
        })
    }
}

/// The first key, from this one on, that leads to the destination. Neighbouring keys have independent hashes.
fn leading_to(destination: u32, first: Issued, sticky: &Sticky, split: &Split) -> Option<Issued> {
    if let Some(only) = split.only() {
        return (only == destination).then_some(first);
    }
    let weight = split.weights().get(destination as usize);
    if weight.is_none_or(|weight| *weight == 0) {
        return None;
    }
    (0..TRIES)
        .map(|further| first.further(further))
        .find(|issued| sticky.pick(&issued.key(), split.weights()) == Some(destination))
}

#[cfg(test)]
mod tests;
