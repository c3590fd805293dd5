//! Gives the same user the same version. A rule lists the keys that identify users, and the first one that is found counts.

#[cfg(not(feature = "proxy"))]
pub(crate) mod trace;

use crate::choosing::cookie::Cookie;
use crate::choosing::decision::{Issued, KeyKind};
use crate::choosing::random::Random;
use crate::choosing::rendezvous;
use crate::config::header_name::HeaderName;
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::wire;
use crate::request::{Fields, Request};

/// How a rule keeps its users on their versions.
#[derive(Debug)]
pub(crate) struct Sticky {
    /// The first one that a request carries counts.
    keys: Box<[Key]>,
    /// The seed of each destination, in the order of the destinations.
    seeds: Box<[u64]>,
}

/// Where the filter looks for the key of a user.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Header(HeaderName),
    Cookie(Cookie),
    QueryParam(Box<[u8]>),
    SourceIp,
}

/// The key that identifies the user of a request.
pub(crate) enum Found<'q> {
    /// The request carries this key.
    Carried(KeyKind, &'q [u8]),
    /// The user is new, and the rule issues a cookie.
    Made(Issued),
}

impl Sticky {
    /// Users with the same key and the same salt have the same scores for the same labels.
    pub(crate) fn new<'l>(
        keys: Vec<Key>,
        salt: &str,
        labels: impl Iterator<Item = &'l str>,
    ) -> Self {
        Self {
            keys: keys.into(),
            seeds: labels.map(|label| rendezvous::seed(salt, label)).collect(),
        }
    }

    /// The key of the request. A new user gets a new key if the rule issues a cookie.
    pub(crate) fn key<'q, 'r: 'q, F: Fields>(
        &'r self,
        request: &'q Request<'r, F>,
        random: &mut impl Random,
    ) -> Option<Found<'q>> {
        let carried = self.keys.iter().find_map(|key| {
            let value = key.read(request).filter(|value| !value.is_empty())?;
            Some(Found::Carried(key.kind(), value))
        });
        carried.or_else(|| {
            // A browser drops the cookie of a preflight's response, so its next preflight would be a new user again.
            (self.issues() && !request.is_preflight())
                .then(|| Found::Made(Issued::new(random.key(), request.is_https())))
        })
    }

    /// Whether the rule issues a cookie to new users.
    pub(crate) fn issues(&self) -> bool {
        self.issued().is_some()
    }

    /// The cookie that is issued to a request without a key. Only the last key of the list can be such a cookie.
    pub(crate) fn issued(&self) -> Option<&Cookie> {
        match self.keys.last() {
            Some(Key::Cookie(cookie)) if cookie.is_issued() => Some(cookie),
            _ => None,
        }
    }

    /// The index of the destination for this key at these weights.
    pub(crate) fn pick(&self, key: &[u8], weights: &[u32]) -> Option<u32> {
        let seeds = self.seeds.iter().copied();
        let index = rendezvous::pick(key, seeds.zip(weights.iter().copied()))?;
        u32::try_from(index).ok()
    }
}

impl Key {
    /// The keys of `consistentHash`.
    pub(crate) fn list_from_wire(
        wire: &[Option<wire::HashKey>],
        faults: &mut Faults,
    ) -> Option<Vec<Self>> {
        const FIELD: &str = "consistentHash";
        if wire.is_empty() {
            faults.report(InvalidConfig::new("needs at least one key").at(FIELD));
            return None;
        }
        let keys = faults.each(FIELD, wire, |_, wire, faults| Self::from_wire(wire, faults))?;
        for (index, key) in keys.iter().enumerate() {
            let before = keys.get(..index).unwrap_or_default();
            if before
                .iter()
                .any(|before| before.is_always_there() || before.hides(key))
            {
                let fault =
                    InvalidConfig::new("is never reached: a key before it is always taken first");
                faults.report(fault.at(index).at(FIELD));
                return None;
            }
        }
        Some(keys)
    }

    fn from_wire(wire: &wire::HashKey, faults: &mut Faults) -> Option<Self> {
        match (
            &wire.http_header_name,
            &wire.http_cookie,
            &wire.http_query_parameter_name,
            wire.use_source_ip,
        ) {
            (Some(name), None, None, false) => {
                let name = HeaderName::to_read(name).map_err(|fault| fault.at("httpHeaderName"));
                faults.keep(name).map(Self::Header)
            }
            (None, Some(cookie), None, false) => {
                let cookie =
                    faults.within("httpCookie", |faults| Cookie::from_wire(cookie, faults));
                cookie.map(Self::Cookie)
            }
            (None, None, Some(name), false) if name.is_empty() => {
                faults.report(InvalidConfig::new("is empty").at("httpQueryParameterName"));
                None
            }
            (None, None, Some(name), false) => Some(Self::QueryParam(name.as_bytes().into())),
            (None, None, None, true) => Some(Self::SourceIp),
            _ => {
                faults.report(InvalidConfig::new(
                    "give exactly one of httpHeaderName, httpCookie, httpQueryParameterName, useSourceIp: true",
                ));
                None
            }
        }
    }

    fn read<'q, 'r: 'q, F: Fields>(&'r self, request: &'q Request<'r, F>) -> Option<&'q [u8]> {
        match self {
            Self::Header(name) => request.first_value(name.as_str()),
            Self::Cookie(cookie) => request.find_value("cookie", |line| cookie.read(line)),
            Self::QueryParam(name) => request.query_param(name),
            Self::SourceIp => request.source_ip(),
        }
    }

    fn kind(&self) -> KeyKind {
        match self {
            Self::Header(_) => KeyKind::Header,
            Self::Cookie(_) => KeyKind::Cookie,
            Self::QueryParam(_) => KeyKind::Query,
            Self::SourceIp => KeyKind::SourceIp,
        }
    }

    fn is_always_there(&self) -> bool {
        match self {
            Self::Cookie(cookie) => cookie.is_issued(),
            Self::SourceIp => true,
            Self::Header(_) | Self::QueryParam(_) => false,
        }
    }

    /// Whether a request without this key cannot have the later one either.
    fn hides(&self, later: &Self) -> bool {
        match (self, later) {
            // A cookie that is issued is useful even after one of the same name that is only read.
            (Self::Cookie(earlier), Self::Cookie(later)) => {
                earlier.name() == later.name() && !later.is_issued()
            }
            _ => self == later,
        }
    }
}

#[cfg(test)]
mod tests;
