//! Rules of a VirtualService, as the filter reads them and as istiod translates them for Envoy.

use std::fmt;

use serde_json::{Map, Value, json};

/// One entry of `http`. Its destination is its number in the list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    pub(crate) matches: Vec<Match>,
}

/// One entry of `match`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Match {
    pub(crate) conditions: Vec<Condition>,
    pub(crate) ignore_uri_case: bool,
}

/// One field of an entry. An entry has each field at most once.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) on: On,
    pub(crate) text: Text,
}

/// The part of the request that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Uri,
    Scheme,
    Method,
    Authority,
    Header(&'static str),
    WithoutHeader(&'static str),
    QueryParam(&'static str),
}

/// How it is compared.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Any,
    Exact(String),
    Prefix(String),
    Regex(String),
}

/// The list as the filter's configuration. The filter writes the rule's number into the header `x-canary-subset`.
pub(crate) fn policy(rules: &[Rule]) -> Value {
    let rule = |(number, rule): (usize, &Rule)| {
        let matches: Vec<_> = rule.matches.iter().map(Match::wire).collect();
        json!({"match": matches, "route": [{"cluster": number.to_string()}]})
    };
    json!({"subsetHeader": "x-canary-subset", "http": rules.iter().enumerate().map(rule).collect::<Vec<_>>()})
}

/// The list as native routes, one per entry and named by the rule's number, as istiod's `TranslateRouteMatch` makes them.
pub(crate) fn routes(rules: &[Rule]) -> Vec<Value> {
    let everything = Match::default();
    let mut routes = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        let entries: Vec<_> = if rule.matches.is_empty() {
            vec![&everything]
        } else {
            rule.matches.iter().collect()
        };
        routes.extend(
            entries
                .into_iter()
                .map(|entry| route(&number.to_string(), entry.native())),
        );
    }
    routes
}

/// A route with a direct response.
pub(crate) fn route(name: &str, matched: Value) -> Value {
    json!({"name": name, "match": matched, "direct_response": {"status": 200}})
}

impl Match {
    fn wire(&self) -> Value {
        let mut wire = Map::new();
        for Condition { on, text } in &self.conditions {
            let (field, name) = on.field();
            match name {
                Some(name) => wire.entry(field).or_insert_with(|| json!({}))[name] = text.wire(),
                None => wire.insert(field.to_owned(), text.wire()).map_or((), drop),
            }
        }
        if self.ignore_uri_case {
            wire.insert("ignoreUriCase".to_owned(), json!(true));
        }
        wire.into()
    }

    fn native(&self) -> Value {
        let mut native = json!({"prefix": "/", "case_sensitive": !self.ignore_uri_case});
        let (mut headers, mut params) = (Vec::new(), Vec::new());
        for Condition { on, text } in &self.conditions {
            match on {
                On::Uri => text.native_path(&mut native),
                On::QueryParam(name) => params.push(text.native(name)),
                On::Scheme => headers.push(text.native(":scheme")),
                On::Method => headers.push(text.native(":method")),
                On::Authority => headers.push(text.native(":authority")),
                On::Header(name) => headers.push(text.native(name)),
                On::WithoutHeader(name) => {
                    let mut matcher = text.native(name);
                    matcher["invert_match"] = json!(true);
                    if !matches!(text, Text::Any) {
                        matcher["treat_missing_header_as_empty"] = json!(true);
                    }
                    headers.push(matcher);
                }
            }
        }
        native["headers"] = headers.into();
        native["query_parameters"] = params.into();
        native
    }
}

impl On {
    fn field(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Uri => ("uri", None),
            Self::Scheme => ("scheme", None),
            Self::Method => ("method", None),
            Self::Authority => ("authority", None),
            Self::Header(name) => ("headers", Some(name)),
            Self::WithoutHeader(name) => ("withoutHeaders", Some(name)),
            Self::QueryParam(name) => ("queryParams", Some(name)),
        }
    }
}

impl Text {
    fn wire(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Exact(text) => json!({"exact": text}),
            Self::Prefix(text) => json!({"prefix": text}),
            Self::Regex(text) => json!({"regex": text}),
        }
    }

    fn native(&self, name: &str) -> Value {
        let matcher = match self {
            Self::Any => return json!({"name": name, "present_match": true}),
            Self::Exact(text) => json!({"exact": text}),
            Self::Prefix(text) => json!({"prefix": text}),
            Self::Regex(text) => json!({"safe_regex": {"regex": text}}),
        };
        json!({"name": name, "string_match": matcher})
    }

    fn native_path(&self, native: &mut Value) {
        let (specifier, value) = match self {
            Self::Any => return,
            Self::Exact(text) => ("path", json!(text)),
            Self::Prefix(text) => ("prefix", json!(text)),
            Self::Regex(text) => ("safe_regex", json!({"regex": text})),
        };
        native.as_object_mut().unwrap().remove("prefix");
        native[specifier] = value;
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<_> = self.matches.iter().map(Match::wire).collect();
        write!(f, "match: {}", json!(entries))
    }
}
