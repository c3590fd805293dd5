//! One entry of `http`: its destinations, and how a request of the rule gets one of them.

mod adopt;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::choosing::cookie::Cookie;
use crate::choosing::decision::{Decision, KeyKind};
use crate::choosing::destination::{Destination, Naming};
use crate::choosing::ramp::Ramp;
use crate::choosing::random::Random;
use crate::choosing::reason::Reason;
use crate::choosing::rendezvous;
use crate::choosing::split::Split;
use crate::choosing::sticky::{Found, Key, Sticky};
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::names::is_name;
use crate::config::wire;
use crate::request::{Fields, Request};

/// One entry of `http`, without its `match`.
#[derive(Debug)]
pub struct Rule<S = ()> {
    name: Box<str>,
    destinations: Box<[Destination<S>]>,
    split: Split,
    /// In a box: few rules have it, and small rules lie close together.
    sticky: Option<Box<Sticky>>,
    ramp: Option<Box<Ramp>>,
}

impl<S: Default> Rule<S> {
    /// A rule whose destinations have these weights, in their order.
    ///
    /// # Errors
    /// The weights do not make a split, or are not as many as the destinations.
    pub(crate) fn new(
        name: &str,
        destinations: Vec<Destination<S>>,
        weights: &[u32],
    ) -> Result<Self, InvalidConfig> {
        let mut labels = BTreeSet::new();
        let twice = destinations
            .iter()
            .position(|destination| !labels.insert(destination.label().to_owned()));
        if let Some(index) = twice {
            let reason = "has the same subset, cluster or host as an earlier one";
            return Err(InvalidConfig::new(reason).at(index).at("route"));
        }
        Ok(Self {
            name: name.into(),
            split: Split::new(weights).map_err(|fault| fault.at("route"))?,
            destinations: destinations.into(),
            sticky: None,
            ramp: None,
        })
    }

    /// The rule with users who stay on their versions. The salt is the rule's name unless another one is given.
    pub(crate) fn sticky_by(mut self, keys: Vec<Key>, salt: Option<&str>) -> Self {
        let labels = self.destinations.iter().map(Destination::label);
        let sticky = Sticky::new(keys, salt.unwrap_or(&self.name), labels);
        self.sticky = Some(Box::new(sticky));
        self
    }

    /// The rule at this place of the configuration.
    pub(crate) fn from_wire(
        wire: &wire::Rule,
        index: usize,
        naming: Naming<'_>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let keys = keys(wire, faults);
        let name = faults.keep(name(wire, index).map_err(|fault| fault.at("name")));
        let Some(route) = wire.route.as_deref() else {
            faults.report(InvalidConfig::new("is required").at("route"));
            return None;
        };
        let destinations = faults.each("route", route, |_, wire, faults| {
            faults.keep(Destination::from_wire(wire, naming))
        });
        let ramp = match &wire.ramp {
            Some(wire) => faults
                .within("ramp", |faults| Ramp::from_wire(wire, route.len(), faults))
                .map(|ramp| Some(Box::new(ramp))),
            None => Some(None),
        };
        let weights: Vec<_> = route.iter().flatten().map(|wire| wire.weight.0).collect();
        let rule = faults.keep(Self::new(&name?, destinations?, &weights))?;
        // If these are refused, the policy is; the rest of the rule is still checked.
        let rule = Self {
            ramp: ramp.flatten(),
            ..rule
        };
        Some(match keys.flatten() {
            Some(keys) => rule.sticky_by(keys, wire.salt.as_deref()),
            None => rule,
        })
    }
}

