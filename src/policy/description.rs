//! A decision in texts.

use crate::choosing::decision::Decision;
use crate::choosing::destination::Destination;
use crate::choosing::rule::Rule;
use crate::policy::metrics;

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

    /// The value of the response header: `route=color;subset=green-sub;reason=sticky;key=cookie`.
    pub fn response_header(&self) -> String {
        let (rule, label) = (self.rule.name(), self.destination.label());
        let key = self.decision.key.map(|key| key.as_str());
        let (field, key) = key.map_or(("", ""), |key| (";key=", key));
        let reason = self.decision.reason.as_str();
        [
            "route=", rule, ";subset=", label, ";reason=", reason, field, key,
        ]
        .concat()
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

    /// The value of the `Set-Cookie` header that the answer gets, when the user is new.
    pub fn set_cookie(&self) -> Option<String> {
        self.rule.issued_cookie()?.issue(self.decision.cookie?)
    }
}
