//! The value in shared data, one per rule: what all workers have counted, and what is out.

use super::answers::Answers;
use super::frozen::{self, Frozen};
use super::settings::Settings;
use super::state::{NEVER, State};
use super::transition::{Change, End, Transition};
use super::weights;
use super::windows::Windows;

/// One rule's counts and rollbacks, as all workers of a proxy share them.
///
/// A worker reads it, adds its answers, steps, and writes it by compare-and-swap. All four take the [`Settings`] of
/// the rule in the current configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    states: Box<[State]>,
    windows: Windows,
    /// Rollbacks of another configuration that this one has ended: position, since when, whether only observed.
    replaced: Vec<(usize, u64, bool)>,
}

impl Record {
    /// Nothing counted and nothing rolled back.
    pub fn empty(settings: &Settings) -> Self {
        Self {
            states: vec![State::default(); settings.destinations()].into(),
            windows: Windows::empty(settings),
            replaced: Vec::new(),
        }
    }

    /// The record that all workers share, which is an empty one as long as nobody has written it.
    pub fn known(bytes: Option<&[u8]>, settings: &Settings) -> Self {
        bytes.map_or_else(
            || Self::empty(settings),
            |bytes| Self::read(bytes, settings),
        )
    }

    /// The record in these bytes. Garbage, half a value and a value of other destinations are an empty record; so is
    /// one with another fingerprint, whose rollbacks the next [`Record::step`] reports as ended. If only the windows
    /// cannot be read, which another version of the module may have written, what is rolled back is kept.
    pub fn read(bytes: &[u8], settings: &Settings) -> Self {
        let mut record = Self::empty(settings);
        let Some((frozen, rest)) = frozen::read(bytes) else {
            return record;
        };
        if frozen.fingerprint != settings.fingerprint {
            record.replaced = replaced(&frozen, settings);
            return record;
        }
        let Some(order) = order(&frozen, settings) else {
            return record;
        };
        let found = order.iter().filter_map(|&found| frozen.entries.get(found));
        record.states = found.map(|&(_, state)| state).collect();
        if let Some(windows) = Windows::read(rest, settings, &order) {
            record.windows = windows;
        }
        record
    }

    /// Nothing counted, and these destinations rolled back for good.
    #[cfg(not(feature = "proxy"))]
    pub(crate) fn with_out(settings: &Settings, out: impl Iterator<Item = usize>) -> Self {
        let mut record = Self::empty(settings);
        for destination in out {
            if let Some(state) = record.states.get_mut(destination) {
                state.roll_back(settings, destination, &[], 0, 0);
                state.until_ms = NEVER;
            }
        }
        record
    }

    /// The value to write. The first write of a key and every other one go by compare-and-swap.
    pub fn write(&self, settings: &Settings) -> Vec<u8> {
        let mut bytes = Vec::new();
        frozen::write(&mut bytes, settings, &self.states);
        self.windows.write(&mut bytes, settings);
        bytes
    }

    /// Adds what a worker has counted, as of `now_ms`. It may be a tick older than what is there.
    pub fn add(&mut self, settings: &Settings, answers: &Answers, now_ms: u64) {
        self.windows.add(settings, answers.tallies(), now_ms);
    }

    /// Ends rollbacks whose time has come, then judges every destination in every window. `hour` holds the weights
    /// that `route` and `ramp` give now, in 0 to 2^31 - 1; `now_unix` is the wall clock in seconds, for reports.
    ///
    /// To be called with every batch of answers, once with every new configuration, and when [`Record::due_ms`] has
    /// come. What it returns has happened once the record is written; if it returns nothing and no answers were
    /// added, there is nothing to write.
    pub fn step(
        &mut self,
        settings: &Settings,
        hour: &[u32],
        now_ms: u64,
        now_unix: u64,
    ) -> Vec<Transition> {
        let mut transitions = self.report_replaced(now_ms);
        self.windows.advance(settings, now_ms);
        for (destination, state) in self.states.iter_mut().enumerate() {
            state.settle(now_ms);
            if state.out || weight(hour, destination) == 0 {
                self.windows.rest(destination, now_ms);
            }
        }
        self.end(settings, hour, now_ms, &mut transitions);
        self.judge(settings, hour, now_ms, now_unix, &mut transitions);
        transitions
    }

    /// The weights in force if they are not those of the hour: what is out gets 0, and what has just come back gets
    /// at most the share at which it was rolled back. They may be scaled by a power of two. If nothing is left, stable
    /// gets everything. `None` always if the rollback is only observed.
    pub fn in_force(&self, settings: &Settings, hour: &[u32], now_ms: u64) -> Option<Box<[u32]>> {
        let weights = weights::in_force(settings, &self.states, hour, now_ms);
        (weights != hour).then(|| weights.into())
    }

