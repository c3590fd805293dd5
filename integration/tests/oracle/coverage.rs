//! Counts the features of requests and rules on which the outcome may depend. If the generator no longer produces one of
//! them, the comparison proves nothing about it.

use std::collections::BTreeMap;

use crate::request::Request;
use crate::rules::{Condition, On, Rule, Text};

/// How many of the requests that Envoy accepted had each feature.
#[derive(Debug, Default)]
pub(crate) struct Coverage(BTreeMap<&'static str, usize>);

type Has = fn(&[Rule], &Request) -> bool;

const WANTED: &[(&str, Has)] = &[
    (
        "a header that is asked for, twice and unequal",
        |rules, request| {
            asked(rules).any(|on| differ(&values(on, request)) && !matches!(on, On::QueryParam(_)))
        },
    ),
    (
        "a parameter that is asked for, twice and unequal",
        |rules, request| {
            asked(rules).any(|on| differ(&values(on, request)) && matches!(on, On::QueryParam(_)))
        },
    ),
    ("a header that is asked for, empty", |rules, request| {
        asked(rules)
            .any(|on| !matches!(on, On::QueryParam(_)) && values(on, request).contains(&&b""[..]))
    }),
    ("a parameter that is asked for, empty", |rules, request| {
        asked(rules)
            .any(|on| matches!(on, On::QueryParam(_)) && values(on, request).contains(&&b""[..]))
    }),
    (
        "withoutHeaders with a regex that matches nothing, and no such header",
        |rules, request| {
            conditions(rules).any(|Condition { on, text }| {
            let empty =
                matches!(text, Text::Regex(text) if [".*", "^$", "|a", "a*", "[^a]*"].contains(&&**text));
            empty && matches!(on, On::WithoutHeader(_)) && values(*on, request).is_empty()
        })
        },
    ),
    (
        "withoutHeaders, and the header is there",
        |rules, request| {
            asked(rules)
                .any(|on| matches!(on, On::WithoutHeader(_)) && !values(on, request).is_empty())
        },
    ),
    ("several entries in a rule", |rules, _| {
        rules.iter().any(|rule| rule.matches.len() > 1)
    }),
    (
        "rules that are looked up because there are many",
        |rules, _| rules.len() >= 8,
    ),
    (
        "many rules that a header distinguishes, which is there twice",
        |rules, request| {
            let by = |on: &On| {
                asked(rules).filter(|other| other == on).count() >= 8
                    && differ(&values(*on, request))
            };
            asked(rules).any(|on| matches!(on, On::Header(_)) && by(&on))
        },
    ),
    ("an escape in the path", |_, request| {
        uri(request).contains(&b'%')
    }),
    ("an empty query", |_, request| request.path.ends_with(b"?")),
    ("a question mark in the query", |_, request| {
        count(&request.path, b'?') > 1
    }),
    ("a fragment", |_, request| count(&request.path, b'#') > 0),
    ("a very long path", |_, request| uri(request).len() > 4_000),
    ("a path beyond ASCII", |_, request| !uri(request).is_ascii()),
    ("a query beyond ASCII", |_, request| {
        uri(request).is_ascii() && !request.path.is_ascii()
    }),
    ("a header beyond ASCII", |rules, request| {
        asked(rules).any(|on| values(on, request).iter().any(|value| !value.is_ascii()))
    }),
    ("a path in the case of no rule", |rules, request| {
        conditions(rules).any(|condition| match condition {
            Condition {
                on: On::Uri,
                text: Text::Exact(text),
            } => {
                text.as_bytes() != uri(request)
                    && text.as_bytes().eq_ignore_ascii_case(uri(request))
            }
            _ => false,
        })
    }),
    ("HTTP/2", |_, request| request.http2),
];

impl Coverage {
    pub(crate) fn add(&mut self, rules: &[Rule], request: &Request) {
        for (what, has) in WANTED {
            *self.0.entry(what).or_default() += usize::from(has(rules, request));
        }
    }

    /// Checks that each feature occurred at least once in this many requests.
    pub(crate) fn at_least(&self, once_in: usize, requests: usize) {
        for (what, _) in WANTED {
            let count = self.0.get(what).copied().unwrap_or_default();
            assert!(
                count * once_in >= requests,
                "{what}: {count} of {requests} requests"
            );
        }
    }
}

fn conditions(rules: &[Rule]) -> impl Iterator<Item = &Condition> {
    rules
        .iter()
        .flat_map(|rule| &rule.matches)
        .flat_map(|entry| &entry.conditions)
}

fn asked(rules: &[Rule]) -> impl Iterator<Item = On> {
    conditions(rules).map(|condition| condition.on)
}

fn count(text: &[u8], byte: u8) -> usize {
    text.iter().filter(|other| **other == byte).count()
}

fn uri(request: &Request) -> &[u8] {
    request
        .path
        .split(|byte| matches!(byte, b'?' | b'#'))
        .next()
        .unwrap()
}

/// The values of the header or parameter of the condition.
fn values(on: On, request: &Request) -> Vec<&[u8]> {
    match on {
        On::Header(name) | On::WithoutHeader(name) => {
            let named = request
                .headers
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(name));
            named.map(|(_, value)| &value[..]).collect()
        }
        On::QueryParam(name) => {
            let query = request
                .path
                .splitn(2, |byte| *byte == b'?')
                .nth(1)
                .unwrap_or_default();
            let pairs = query.split(|byte| *byte == b'&').map(|pair| {
                let mut halves = pair.splitn(2, |byte| *byte == b'=');
                (halves.next().unwrap(), halves.next().unwrap_or_default())
            });
            pairs
                .filter(|(other, _)| *other == name.as_bytes())
                .map(|(_, value)| value)
                .collect()
        }
        On::Uri | On::Scheme | On::Method | On::Authority => Vec::new(),
    }
}

fn differ(values: &[&[u8]]) -> bool {
    values.iter().any(|value| *value != values[0])
}
