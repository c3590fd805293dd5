//! The answer to one request, from its headers to its end: what each step adds to the judgement and to the metrics.

use std::time::Instant;

use crate::choosing::decision::Decision;
use crate::policy::Policy;
use crate::response::{Class, is_cut_off, is_grpc_error};
use crate::rollback::Answers;

/// How far the answer to one request has come.
#[derive(Clone, Copy, Debug, Default)]
pub enum Answer {
    /// The rule is not watched, or the answer has been counted to its end.
    #[default]
    Uncounted,
    /// It has not begun.
    Awaited(Awaited),
    /// It is good so far. The number is the place of the watched rule.
    Good(usize),
}

/// An answer that has not begun.
#[derive(Clone, Copy, Debug)]
pub struct Awaited {
    /// The place of the watched rule.
    watched: usize,
    /// When it is too slow, if the rule has a limit.
    deadline: Option<Instant>,
}

/// What a step of an answer adds. The edge adds it to the answers that it has counted, and to the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The place of the watched rule.
    pub watched: usize,
    judged: Judged,
    /// The class of the answer once it is final: the counter of answers goes up.
    pub class: Option<Class>,
}

/// What a step means for the judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// One more answer.
    Good,
    Bad,
    /// An answer that was counted as good is an error after all.
    Worse,
    /// An answer that was counted as good stays good.
    Unchanged,
}

impl<S> Policy<S> {
    /// The answer to the request of this decision. `now` is the time of the request, read only if the rule limits how long
    /// an answer may take.
    pub fn awaits(&self, decision: &Decision, now: impl FnOnce() -> Instant) -> Answer {
        let place = self.watch_of(decision.rule);
        let Some((watched, watch)) = place.and_then(|at| Some((at, self.watches().get(at)?)))
        else {
            return Answer::Uncounted;
        };
        // A time that the clock cannot express never comes.
        let deadline = watch.slower_than.and_then(|limit| now().checked_add(limit));
        Answer::Awaited(Awaited { watched, deadline })
    }
}

impl Answer {
    /// Its headers have come. `header` reads the first value of one of them, and `now` is the time.
    pub fn headers(
        &mut self,
        end_of_stream: bool,
        header: impl Fn(&str) -> Option<Vec<u8>>,
        now: impl FnOnce() -> Instant,
    ) -> Option<Credit> {
        let Self::Awaited(awaited) = *self else {
            return None;
        };
        let status = header(":status");
        // Where nothing follows the headers, they have what a gRPC answer has in its trailers.
        let grpc_status = end_of_stream.then(|| header("grpc-status")).flatten();
        let slow = awaited.is_late(now);
        let class = Class::of_headers(status.as_deref(), grpc_status.as_deref(), slow);
        // After 101 the connection belongs to another protocol, in which closing it is no error.
        let is_final = class.is_bad() || end_of_stream || status.as_deref() == Some(b"101");
        let watched = awaited.watched;
        *self = if is_final {
            Self::Uncounted
        } else {
            Self::Good(watched)
        };
        Some(Credit {
            watched,
            judged: if class.is_bad() {
                Judged::Bad
            } else {
                Judged::Good
            },
            class: is_final.then_some(class),
        })
    }

    /// Its trailers have come. `grpc_status` reads the trailer of this name.
    pub fn trailers(&mut self, grpc_status: impl FnOnce() -> Option<Vec<u8>>) -> Option<Credit> {
        self.finish(|| grpc_status().is_some_and(|status| is_grpc_error(&status)))
    }

    /// The stream has ended, however it did. `details` reads Envoy's response code details, and `now` is the time.
    pub fn end(
        &mut self,
        details: impl FnOnce() -> Option<Vec<u8>>,
        now: impl FnOnce() -> Instant,
    ) -> Option<Credit> {
        let Self::Awaited(awaited) = *self else {
            return self.finish(|| details().is_some_and(|details| is_cut_off(&details)));
        };
        *self = Self::Uncounted;
        // No answer at all says nothing about the version, unless the client has waited for too long.
        awaited.is_late(now).then_some(Credit {
            watched: awaited.watched,
            judged: Judged::Bad,
            class: Some(Class::Slow),
        })
    }

    /// The end of an answer that was good until then.
    fn finish(&mut self, is_error: impl FnOnce() -> bool) -> Option<Credit> {
        let Self::Good(watched) = *self else {
            return None;
        };
        *self = Self::Uncounted;
        let (judged, class) = if is_error() {
            (Judged::Worse, Class::Error)
        } else {
            (Judged::Unchanged, Class::Ok)
        };
        Some(Credit {
            watched,
            judged,
            class: Some(class),
        })
    }
}

impl Awaited {
    fn is_late(self, now: impl FnOnce() -> Instant) -> bool {
        self.deadline.is_some_and(|deadline| now() > deadline)
    }
}

impl Credit {
    /// Whether it changes what is judged.
    pub fn is_judged(&self) -> bool {
        self.judged != Judged::Unchanged
    }

    /// Adds it to what a worker has counted. The decision is that about the request.
    pub fn add_to(&self, answers: &mut Answers, decision: &Decision) {
        let (destination, user) = (decision.destination as usize, decision.user);
        match self.judged {
            Judged::Good => answers.add(destination, false, user),
            Judged::Bad => answers.add(destination, true, user),
            Judged::Worse => answers.worsen(destination, user),
            Judged::Unchanged => {}
        }
    }
}

#[cfg(test)]
mod tests;
