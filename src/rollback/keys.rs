//! The last three different keys that errors came from: enough to say whether a window has three.

/// How many different keys the errors of a window must come from when users stay with one version.
const DIFFERENT: usize = 3;

/// Stands for the key of a request without one, which counts as different from every other.
const KEYLESS: u64 = 0;

/// The most recently seen keys, each with the time at which it was last seen, in no order.
///
/// A window has three different keys if and only if the three that were seen last lie in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys([Option<Seen>; DIFFERENT]);

/// A key's hash and when it was last seen, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) key: u64,
    pub(super) at_ms: u64,
}

impl Seen {
    /// An error that came from a request with this key's hash at this time.
    pub(super) fn new(key: Option<u64>, at_ms: u64) -> Self {
        // A hash that happens to be 0 shares its place with the hash 1.
        let key = key.map_or(KEYLESS, |hash| hash.max(1));
        Self { key, at_ms }
    }
}

impl Keys {
    /// Notes an error. A time older than the three that are kept changes nothing.
    pub(super) fn insert(&mut self, seen: Seen) {
        let same = |known: &&mut Seen| known.key == seen.key && seen.key != KEYLESS;
        if let Some(known) = self.0.iter_mut().flatten().find(same) {
            known.at_ms = known.at_ms.max(seen.at_ms);
            return;
        }
        // An empty place comes before every time.
        let time = |place: &Option<Seen>| place.map(|seen| seen.at_ms);
        if let Some(oldest) = self.0.iter_mut().min_by_key(|place| time(place))
            && time(oldest) < Some(seen.at_ms)
        {
            *oldest = Some(seen);
        }
    }

    /// Whether at least three different keys were seen at this time or later.
    pub(super) fn enough_since(&self, start_ms: u64) -> bool {
        let within = |place: &Option<Seen>| place.is_some_and(|seen| seen.at_ms >= start_ms);
        self.0.iter().all(within)
    }

    /// What is kept, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Seen> {
        self.0.iter().flatten().copied()
    }

    /// The places, for the record's bytes.
    pub(super) fn places(&self) -> &[Option<Seen>; DIFFERENT] {
        &self.0
    }

    /// From the record's bytes.
    pub(super) fn from_places(places: [Option<Seen>; DIFFERENT]) -> Self {
        Self(places)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_without_a_key_count_as_different_ones() {
        let mut keys = Keys::default();
        for at_ms in [5, 5, 5] {
            assert!(!keys.enough_since(0));
            keys.insert(Seen::new(None, at_ms));
        }
        assert!(keys.enough_since(5));
        assert!(!keys.enough_since(6));
    }

    proptest! {
        #[test]
        fn a_window_has_three_keys_exactly_when_three_were_last_seen_in_it(
            seen in prop::collection::vec((0_u64..6, 0_u64..50), 0..40),
            start_ms in 0_u64..60,
        ) {
            let mut keys = Keys::default();
            let mut last: BTreeMap<u64, u64> = BTreeMap::new();
            for (key, at_ms) in seen {
                keys.insert(Seen::new(Some(key + 1), at_ms));
                let known = last.entry(key).or_default();
                *known = at_ms.max(*known);
            }
            let within = last.values().filter(|&&at_ms| at_ms >= start_ms).count();
            // A key that was dropped and comes back late may be missed, never the other way round.
            if keys.enough_since(start_ms) {
                prop_assert!(within >= DIFFERENT);
            }
        }

        #[test]
        fn in_the_order_of_time_no_key_is_missed(
            seen in prop::collection::vec((0_u64..6, 0_u64..3), 0..40),
            back_ms in 0_u64..60,
        ) {
            let mut keys = Keys::default();
            let mut last: BTreeMap<u64, u64> = BTreeMap::new();
            let mut now_ms = 100;
            for (key, later_ms) in seen {
                now_ms += later_ms;
                keys.insert(Seen::new(Some(key + 1), now_ms));
                last.insert(key, now_ms);
            }
            let start_ms = now_ms - back_ms;
            let within = last.values().filter(|&&at_ms| at_ms >= start_ms).count();
            prop_assert_eq!(keys.enough_since(start_ms), within >= DIFFERENT);
        }
    }
}
