//! Why a request goes where it goes.

/// The label `reason` of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A random point fell into this destination's share.
    Weighted,
    /// The user's key has its best score there.
    Sticky,
    /// No other destination has a share.
    Only,
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

/// One `T` for each reason.
#[derive(Debug, Default)]
pub(crate) struct ByReason<T>([T; Reason::ALL.len()]);

impl<T> ByReason<T> {
    pub(crate) fn get(&self, reason: Reason) -> &T {
        let [weighted, sticky, only] = &self.0;
        match reason {
            Reason::Weighted => weighted,
            Reason::Sticky => sticky,
            Reason::Only => only,
        }
    }
}
