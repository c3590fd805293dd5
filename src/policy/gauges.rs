//! The gauges of rules with `rollback` or `ramp`, and which of them are to be set.

use crate::policy::steering::Steering;
use crate::policy::{Policy, metrics};

/// Rounds after which all gauges are set again: a worker that was late may have set them to what they were.
const REFRESH: u32 = 20;

/// The gauges of one policy, with the values that they were set to last.
#[derive(Debug)]
pub struct Gauges {
    all: Box<[(Gauge, Option<u64>)]>,
    round: u32,
}

/// A gauge of a rule.
#[derive(Clone, Copy, Debug)]
struct Gauge {
    rule: u32,
    destination: u32,
    /// The place of the watched rule whose rollback it shows; otherwise it shows a share.
    watched: Option<usize>,
}

impl Gauges {
    /// The gauges of a policy. `visit` gets their names, in the order of their places.
    pub fn of<S>(policy: &Policy<S>, mut visit: impl FnMut(String)) -> Self {
        let mut all = Vec::new();
        for (rule, compiled) in (0..).zip(policy.rules()) {
            let place = policy.watch_of(rule);
            if place.is_none() && compiled.ramp().is_none() {
                continue;
            }
            for (destination, of_rule) in (0..).zip(compiled.destinations()) {
                let (name, label) = (compiled.name(), of_rule.label());
                let mut add = |name, watched| {
                    visit(name);
                    let gauge = Gauge {
                        rule,
                        destination,
                        watched,
                    };
                    all.push((gauge, None));
                };
                add(metrics::weight(name, label), None);
                if place.is_some() {
                    add(metrics::rolled_back(name, label), place);
                }
            }
        }
        Self {
            all: all.into(),
            round: 0,
        }
    }

    /// Whether the next round sets all gauges, and not only those that have changed.
    pub fn is_refresh(&self) -> bool {
        self.round == 0
    }

    /// One round: `set` gets the place and the value of each gauge that is to be set.
    pub fn next_round<S>(
        &mut self,
        policy: &Policy<S>,
        steering: &Steering,
        mut set: impl FnMut(usize, u64),
    ) {
        let refresh = self.is_refresh();
        self.round = (self.round + 1) % REFRESH;
        for (place, (gauge, last)) in self.all.iter_mut().enumerate() {
            let value = gauge.value(policy, steering);
            if refresh || *last != Some(value) {
                *last = Some(value);
                set(place, value);
            }
        }
    }
}

impl Gauge {
    fn value<S>(self, policy: &Policy<S>, steering: &Steering) -> u64 {
        let Some(place) = self.watched else {
            let own = policy.rules().get(self.rule as usize);
            let share = match steering.in_force().of(self.rule) {
                Some(split) => split.share(self.destination),
                None => own.map_or(0, |rule| rule.share(self.destination)),
            };
            return share.into();
        };
        let watch = policy.watches().get(place);
        let observes = watch.is_none_or(|watch| watch.settings.observes());
        (!observes && steering.is_out(place, self.destination as usize)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::steering::Now;

    const HOURS: i64 = 3_600;

    #[test]
    fn a_round_sets_what_has_changed_and_every_twentieth_sets_all() {
        let policy = Policy::from_json(
            br#"{"http": [
                {"name": "still", "route": [{"cluster": "a"}]},
                {"name": "moves", "ramp": {"start": "1970-01-01T00:00:00Z",
                    "steps": [{"after": "0s", "weights": [100, 0]}, {"after": "1h", "weights": [75, 25]}]},
                 "rollback": {"stable": "a"},
                 "route": [{"cluster": "a", "weight": 1}, {"cluster": "b", "weight": 1}]}
            ]}"#,
        )
        .unwrap();
        let mut names = Vec::new();
        let mut gauges = Gauges::of(&policy, |name| names.push(name));
        let expected = ["a", "b"].map(|label| {
            [
                metrics::weight("moves", label),
                metrics::rolled_back("moves", label),
            ]
        });
        assert_eq!(names, expected.as_flattened());
        let mut steering = Steering::new(&policy);
        let mut round = |unix| {
            steering.follow_ramps(&policy, Now { ms: 0, unix });
            let (refresh, mut set) = (gauges.is_refresh(), Vec::new());
            gauges.next_round(&policy, &steering, |place, value| set.push((place, value)));
            (refresh, set)
        };
        assert_eq!(round(0), (true, vec![(0, 10_000), (1, 0), (2, 0), (3, 0)]));
        assert_eq!(round(HOURS - 1), (false, vec![]));
        assert_eq!(round(HOURS), (false, vec![(0, 7_500), (2, 2_500)]));
        for _ in 3..REFRESH {
            assert_eq!(round(HOURS), (false, vec![]));
        }
        assert_eq!(
            round(HOURS),
            (true, vec![(0, 7_500), (1, 0), (2, 2_500), (3, 0)])
        );
    }
}
