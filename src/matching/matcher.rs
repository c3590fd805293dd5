//! One entry of `match`: conditions on a request, all of which must hold.

use std::borrow::Cow;

use crate::config::header_name::HeaderName;
use crate::config::invalid::InvalidConfig;
use crate::config::wire;
use crate::matching::regex::{Budget, Regex};
use crate::request::{Fields, Request};

/// The conditions of one `match` entry.
#[derive(Debug)]
pub(crate) struct Matcher {
    uri: Option<StringMatch>,
    query_params: Vec<Param>,
    headers: Vec<(HeaderName, HeaderMatch)>,
}

/// Conditions of an entry that are known to hold, because the entry was found by them: bit 0 is the path, the bits
/// above it are the conditions on headers, in their order. A condition behind the last bit is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled(u32);

/// The bits of [`Settled`].
const URI: u32 = 0;
const FIRST_HEADER: u32 = 1;

/// The fixed text that an entry compares the path with.
pub(crate) struct UriKey<'m> {
    /// In lower case where the comparison ignores case.
    pub(crate) text: Cow<'m, [u8]>,
    pub(crate) prefix: bool,
    pub(crate) lower_case: bool,
    /// Whether the text is the whole condition; a pattern is more than the text that it begins with.
    pub(crate) is_all: bool,
}

/// How a value is compared.
#[derive(Debug)]
pub(crate) enum StringMatch {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    ExactIgnoreCase(Box<[u8]>),
    PrefixIgnoreCase(Box<[u8]>),
    Regex(Regex),
}

/// A query parameter's name and what it must be.
type Param = (Box<[u8]>, ParamMatch);

/// What a query parameter must be.
#[derive(Debug)]
enum ParamMatch {
    Present,
    Is(StringMatch),
}

/// What a header must or must not be.
#[derive(Debug)]
enum HeaderMatch {
    Present,
    Absent,
    Is(StringMatch),
    /// No value satisfies the condition, and an absent header counts as the empty value (Envoy's
    /// `treat_missing_header_as_empty` under `invert_match`, as istiod writes `withoutHeaders`).
    IsNot(StringMatch),
}

impl Matcher {
    pub(crate) fn new(wire: &wire::Match, budget: &mut Budget) -> Result<Self, InvalidConfig> {
        let pseudo = [
            (":scheme", "scheme", &wire.scheme),
            (":method", "method", &wire.method),
            (":authority", "authority", &wire.authority),
        ];
        let mut headers = Vec::new();
        for (name, field, value) in pseudo {
            let condition = value
                .as_ref()
                .and_then(|value| StringMatch::read(value, budget).transpose());
            if let Some(condition) = condition.transpose().map_err(|fault| fault.at(field))? {
                headers.push((HeaderName::to_read(name)?, HeaderMatch::Is(condition)));
            }
        }
        named(
            &wire.headers,
            HeaderMatch::Present,
            HeaderMatch::Is,
            &mut headers,
            budget,
        )
        .map_err(|fault| fault.at("headers"))?;
        named(
            &wire.without_headers,
            HeaderMatch::Absent,
            HeaderMatch::IsNot,
            &mut headers,
            budget,
        )
        .map_err(|fault| fault.at("withoutHeaders"))?;
        Ok(Self {
            uri: uri(wire, budget).map_err(|fault| fault.at("uri"))?,
            query_params: query_params(wire, budget)?,
            headers,
        })
    }

