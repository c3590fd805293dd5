//! What a rule's `rollback` says, checked, as the judgement uses it.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use super::rings::{Ring, rings};

/// The longest wait before a destination gets its share back, in milliseconds; waits grow up to it.
pub(crate) const MAX_WAIT_MS: u64 = 3_600_000;
/// Bounds the size of a record.
pub(super) const MAX_DESTINATIONS: usize = 256;
const MIN_INTERVAL_MS: u64 = 1_000;
const MAX_INTERVAL_MS: u64 = 600_000;

/// The values that [`Settings`] are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    /// For each destination of the rule, in the order of `route`: its label, which is unique in the rule, and whether
    /// `route` or any step of `ramp` gives it weight. A rollback of a destination without any weight ends.
    pub(crate) destinations: &'a [(&'a str, bool)],
    /// Position of the stable destination.
    pub(crate) stable: usize,
    /// By how much the error share must exceed stable's, in per mille (10 · `errorPercent`): 1 to 1000.
    pub(crate) threshold: u32,
    /// How far back answers count, in milliseconds: 1 s to 10 min.
    pub(crate) interval_ms: u64,
    /// The first wait before a share is given back, in milliseconds: above 0, at most [`MAX_WAIT_MS`]. Without it a
    /// rollback holds.
    pub(crate) retry_after_ms: Option<u64>,
    /// Judge and report, but leave the weights alone.
    pub(crate) observe: bool,
    /// The rule has `consistentHash`, so the errors of a window must come from at least three different keys.
    pub(crate) keyed: bool,
    /// A hash of everything whose change ends a rollback: the rule's match, its destinations and its `rollback`. If
    /// it does not depend on the order of the destinations, a rollback survives another order.
    pub(crate) fingerprint: u64,
}

/// A rule's `rollback`, checked. One per rule, made when a configuration is taken.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) destinations: Box<[Watched]>,
    pub(super) stable: usize,
    pub(super) threshold: u32,
    pub(super) interval_ms: u64,
    pub(super) retry_after_ms: Option<u64>,
    pub(super) observe: bool,
    pub(super) keyed: bool,
    pub(super) fingerprint: u64,
    pub(super) rings: [Ring; 3],
    pub(super) slots: usize,
}

/// What a destination is known by in a record, and whether a rollback of it still has a reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched {
    pub(super) label: u64,
    pub(super) weighted: bool,
}

/// Why values were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvalidSettings {
    /// Fewer than two destinations, or more than a record may hold.
    Destinations,
    /// The position of stable is not that of a destination.
    Stable,
    /// The threshold is 0 or above 1000 per mille.
    Threshold,
    /// The interval is shorter than 1 s or longer than 10 min.
    Interval,
    /// The first wait is 0 or longer than 1 h.
    RetryAfter,
}

impl Settings {
    /// Checks the values.
    ///
    /// # Errors
    ///
    /// [`InvalidSettings`] names the first value that is out of its range.
    pub(crate) fn new(given: &Given<'_>) -> Result<Self, InvalidSettings> {
        if !(2..=MAX_DESTINATIONS).contains(&given.destinations.len()) {
            return Err(InvalidSettings::Destinations);
        }
        if given.stable >= given.destinations.len() {
            return Err(InvalidSettings::Stable);
        }
        if !(1..=1000).contains(&given.threshold) {
            return Err(InvalidSettings::Threshold);
        }
        if !(MIN_INTERVAL_MS..=MAX_INTERVAL_MS).contains(&given.interval_ms) {
            return Err(InvalidSettings::Interval);
        }
        let wait = given.retry_after_ms.unwrap_or(MAX_WAIT_MS);
        if !(1..=MAX_WAIT_MS).contains(&wait) {
            return Err(InvalidSettings::RetryAfter);
        }
        let (rings, slots) = rings(given.interval_ms);
        let watched = |&(label, weighted): &(&str, bool)| Watched {
            label: xxh3_64(label.as_bytes()),
            weighted,
        };
        Ok(Self {
            destinations: given.destinations.iter().map(watched).collect(),
            stable: given.stable,
            threshold: given.threshold,
            interval_ms: given.interval_ms,
            retry_after_ms: given.retry_after_ms,
            observe: given.observe,
            keyed: given.keyed,
            fingerprint: given.fingerprint,
            rings,
            slots,
        })
    }

    /// The hash of everything whose change ends a rollback.
    #[cfg(test)]
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Number of destinations of the rule.
    pub fn destinations(&self) -> usize {
        self.destinations.len()
    }

    /// Position of the stable destination.
    pub fn stable(&self) -> usize {
        self.stable
    }

    /// Whether the weights are left alone.
    pub fn observes(&self) -> bool {
        self.observe
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Destinations => "a rule with rollback has 2 to 256 destinations",
            Self::Stable => "stable is not a destination of this rule",
            Self::Threshold => "errorPercent is above 0 and at most 100",
            Self::Interval => "interval is from 1s to 10m",
            Self::RetryAfter => "retryAfter is above 0s and at most 1h",
        })
    }
}

impl std::error::Error for InvalidSettings {}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A good one to change, with `blue-sub` as stable.
    pub(in crate::rollback) const GOOD: Given<'static> = Given {
        destinations: &[("blue-sub", true), ("green-sub", true)],
        stable: 0,
        threshold: 50,
        interval_ms: 60_000,
        retry_after_ms: None,
        observe: false,
        keyed: false,
        fingerprint: 1,
    };

    #[test]
    fn values_out_of_their_range_are_refused() {
        assert!(Settings::new(&GOOD).is_ok());
        let bad = |change: fn(&mut Given<'_>)| {
            let mut given = GOOD;
            change(&mut given);
            Settings::new(&given).unwrap_err()
        };
        assert_eq!(
            bad(|given| given.destinations = &[("blue-sub", true)]),
            InvalidSettings::Destinations
        );
        assert_eq!(bad(|given| given.stable = 2), InvalidSettings::Stable);
        for change in [
            (|given| given.threshold = 0) as fn(&mut Given<'_>),
            |given| given.threshold = 1001,
        ] {
            assert_eq!(bad(change), InvalidSettings::Threshold);
        }
        for change in [
            (|given| given.interval_ms = 999) as fn(&mut Given<'_>),
            |given| given.interval_ms = 600_001,
        ] {
            assert_eq!(bad(change), InvalidSettings::Interval);
        }
        for change in [
            (|given| given.retry_after_ms = Some(0)) as fn(&mut Given<'_>),
            |given| given.retry_after_ms = Some(3_600_001),
        ] {
            assert_eq!(bad(change), InvalidSettings::RetryAfter);
        }
    }
}
