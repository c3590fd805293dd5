//! What holds at another time, with versions rolled back, and under traffic that does not exist. Only tools ask this, so
//! the module does not contain it.

use std::fmt;

use crate::choosing::split::{InForce, Split};
use crate::policy::Policy;
use crate::policy::watch::Watch;
use crate::rollback::Record;
use crate::rollback::model::Model;

/// Why no rule can have a version rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotWatched {
    /// No rule has a destination of this label.
    Unknown,
    /// No rule with such a destination has `rollback`.
    WithoutRollback,
    /// It is `stable` wherever it is a destination of a rule with `rollback`.
    Stable,
}

impl<S> Policy<S> {
    /// The splits in force at this time, in seconds since 1970, while the destinations with these labels are rolled back
    /// in every rule that watches them.
    ///
    /// # Errors
    /// The first label that no rule can have rolled back.
    pub fn in_force_at(
        &self,
        now: i64,
        out: &[impl AsRef<str>],
    ) -> Result<InForce, (usize, NotWatched)> {
        for (place, label) in out.iter().enumerate() {
            self.can_be_out(label.as_ref())
                .map_err(|reason| (place, reason))?;
        }
        let mut in_force = InForce::default();
        for (number, rule) in (0..).zip(&self.rules) {
            let hour = rule.weights_at(now);
            let watch = self.watch_of(number).and_then(|at| self.watches.get(at));
            let is_out = |place: &usize| {
                let label = rule.destinations().get(*place).map(|it| it.label());
                out.iter().any(|out| Some(out.as_ref()) == label)
            };
            let weights = watch.and_then(|Watch { settings, .. }| {
                let watched = (0..settings.destinations()).filter(|it| *it != settings.stable());
                let record = Record::with_out(settings, watched.filter(is_out));
                record.in_force(settings, &hour, 0)
            });
            let changed = weights.as_deref().unwrap_or(&hour);
            if changed != rule.weights() {
                in_force.set(number, Split::new(changed).ok());
            }
        }
        Ok(in_force)
    }

    /// Whether a rule can have its destination with this label rolled back.
    ///
    /// # Errors
    /// Why no rule can.
    pub fn can_be_out(&self, label: &str) -> Result<(), NotWatched> {
        let mut reason = NotWatched::Unknown;
        for (number, rule) in (0..).zip(&self.rules) {
            let mut destinations = rule.destinations().iter();
            let Some(place) = destinations.position(|it| it.label() == label) else {
                continue;
            };
            match self.stable_of(number) {
                Some(stable) if stable != place => return Ok(()),
                Some(_) => reason = NotWatched::Stable,
                None if reason == NotWatched::Unknown => reason = NotWatched::WithoutRollback,
                None => {}
            }
        }
        Err(reason)
    }

    /// A model of a proxy with this number of workers that judges the rule of this number; `None` if the rule has no
    /// `rollback`.
    pub fn model(&self, rule: u32, workers: usize, seed: u64) -> Option<Model> {
        let watch = self.watches.get(self.watch_of(rule)?)?;
        Some(Model::new(watch.settings.clone(), workers, seed))
    }

    /// Whether rollbacks of the rule of this number are only observed.
    pub fn only_observes(&self, rule: u32) -> bool {
        let watch = self.watch_of(rule).and_then(|at| self.watches.get(at));
        watch.is_some_and(|watch| watch.settings.observes())
    }
}

impl fmt::Display for NotWatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "is not the label of a destination",
            Self::WithoutRollback => "cannot be rolled back: its rule has no rollback",
            Self::Stable => "cannot be rolled back: it is stable",
        })
    }
}

impl std::error::Error for NotWatched {}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{"http": [
        {"name": "a", "route": [{"cluster": "blue", "weight": 3}, {"cluster": "green", "weight": 1}, {"cluster": "red", "weight": 1}],
         "rollback": {"stable": "blue"},
         "ramp": {"start": "1970-01-01T00:01:40Z", "steps": [{"after": "0s", "weights": [1, 1, 8]}]}},
        {"name": "b", "route": [{"cluster": "blue", "weight": 1}, {"cluster": "white", "weight": 1}]},
        {"name": "c", "route": [{"cluster": "blue", "weight": 1}, {"cluster": "green", "weight": 1}],
         "rollback": {"stable": "blue", "observe": true}}
    ]}"#;

    #[test]
    fn what_is_out_has_no_share_and_the_ramp_gives_the_others_theirs() {
        let policy = Policy::from_json(CONFIG.as_bytes()).unwrap();
        for (now, out, weights) in [
            (99, &[][..], None),
            (99, &["green"], Some(&[3, 0, 1][..])),
            (100, &[], Some(&[1, 1, 8])),
            (100, &["red"], Some(&[1, 1, 0])),
            (100, &["red", "green"], Some(&[1, 0, 0])),
        ] {
            let in_force = policy.in_force_at(now, out).unwrap();
            assert_eq!(in_force.of(0).map(Split::weights), weights, "{now} {out:?}");
            assert_eq!(in_force.of(1), None);
            assert_eq!(in_force.of(2), None, "it is only observed");
        }
    }

    #[test]
    fn what_cannot_be_rolled_back_is_refused_with_its_reason() {
        let policy = Policy::from_json(CONFIG.as_bytes()).unwrap();
        for (out, refused) in [
            (&["green", "gren"][..], (1, NotWatched::Unknown)),
            (&["white"], (0, NotWatched::WithoutRollback)),
            (&["blue"], (0, NotWatched::Stable)),
        ] {
            assert_eq!(policy.in_force_at(0, out).unwrap_err(), refused);
        }
    }
}
