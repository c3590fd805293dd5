//! The cluster specifier: Envoy asks it for the cluster while it picks the route.

use std::cell::RefCell;
use std::sync::Arc;

use canary_filter::edge::stable_of_refused;
use canary_filter::{Decision, Fields, InForce, Policy, Random, Request, Split, metrics};

use crate::abi::{Choice, Owner};
use crate::guard::planted;
use crate::metrics::{Chooser, Metric, Metrics};
use crate::plugin::{Form, Plugin, Verdict};
use crate::serving::Serving;

/// After the plugin's name: the HTTP filter of that name has the configuration, and does what needs the answer.
const BESIDE_FILTER: &str = "/filter";

/// How many of the streams that a worker has counted last are remembered.
const REMEMBERED: usize = 1_024;

thread_local! {
    /// The random values of streams that have been counted, each at its remainder.
    static COUNTED: RefCell<[u64; REMEMBERED]> = const { RefCell::new([0; REMEMBERED]) };
}

/// One configuration of the specifier, for all workers.
#[derive(Debug)]
pub(crate) struct Config {
    owner: Owner,
    plugin: Arc<Plugin>,
    role: Role,
    metrics: Metrics,
    panics: Metric,
}

/// What a configuration does with requests.
#[derive(Debug)]
enum Role {
    /// It chooses by its own policy, and counts.
    Alone(Arc<Serving>),
    /// It chooses by the policy of the HTTP filter that it stands beside. Its own says where requests go that no rule
    /// matches, and all of them as long as the filter has never had a good configuration.
    BesideFilter(Option<Policy>),
    /// There has never been a good configuration: everything goes to the stable versions that the refused one names.
    StandBy(Policy),
}

impl Config {
    /// The configuration in these bytes; `None` leaves it to Envoy to reject it.
    pub(crate) fn new(owner: Owner, name: &[u8], bytes: &[u8]) -> Option<Self> {
        let name = String::from_utf8_lossy(name);
        let beside = name.strip_suffix(BESIDE_FILTER);
        let plugin = Plugin::named(beside.unwrap_or(&name));
        let (role, refused) = if beside.is_some() {
            (Role::BesideFilter(stable_of_refused(bytes)), None)
        } else {
            match plugin.judge(bytes, Form::Specifier) {
                Verdict::Taken(serving) => (Role::Alone(serving), Some(false)),
                Verdict::Refused(Some(last)) => (Role::Alone(last), Some(true)),
                Verdict::Refused(None) => (Role::StandBy(stable_of_refused(bytes)?), Some(true)),
                Verdict::Rejected => return None,
            }
        };
        if let Some(refused) = refused
            && let Some(gauge) = owner.gauge(&metrics::config_refused(plugin.name()))
        {
            owner.set(gauge, refused.into());
        }
        let metrics = match &role {
            Role::Alone(serving) => {
                let metrics = Metrics::new(&owner, serving, Chooser::Specifier, &plugin);
                plugin.accept(serving);
                metrics
            }
            Role::BesideFilter(_) | Role::StandBy(_) => Metrics::default(),
        };
        Some(Self {
            panics: owner.counter("canary_panics_total").unwrap_or_default(),
            owner,
            plugin,
            role,
            metrics,
        })
    }

    /// Chooses the cluster; `false` if no rule matches.
    pub(crate) fn choose(&self, host: &Choice<'_>) -> bool {
        match &self.role {
            Role::Alone(serving) => {
                if let Some(outcome) = serving.pass(&self.plugin) {
                    self.metrics.set_gauges(&self.owner, &outcome.gauges);
                }
                self.choose_and_count(serving, host)
            }
            Role::BesideFilter(otherwise) => {
                let current = self.plugin.current();
                let chosen = current.as_ref().is_some_and(|serving| {
                    serving.follow(&self.plugin);
                    let request = Request::new(host);
                    let chosen = choose(serving, host, &request);
                    chosen.is_some_and(|decision| to(serving.policy(), &decision, host))
                });
                let otherwise = || otherwise.as_ref().is_some_and(|it| to_stable(it, host));
                chosen || otherwise()
            }
            Role::StandBy(stable) => to_stable(stable, host),
        }
    }

    fn choose_and_count(&self, serving: &Serving, host: &Choice<'_>) -> bool {
        let request = Request::new(host);
        let Some(decision) = choose(serving, host, &request) else {
            return false;
        };
        if is_new(host.random_value())
            && let Some(counter) = self.metrics.requests(&decision)
        {
            self.owner.increment(counter, 1);
        }
        self.metrics.show_endpoints(&self.owner, serving);
        to(serving.policy(), &decision, host)
    }

    /// After a panic: the request goes to the stable version of the rule that matches.
    pub(crate) fn give_up(&self, host: &Choice<'_>) -> bool {
        self.owner.increment(self.panics, 1);
        match (&self.role, &*self.plugin.current()) {
            (Role::Alone(serving), _) => to_stable(serving.policy(), host),
            (Role::StandBy(stable), _) => to_stable(stable, host),
            (Role::BesideFilter(_), Some(serving)) => to_stable(serving.policy(), host),
            (Role::BesideFilter(stable), None) => stable
                .as_ref()
                .is_some_and(|stable| to_stable(stable, host)),
        }
    }
}