    /// Whether the conditions hold that are not settled.
    pub(crate) fn matches<'r, F: Fields>(
        &'r self,
        request: &Request<'r, F>,
        settled: Settled,
    ) -> bool {
        let uri = self.uri.as_ref().filter(|_| !settled.has(URI));
        // Cheapest first: the path is there once anything has asked for it, a header costs a read each.
        uri.is_none_or(|uri| request.uri().is_some_and(|path| uri.matches(path)))
            && self
                .query_params
                .iter()
                .all(|(name, param)| param.matches(request.query_param(name)))
            && (FIRST_HEADER..)
                .zip(&self.headers)
                .all(|(bit, (name, header))| settled.has(bit) || header.matches(name, request))
    }

    /// What holds once an index has looked up this entry's key for the path and for these headers.
    pub(crate) fn settled(&self, path: bool, looked_up: impl Fn(&HeaderName) -> bool) -> Settled {
        let mut settled = Settled::default();
        if path && self.uri_key().is_some_and(|key| key.is_all) {
            settled.add(URI);
        }
        let mut known: Vec<&HeaderName> = Vec::new();
        for (bit, (name, header)) in (FIRST_HEADER..).zip(&self.headers) {
            // Of two conditions on one name the first one is the key.
            if header.exact().is_some() && looked_up(name) && !known.contains(&name) {
                settled.add(bit);
                known.push(name);
            }
        }
        settled
    }

    /// What an index can know this entry by: the path that it compares with.
    pub(crate) fn uri_key(&self) -> Option<UriKey<'_>> {
        let (text, prefix, lower_case) = match self.uri.as_ref()? {
            StringMatch::Exact(text) => (&**text, false, false),
            StringMatch::Prefix(text) => (&**text, true, false),
            StringMatch::ExactIgnoreCase(text) => (&**text, false, true),
            StringMatch::PrefixIgnoreCase(text) => (&**text, true, true),
            // Whatever a pattern matches begins with the text that it begins with.
            StringMatch::Regex(regex) if regex.prefix().is_empty() => return None,
            StringMatch::Regex(regex) => (regex.prefix(), true, false),
        };
        let text = if lower_case {
            text.to_ascii_lowercase().into()
        } else {
            Cow::Borrowed(text)
        };
        let is_all = !matches!(self.uri, Some(StringMatch::Regex(_)));
        Some(UriKey {
            text,
            prefix,
            lower_case,
            is_all,
        })
    }

    /// What an index can know this entry by: the headers that must have exactly this value.
    pub(crate) fn exact_headers(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> {
        self.headers
            .iter()
            .filter_map(|(name, header)| Some((name, header.exact()?)))
    }

    /// How many conditions there are; with none, every request matches.
    pub(crate) fn conditions(&self) -> usize {
        usize::from(self.uri.is_some()) + self.query_params.len() + self.headers.len()
    }
}

fn uri(wire: &wire::Match, budget: &mut Budget) -> Result<Option<StringMatch>, InvalidConfig> {
    let Some(value) = &wire.uri else {
        return Ok(None);
    };
    // Only here an empty prefix is legal: it is how a VirtualService says "every path".
    if value.prefix.as_deref() == Some("") && value.exact.is_none() && value.regex.is_none() {
        return Ok(None);
    }
    let condition = StringMatch::read(value, budget)?;
    Ok(if wire.ignore_uri_case {
        condition.map(StringMatch::ignoring_case)
    } else {
        condition
    })
}

fn query_params(wire: &wire::Match, budget: &mut Budget) -> Result<Vec<Param>, InvalidConfig> {
    let param = |(name, value): (&String, &wire::StringMatch)| {
        if name.is_empty() {
            return Err(InvalidConfig::new("the empty name is no query parameter"));
        }
        let condition = StringMatch::read(value, budget).map_err(|fault| fault.at(name))?;
        Ok((
            name.as_bytes().into(),
            condition.map_or(ParamMatch::Present, ParamMatch::Is),
        ))
    };
    wire.query_params
        .0
        .iter()
        .map(param)
        .collect::<Result<_, _>>()
        .map_err(|fault| fault.at("queryParams"))
}

fn named(
    wire: &wire::Entries<wire::StringMatch>,
    empty: HeaderMatch,
    condition: impl Fn(StringMatch) -> HeaderMatch,
    headers: &mut Vec<(HeaderName, HeaderMatch)>,
    budget: &mut Budget,
) -> Result<(), InvalidConfig> {
    for (name, value) in &wire.0 {
        if name.is_empty() {
            return Err(InvalidConfig::new("the empty name is no header name"));
        }
        let header = HeaderName::to_read(name).map_err(|fault| fault.at(name))?;
        let value = StringMatch::read(value, budget).map_err(|fault| fault.at(name))?;
        let matched = match (value, &empty) {
            (Some(value), _) => condition(value),
            (None, HeaderMatch::Absent) => HeaderMatch::Absent,
            (None, _) => HeaderMatch::Present,
        };
        headers.push((header, matched));
    }
    Ok(())
}

