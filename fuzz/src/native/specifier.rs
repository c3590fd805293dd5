//! What the cluster specifier chooses.

use canary_filter::{Decision, InForce, Policy, Reason, Request};
use fake_envoy::{Choice, Endpoints, Specifier};
use fastrand::Rng;

use super::input::Input;

/// Has the thread forget a stream of this random value, by another one that takes its place.
pub(crate) fn forgets(specifier: &Specifier, input: &Input) {
    let choice = Choice {
        request: &input.request,
        random_value: input.random_value ^ 1 << 63,
        endpoints: &Endpoints::new(),
    };
    assert_eq!(specifier.choose(&choice), Some(b"good".to_vec()));
}

/// Picks the route twice, and returns the cluster that was chosen.
///
/// It is one of the rule's, and has weight and an endpoint if any has both. The user of a request that carries a key gets
/// the same as with the core.
pub(crate) fn chooses(specifier: &Specifier, policy: &Policy, input: &Input) -> Option<Vec<u8>> {
    let destinations = policy.rules().iter().flat_map(|rule| rule.destinations());
    let endpoints = input.endpoints(destinations.filter_map(|it| it.cluster()));
    let choice = Choice {
        request: &input.request,
        random_value: input.random_value,
        endpoints: &endpoints,
    };
    let chosen = specifier.choose(&choice);
    let again = specifier.choose(&choice);
    let lines = input.lines();
    let request = Request::new(&lines);
    let decision = policy.decide(&request, &InForce::default(), &mut Rng::with_seed(1));
    match (&decision, &chosen) {
        (Some(decision), Some(cluster)) => {
            if !moves(policy, decision) {
                assert_eq!(Some(cluster), again.as_ref(), "every pick is the same");
            }
            is_of_rule(policy, decision, cluster, &endpoints);
        }
        (Some(decision), None) => {
            let rule = &policy.rules()[decision.rule as usize];
            let mut clusters = rule.destinations().iter().map(|it| it.cluster());
            assert!(clusters.any(|cluster| cluster.is_none()), "a rule decides");
        }
        (None, chosen) => {
            // Beside the filter, its own configuration decides then.
            assert!(
                chosen
                    .as_deref()
                    .is_none_or(|chosen| chosen == b"otherwise")
            );
        }
    }
    chosen
}

/// Whether the weights of the decision's rule may be other than its own.
pub(crate) fn moves(policy: &Policy, decision: &Decision) -> bool {
    let rule = &policy.rules()[decision.rule as usize];
    rule.ramp().is_some() || policy.watch_of(decision.rule).is_some()
}

fn is_of_rule(policy: &Policy, decision: &Decision, cluster: &[u8], endpoints: &Endpoints) {
    let rule = &policy.rules()[decision.rule as usize];
    let destinations = rule.destinations();
    if destinations.iter().any(|it| it.cluster().is_none()) {
        assert_eq!(cluster, b"otherwise", "a label alone is no cluster");
        return;
    }
    let names = destinations.iter().zip(rule.weights());
    let names: Vec<_> = names
        .filter(|(_, weight)| moves(policy, decision) || destinations.len() == 1 || **weight > 0)
        .filter_map(|(destination, _)| Some(destination.cluster()?.as_bytes()))
        .collect();
    assert!(
        names.contains(&cluster),
        "weight 0 gets nothing: {decision:?}"
    );
    if moves(policy, decision) {
        return;
    }
    let has_endpoint = |name: &[u8]| {
        let priorities = endpoints.get(name).into_iter().flatten();
        priorities.sum::<usize>() > 0
    };
    assert!(
        has_endpoint(cluster) || !names.iter().any(|name| has_endpoint(name)),
        "a version without endpoints gets nothing while another one has some: {decision:?}"
    );
    let own = destinations[decision.destination as usize].cluster();
    let own = own.unwrap_or_default().as_bytes();
    let by_chance = decision.reason == Reason::Weighted || decision.cookie.is_some();
    assert!(
        by_chance || !has_endpoint(own) || cluster == own,
        "the core decides the same: {decision:?}"
    );
}

/// With a configuration that is refused, and none before it: the request goes to the stable version.
pub(crate) fn sends_to_stable(specifier: &Specifier, stable: &Policy, input: &Input) {
    let lines = input.lines();
    let rule = stable.route(&Request::new(&lines));
    let cluster = rule.and_then(|rule| rule.destinations()[0].cluster());
    let choice = Choice {
        request: &input.request,
        random_value: input.random_value,
        endpoints: &Endpoints::new(),
    };
    let chosen = specifier.choose(&choice);
    assert_eq!(chosen.as_deref(), cluster.map(str::as_bytes));
}
