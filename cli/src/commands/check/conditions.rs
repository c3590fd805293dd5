//! The conditions of a `match` entry, and when one of them implies another.
//!
//! Everything here errs on one side: "implies" is only said when it holds for every request.

use canary_filter::{Pattern, Shape, Values};
use serde_json::{Map, Value};

/// What a condition is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum On {
    Uri,
    /// In lower case; `scheme`, `method` and `authority` are the pseudo-headers.
    Header(String),
    Query(String),
}

/// A condition.
#[derive(Debug)]
pub(super) enum Is {
    Present,
    Absent,
    Like(Words),
    /// No value is like this. A header that is absent counts as empty.
    Unlike(Words),
}

/// What a value is compared with. A pattern that is a plain text or prefix is read as that.
#[derive(Debug)]
pub(super) enum Words {
    Exact { text: String, folded: bool },
    Prefix { text: String, folded: bool },
    Regex { text: String, pattern: Pattern },
}

/// One entry of `match`: all of its conditions have to hold.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) tests: Vec<(On, Is)>,
}

impl Entry {
    /// Reads an entry that the filter accepts.
    pub(super) fn read(entry: &Value) -> Self {
        let mut tests = Vec::new();
        let folded = entry.get("ignoreUriCase") == Some(&Value::Bool(true));
        let uri = entry.get("uri");
        // The filter reads an empty prefix as no condition at all.
        let is_empty = uri.and_then(|uri| uri.get("prefix")) == Some(&Value::from(""));
        if !is_empty && let Some(words) = words(uri, Values::Path, folded) {
            tests.push((On::Uri, Is::Like(words)));
        }
        for (field, name) in [
            ("scheme", ":scheme"),
            ("method", ":method"),
            ("authority", ":authority"),
        ] {
            if let Some(words) = words(entry.get(field), Values::Any, false) {
                tests.push((On::Header(name.to_owned()), Is::Like(words)));
            }
        }
        let named = |field: &str| entry.get(field).and_then(Value::as_object);
        for (name, value) in named("headers").into_iter().flat_map(Map::iter) {
            let is = words(Some(value), Values::Any, false).map_or(Is::Present, Is::Like);
            tests.push((On::header(name), is));
        }
        for (name, value) in named("withoutHeaders").into_iter().flat_map(Map::iter) {
            let is = words(Some(value), Values::Any, false).map_or(Is::Absent, Is::Unlike);
            tests.push((On::header(name), is));
        }
        for (name, value) in named("queryParams").into_iter().flat_map(Map::iter) {
            let is = words(Some(value), Values::Any, false).map_or(Is::Present, Is::Like);
            tests.push((On::Query(name.clone()), is));
        }
        Self { tests }
    }

    /// The condition on the path.
    pub(super) fn uri(&self) -> Option<&Words> {
        self.tests.iter().find_map(|(on, is)| match (on, is) {
            (On::Uri, Is::Like(words)) => Some(words),
            _ => None,
        })
    }

    /// Whether every request that this entry matches is one that the other matches.
    pub(super) fn implies(&self, other: &Self) -> bool {
        other.tests.iter().all(|(on, is)| {
            let mut own = self.tests.iter().filter(|(name, _)| name == on);
            own.any(|(_, own)| own.implies(is))
        })
    }
}

impl On {
    fn header(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        Self::Header(if name == "host" {
            ":authority".to_owned()
        } else {
            name
        })
    }
}

impl Is {
    fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Like(a), Self::Like(b)) => a.implies(b),
            (Self::Present, Self::Like(b)) => b.takes_every_value(),
            (Self::Like(_) | Self::Present, Self::Present) | (Self::Absent, Self::Absent) => true,
            (Self::Unlike(a), Self::Unlike(b)) => b.implies(a),
            (Self::Absent, Self::Unlike(b)) => !b.takes_the_empty_value(),
            _ => false,
        }
    }
}

impl Words {
    fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Exact { text, folded },
                Self::Exact {
                    text: other,
                    folded: both,
                },
            ) => text.eq_ignore_ascii_case(other) && (*both || !folded && text == other),
            (
                Self::Exact { text, folded } | Self::Prefix { text, folded },
                Self::Prefix {
                    text: other,
                    folded: both,
                },
            ) => begins(text, other, *both) && (*both || !folded || other.is_empty()),
            (
                Self::Exact {
                    text,
                    folded: false,
                },
                Self::Regex { pattern, .. },
            ) => pattern.matches(text.as_bytes()),
            (
                Self::Regex { pattern, .. },
                Self::Prefix {
                    text: other,
                    folded: both,
                },
            ) => str::from_utf8(pattern.prefix()).is_ok_and(|text| begins(text, other, *both)),
            (Self::Regex { text, .. }, Self::Regex { text: other, .. }) => text == other,
            _ => false,
        }
    }

    fn takes_every_value(&self) -> bool {
        matches!(self, Self::Prefix { text, .. } if text.is_empty())
    }

    fn takes_the_empty_value(&self) -> bool {
        match self {
            Self::Exact { text, .. } | Self::Prefix { text, .. } => text.is_empty(),
            Self::Regex { pattern, .. } => pattern.matches(b""),
        }
    }
}

fn begins(text: &str, start: &str, folded: bool) -> bool {
    let head = text.as_bytes().get(..start.len());
    head.is_some_and(|head| {
        head == start.as_bytes() || folded && head.eq_ignore_ascii_case(start.as_bytes())
    })
}

fn words(matcher: Option<&Value>, values: Values, folded: bool) -> Option<Words> {
    let text = |field: &str| Some(matcher?.get(field)?.as_str()?.to_owned());
    if let Some(text) = text("exact") {
        return Some(Words::Exact { text, folded });
    }
    if let Some(text) = text("prefix") {
        return Some(Words::Prefix { text, folded });
    }
    let text = text("regex")?;
    let pattern = Pattern::new(&text).ok()?;
    // A pattern does not ignore the case of the path.
    let folded = false;
    Some(match pattern.shape(values) {
        Shape::Text(plain) => match String::from_utf8(plain) {
            Ok(text) => Words::Exact { text, folded },
            Err(_) => Words::Regex { text, pattern },
        },
        Shape::Prefix(plain) => match String::from_utf8(plain) {
            Ok(text) => Words::Prefix { text, folded },
            Err(_) => Words::Regex { text, pattern },
        },
        Shape::Nothing | Shape::Other => Words::Regex { text, pattern },
    })
}

#[cfg(test)]
pub(super) mod tests;
