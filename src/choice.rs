//! The decision about one request, and how it is told.

use crate::destination::Destination;

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

/// Why a request goes where it goes; the label `reason` of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A random point fell into this destination's share.
    Weighted,
    /// The user's key has its best score there.
    Sticky,
    /// No other destination has a share.
    Only,
}

impl Choice<'_> {
    /// The value of the response header: `route=color;subset=green-sub;reason=sticky;key=cookie`.
    pub fn response_header(&self) -> String {
        let (label, reason) = (self.destination.label(), self.reason.as_str());
        let (field, key) = self.key.map_or(("", ""), |key| (";key=", key));
        ["route=", self.rule, ";subset=", label, ";reason=", reason, field, key].concat()
    }

    /// The value in filter state: `color/green-sub/weighted`.
    pub fn filter_state(&self) -> String {
        [self.rule, "/", self.destination.label(), "/", self.reason.as_str()].concat()
    }
}

impl Reason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Weighted, Self::Sticky, Self::Only];

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weighted => "weighted",
            Self::Sticky => "sticky",
            Self::Only => "only",
        }
    }
}
