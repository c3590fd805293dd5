//! Conditions that take something else than their author is likely to expect, or that have a simpler form.

use std::collections::BTreeSet;

use canary_filter::{Pattern, Shape, Step, Values};
use serde_json::{Map, Value};

use super::subject::{Subject, field, in_rule};
use crate::fault::Fault;

/// One `{exact}`, `{prefix}` or `{regex}`.
struct Condition<'v> {
    /// From the entry of `match` to it.
    steps: Vec<Step>,
    matcher: &'v Value,
    on: On,
}

/// What a condition is on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Path,
    /// `scheme`, `method`, `authority`.
    Part,
    Header,
    /// In `withoutHeaders`.
    NoHeader,
    Query,
}

pub(super) fn warnings(subject: &Subject<'_>) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for (rule, _) in subject.rules() {
        let mut prefixes = BTreeSet::new();
        for (place, entry) in subject.items(rule, "match") {
            let folded = entry.get("ignoreUriCase") == Some(&Value::Bool(true));
            for condition in conditions(entry) {
                let found = match condition.on {
                    On::Path => path(&condition, folded, &mut prefixes),
                    _ => None,
                };
                if let Some((last, reason, hint)) = found.or_else(|| regex(&condition, folded)) {
                    let entry = ["match".into(), Step::Item(place)].into_iter();
                    let steps = entry.chain(condition.steps).chain([field(last)]);
                    let warning = subject.warning(in_rule(rule, steps), reason);
                    warnings.push(match hint.as_str() {
                        "" => warning,
                        hint => warning.and(hint),
                    });
                }
            }
        }
    }
    warnings
}

fn conditions(entry: &Value) -> Vec<Condition<'_>> {
    let mut conditions = Vec::new();
    for (name, on) in [
        ("uri", On::Path),
        ("scheme", On::Part),
        ("method", On::Part),
        ("authority", On::Part),
    ] {
        conditions.extend(entry.get(name).map(|matcher| Condition {
            steps: vec![field(name)],
            matcher,
            on,
        }));
    }
    for (name, on) in [
        ("headers", On::Header),
        ("withoutHeaders", On::NoHeader),
        ("queryParams", On::Query),
    ] {
        let named = entry.get(name).and_then(Value::as_object);
        let named = named.into_iter().flat_map(Map::iter);
        conditions.extend(named.map(|(key, matcher)| Condition {
            steps: vec![field(name), field(key)],
            matcher,
            on,
        }));
    }
    conditions
}

/// The field, what is wrong with it, and what to write instead.
type Found = (&'static str, String, String);

/// A text that no path can be or begin with, or a prefix that ends in the middle of a word.
fn path(condition: &Condition<'_>, folded: bool, prefixes: &mut BTreeSet<String>) -> Option<Found> {
    let text = |kind: &'static str| Some((kind, condition.matcher.get(kind)?.as_str()?));
    let (kind, text) = text("exact").or_else(|| text("prefix"))?;
    if text.contains(['?', '#']) {
        let reason = "no request matches: the path is compared without its query";
        let hint = "use `queryParams` for the query";
        return Some((kind, reason.to_owned(), hint.to_owned()));
    }
    if !text.is_empty() && !text.starts_with(['/', '*']) {
        let reason = "no request matches: every path begins with `/`";
        return Some((kind, reason.to_owned(), format!("write `/{text}`")));
    }
    let ends_in_a_word = text.ends_with(|c: char| c.is_alphanumeric());
    // Once for a rule: its entries often differ in their headers alone.
    let mut is_new = || {
        prefixes.insert(if folded {
            text.to_lowercase()
        } else {
            text.to_owned()
        })
    };
    (kind == "prefix" && ends_in_a_word && is_new()).then(|| {
        (
            kind,
            format!("`{text}` also takes `{}`", longer(text)),
            format!(
                "for `{text}` and what is below it, write two entries, `uri: {{exact: {text}}}` and `uri: {{prefix: {text}/}}`"
            ),
        )
    })
}

/// Another path that a prefix takes: `/color2` for `/color`, `/v12` for `/v1`.
fn longer(prefix: &str) -> String {
    format!("{prefix}2")
}

/// A pattern that nothing matches, or that is not worth being one.
fn regex(condition: &Condition<'_>, folded: bool) -> Option<Found> {
    let text = condition.matcher.get("regex")?.as_str()?;
    let values = match condition.on {
        On::Path => Values::Path,
        _ => Values::Any,
    };
    let pattern = Pattern::new(text).ok()?;
    let (reason, hint) = match pattern.shape(values) {
        Shape::Nothing => nothing(&pattern, condition.on),
        // The pattern minds the case of the path, and the other two would not.
        _ if folded && condition.on == On::Path => return None,
        Shape::Text(plain) => {
            let plain = String::from_utf8(plain).ok()?;
            ("is a plain text", format!("write `exact: {plain:?}`"))
        }
        Shape::Prefix(plain) => prefix(condition.on, &String::from_utf8(plain).ok()?),
        Shape::Other => return None,
    };
    Some(("regex", reason.to_owned(), hint))
}

fn nothing(pattern: &Pattern, on: On) -> (&'static str, String) {
    match on {
        On::Path if pattern.shape(Values::Any) != Shape::Nothing => (
            "no path matches: it is compared without its query, and begins with `/`",
            String::new(),
        ),
        _ => (
            "no value matches",
            "look for a `^`, `$` or `\\b` in the middle".to_owned(),
        ),
    }
}

fn prefix(on: On, plain: &str) -> (&'static str, String) {
    if !plain.is_empty() {
        let slash = match on {
            On::Path if plain.ends_with(|c: char| c.is_alphanumeric()) => {
                format!(", or `{plain}(/.*)?` without `{}`", longer(plain))
            }
            _ => String::new(),
        };
        return (
            "is a plain prefix",
            format!("write `prefix: {plain:?}`{slash}"),
        );
    }
    match on {
        On::Path => ("matches every path", "leave `uri` out".to_owned()),
        On::Part => ("matches every value", "leave the condition out".to_owned()),
        On::Header | On::Query => (
            "matches every value",
            "write `{}`, which only asks for its presence".to_owned(),
        ),
        On::NoHeader => (
            "no request matches: an absent header counts as empty, which this takes, too",
            "write `{}` for a header that must be absent".to_owned(),
        ),
    }
}
