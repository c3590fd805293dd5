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
    /// Every reason, each at the place of its number.
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
