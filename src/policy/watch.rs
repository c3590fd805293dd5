//! A rule whose answers are judged: its `rollback`, compiled.

use std::time::Duration;

use crate::choosing::destination::Destination;
use crate::choosing::rule::Rule;
use crate::config::duration;
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::wire;
use crate::policy::fingerprint::fingerprint;
use crate::rollback::{Given, InvalidSettings, Settings};

/// 5 percentage points, in parts of 1000.
const DEFAULT_THRESHOLD: u32 = 50;
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// The longest text of `retry`.
const LONGEST_RETRY: usize = 63;

/// A rule whose answers are judged.
#[derive(Debug)]
pub struct Watch {
    /// The number of the rule.
    pub rule: u32,
    /// What its `rollback` says.
    pub settings: Settings,
    /// An answer that takes longer is an error.
    pub slower_than: Option<Duration>,
}

impl Watch {
    /// `wire` is the configuration of `rule`, which has this number.
    pub(crate) fn from_wire<S>(
        rule: &Rule<S>,
        number: u32,
        wire: &wire::Rule,
        faults: &mut Faults,
    ) -> Option<Option<Self>> {
        let Some(rollback) = &wire.rollback else {
            return Some(None);
        };
        let labels: Vec<_> = rule.destinations().iter().map(Destination::label).collect();
        let stable = faults.keep(stable(rollback, &labels).map_err(|fault| fault.at("stable")));
        let mut time = |field: &'static str, text: Option<&str>| {
            let time = text.map(duration::read).transpose();
            faults.keep(time.map_err(|fault| fault.at(field)))
        };
        let interval = time("interval", rollback.interval.as_deref());
        let slower_than = time("slowerThan", rollback.slower_than.as_deref());
        let retry_after = time("retryAfter", rollback.retry_after.as_deref());
        let retry = rollback.retry.as_deref().unwrap_or_default();
        if retry.chars().count() > LONGEST_RETRY {
            let reason = format!("is longer than {LONGEST_RETRY} characters");
            faults.report(InvalidConfig::new(reason).at("retry"));
            return None;
        }
        let (stable, interval, slower_than) = (stable?, interval?, slower_than?);
        if slower_than == Some(Duration::ZERO) {
            faults.report(InvalidConfig::new("is not above 0s").at("slowerThan"));
            return None;
        }
        let destinations: Vec<_> = labels
            .iter()
            .enumerate()
            .map(|(index, label)| (*label, has_weight(rule, index)))
            .collect();
        let threshold = rollback
            .error_percent
            .map_or(DEFAULT_THRESHOLD, |percent| percent.0);
        let given = Given {
            destinations: &destinations,
            stable,
            threshold,
            interval_ms: milliseconds(interval.unwrap_or(DEFAULT_INTERVAL)),
            retry_after_ms: retry_after?.map(milliseconds),
            observe: rollback.observe,
            keyed: rule.is_sticky(),
            fingerprint: 0,
        };
        let fingerprint = fingerprint(rule, wire, &given, slower_than.map(milliseconds));
        let given = Given {
            fingerprint,
            ..given
        };
        let settings = faults.keep(Settings::new(&given).map_err(refused))?;
        Some(Some(Self {
            rule: number,
            settings,
            slower_than,
        }))
    }
}

fn stable(wire: &wire::Rollback, labels: &[&str]) -> Result<usize, InvalidConfig> {
    let stable = wire.stable.as_deref();
    let stable = stable.ok_or_else(|| InvalidConfig::new("is required"))?;
    let found = labels.iter().position(|label| *label == stable);
    found.ok_or_else(|| {
        let labels = labels.join(", ");
        InvalidConfig::new(format!(
            "`{stable}` is not a destination of this rule: {labels}"
        ))
    })
}

fn has_weight<S>(rule: &Rule<S>, destination: usize) -> bool {
    let own = rule
        .weights()
        .get(destination)
        .is_some_and(|weight| *weight > 0);
    own || rule.ramp().is_some_and(|ramp| ramp.has_weight(destination))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn refused(invalid: InvalidSettings) -> InvalidConfig {
    let (field, reason) = match invalid {
        InvalidSettings::Destinations => {
            let reason =
                "needs a rule with 2 to 256 destinations: one of them is compared with the others";
            return InvalidConfig::new(reason);
        }
        InvalidSettings::Stable => ("stable", "is not a destination of this rule"),
        InvalidSettings::Threshold => ("errorPercent", "is not above 0 and at most 100"),
        InvalidSettings::Interval => ("interval", "is not from 1s to 10m"),
        InvalidSettings::RetryAfter => ("retryAfter", "is not above 0s and at most 1h"),
    };
    InvalidConfig::new(reason).at(field)
}
