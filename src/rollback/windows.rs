//! What all workers have counted, and the windows that end now.

mod bytes;

use super::answers::Tally;
use super::evidence::{Counts, condemns};
use super::keys::{Keys, Seen};
use super::rings::Ring;
use super::settings::Settings;
use super::transition::Verdict;

/// The counts of every destination in all rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    /// The latest time that a worker has brought, in milliseconds; the newest slots are those of this time.
    pub(super) newest_ms: u64,
    pub(super) columns: Box<[Column]>,
}

/// The counts of one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// When the destination last got nothing, in milliseconds. No window reaches back beyond it, neither of this
    /// destination nor, if it is stable, of one that is compared with it: over a time in which only one of the two had
    /// answers, a fault that both share would look like the fault of one.
    pub(super) since_ms: u64,
    pub(super) keys: Keys,
    pub(super) slots: Box<[Slot]>,
}

/// The answers of one destination in one slot. The counts stop at their largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) requests: u32,
    pub(super) errors: u32,
}

impl Windows {
    /// Nothing counted yet.
    pub(super) fn empty(settings: &Settings) -> Self {
        let column = Column {
            since_ms: 0,
            keys: Keys::default(),
            slots: vec![Slot::default(); settings.slots].into(),
        };
        Self {
            newest_ms: 0,
            columns: vec![column; settings.destinations()].into(),
        }
    }

    /// Goes on to this time and empties the slots in between. A worker whose clock is a tick late changes nothing.
    pub(super) fn advance(&mut self, settings: &Settings, now_ms: u64) {
        if now_ms.saturating_add(settings.interval_ms) < self.newest_ms {
            // Times that come from nowhere must not keep later answers out of the windows.
            *self = Self::empty(settings);
        }
        if now_ms <= self.newest_ms {
            return;
        }
        for ring in &settings.rings {
            let head = now_ms / ring.slot_ms;
            let new = (head - self.newest_ms / ring.slot_ms).min(ring.slots as u64);
            for place in (0..new).filter_map(|back| place(ring, head, back)) {
                for slot in self
                    .columns
                    .iter_mut()
                    .filter_map(|c| c.slots.get_mut(place))
                {
                    *slot = Slot::default();
                }
            }
        }
        self.newest_ms = now_ms;
    }

    /// Adds what a worker has counted to the slots of its time, as far as they are still there.
    pub(super) fn add(&mut self, settings: &Settings, tallies: &[Tally], now_ms: u64) {
        self.advance(settings, now_ms);
        for (column, tally) in self.columns.iter_mut().zip(tallies) {
            for seen in tally.keys.iter() {
                column.keys.insert(Seen {
                    at_ms: now_ms,
                    ..seen
                });
            }
            for ring in &settings.rings {
                let back = self.newest_ms / ring.slot_ms - now_ms / ring.slot_ms;
                let place = place(ring, self.newest_ms / ring.slot_ms, back);
                if let Some(slot) = place.and_then(|place| column.slots.get_mut(place)) {
                    slot.requests = slot.requests.saturating_add(tally.requests);
                    slot.errors = slot.errors.saturating_add(tally.errors);
                }
            }
        }
    }

    /// Notes that the destination gets nothing now: its windows begin after this time.
    pub(super) fn rest(&mut self, destination: usize, now_ms: u64) {
        if let Some(column) = self.columns.get_mut(destination) {
            column.since_ms = now_ms;
        }
    }

    /// The shortest window that condemns the destination, if one does.
    pub(super) fn verdict(&self, settings: &Settings, destination: usize) -> Option<Verdict> {
        let canary = self.columns.get(destination)?;
        if canary.slots.iter().all(|slot| slot.errors == 0) {
            return None;
        }
        let mut judged = Counts::default();
        let mut judged_stable = Counts::default();
        self.find(settings, destination, |window, start_ms| {
            // Without errors nothing is condemned, and a longer window with the same counts has the same verdict.
            let (counts, stable) = (window.canary, window.stable);
            if counts.errors == 0 || (judged == counts && judged_stable == stable) {
                return false;
            }
            (judged, judged_stable) = (counts, stable);
            condemns(counts, stable, settings.threshold)
                && (!settings.keyed || canary.keys.enough_since(start_ms))
        })
    }

    /// The first window for which `wanted` is true, given the window and its start in milliseconds. The windows of
    /// each ring grow slot by slot from the newest.
    pub(super) fn find(
        &self,
        settings: &Settings,
        destination: usize,
        mut wanted: impl FnMut(&Verdict, u64) -> bool,
    ) -> Option<Verdict> {
        let canary = self.columns.get(destination)?;
        let stable = self.columns.get(settings.stable)?;
        let since_ms = canary.since_ms.max(stable.since_ms);
        for ring in &settings.rings {
            let head = self.newest_ms / ring.slot_ms;
            let mut start_ms = head * ring.slot_ms;
            let mut window = Verdict::default();
            // From the newest slot back, around the end of the ring.
            let newest = place(ring, head, 0).map_or(0, |place| place + 1);
            let last = ring.first + ring.slots;
            let older = (newest..last).rev();
            for place in (ring.first..newest).rev().chain(older) {
                if start_ms < since_ms {
                    break;
                }
                window.canary.add(canary.slots.get(place)?);
                window.stable.add(stable.slots.get(place)?);
                window.window_ms += ring.slot_ms;
                if window.window_ms >= ring.shortest_ms {
                    let bounded = window.bounded();
                    if wanted(&bounded, start_ms) {
                        return Some(bounded);
                    }
                }
                let Some(earlier_ms) = start_ms.checked_sub(ring.slot_ms) else {
                    break;
                };
                start_ms = earlier_ms;
            }
        }
        None
    }
}

/// Where the slot lies that is this far back from the slot with number `head`; `None` if the ring has it no more.
fn place(ring: &Ring, head: u64, back: u64) -> Option<usize> {
    let slots = ring.slots as u64;
    let number = head.checked_sub(back).filter(|_| back < slots)?;
    let within = usize::try_from(number % slots).ok()?;
    Some(ring.first + within)
}

impl Counts {
    fn add(&mut self, slot: &Slot) {
        self.requests += u64::from(slot.requests);
        self.errors += u64::from(slot.errors);
    }
}

#[cfg(test)]
mod tests;