impl Settled {
    /// How many conditions these are.
    pub(crate) fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    fn add(&mut self, bit: u32) {
        self.0 |= Self::mask(bit);
    }

    fn has(self, bit: u32) -> bool {
        self.0 & Self::mask(bit) != 0
    }

    fn mask(bit: u32) -> u32 {
        1_u32.checked_shl(bit).unwrap_or(0)
    }
}

impl StringMatch {
    /// `None` is `{}`, no condition on the value.
    #[inline(never)] // Seven callers, and Envoy compiles all of the module at its start.
    fn read(wire: &wire::StringMatch, budget: &mut Budget) -> Result<Option<Self>, InvalidConfig> {
        let given = [&wire.exact, &wire.prefix, &wire.regex]
            .iter()
            .filter(|value| value.is_some())
            .count();
        if given > 1 {
            return Err(InvalidConfig::new(
                "give exactly one of exact, prefix, regex",
            ));
        }
        let bytes = |text: &String| text.as_bytes().into();
        if let Some(text) = &wire.exact {
            return Ok(Some(Self::Exact(bytes(text))));
        }
        match (&wire.prefix, wire.regex.as_deref()) {
            (Some(text), _) if text.is_empty() => Err(InvalidConfig::new("is empty").at("prefix")),
            (Some(text), _) => Ok(Some(Self::Prefix(bytes(text)))),
            (_, Some("")) => Err(InvalidConfig::new("is empty").at("regex")),
            (_, Some("*")) => {
                Err(InvalidConfig::new("`*` repeats nothing: write `.*`").at("regex"))
            }
            (_, Some(pattern)) => {
                let regex =
                    Regex::new(pattern).and_then(|regex| budget.take(&regex).map(|()| regex));
                regex
                    .map(|regex| Some(Self::Regex(regex)))
                    .map_err(|fault| fault.at("regex"))
            }
            (None, None) => Ok(None),
        }
    }

    fn ignoring_case(self) -> Self {
        match self {
            Self::Exact(text) => Self::ExactIgnoreCase(text),
            Self::Prefix(text) => Self::PrefixIgnoreCase(text),
            other => other,
        }
    }

    fn matches(&self, value: &[u8]) -> bool {
        match self {
            Self::Exact(text) => value == &**text,
            Self::Prefix(text) => value.starts_with(text),
            Self::ExactIgnoreCase(text) => value.eq_ignore_ascii_case(text),
            Self::PrefixIgnoreCase(text) => value
                .get(..text.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(text)),
            Self::Regex(regex) => regex.matches(value),
        }
    }
}

impl ParamMatch {
    fn matches(&self, value: Option<&[u8]>) -> bool {
        match self {
            Self::Present => value.is_some(),
            Self::Is(condition) => value.is_some_and(|value| condition.matches(value)),
        }
    }
}

impl HeaderMatch {
    /// The value that it must be.
    fn exact(&self) -> Option<&[u8]> {
        match self {
            Self::Is(StringMatch::Exact(text)) => Some(text),
            _ => None,
        }
    }

    fn matches<'r, F: Fields>(&'r self, name: &'r HeaderName, request: &Request<'r, F>) -> bool {
        let name = name.as_str();
        match self {
            Self::Present => request.header(name, |_| true).is_some(),
            Self::Absent => request.header(name, |_| true).is_none(),
            Self::Is(condition) => {
                request.header(name, |value| condition.matches(value)) == Some(true)
            }
            Self::IsNot(condition) => {
                let satisfied = request.header(name, |value| condition.matches(value));
                !satisfied.unwrap_or_else(|| condition.matches(b""))
            }
        }
    }
}

#[cfg(test)]
mod tests;
