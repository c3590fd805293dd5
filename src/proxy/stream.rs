//! The context of one request: reads what the core asks for, and writes what it decides.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::choosing::decision::Decision;
use crate::choosing::split::InForce;
use crate::policy::Policy;
use crate::proxy::host::{self, RequestHeaders};
use crate::proxy::metrics::Slot;
use crate::proxy::vm::{self, VmRandom};
use crate::request::Request;

/// The key of the access log's `%FILTER_STATE(wasm.canary:PLAIN)%`.
const FILTER_STATE: &str = "canary";

const COOKIE: &str = "cookie";

/// What a configuration does with requests.
#[derive(Clone)]
pub(crate) enum Role {
    Serve(Rc<Serving>),
    /// There has never been a good configuration: nothing is chosen, and no client may choose by these headers either.
    StandBy(Rc<[String]>),
}

/// What streams decide by.
pub(crate) struct Serving {
    policy: Policy<Slot>,
    in_force: InForce,
}

/// One request.
pub(crate) struct Stream {
    role: Role,
    decision: Option<Decision>,
}

impl Stream {
    pub(crate) fn new(role: Role) -> Self {
        let decision = None;
        Self { role, decision }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        match &self.role {
            Role::Serve(serving) => self.decision = serving.decide(),
            Role::StandBy(headers) => headers
                .iter()
                .for_each(|name| host::remove_request_header(name)),
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        if let Role::Serve(serving) = &self.role {
            serving.answer(self.decision.as_ref());
        }
        Action::Continue
    }
}

impl Serving {
    pub(crate) fn new(policy: Policy<Slot>) -> Self {
        let in_force = InForce::default();
        Self { policy, in_force }
    }

    /// Decides about the current request and writes the decision where the configuration wants it.
    fn decide(&self) -> Option<Decision> {
        let request = Request::new(RequestHeaders);
        let decision = self.policy.decide(&request, &self.in_force, &mut VmRandom);
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
        if decision.cookie.is_some() {
            let mut own = Vec::new();
            request.each_value(COOKIE, |line| own.push(line.to_vec()));
            if let Some(cookie) = description.cookie(own.iter().map(|line| &**line)) {
                host::set_request_header(COOKIE, &cookie);
            }
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
            host::increment(counter);
        }
    }

    /// Writes what the answer gets: the response header, which is the filter's alone, and a new user's cookie.
    fn answer(&self, decision: Option<&Decision>) {
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
}
