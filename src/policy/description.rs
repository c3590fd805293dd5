//! A decision in texts.

use crate::choosing::decision::Decision;
use crate::choosing::destination::Destination;
use crate::choosing::rule::Rule;
use crate::policy::metrics;
use crate::request::{Fields, Line, Request};
use crate::response::is_shared;

/// What a decision means: the names of its rule and destination, and what the outputs get.
#[derive(Debug)]
pub struct Description<'p, S> {
    rule: &'p Rule<S>,
    destination: &'p Destination<S>,
    decision: Decision,
}

impl<'p, S> Description<'p, S> {
    pub(crate) fn new(
        rule: &'p Rule<S>,
        destination: &'p Destination<S>,
        decision: Decision,
    ) -> Self {
        Self {
            rule,
            destination,
            decision,
        }
    }

    /// The rule that matched.
    pub fn rule(&self) -> &'p Rule<S> {
        self.rule
    }

    /// Where the request goes.
    pub fn destination(&self) -> &'p Destination<S> {
        self.destination
    }

    /// The value of the response header: `route=color;subset=green-sub;reason=sticky;key=cookie;share=2500`.
    pub fn response_header(&self) -> String {
        let (rule, label) = (self.rule.name(), self.destination.label());
        let key = self.decision.key.map(|key| key.as_str());
        let (field, key) = key.map_or(("", ""), |key| (";key=", key));
        let reason = self.decision.reason.as_str();
        let share = self.decision.share;
        format!("route={rule};subset={label};reason={reason}{field}{key};share={share}")
    }

    /// The value in filter state: `color/green-sub/weighted`.
    pub fn filter_state(&self) -> String {
        let (rule, label) = (self.rule.name(), self.destination.label());
        [rule, "/", label, "/", self.decision.reason.as_str()].concat()
    }

    /// The name of the counter of such requests, `canary_requests_total` with its labels.
    pub fn requests_total(&self) -> String {
        metrics::requests_total(
            self.rule.name(),
            self.destination.label(),
            self.decision.reason,
        )
    }

    /// The value of the request's `Cookie` header that carries a new user's key on, before the cookies that the request
    /// has; `None` when the user is known. What comes later in the chain then finds the key, and issues no other one.
    pub fn cookie<'r, F: Fields>(&self, request: &Request<'r, F>) -> Option<Vec<u8>> {
        let issued = self.decision.cookie?;
        let cookie = self.rule.issued_cookie()?;
        let mut own = Vec::new();
        request.each_value("cookie", |line| own.push(line.to_vec()));
        Some(cookie.carried(issued, own.iter().map(|line| &**line)))
    }

    /// The value of the `Set-Cookie` header that an answer with these headers gets, when the user is new. None when a cache
    /// may give this very answer to others, who would all become the same user; and none when the answer sets a cookie of
    /// this name itself: it is the application's.
    pub fn set_cookie(&self, answer: &[Line]) -> Option<String> {
        let issued = self.decision.cookie?;
        let cookie = self.rule.issued_cookie()?;
        let mut set = answer.iter().filter(|(name, _)| name == "set-cookie");
        if is_shared(answer) || set.any(|(_, value)| cookie.is_set_by(value)) {
            return None;
        }
        cookie.issue(issued)
    }
}
