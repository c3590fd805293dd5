//! One entry of `match`: which requests it is for, and what of it the filter can check.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::host::{self, Host};
use super::object::{Object, Refusal, Spot, present, text};
use super::{CLUSTER_HEADER, MESH};

/// What the filter checks as a VirtualService does.
const CONDITIONS: [&str; 8] = [
    "uri",
    "ignoreUriCase",
    "scheme",
    "method",
    "authority",
    "headers",
    "withoutHeaders",
    "queryParams",
];

/// What it cannot check or has no use for.
pub(super) const STAYS: [&str; 5] = [
    "gateways",
    "port",
    "sourceLabels",
    "sourceNamespace",
    "statPrefix",
];

/// An entry. A route without `match` has one without conditions.
#[derive(Debug)]
pub(super) struct Entry<'o> {
    /// Its index in `match`.
    pub(super) index: Option<usize>,
    pub(super) value: Value,
    /// The gateways that have it, by their full names; none if only sidecars may have it.
    pub(super) gateways: BTreeSet<String>,
    /// Whether sidecars have it.
    pub(super) in_mesh: bool,
    /// Whether a gateway has it depends on the gateway's own labels or namespace.
    pub(super) by_source: bool,
    object: &'o Object,
    at: Spot,
}

impl<'o> Entry<'o> {
    /// # Errors
    /// It has a field that is unknown or was added by an earlier conversion.
    pub(super) fn read(
        object: &'o Object,
        at: &Spot,
        (index, value): (Option<usize>, Value),
        gateways: &[String],
    ) -> Result<Self, Refusal> {
        let known: Vec<_> = CONDITIONS
            .into_iter()
            .chain(STAYS)
            .chain(["name"])
            .collect();
        let fields = object.fields(&value, &known, at)?;
        for field in ["headers", "withoutHeaders"] {
            let conditions = fields.get(field).and_then(Value::as_object);
            let mut names = conditions.into_iter().flat_map(Map::keys);
            if names.any(|name| name.eq_ignore_ascii_case(CLUSTER_HEADER)) {
                let reason = format!(
                    "`{CLUSTER_HEADER}` is the header that the filter writes: is this VirtualService converted already?"
                );
                return Err(object.refuse(&at.field(field), &reason));
            }
        }
        let own = present(&value, "gateways").map(|own| object.items(own, &at.field("gateways")));
        let own = own.transpose()?.unwrap_or_default();
        let own: Vec<_> = own.iter().filter_map(Value::as_str).collect();
        let own: BTreeSet<_> = own.into_iter().map(|name| gateway(object, name)).collect();
        let by_source = own.is_empty()
            && STAYS
                .iter()
                .any(|field| field.starts_with("source") && present(&value, field).is_some());
        let all: BTreeSet<_> = gateways.iter().cloned().collect();
        // Istio drops an entry for a gateway that the VirtualService itself does not name.
        let mut gateways = if own.is_empty() { all } else { &own & &all };
        Ok(Self {
            index,
            in_mesh: gateways.remove(MESH),
            gateways,
            by_source,
            value,
            object,
            at: at.clone(),
        })
    }

    /// Whether the filter decides for requests of it.
    pub(super) fn is_claimed(&self) -> bool {
        !self.gateways.is_empty() && !self.by_source
    }

    /// Whether it is all that its route needs to get every request.
    pub(super) fn is_catch_all(&self) -> bool {
        let uri = self.uri();
        let every = matches!(
            uri,
            None | Some(("prefix", "/" | "")) | Some(("regex", ".*"))
        );
        every
            && !CONDITIONS
                .iter()
                .skip(2)
                .any(|field| match present(&self.value, field) {
                    Some(Value::Object(conditions)) => !conditions.is_empty(),
                    other => other.is_some(),
                })
    }

