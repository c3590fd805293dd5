//! Weights over time: a pure function of the wall clock in whole seconds, so that a restart or a second proxy computes the
//! same weights at the same instant.

mod shares;

use std::borrow::Cow;

use crate::choosing::split::Split;
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::{duration, timestamp, wire};

/// The weights of a rule from a point in time on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ramp {
    /// Seconds since 1970.
    start: i64,
    /// In the order of time.
    steps: Box<[Step]>,
    linear: bool,
}

/// Weights that are reached some time after the start.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// Milliseconds after the start.
    after: u64,
    weights: Box<[u32]>,
}

impl Ramp {
    pub(crate) fn from_wire(
        wire: &wire::Ramp,
        destinations: usize,
        faults: &mut Faults,
    ) -> Option<Self> {
        let start = wire
            .start
            .as_deref()
            .ok_or_else(|| InvalidConfig::new("is required"));
        let start = start.and_then(|text| {
            timestamp::parse(text).ok_or_else(|| {
                InvalidConfig::new(format!(
                    "`{text}` is not a time with its offset, such as 2026-12-01T09:00:00Z"
                ))
            })
        });
        let start = faults.keep(start.map_err(|fault| fault.at("start")));
        let steps = wire.steps.as_deref().unwrap_or_default();
        if steps.is_empty() {
            faults.report(InvalidConfig::new("needs at least one step").at("steps"));
            return None;
        }
        let mut before = None;
        let steps = faults.each("steps", steps, |_, wire, faults| {
            let step = Step::from_wire(wire, destinations, faults)?;
            if before.is_some_and(|before| step.after <= before) {
                let reason = "is not later than that of the step before";
                faults.report(InvalidConfig::new(reason).at("after"));
                return None;
            }
            before = Some(step.after);
            Some(step)
        });
        Some(Self {
            start: start?,
            steps: steps?.into(),
            linear: wire.linear,
        })
    }

    /// The weights at this time, in seconds since 1970; `own` are those of `route`, which hold before the start.
    pub fn weights<'w>(&'w self, own: &'w [u32], now: i64) -> Cow<'w, [u32]> {
        let Some(elapsed) = self.elapsed(now) else {
            return Cow::Borrowed(own);
        };
        let reached = self.steps.partition_point(|step| step.after <= elapsed);
        let (from, since) = match self.reached(reached) {
            Some(step) => (&*step.weights, step.after),
            None => (own, 0),
        };
        match self.steps.get(reached) {
            Some(next) if self.linear && elapsed > since => {
                let (gone, length) = (elapsed - since, next.after - since);
                Cow::Owned(shares::between(from, &next.weights, gone, length))
            }
            _ => Cow::Borrowed(from),
        }
    }

    /// When it starts, in seconds since 1970.
    #[cfg(not(feature = "proxy"))]
    pub fn start(&self) -> i64 {
        self.start
    }

    /// Whether any step gives the destination weight.
    pub fn has_weight(&self, destination: usize) -> bool {
        let weight = |step: &Step| {
            step.weights
                .get(destination)
                .is_some_and(|weight| *weight > 0)
        };
        self.steps.iter().any(weight)
    }

    /// The step that has been reached, from 0, or `None` before the first one; and when the next one is reached, in seconds
    /// since 1970, or `None` after the last one.
    pub fn position(&self, now: i64) -> (Option<usize>, Option<i64>) {
        let elapsed = self.elapsed(now);
        let reached = elapsed.map_or(0, |elapsed| {
            self.steps.partition_point(|step| step.after <= elapsed)
        });
        let at = |step: &Step| {
            let seconds = i64::try_from(step.after.div_ceil(1_000)).unwrap_or(i64::MAX);
            self.start.saturating_add(seconds)
        };
        (reached.checked_sub(1), self.steps.get(reached).map(at))
    }

    fn reached(&self, reached: usize) -> Option<&Step> {
        self.steps.get(reached.checked_sub(1)?)
    }

    /// Milliseconds since the start, unless it is still to come.
    fn elapsed(&self, now: i64) -> Option<u64> {
        let seconds = u64::try_from(now.checked_sub(self.start)?).ok()?;
        Some(seconds.saturating_mul(1_000))
    }
}

impl Step {
    fn from_wire(wire: &wire::RampStep, destinations: usize, faults: &mut Faults) -> Option<Self> {
        let after = wire
            .after
            .as_deref()
            .ok_or_else(|| InvalidConfig::new("is required"));
        let after = after.and_then(duration::read);
        let after = faults.keep(after.map_err(|fault| fault.at("after")));
        let weights = wire.weights.as_deref().unwrap_or_default();
        let given: Vec<u32> = weights.iter().flatten().map(|weight| weight.0).collect();
        let split = if weights.len() == destinations {
            Split::new(&given).map(drop)
        } else {
            Err(InvalidConfig::new(format!(
                "has {} entries, and route has {destinations}",
                weights.len()
            )))
        };
        let split = faults.keep(split.map_err(|fault| fault.at("weights")));
        split.and(Some(Self {
            after: u64::try_from(after?.as_millis()).unwrap_or(u64::MAX),
            weights: given.into(),
        }))
    }
}

#[cfg(test)]
mod tests;
