//! The same user gets the same version: keys that tell users apart, in the order in which they are looked for.

use std::borrow::Cow;

use crate::choosing::cookie::Cookie;
use crate::choosing::destination::Destination;
use crate::choosing::random::Random;
use crate::choosing::rendezvous;
use crate::config::header_name::HeaderName;
use crate::config::invalid::InvalidConfig;
use crate::config::wire;
use crate::request::{Fields, Request};

/// How a rule keeps its users on their versions.
#[derive(Debug)]
pub(crate) struct Sticky {
    keys: Keys,
    /// Of each destination, in their order.
    seeds: Box<[u64]>,
}

/// The keys of a rule, of which the first one counts that the request carries.
#[derive(Debug)]
struct Keys(Vec<Key>);

#[derive(Debug, PartialEq, Eq)]
enum Key {
    Header(HeaderName),
    Cookie(Cookie),
    QueryParam(Box<[u8]>),
    SourceIp,
}

/// What a request is known by.
pub(crate) struct Found<'q> {
    pub(crate) value: Cow<'q, [u8]>,
    /// The kind of key, as the response header tells it.
    pub(crate) kind: &'static str,
    /// The value of the `Set-Cookie` header, when the key was made for this request.
    pub(crate) set_cookie: Option<String>,
}

impl Sticky {
    /// `None` for a rule without `consistentHash`.
    pub(crate) fn of(
        wire: &wire::Rule,
        destinations: &[Destination],
    ) -> Result<Option<Self>, InvalidConfig> {
        let Some(keys) = &wire.consistent_hash else {
            return match wire.salt {
                Some(_) => {
                    Err(InvalidConfig::new("has no effect without consistentHash").at("salt"))
                }
                None => Ok(None),
            };
        };
        let keys = Keys::try_from(&**keys)?;
        let Some(name) = &wire.name else {
            return Err(InvalidConfig::new(
                "is required with consistentHash: without it users would move when a \
                                           rule is inserted above",
            )
            .at("name"));
        };
        let salt = wire.salt.as_deref().unwrap_or(name);
        let seeds = destinations
            .iter()
            .map(|destination| rendezvous::seed(salt, destination.label()))
            .collect();
        Ok(Some(Self { keys, seeds }))
    }

    /// The key of the request; a new user gets a fresh one where the rule issues a cookie.
    pub(crate) fn key<'q, 'r: 'q, F: Fields>(
        &'r self,
        request: &'q Request<'r, F>,
        random: &mut impl Random,
    ) -> Option<Found<'q>> {
        self.keys.carried(request).or_else(|| {
            let cookie = self.keys.issued()?;
            let key = format!("{:032x}", random.key());
            let set_cookie = cookie.issue(&key, request.is_https());
            Some(Found {
                value: Cow::Owned(key.into_bytes()),
                kind: "cookie",
                set_cookie,
            })
        })
    }

    /// Whether new users are given a cookie.
    pub(crate) fn issues(&self) -> bool {
        self.keys.issued().is_some()
    }

    /// The index of the destination of this key, at these weights.
    pub(crate) fn pick(&self, key: &[u8], weights: impl Iterator<Item = u32>) -> Option<usize> {
        rendezvous::pick(key, self.seeds.iter().copied().zip(weights))
    }
}

impl Keys {
    /// The first key that the request carries; an empty one counts as absent.
    fn carried<'q, 'r: 'q, F: Fields>(&'r self, request: &'q Request<'r, F>) -> Option<Found<'q>> {
        self.0.iter().find_map(|key| {
            let value = key.read(request).filter(|value| !value.is_empty())?;
            Some(Found {
                value: Cow::Borrowed(value),
                kind: key.kind(),
                set_cookie: None,
            })
        })
    }

    /// The cookie that is issued to a request without a key; only the last key can be one.
    fn issued(&self) -> Option<&Cookie> {
        match self.0.last() {
            Some(Key::Cookie(cookie)) if cookie.is_issued() => Some(cookie),
            _ => None,
        }
    }
}

impl TryFrom<&[wire::HashKey]> for Keys {
    type Error = InvalidConfig;

    fn try_from(wire: &[wire::HashKey]) -> Result<Self, InvalidConfig> {
        if wire.is_empty() {
            return Err(InvalidConfig::new("needs at least one key").at("consistentHash"));
        }
        let mut keys = Vec::<Key>::new();
        for (index, wire) in wire.iter().enumerate() {
            let located = |fault: InvalidConfig| fault.item("consistentHash", index);
            let key = Key::try_from(wire).map_err(located)?;
            if keys.last().is_some_and(Key::is_always_there)
                || keys.iter().any(|before| before.hides(&key))
            {
                return Err(located(InvalidConfig::new(
                    "is never reached: a key before it is always taken first",
                )));
            }
            keys.push(key);
        }
        Ok(Self(keys))
    }
}

impl Key {
    fn read<'q, 'r: 'q, F: Fields>(&'r self, request: &'q Request<'r, F>) -> Option<&'q [u8]> {
        match self {
            Self::Header(name) => request.first_value(name.as_str()),
            Self::Cookie(cookie) => cookie.read(request.first_value("cookie")?),
            Self::QueryParam(name) => request.query_param(name),
            Self::SourceIp => request.source_ip(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Header(_) => "header",
            Self::Cookie(_) => "cookie",
            Self::QueryParam(_) => "query",
            Self::SourceIp => "source-ip",
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
            // An earlier one only reads; a later one of the same name that issues has its use.
            (Self::Cookie(earlier), Self::Cookie(later)) => {
                earlier.name() == later.name() && !later.is_issued()
            }
            _ => self == later,
        }
    }
}

impl TryFrom<&wire::HashKey> for Key {
    type Error = InvalidConfig;

    fn try_from(wire: &wire::HashKey) -> Result<Self, InvalidConfig> {
        match (
            &wire.http_header_name,
            &wire.http_cookie,
            &wire.http_query_parameter_name,
            wire.use_source_ip,
        ) {
            (Some(name), None, None, false) => HeaderName::to_read(name)
                .map(Self::Header)
                .map_err(|fault| fault.at("httpHeaderName")),
            (None, Some(cookie), None, false) => Cookie::try_from(cookie)
                .map(Self::Cookie)
                .map_err(|fault| fault.at("httpCookie")),
            (None, None, Some(name), false) if name.is_empty() => {
                Err(InvalidConfig::new("is empty").at("httpQueryParameterName"))
            }
            (None, None, Some(name), false) => Ok(Self::QueryParam(name.as_bytes().into())),
            (None, None, None, true) => Ok(Self::SourceIp),
            _ => Err(InvalidConfig::new(
                "give exactly one of httpHeaderName, httpCookie, httpQueryParameterName, useSourceIp: true",
            )),
        }
    }
}

#[cfg(test)]
mod tests;