    /// The entry as the filter's: its conditions, and those on the hosts.
    ///
    /// # Errors
    /// It has so many conditions on the authority that there is no place for the hosts.
    pub(super) fn conditions(&self, hosts: &[Host], others: &[Host]) -> Result<Value, Refusal> {
        let mut conditions = Map::new();
        for field in CONDITIONS {
            if let Some(value) = present(&self.value, field) {
                conditions.insert(field.to_owned(), value.clone());
            }
        }
        let exact = present(&self.value, "authority").and_then(|it| text(it, "exact"));
        let settled = exact.is_some_and(|authority| host::is_among(authority, hosts));
        if !settled && let Some(condition) = host::condition(hosts) {
            self.add(&mut conditions, "headers", condition)?;
        }
        if !others.is_empty()
            && let Some(condition) = host::condition(others)
        {
            self.add(&mut conditions, "withoutHeaders", condition)?;
        }
        Ok(conditions.into())
    }

    /// Adds a condition on the authority beside those that the entry has.
    fn add(
        &self,
        conditions: &mut Map<String, Value>,
        field: &str,
        condition: Value,
    ) -> Result<(), Refusal> {
        if field == "headers" && !conditions.contains_key("authority") {
            conditions.insert("authority".to_owned(), condition);
            return Ok(());
        }
        let headers = conditions
            .entry(field)
            .or_insert_with(|| json!({}))
            .as_object_mut();
        let taken = |headers: &Map<String, Value>| {
            headers
                .keys()
                .any(|name| [":authority", "host"].contains(&&*name.to_ascii_lowercase()))
        };
        match headers {
            Some(headers) if !taken(headers) => {
                headers.insert(":authority".to_owned(), condition);
                Ok(())
            }
            _ => Err(self.object.refuse(
                &self.at.field(field.to_owned()),
                "has a condition on the authority already, so there is no place for the one on the hosts",
            )),
        }
    }

    /// Whether no request can satisfy both, as far as the fields that compare whole texts or prefixes show it.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let fold = |entry: &Self| entry.value.get("ignoreUriCase") == Some(&Value::Bool(true));
        let fold = fold(self) || fold(other);
        let uris = match (self.uri(), other.uri()) {
            (Some(a), Some(b)) => texts_exclude(a, b, fold),
            _ => false,
        };
        let exact = |entry: &'_ Self, field: &str| {
            let matcher = present(&entry.value, field)?;
            text(matcher, "exact").map(str::to_owned)
        };
        uris || ["method", "scheme", "authority"].iter().any(|field| {
            match (exact(self, field), exact(other, field)) {
                (Some(a), Some(b)) => a != b,
                _ => false,
            }
        })
    }

    /// Whether wherever the other entry is in force this one is, too.
    pub(super) fn is_wherever(&self, other: &Self) -> bool {
        let port = |entry: &Self| present(&entry.value, "port").cloned();
        self.gateways.is_superset(&other.gateways)
            && (port(self).is_none() || port(self) == port(other))
    }

    fn uri(&self) -> Option<(&str, &str)> {
        let matcher = present(&self.value, "uri")?.as_object()?;
        let (kind, text) = matcher.iter().next()?;
        Some((kind.as_str(), text.as_str()?))
    }
}

/// A gateway's name with its namespace.
pub(super) fn gateway(object: &Object, name: &str) -> String {
    let own = object.namespace().unwrap_or_default();
    match name.split_once('/') {
        Some((".", name)) => format!("{own}/{name}"),
        None if name != MESH && !name.contains('.') => format!("{own}/{name}"),
        _ => name.to_owned(),
    }
}

fn texts_exclude(a: (&str, &str), b: (&str, &str), fold: bool) -> bool {
    let folded = |text: &str| {
        if fold {
            text.to_ascii_lowercase()
        } else {
            text.to_owned()
        }
    };
    let (left, right) = (folded(a.1), folded(b.1));
    match (a.0, b.0) {
        ("exact", "exact") => left != right,
        ("exact", "prefix") => !left.starts_with(&right),
        ("prefix", "exact") => !right.starts_with(&left),
        ("prefix", "prefix") => !left.starts_with(&right) && !right.starts_with(&left),
        _ => false,
    }
}
