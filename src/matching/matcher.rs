//! One entry of `match`: conditions on a request, all of which must hold.

#[cfg(not(feature = "proxy"))]
pub(crate) mod trace;

use std::borrow::Cow;

use crate::config::header_name::HeaderName;
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::wire;
use crate::matching::regex::Budget;
use crate::matching::string_match::StringMatch;
use crate::request::{Fields, Request};

/// The conditions of one `match` entry.
#[derive(Debug)]
pub(crate) struct Matcher {
    uri: Option<StringMatch>,
    query_params: Box<[Param]>,
    headers: Box<[(HeaderName, HeaderMatch)]>,
    /// Where the configuration has each condition on headers.
    #[cfg(not(feature = "proxy"))]
    written: Box<[trace::Written]>,
}

/// Conditions of an entry that the index lookup has already proven: bit 0 is the path, the bits above it are the conditions
/// on headers, in their order. A condition that has no bit is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled(u32);

/// The bits of [`Settled`].
const URI: u32 = 0;
const FIRST_HEADER: u32 = 1;

/// The fixed text that an entry compares the path with.
pub(crate) struct UriKey<'m> {
    /// In lower case if the comparison ignores case.
    pub(crate) text: Cow<'m, [u8]>,
    pub(crate) prefix: bool,
    pub(crate) lower_case: bool,
    /// Whether the text is the whole condition. For a pattern, it is only the text that every match begins with.
    pub(crate) is_all: bool,
}

/// The name of a query parameter, and the condition on its value.
type Param = (Box<[u8]>, ParamMatch);

/// The condition on a query parameter.
#[derive(Debug)]
enum ParamMatch {
    Present,
    Is(StringMatch),
}

/// The condition on a header.
#[derive(Debug)]
enum HeaderMatch {
    Present,
    Absent,
    Is(StringMatch),
    /// Holds if no value satisfies the condition. An absent header counts as the empty value (Envoy's
    /// `treat_missing_header_as_empty` with `invert_match`, which istiod writes for `withoutHeaders`).
    IsNot(StringMatch),
}

impl Matcher {
    pub(crate) fn from_wire(
        wire: &wire::Match,
        budget: &mut Budget,
        faults: &mut Faults,
    ) -> Option<Self> {
        let uri = faults.keep(uri(wire, budget).map_err(|fault| fault.at("uri")));
        let query_params = named("queryParams", &wire.query_params, faults, |name, value| {
            let condition = StringMatch::from_wire(value, budget)?;
            let condition = condition.map_or(ParamMatch::Present, ParamMatch::Is);
            Ok((name.as_bytes().into(), condition))
        });
        let pseudo = pseudo_headers(wire, budget, faults);
        let with = named("headers", &wire.headers, faults, |name, value| {
            let condition = StringMatch::from_wire(value, budget)?;
            let condition = condition.map_or(HeaderMatch::Present, HeaderMatch::Is);
            Ok((HeaderName::to_read(name)?, condition))
        });
        let without = named(
            "withoutHeaders",
            &wire.without_headers,
            faults,
            |name, value| {
                let condition = StringMatch::from_wire(value, budget)?;
                let condition = condition.map_or(HeaderMatch::Absent, HeaderMatch::IsNot);
                Ok((HeaderName::to_read(name)?, condition))
            },
        );
        Some(Self {
            uri: uri?,
            query_params: query_params?.into(),
            headers: [pseudo?, with?, without?].into_iter().flatten().collect(),
            #[cfg(not(feature = "proxy"))]
            written: trace::written(wire),
        })
    }

