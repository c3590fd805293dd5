//! The context of one request: decides when its headers come, and credits the version that was chosen with the answer.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::choosing::decision::Decision;
use crate::policy::answer::{Answer, Credit};
use crate::proxy::host;
use crate::proxy::serving::Serving;

/// What a configuration does with requests.
#[derive(Clone)]
pub(crate) enum Role {
    Serve(Rc<Serving>),
    /// There has never been a good configuration: nothing is chosen, and no client may choose by these headers either.
    StandBy(Rc<[String]>),
}

/// One request.
pub(crate) struct Stream {
    role: Role,
    decision: Option<Decision>,
    answer: Answer,
}

impl Stream {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            role,
            decision: None,
            answer: Answer::default(),
        }
    }

    fn take(&self, credit: Option<Credit>) {
        if let (Role::Serve(serving), Some(decision), Some(credit)) =
            (&self.role, &self.decision, credit)
        {
            serving.take(decision, credit);
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        match &self.role {
            Role::Serve(serving) => {
                self.decision = serving.decide();
                if let Some(decision) = &self.decision {
                    self.answer = serving.policy.awaits(decision, host::instant);
                }
            }
            Role::StandBy(headers) => headers
                .iter()
                .for_each(|name| host::remove_request_header(name)),
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        let answer = &mut self.answer;
        let credit = answer.headers(end_of_stream, host::response_header, host::instant);
        self.take(credit);
        if let Role::Serve(serving) = &self.role {
            serving.answer(self.decision.as_ref());
        }
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        let grpc_status = || host::response_trailer("grpc-status");
        let credit = self.answer.trailers(grpc_status);
        self.take(credit);
        Action::Continue
    }
}

/// The headers are gone now, but how the stream ended can still be asked.
impl Drop for Stream {
    fn drop(&mut self) {
        let credit = self.answer.end(host::response_code_details, host::instant);
        self.take(credit);
    }
}