impl<S> Rule<S> {
    /// Decides about a request of this rule, which is the policy's rule of this number. `in_force` replaces the rule's
    /// own split.
    pub(crate) fn choose<'r, F: Fields>(
        &'r self,
        rule: u32,
        in_force: Option<&Split>,
        request: &Request<'r, F>,
        random: &mut impl Random,
    ) -> Decision {
        let split = in_force.unwrap_or(&self.split);
        let by_key = match self.sticky.as_deref() {
            Some(sticky) => choose_by_key(rule, sticky, split, request, random),
            None => None,
        };
        by_key.unwrap_or_else(|| {
            let destination = split.pick(|total| random.below(total));
            Decision {
                rule,
                destination,
                reason: match split.only() {
                    Some(_) => Reason::Only,
                    None => Reason::Weighted,
                },
                key: None,
                cookie: None,
                user: None,
                share: split.share(destination),
            }
        })
    }

    /// The name as given, or `http-<index>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The destinations in the order of the configuration.
    pub fn destinations(&self) -> &[Destination<S>] {
        &self.destinations
    }

    /// The weights as configured, in the order of the destinations.
    pub fn weights(&self) -> &[u32] {
        self.split.weights()
    }

    /// The destination's part of the weights as configured, in 1/10 000.
    pub fn share(&self, destination: u32) -> u16 {
        self.split.share(destination)
    }

    /// The weights over time.
    pub fn ramp(&self) -> Option<&Ramp> {
        self.ramp.as_deref()
    }

    /// The weights that `route` and `ramp` give at this time, in seconds since 1970.
    pub fn weights_at(&self, now: i64) -> Cow<'_, [u32]> {
        match &self.ramp {
            Some(ramp) => ramp.weights(self.weights(), now),
            None => Cow::Borrowed(self.weights()),
        }
    }

    /// The weights as configured.
    #[cfg(not(feature = "proxy"))]
    pub(crate) fn split(&self) -> &Split {
        &self.split
    }

    /// How users stay on their versions, if they do.
    #[cfg(not(feature = "proxy"))]
    pub(crate) fn sticky(&self) -> Option<&Sticky> {
        self.sticky.as_deref()
    }

    /// Whether users stay on their versions.
    pub fn is_sticky(&self) -> bool {
        self.sticky.is_some()
    }

    /// The cookie that the rule gives new users.
    pub(crate) fn issued_cookie(&self) -> Option<&Cookie> {
        self.sticky.as_ref()?.issued()
    }
}

/// Decides by the user's key; `None` for a request that has none.
#[inline(never)] // Rules without a key do not carry its code through the processor's cache.
fn choose_by_key<'r, F: Fields>(
    rule: u32,
    sticky: &'r Sticky,
    split: &Split,
    request: &Request<'r, F>,
    random: &mut impl Random,
) -> Option<Decision> {
    let only = split.only();
    if only.is_some() && !sticky.issues() {
        return None;
    }
    let found = sticky.key(request, random)?;
    let made;
    let (kind, key, cookie) = match found {
        Found::Carried(kind, key) => (kind, key, None),
        Found::Made(issued) => {
            made = issued.key();
            (KeyKind::Cookie, made.as_slice(), Some(issued))
        }
    };
    let (destination, reason, kind) = match only {
        Some(only) => (only, Reason::Only, None),
        None => (
            sticky.pick(key, split.weights())?,
            Reason::Sticky,
            Some(kind),
        ),
    };
    Some(Decision {
        rule,
        destination,
        reason,
        key: kind,
        cookie,
        user: Some(rendezvous::user(key)),
        share: split.share(destination),
    })
}

fn name(wire: &wire::Rule, index: usize) -> Result<String, InvalidConfig> {
    let has_keys = wire
        .consistent_hash
        .as_ref()
        .is_some_and(|keys| !keys.is_empty());
    let reason = if has_keys {
        "is required with consistentHash: without it users would move when a rule is inserted above"
    } else if wire.rollback.is_some() {
        "is required with rollback: without it a rollback would end when a rule is inserted above"
    } else if wire.ramp.is_some() {
        "is required with ramp: its metrics would change their labels when a rule is inserted above"
    } else {
        ""
    };
    match &wire.name {
        Some(name) if is_name(name) => Ok(name.clone()),
        Some(_) => Err(InvalidConfig::new(
            "is not a valid name: 1 to 63 letters, digits, `-`, `_`, `.`",
        )),
        None if !reason.is_empty() => Err(InvalidConfig::new(reason)),
        None => Ok(format!("http-{index}")),
    }
}

/// `Some(None)` for a rule without `consistentHash`.
fn keys(wire: &wire::Rule, faults: &mut Faults) -> Option<Option<Vec<Key>>> {
    match &wire.consistent_hash {
        Some(keys) => Key::list_from_wire(keys, faults).map(Some),
        None if wire.salt.is_some() => {
            let reason = "has no effect without consistentHash";
            faults.report(InvalidConfig::new(reason).at("salt"));
            None
        }
        None => Some(None),
    }
}