    /// Whether all conditions that are not settled yet hold.
    pub(crate) fn matches<'r, F: Fields>(
        &'r self,
        request: &Request<'r, F>,
        settled: Settled,
    ) -> bool {
        let uri = self.uri.as_ref().filter(|_| !settled.has(URI));
        // Cheapest first: the path is read once for all entries, while every header costs a read of its own.
        uri.is_none_or(|uri| request.uri().is_some_and(|path| uri.matches(path)))
            && self
                .query_params
                .iter()
                .all(|(name, param)| param.matches(request.query_param(name)))
            && (FIRST_HEADER..)
                .zip(&self.headers)
                .all(|(bit, (name, header))| settled.has(bit) || header.matches(name, request))
    }

    /// The conditions that hold once an index has looked up this entry's key for the path and for these headers.
    pub(crate) fn settled(&self, path: bool, looked_up: impl Fn(&HeaderName) -> bool) -> Settled {
        let mut settled = Settled::default();
        if path && self.uri_key().is_some_and(|key| key.is_all) {
            settled.add(URI);
        }
        let mut known: Vec<&HeaderName> = Vec::new();
        for (bit, (name, header)) in (FIRST_HEADER..).zip(&self.headers) {
            // If two conditions name the same header, only the first one is the key.
            if header.exact().is_some() && looked_up(name) && !known.contains(&name) {
                settled.add(bit);
                known.push(name);
            }
        }
        settled
    }

    /// The path by which an index can find this entry.
    pub(crate) fn uri_key(&self) -> Option<UriKey<'_>> {
        let (text, prefix, lower_case) = match self.uri.as_ref()? {
            StringMatch::Exact(text) => (&**text, false, false),
            StringMatch::Prefix(text) => (&**text, true, false),
            StringMatch::ExactIgnoreCase(text) => (&**text, false, true),
            StringMatch::PrefixIgnoreCase(text) => (&**text, true, true),
            // Every match of a pattern begins with the pattern's literal prefix.
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

    /// The headers by which an index can find this entry, with the value that each must have.
    pub(crate) fn exact_headers(&self) -> impl Iterator<Item = (&HeaderName, &[u8])> {
        self.headers
            .iter()
            .filter_map(|(name, header)| Some((name, header.exact()?)))
    }

    /// The number of conditions. Without any, every request matches.
    pub(crate) fn conditions(&self) -> usize {
        usize::from(self.uri.is_some()) + self.query_params.len() + self.headers.len()
    }
}

fn uri(wire: &wire::Match, budget: &mut Budget) -> Result<Option<StringMatch>, InvalidConfig> {
    let Some(value) = &wire.uri else {
        return Ok(None);
    };
    // An empty prefix is valid only here: in a VirtualService, it means "every path".
    if value.prefix.as_deref() == Some("") && value.exact.is_none() && value.regex.is_none() {
        return Ok(None);
    }
    let condition = StringMatch::from_wire(value, budget)?;
    Ok(if wire.ignore_uri_case {
        condition.map(StringMatch::ignoring_case)
    } else {
        condition
    })
}

/// The conditions on `scheme`, `method` and `authority`, which Envoy treats as headers.
fn pseudo_headers(
    wire: &wire::Match,
    budget: &mut Budget,
    faults: &mut Faults,
) -> Option<Vec<(HeaderName, HeaderMatch)>> {
    let fields = [
        (":scheme", "scheme", &wire.scheme),
        (":method", "method", &wire.method),
        (":authority", "authority", &wire.authority),
    ];
    let mut headers = Vec::new();
    let mut complete = true;
    for (name, field, value) in fields {
        let Some(value) = value else { continue };
        let condition = StringMatch::from_wire(value, budget)
            .and_then(|condition| Ok((HeaderName::to_read(name)?, condition)));
        match faults.keep(condition.map_err(|fault| fault.at(field))) {
            Some((name, Some(condition))) => headers.push((name, HeaderMatch::Is(condition))),
            Some((_, None)) => {}
            None => complete = false,
        }
    }
    complete.then_some(headers)
}

/// Reads conditions that are listed by name: those on headers and on query parameters.
fn named<T>(
    field: &'static str,
    entries: &wire::Entries<wire::StringMatch>,
    faults: &mut Faults,
    mut read: impl FnMut(&str, &wire::StringMatch) -> Result<T, InvalidConfig>,
) -> Option<Vec<T>> {
    let mut conditions = Vec::with_capacity(entries.0.len());
    for (name, value) in &entries.0 {
        let condition = if name.is_empty() {
            Err(InvalidConfig::new("a name is empty"))
        } else {
            read(name, value).map_err(|fault| fault.at_name(name))
        };
        conditions.extend(faults.keep(condition.map_err(|fault| fault.at(field))));
    }
    (conditions.len() == entries.0.len()).then_some(conditions)
}

impl Settled {
    /// The number of settled conditions.
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

impl ParamMatch {
    fn matches(&self, value: Option<&[u8]>) -> bool {
        match self {
            Self::Present => value.is_some(),
            Self::Is(condition) => value.is_some_and(|value| condition.matches(value)),
        }
    }
}

impl HeaderMatch {
    /// The value that the header must have, if the condition is an exact one.
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
