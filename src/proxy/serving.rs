//! A policy in service: the splits in force, and the rules whose answers are judged.

use std::cell::RefCell;

use crate::choosing::decision::Decision;
use crate::policy::Policy;
use crate::policy::steering::Steering;
use crate::proxy::host::{self, RequestHeaders};
use crate::proxy::metrics::Slot;
use crate::proxy::plugin::Plugin;
use crate::proxy::vm::{self, VmRandom};
use crate::proxy::watched::Watched;
use crate::request::Request;

/// The key of the access log's `%FILTER_STATE(wasm.canary:PLAIN)%`.
const FILTER_STATE: &str = "canary";

/// What streams decide by.
pub(crate) struct Serving {
    pub(crate) policy: Policy<Slot>,
    pub(crate) steering: RefCell<Steering>,
    /// The rules with `rollback`, in the order of the policy's watches.
    pub(crate) watched: Box<[Watched]>,
}

impl Serving {
    /// Puts a policy in service. What is rolled back stays so, from the first request on.
    pub(crate) fn new(policy: Policy<Slot>, plugin: &Plugin) -> Self {
        let watched = Watched::all(&policy, plugin);
        let serving = Self {
            steering: RefCell::new(Steering::new(&policy)),
            policy,
            watched,
        };
        serving.begin();
        serving
    }

    /// Decides about the current request and writes the decision where the configuration wants it.
    pub(crate) fn decide(&self) -> Option<Decision> {
        let request = Request::new(RequestHeaders);
        let steering = self.steering.borrow();
        let decision = self
            .policy
            .decide(&request, steering.in_force(), &mut VmRandom);
        match &decision {
            Some(decision) => self.write(decision, &request),
            None => {
                let outputs = self.policy.outputs();
                let named = [outputs.cluster_header(), outputs.subset_header()];
                named
                    .into_iter()
                    .flatten()
                    .for_each(host::remove_request_header);
            }
        }
        decision
    }

    fn write<'r>(&'r self, decision: &Decision, request: &Request<'r, RequestHeaders>) {
        let Some(description) = self.policy.describe(decision) else {
            return;
        };
        if let Some(cookie) = description.cookie(request) {
            host::set_request_header("cookie", &cookie);
        }
        let outputs = self.policy.outputs();
        let destination = description.destination();
        if let (Some(name), Some(cluster)) = (outputs.cluster_header(), destination.cluster()) {
            host::set_request_header(name, cluster.as_bytes());
        }
        if let Some(name) = outputs.subset_header() {
            host::set_request_header(name, destination.label().as_bytes());
        }
        let slot = destination.slot();
        if outputs.filter_state() {
            let text = slot.filter_state(decision.reason, || description.filter_state());
            host::set_filter_state(FILTER_STATE, text);
        }
        let resolve = || vm::counter(&description.requests_total());
        if let Some(counter) = slot.requests(decision.reason, resolve) {
            host::increment(counter, 1);
        }
    }

    /// Writes what the answer gets: the response header, which is the filter's alone, and a new user's cookie.
    pub(crate) fn answer(&self, decision: Option<&Decision>) {
        let described = || self.policy.describe(decision?);
        if let Some(name) = self.policy.outputs().response_header() {
            let value = described().map(|description| description.response_header());
            host::set_response_header(name, value.as_deref());
        }
        if decision.is_some_and(|decision| decision.cookie.is_some())
            && let Some(description) = described()
            && let Some(cookie) = description.set_cookie(&host::response_headers())
        {
            host::add_response_header("set-cookie", &cookie);
        }
    }

    /// The rule of this decision, if its answers are judged.
    pub(crate) fn watched(&self, decision: &Decision) -> Option<&Watched> {
        if self.watched.is_empty() {
            return None;
        }
        self.watched.get(self.policy.watch_of(decision.rule)?)
    }
}
