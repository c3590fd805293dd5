//! The context of one request: decides when its headers come, and credits the version that was chosen with the answer.

use std::rc::Rc;
use std::time::Instant;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::choosing::decision::Decision;
use crate::proxy::host;
use crate::proxy::serving::Serving;
use crate::proxy::watched::Watched;
use crate::response::{Answer, Class, is_cut_off, is_grpc_error};

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
            answer: Answer::Uncounted,
        }
    }

    /// The watched rule that the request belongs to, and its decision.
    fn watched(&self) -> Option<(&Watched, &Decision)> {
        let (Role::Serve(serving), Some(decision)) = (&self.role, &self.decision) else {
            return None;
        };
        Some((serving.watched(decision)?, decision))
    }

    /// Counts an answer by its headers.
    fn count(&mut self, started: Option<Instant>, end_of_stream: bool) {
        let Some((watched, decision)) = self.watched() else {
            return;
        };
        let status = host::response_header(":status");
        // Where nothing follows the headers, they have what a gRPC answer has in its trailers.
        let grpc_status = end_of_stream.then(|| host::response_header("grpc-status"));
        let slow = started.is_some_and(|started| watched.is_slow(started));
        let class = Class::of_headers(status.as_deref(), grpc_status.flatten().as_deref(), slow);
        watched.count(decision, class);
        let after = Answer::after_headers(class, status.as_deref(), end_of_stream);
        if matches!(after, Answer::Uncounted) {
            watched.finish(decision, class);
        }
        self.answer = after;
    }

    /// Counts the end of an answer that was good until then.
    fn end(&mut self, is_error: bool) {
        self.answer = Answer::Uncounted;
        let Some((watched, decision)) = self.watched() else {
            return;
        };
        if is_error {
            watched.worsen(decision);
            watched.finish(decision, Class::Error);
        } else {
            watched.finish(decision, Class::Ok);
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        match &self.role {
            Role::Serve(serving) => {
                let decision = serving.decide();
                if let Some(watched) = decision.as_ref().and_then(|it| serving.watched(it)) {
                    self.answer = Answer::Awaited(watched.times().then(host::instant));
                }
                self.decision = decision;
            }
            Role::StandBy(headers) => headers
                .iter()
                .for_each(|name| host::remove_request_header(name)),
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        if let Answer::Awaited(started) = self.answer {
            self.answer = Answer::Uncounted;
            self.count(started, end_of_stream);
        }
        if let Role::Serve(serving) = &self.role {
            serving.answer(self.decision.as_ref());
        }
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        if matches!(self.answer, Answer::Good) {
            let status = host::response_trailer("grpc-status");
            self.end(status.is_some_and(|status| is_grpc_error(&status)));
        }
        Action::Continue
    }
}

/// The headers are gone now, but how the stream ended can still be asked.
impl Drop for Stream {
    fn drop(&mut self) {
        match self.answer {
            Answer::Uncounted => {}
            Answer::Good => {
                let details = host::response_code_details();
                self.end(details.is_some_and(|details| is_cut_off(&details)));
            }
            Answer::Awaited(started) => {
                if let Some((watched, decision)) = self.watched()
                    && started.is_some_and(|started| watched.is_slow(started))
                {
                    watched.count(decision, Class::Slow);
                    watched.finish(decision, Class::Slow);
                }
            }
        }
    }
}
