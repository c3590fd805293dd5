//! Which version a request of a rule gets: by weight, or by the key of its user.

pub(crate) mod cookie;
pub(crate) mod decision;
pub(crate) mod destination;
pub(crate) mod ramp;
pub(crate) mod random;
pub(crate) mod reason;
pub(crate) mod rendezvous;
pub(crate) mod rule;
pub(crate) mod split;
pub(crate) mod sticky;
