//! The decision about one request, and how it is told.

use crate::choosing::destination::Destination;
use crate::choosing::reason::Reason;
use crate::policy::metrics::{self, MetricId};

/// The decision about one request.
#[derive(Clone, Debug)]
pub struct Choice<'r> {
    /// The name of the rule that matched.
    pub rule: &'r str,
    /// Where the request goes.
    pub destination: &'r Destination,
    /// Why it goes there.
    pub reason: Reason,
    /// The kind of key that decided, when one did: `header`, `cookie`, `query` or `source-ip`.
    pub key: Option<&'static str>,
    /// The value of a `Set-Cookie` header for the answer, when the user is new.
    pub set_cookie: Option<String>,
}

impl Choice<'_> {
    /// The value of the response header: `route=color;subset=green-sub;reason=sticky;key=cookie`.
    pub fn response_header(&self) -> String {
        let (label, reason) = (self.destination.label(), self.reason.as_str());
        let (field, key) = self.key.map_or(("", ""), |key| (";key=", key));
        [
            "route=", self.rule, ";subset=", label, ";reason=", reason, field, key,
        ]
        .concat()
    }

    /// The value in filter state: `color/green-sub/weighted`.
    pub fn filter_state(&self) -> &str {
        let text = || {
            [
                self.rule,
                "/",
                self.destination.label(),
                "/",
                self.reason.as_str(),
            ]
            .concat()
            .into()
        };
        self.destination.filter_state(self.reason, text)
    }

    /// The id of its counter, `canary_requests_total`; `resolve` is asked for it by its name, once.
    pub fn counter(&self, resolve: impl FnOnce(&str) -> Option<MetricId>) -> Option<MetricId> {
        let name = || metrics::requests_total(self.rule, self.destination.label(), self.reason);
        self.destination
            .requests()
            .id(self.reason, || resolve(&name()))
    }
}
