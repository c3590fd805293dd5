//! A policy in service: the splits in force, and the rules whose answers are judged.

use std::cell::RefCell;

use crate::choosing::decision::Decision;
use crate::policy::answer::Credit;
use crate::policy::steering::Steering;
use crate::policy::{Description, Policy};
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
        let in_force = steering.in_force();
        let decision = self.policy.decide(&request, in_force, &mut VmRandom);
        let description = decision.and_then(|decision| self.policy.describe(&decision));
        let changes = self.policy.request_changes(description.as_ref(), &request);
        if let Some(cookie) = changes.cookie {
            host::set_request_header("cookie", &cookie);
        }
        for (name, value) in changes.own.into_iter().flatten() {
            match value {
                Some(value) => host::set_request_header(name, value.as_bytes()),
                None => host::remove_request_header(name),
            }
        }
        if let (Some(decision), Some(description)) = (&decision, &description) {
            self.report(decision, description);
        }
        decision
    }

    /// Writes the filter state, and counts the request.
    fn report(&self, decision: &Decision, description: &Description<'_, Slot>) {
        let slot = description.destination().slot();
        if self.policy.outputs().filter_state() {
            let text = slot.filter_state(decision.reason, || description.filter_state());
            host::set_filter_state(FILTER_STATE, text);
        }
        let resolve = || vm::counter(&description.requests_total());
        if let Some(counter) = slot.requests(decision.reason, resolve) {
            host::increment(counter, 1);
        }
    }

    /// Writes what the answer gets.
    pub(crate) fn answer(&self, decision: Option<&Decision>) {
        let changes = self.policy.answer_changes(decision, host::response_headers);
        if let Some((name, value)) = changes.own {
            host::set_response_header(name, value.as_deref());
        }
        if let Some(cookie) = changes.set_cookie {
            host::add_response_header("set-cookie", &cookie);
        }
    }

    /// Counts what a step of an answer adds. The decision is that about the request.
    pub(crate) fn take(&self, decision: &Decision, credit: Credit) {
        if let Some(watched) = self.watched.get(credit.watched) {
            watched.take(decision, credit);
        }
    }
}
