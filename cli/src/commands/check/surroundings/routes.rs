//! Routes of a VirtualService, an HTTPRoute or Envoy, as far as they concern the filter's headers.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::tree::Node;
use crate::fault::Place;

/// One route.
#[derive(Debug)]
pub(super) struct Route<'d> {
    /// The number of the file.
    pub(super) file: usize,
    pub(super) place: Place,
    /// The routes of one VirtualService, HTTPRoute or virtual host have the same number.
    pub(super) group: usize,
    pub(super) name: Option<&'d str>,
    /// ORed; there is at least one.
    pub(super) matches: Vec<Match>,
    /// The header that it takes its cluster from, if it is a route of Envoy.
    pub(super) cluster_header: Option<String>,
    /// Whether the order of the group decides between the routes.
    pub(super) is_ordered: bool,
}

/// One way to match a route.
#[derive(Debug, Default)]
pub(super) struct Match {
    path: Path,
    /// The conditions on headers in words, by the header's name in lower case.
    headers: BTreeMap<String, Header>,
    /// All other conditions in words.
    others: BTreeSet<String>,
}

/// A condition on a header.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Header {
    Exact(String),
    Absent,
    /// In words.
    Other(String),
}

/// A condition on the path.
#[derive(Debug, Default, PartialEq, Eq)]
enum Path {
    #[default]
    Any,
    Exact(String),
    Prefix(String),
    /// A prefix of whole path elements.
    Elements(String),
    /// In words.
    Other(String),
}

impl Route<'_> {
    /// Whether every match needs the header.
    pub(super) fn requires(&self, header: &str) -> bool {
        self.matches.iter().all(|it| it.requires(header))
    }

    /// Whether any match has a condition on the header.
    pub(super) fn looks_at(&self, header: &str) -> bool {
        self.matches
            .iter()
            .any(|it| it.headers.contains_key(header))
    }

    /// Whether the route takes requests in which the header has this value. `None` if that is not clear.
    pub(super) fn takes(&self, header: &str, value: &str) -> Option<bool> {
        let conditions = self.matches.iter().filter_map(|it| it.headers.get(header));
        let mut clear = true;
        for condition in conditions {
            match condition {
                Header::Exact(text) if text == value => return Some(true),
                Header::Exact(_) | Header::Absent => {}
                Header::Other(_) => clear = false,
            }
        }
        clear.then_some(false)
    }

    /// The values that it matches the header with.
    pub(super) fn values<'r>(&'r self, header: &'r str) -> impl Iterator<Item = &'r str> {
        let conditions = self.matches.iter().filter_map(|it| it.headers.get(header));
        conditions.filter_map(|condition| match condition {
            Header::Exact(text) => Some(text.as_str()),
            Header::Absent | Header::Other(_) => None,
        })
    }

    /// Whether this route takes everything that the other one takes, once the header is missing.
    pub(super) fn is_fallback_of(&self, other: &Self, header: &str) -> bool {
        other.matches.iter().all(|narrow| {
            let mut own = self.matches.iter();
            own.any(|wide| wide.covers(narrow, header))
        })
    }
}

impl Match {
    fn requires(&self, header: &str) -> bool {
        matches!(
            self.headers.get(header),
            Some(Header::Exact(_) | Header::Other(_))
        )
    }

    fn covers(&self, narrow: &Self, header: &str) -> bool {
        let same = |(name, condition): (&String, &Header)| match condition {
            Header::Absent if name == header => true,
            _ => name != header && narrow.headers.get(name) == Some(condition),
        };
        self.path.covers(&narrow.path)
            && self.headers.iter().all(same)
            && self.others.is_subset(&narrow.others)
    }

    /// An entry of `match` of a VirtualService.
    pub(super) fn of_virtual_service(entry: &Node) -> Self {
        let mut found = Self::default();
        let folded = entry.get("ignoreUriCase").and_then(Node::text) == Some("true");
        for (key, value) in entry.entries() {
            match key.text().unwrap_or_default() {
                "uri" if !folded => found.path = Path::of_string_match(value),
                "uri" => found.path = Path::Other(written(value)),
                "headers" => {
                    for (name, value) in value.entries() {
                        found.header(name, Header::of_string_match(value));
                    }
                }
                "name" | "ignoreUriCase" => {}
                other => drop(found.others.insert(format!("{other} {}", written(value)))),
            }
        }
        found
    }