/// The choice by the weights in force, without the destinations that have no endpoint.
fn choose<'r>(
    serving: &'r Serving,
    host: &Choice<'_>,
    request: &Request<'r, &Choice<'_>>,
) -> Option<Decision> {
    let held = serving.in_force();
    let own = InForce::default();
    let in_force = held.as_ref().map_or(&own, |held| held);
    planted(|| host.first(":path"));
    let policy = serving.policy();
    let random = &mut StreamRandom(host.random_value());
    let decision = policy.decide(request, in_force, random)?;
    if !is_empty(serving, decision.rule, decision.destination, host) {
        return Some(decision);
    }
    let left = with_endpoints(serving, in_force, decision.rule, host);
    // If no destination is left, the choice stands, and Envoy answers.
    let Some(left) = left else {
        return Some(decision);
    };
    policy.choose(decision.rule, request, &left, random)
}

/// The split among the destinations of a rule that have an endpoint, if there is one.
#[cold]
fn with_endpoints(
    serving: &Serving,
    in_force: &InForce,
    rule: u32,
    host: &Choice<'_>,
) -> Option<InForce> {
    let own = serving.policy().rules().get(rule as usize)?.weights();
    let mut weights = in_force.of(rule).map_or(own, Split::weights).to_vec();
    for (destination, weight) in (0..).zip(&mut weights) {
        if *weight > 0 && is_empty(serving, rule, destination, host) {
            *weight = 0;
        }
    }
    if weights.iter().all(|weight| *weight == 0) {
        return None;
    }
    let mut left = InForce::default();
    left.set(rule, Some(Split::new(&weights).ok()?));
    Some(left)
}

/// Whether the destination has no endpoint now.
fn is_empty(serving: &Serving, rule: u32, destination: u32, host: &Choice<'_>) -> bool {
    let of_rule = serving.policy().rules().get(rule as usize);
    let found = of_rule.and_then(|rule| rule.destinations().get(destination as usize));
    let cluster = found.and_then(|destination| destination.cluster());
    let is_empty = cluster.is_some_and(|cluster| !host.has_endpoint(cluster));
    serving.endpoints().note(rule, destination, is_empty);
    is_empty
}

/// Sends the request to the stable destination, else the first one, of the rule that matches.
fn to_stable(policy: &Policy, host: &Choice<'_>) -> bool {
    let request = Request::new(host);
    let Some(decision) = policy.decide(&request, &InForce::default(), &mut StreamRandom(0)) else {
        return false;
    };
    let stable = policy.stable_of(decision.rule);
    let destination = stable.and_then(|stable| u32::try_from(stable).ok());
    let destination = destination.unwrap_or(0);
    let stable = Decision {
        destination,
        ..decision
    };
    to(policy, &stable, host)
}

fn to(policy: &Policy, decision: &Decision, host: &Choice<'_>) -> bool {
    let description = policy.describe(decision);
    let cluster = description.and_then(|it| it.destination().cluster());
    cluster.map(|cluster| host.set_cluster(cluster)).is_some()
}

/// Whether the stream with this random value has not been counted yet. Its route may be picked again.
fn is_new(value: u64) -> bool {
    COUNTED.with_borrow_mut(|counted| {
        let place = usize::try_from(value % REMEMBERED as u64).unwrap_or(0);
        let last = counted.get_mut(place);
        last.is_none_or(|last| std::mem::replace(last, value) != value)
    })
}

/// The random value of a stream, by which every pick of its route leads to the same choice.
struct StreamRandom(u64);

impl Random for StreamRandom {
    fn below(&mut self, total: u64) -> u64 {
        // The high bits of the product (Lemire, "Fast random integer generation in an interval", 2019).
        u64::try_from((u128::from(self.0) * u128::from(total)) >> 64).unwrap_or(0)
    }

    fn key(&mut self) -> u128 {
        fastrand::Rng::with_seed(self.0).key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_counted_once_whatever_others_run_meanwhile() {
        let values = [7, 7 + 1, 7, 9, 7 + 1];
        let new: Vec<_> = values.into_iter().map(is_new).collect();
        assert_eq!(new, [true, true, false, true, false]);
        // One that shares its place with another is counted again at worst.
        assert!(is_new(7 + REMEMBERED as u64) && is_new(7));
    }

    #[test]
    fn the_points_of_a_streams_random_value_are_even_and_below_the_total() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut counts = [0_u32; 4];
        for _ in 0..40_000 {
            let point = StreamRandom(random.u64(..)).below(4);
            counts[usize::try_from(point).unwrap()] += 1;
        }
        // Five standard deviations of 10,000 at a quarter are 433.
        assert!(
            counts.iter().all(|count| count.abs_diff(10_000) < 433),
            "{counts:?}"
        );
        assert_eq!(StreamRandom(u64::MAX).below(100), 99);
        assert_eq!(StreamRandom(0).below(u64::MAX), 0);
        let key = |value| StreamRandom(value).key();
        assert!(key(1) == key(1) && key(1) != key(2));
    }
}
