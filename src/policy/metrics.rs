//! Names and ids of metrics. Labels stand in the name in Istio's tag form, `name.route=.=color;.;subset=.=blue;.;`, which
//! `extraStatTags` (Istio) or `stats_tags` (Envoy) turn into Prometheus labels.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::choosing::reason::{ByReason, Reason};

/// The number of the metric that the proxy gave it.
pub(crate) type MetricId = u32;

/// 1 while the newest configuration is refused.
pub(crate) const CONFIG_REFUSED: &str = "canary_config_refused";

/// The ids by name, for a whole VM: the proxy keeps every definition for ever, so each is made once.
#[derive(Debug, Default)]
pub(crate) struct Registry(RefCell<BTreeMap<Box<str>, MetricId>>);

/// `canary_requests_total` of one destination: the ids by reason, so that counting needs no name. None is defined before
/// it first counts.
#[derive(Debug, Default)]
pub(crate) struct RequestCounters(ByReason<Cell<Option<MetricId>>>);

impl Registry {
    /// The id of this name; `define` is called for a name that is new.
    pub(crate) fn id(
        &self,
        name: &str,
        define: impl FnOnce(&str) -> Option<MetricId>,
    ) -> Option<MetricId> {
        let known = self.0.borrow().get(name).copied();
        known.or_else(|| {
            let id = define(name)?;
            self.0.borrow_mut().insert(name.into(), id);
            Some(id)
        })
    }
}

impl RequestCounters {
    /// The id of the counter with this reason; `resolve` is asked for it once.
    pub(crate) fn id(
        &self,
        reason: Reason,
        resolve: impl FnOnce() -> Option<MetricId>,
    ) -> Option<MetricId> {
        let slot = self.0.get(reason);
        if slot.get().is_none() {
            slot.set(resolve());
        }
        slot.get()
    }
}

/// The name of a counter of requests.
pub(crate) fn requests_total(rule: &str, label: &str, reason: Reason) -> String {
    format!(
        "canary_requests_total.route=.={rule};.;subset=.={label};.;reason=.={};.;",
        reason.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choosing::choice::Choice;
    use crate::choosing::random::tests::Fixed;
    use crate::request::tests::Lines;
    use crate::{Policy, Request};

    const POLICY: &[u8] = br#"{"http": [{"route": [{"cluster": "x"}]},
        {"name": "color", "route": [{"cluster": "blue", "weight": 1}, {"cluster": "green", "weight": 1}]}]}"#;

    fn choice(policy: &Policy, rule: usize, point: u64) -> Choice<'_> {
        policy.router().rules()[rule]
            .choose(&Request::new(&Lines::default()), &mut Fixed(point))
            .unwrap()
    }

    #[test]
    fn a_name_carries_its_labels() {
        let policy = Policy::from_json(POLICY).unwrap();
        let named = |(rule, point)| {
            let mut name = String::new();
            choice(&policy, rule, point).counter(|asked| {
                name = asked.to_owned();
                None
            });
            name
        };
        assert_eq!(
            [(0, 0), (1, 0), (1, 1)].map(named),
            [
                "canary_requests_total.route=.=http-0;.;subset=.=x;.;reason=.=only;.;",
                "canary_requests_total.route=.=color;.;subset=.=blue;.;reason=.=weighted;.;",
                "canary_requests_total.route=.=color;.;subset=.=green;.;reason=.=weighted;.;",
            ]
        );
    }

    #[test]
    fn every_metric_is_defined_once_in_a_vm_and_looked_up_once_in_a_policy() {
        let (registry, defined) = (Registry::default(), Cell::new(0));
        let define = |_: &str| {
            defined.set(defined.get() + 1);
            Some(defined.get())
        };
        for _ in 0..3 {
            let policy = Policy::from_json(POLICY).unwrap();
            for (point, id) in [(1, 1), (0, 2), (1, 1), (0, 2)] {
                let choice = choice(&policy, 1, point);
                assert_eq!(choice.counter(|name| registry.id(name, define)), Some(id));
            }
        }
        assert_eq!(defined.get(), 2);
    }

    #[test]
    fn a_definition_that_fails_is_tried_again() {
        let registry = Registry::default();
        assert_eq!(registry.id("a", |_| None), None);
        assert_eq!(registry.id("a", |_| Some(7)), Some(7));
    }
}