    /// An entry of `matches` of an HTTPRoute.
    pub(super) fn of_http_route(entry: &Node) -> Self {
        let mut found = Self::default();
        for (key, value) in entry.entries() {
            match key.text().unwrap_or_default() {
                "path" => {
                    let text = value.get("value").and_then(Node::text);
                    let text = text.unwrap_or("/").to_owned();
                    found.path = match value.get("type").and_then(Node::text) {
                        Some("Exact") => Path::Exact(text),
                        None | Some("PathPrefix") => Path::Elements(text),
                        Some(_) => Path::Other(text),
                    };
                }
                "headers" => {
                    for header in value.items() {
                        let text = header.get("value").and_then(Node::text);
                        let text = text.unwrap_or_default().to_owned();
                        let is = match header.get("type").and_then(Node::text) {
                            None | Some("Exact") => Header::Exact(text),
                            Some(_) => Header::Other(text),
                        };
                        if let Some(name) = header.get("name") {
                            found.header(name, is);
                        }
                    }
                }
                other => drop(found.others.insert(format!("{other} {}", written(value)))),
            }
        }
        found
    }

    /// The `match` of a route of Envoy.
    pub(super) fn of_envoy(entry: &Node) -> Self {
        let mut found = Self::default();
        for (key, value) in entry.entries() {
            let text = || value.text().unwrap_or_default().to_owned();
            match key.text().unwrap_or_default() {
                "path" => found.path = Path::Exact(text()),
                "prefix" => found.path = Path::Prefix(text()),
                "path_separated_prefix" | "pathSeparatedPrefix" => {
                    found.path = Path::Elements(text());
                }
                "safe_regex" | "safeRegex" => found.path = Path::Other(written(value)),
                "headers" => {
                    for header in value.items() {
                        if let Some(name) = header.get("name") {
                            found.header(name, Header::of_envoy(header));
                        }
                    }
                }
                other => drop(found.others.insert(format!("{other} {}", written(value)))),
            }
        }
        found
    }

    fn header(&mut self, name: &Node, is: Header) {
        let name = name.text().unwrap_or_default().to_ascii_lowercase();
        self.headers.insert(name, is);
    }
}

impl Header {
    fn of_string_match(value: &Node) -> Self {
        match value.get("exact").and_then(Node::text) {
            Some(text) => Self::Exact(text.to_owned()),
            None => Self::Other(written(value)),
        }
    }

    fn of_envoy(header: &Node) -> Self {
        let field = |one, other| header.get(one).or(header.get(other));
        let is_true = |node: Option<&Node>| node.and_then(Node::text) == Some("true");
        let present = field("present_match", "presentMatch");
        let is_inverted = is_true(field("invert_match", "invertMatch"));
        if present.is_some() && is_true(present) == is_inverted {
            return Self::Absent;
        }
        let exact = field("string_match", "stringMatch").and_then(|it| it.get("exact"));
        let exact = exact.or(field("exact_match", "exactMatch"));
        match exact.and_then(Node::text) {
            Some(text) if !is_inverted => Self::Exact(text.to_owned()),
            _ => Self::Other(written(header)),
        }
    }
}

impl Path {
    fn of_string_match(value: &Node) -> Self {
        let text = |field| value.get(field).and_then(Node::text).map(str::to_owned);
        if let Some(text) = text("exact") {
            return Self::Exact(text);
        }
        match text("prefix") {
            Some(text) => Self::Prefix(text),
            None if value.entries().is_empty() => Self::Any,
            None => Self::Other(written(value)),
        }
    }

    fn covers(&self, narrow: &Self) -> bool {
        let below = |path: &str, start: &str| {
            let start = start.trim_end_matches('/');
            let rest = path.strip_prefix(start);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match (self, narrow) {
            (Self::Any, _) => true,
            (
                Self::Prefix(start),
                Self::Exact(path) | Self::Prefix(path) | Self::Elements(path),
            ) => path.starts_with(start.as_str()),
            // All paths begin with it.
            (Self::Prefix(start) | Self::Elements(start), _) if start == "/" => true,
            (Self::Elements(start), Self::Exact(path) | Self::Elements(path)) => below(path, start),
            (one, other) => one == other,
        }
    }
}

/// A tree in one line.
fn written(node: &Node) -> String {
    let own = node.text().unwrap_or_default();
    node.children().fold(own.to_owned(), |text, child| {
        format!("{text} {}", written(child))
    })
}
