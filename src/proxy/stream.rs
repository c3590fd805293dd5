//! The context of one request: reads what the core asks for, and writes what it decides.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::choosing::decision::Decision;
use crate::policy::outputs::DEFAULT_CLUSTER_HEADER;
use crate::proxy::host;
use crate::proxy::root::Serving;
use crate::proxy::vm::{self, VmRandom};
use crate::request::Request;
use crate::response::is_shared;

/// The key of the access log's `%FILTER_STATE(wasm.canary:PLAIN)%`.
const FILTER_STATE: &str = "canary";

/// One request.
pub(crate) struct Stream {
    serving: Option<Rc<Serving>>,
    decision: Option<Decision>,
}

impl Stream {
    pub(crate) fn new(serving: Option<Rc<Serving>>) -> Self {
        let decision = None;
        Self { serving, decision }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        match &self.serving {
            Some(serving) => self.decision = serving.decide(),
            None => host::remove_request_header(DEFAULT_CLUSTER_HEADER),
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        if let Some(serving) = &self.serving {
            serving.answer(self.decision.as_ref());
        }
        Action::Continue
    }
}

impl Serving {
    /// Decides about the current request and writes the decision where the configuration wants it.
    fn decide(&self) -> Option<Decision> {
        let request = Request::new(host::RequestHeaders);
        let decision = self.policy.decide(&request, &self.in_force, &mut VmRandom);
        match &decision {
            Some(decision) => self.write(decision),
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

    fn write(&self, decision: &Decision) {
        let Some(description) = self.policy.describe(decision) else {
            return;
        };
        let outputs = self.policy.outputs();
        let destination = description.destination();
        if let (Some(name), Some(cluster)) = (outputs.cluster_header(), destination.cluster()) {
            host::set_request_header(name, cluster);
        }
        if let Some(name) = outputs.subset_header() {
            host::set_request_header(name, destination.label());
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
            && let Some(cookie) = described().and_then(|description| description.set_cookie())
        {
            issue(&cookie);
        }
    }
}

/// Gives a new user the cookie, unless others may get this very answer from a cache and become the same user.
fn issue(cookie: &str) {
    let headers = host::response_headers();
    let cache_control = headers
        .iter()
        .filter(|(name, _)| name == "cache-control")
        .map(|(_, value)| &**value);
    if !is_shared(cache_control) {
        host::add_response_header("set-cookie", cookie);
    }
}