    /// Whether any destination is rolled back, also if that is only observed.
    pub fn is_out(&self) -> bool {
        self.states.iter().any(|state| state.out)
    }

    /// When a rollback or a cap next ends by time alone, in milliseconds, also in the past while a rollback waits for
    /// stable to get weight. The next step and the next [`Record::in_force`] are due then even without traffic.
    pub fn due_ms(&self, settings: &Settings, now_ms: u64) -> Option<u64> {
        let due = self
            .states
            .iter()
            .map(|state| state.due_ms(settings, now_ms))
            .min();
        due.filter(|&due_ms| due_ms != NEVER)
    }

    /// Since when the destination has been out, as wall-clock time in seconds; also if that is only observed.
    pub fn out_since_unix(&self, destination: usize) -> Option<u64> {
        let state = self.states.get(destination)?;
        state.out.then_some(state.since_unix)
    }

    /// The counts, for simulations.
    #[cfg(test)]
    pub(super) fn windows(&self) -> &Windows {
        &self.windows
    }

    fn report_replaced(&mut self, now_ms: u64) -> Vec<Transition> {
        let ended = std::mem::take(&mut self.replaced).into_iter();
        let ended = ended.map(|(destination, since_ms, observed)| Transition {
            destination,
            observed,
            change: Change::Ended {
                reason: End::Reconfigured,
                out_ms: now_ms.saturating_sub(since_ms),
            },
        });
        ended.collect()
    }

    fn end(
        &mut self,
        settings: &Settings,
        hour: &[u32],
        now_ms: u64,
        transitions: &mut Vec<Transition>,
    ) {
        let stable_serves = weight(hour, settings.stable) > 0;
        let states = self.states.iter_mut().zip(&settings.destinations);
        for (destination, (state, watched)) in states.enumerate() {
            let before = *state;
            let reason = if !watched.weighted {
                *state = State::default();
                End::Unweighted
            } else if state.out && now_ms >= state.until_ms && stable_serves {
                state.come_back(now_ms);
                End::Waited
            } else {
                continue;
            };
            if before.out {
                transitions.push(Transition {
                    destination,
                    observed: before.observed,
                    change: Change::Ended {
                        reason,
                        out_ms: now_ms.saturating_sub(before.since_ms),
                    },
                });
            }
        }
    }

    fn judge(
        &mut self,
        settings: &Settings,
        hour: &[u32],
        now_ms: u64,
        now_unix: u64,
        transitions: &mut Vec<Transition>,
    ) {
        if weight(hour, settings.stable) == 0 {
            return;
        }
        // Shares are those of before, also for several that go at once.
        let mut before = None;
        for destination in (0..settings.destinations()).filter(|&it| it != settings.stable) {
            let judged = |state: &&mut State| !state.out && weight(hour, destination) > 0;
            if !self
                .states
                .get_mut(destination)
                .as_ref()
                .is_some_and(judged)
            {
                continue;
            }
            let Some(verdict) = self.windows.verdict(settings, destination) else {
                continue;
            };
            let weights = before
                .get_or_insert_with(|| weights::in_force(settings, &self.states, hour, now_ms));
            if let Some(state) = self.states.get_mut(destination) {
                state.roll_back(settings, destination, weights, now_ms, now_unix);
            }
            transitions.push(Transition {
                destination,
                observed: settings.observe,
                change: Change::RolledBack(verdict),
            });
        }
    }
}

/// Where each destination of the settings is among the entries; `None` if they are not the same destinations.
fn order(frozen: &Frozen, settings: &Settings) -> Option<Vec<usize>> {
    if frozen.entries.len() != settings.destinations() {
        return None;
    }
    let labels = settings.destinations.iter().map(|watched| watched.label);
    let found = |label| frozen.entries.iter().position(|&(known, _)| known == label);
    labels.map(found).collect()
}

/// The destinations of the settings that another configuration had rolled back.
fn replaced(frozen: &Frozen, settings: &Settings) -> Vec<(usize, u64, bool)> {
    let out = frozen.entries.iter().filter(|(_, state)| state.out);
    let found = out.filter_map(|&(label, state)| {
        let destination = settings
            .destinations
            .iter()
            .position(|watched| watched.label == label)?;
        Some((destination, state.since_ms, state.observed))
    });
    found.collect()
}

fn weight(weights: &[u32], destination: usize) -> u32 {
    weights.get(destination).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
