//! The slots that answers are counted in: three rings of growing slot length, so that a minute needs few slots.

use super::TICK_MS;

/// The finest slots cover this time, in milliseconds.
const FINE_MS: u64 = 2_000;
/// Length of the slots of the second ring, in milliseconds.
const MIDDLE_SLOT_MS: u64 = 1_000;
/// The second ring covers this time, in milliseconds.
const MIDDLE_MS: u64 = 30_000;
/// The third ring divides the interval by this.
const COARSE_SLOTS: u64 = 30;

/// One ring of slots. A slot's number is `time / slot_ms`, so that every worker finds the same slot for a time and
/// nothing is moved when time goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ring {
    /// Length of one slot in milliseconds, at least 1.
    pub(super) slot_ms: u64,
    /// Number of slots; 0 if the interval has no use for the ring.
    pub(super) slots: usize,
    /// The ring's first place among all slots of a destination.
    pub(super) first: usize,
    /// The shortest window that is taken from this ring, in milliseconds; the ring before has all that are shorter.
    pub(super) shortest_ms: u64,
}

/// The rings for an interval in milliseconds, and the number of slots in all of them.
///
/// CONFIG.md, rollback: "Slots are one tick (250 ms) long for the last 2 s, 1 s for the last 30 s, and `interval`/30
/// before that." No ring is longer than the interval.
pub(super) fn rings(interval_ms: u64) -> ([Ring; 3], usize) {
    let mut total = 0;
    let mut ring = |slot_ms: u64, covered_ms: u64, before_ms: u64| {
        let slot_ms = slot_ms.max(1);
        let shortest_ms = before_ms + 1;
        let slots = interval_ms.min(covered_ms) / slot_ms;
        let used = slots * slot_ms >= shortest_ms;
        let slots = if used {
            usize::try_from(slots).unwrap_or(0)
        } else {
            0
        };
        let first = total;
        total += slots;
        Ring {
            slot_ms,
            slots,
            first,
            shortest_ms,
        }
    };
    let coarse_ms = interval_ms / COARSE_SLOTS;
    let rings = [
        ring(TICK_MS, FINE_MS, 0),
        ring(MIDDLE_SLOT_MS, MIDDLE_MS, FINE_MS),
        ring(coarse_ms, coarse_ms * COARSE_SLOTS, MIDDLE_MS),
    ];
    (rings, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(interval_ms: u64) -> Vec<(u64, u64, usize)> {
        rings(interval_ms)
            .0
            .iter()
            .filter(|ring| ring.slots > 0)
            .map(|ring| (ring.slot_ms, ring.shortest_ms, ring.slots))
            .collect()
    }

    #[test]
    fn slots_are_a_tick_for_two_seconds_a_second_for_thirty_and_a_thirtieth_of_the_interval_before()
    {
        assert_eq!(shape(1_000), [(250, 1, 4)]);
        assert_eq!(shape(2_900), [(250, 1, 8)]);
        assert_eq!(shape(10_000), [(250, 1, 8), (1_000, 2_001, 10)]);
        assert_eq!(shape(30_000), [(250, 1, 8), (1_000, 2_001, 30)]);
        assert_eq!(
            shape(60_000),
            [(250, 1, 8), (1_000, 2_001, 30), (2_000, 30_001, 30)]
        );
        assert_eq!(
            shape(600_000),
            [(250, 1, 8), (1_000, 2_001, 30), (20_000, 30_001, 30)]
        );
    }

    #[test]
    fn no_window_is_longer_than_the_interval() {
        for interval_ms in 1_000..=100_000 {
            let (rings, total) = rings(interval_ms);
            for ring in rings {
                assert!(
                    ring.slots as u64 * ring.slot_ms <= interval_ms,
                    "{interval_ms}"
                );
            }
            let sum: usize = rings.iter().map(|ring| ring.slots).sum();
            assert_eq!(sum, total, "{interval_ms}");
        }
    }
}
