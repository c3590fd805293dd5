//! A tree of YAML (and so of JSON) in which every node knows its bytes in the text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use canary_filter::Step;
use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use crate::fault::{Fault, Place};

/// Depth of flow and of block collections. serde_json, which the filter reads with, stops at 128 as well.
const DEEPEST: usize = 127;

/// One value in a document.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The bytes of a scalar or an alias. For a collection, only its beginning.
    pub(crate) span: Range<usize>,
    /// Where it begins.
    pub(crate) place: Place,
    /// The number of the anchor (`&name`) on the node, which an alias refers to.
    pub(crate) anchor: Option<usize>,
    /// Whether the node has a tag, such as `!!str`.
    pub(crate) tagged: bool,
    pub(crate) shared: Shared,
    pub(crate) kind: Kind,
}

/// Whether a node also appears somewhere else, by an alias.
#[derive(Clone, Debug)]
pub(crate) enum Shared {
    No,
    /// The node has this anchor, and an alias refers to it.
    Anchor(Anchor),
    /// The node is the copy of one that has this anchor.
    Alias(Anchor),
}

/// An anchor that an alias refers to.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    /// Without its `&`.
    pub(crate) name: Rc<str>,
    /// The line of the node that has it, from 1.
    pub(crate) line: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Scalar {
        text: String,
        style: ScalarStyle,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// `*name`, by the number of the anchor.
    Alias(usize),
    /// An alias or a merge that cannot be resolved, with the reason.
    Unresolved(Cow<'static, str>),
}

impl Node {
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(crate) fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            Kind::Mapping(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::Sequence(items) => items,
            _ => &[],
        }
    }

    /// Whether a collection has brackets or braces. In block style, its beginning has no bytes of its own.
    pub(crate) fn is_flow(&self) -> bool {
        !self.span.is_empty()
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key with its value.
    pub(crate) fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        self.entries()
            .iter()
            .find(|(name, _)| name.text() == Some(key))
    }

    /// What a step leads to.
    pub(crate) fn part(&self, step: &Step) -> Option<&Node> {
        self.named_part(step).map(|(_, part)| part)
    }

    /// What a step leads to, after its key; an item has none, and comes twice.
    pub(crate) fn named_part(&self, step: &Step) -> Option<(&Node, &Node)> {
        match step {
            Step::Field(name) => self.entry(name).map(|(key, value)| (key, value)),
            Step::Item(index) => self.items().get(*index).map(|item| (item, item)),
        }
    }

    /// Whether it stands here because of an alias.
    pub(crate) fn is_copy(&self) -> bool {
        matches!(self.shared, Shared::Alias(_))
    }

    pub(crate) fn children(&self) -> impl Iterator<Item = &Node> {
        self.items()
            .iter()
            .chain(self.entries().iter().flat_map(|(key, value)| [key, value]))
    }

    /// Whether two trees have the same meaning, apart from one node of each that may differ.
    pub(crate) fn same(&self, other: &Node, but: (&Node, &Node)) -> bool {
        let (excepted, counterpart) = (self.stands_at(but.0), other.stands_at(but.1));
        if excepted || counterpart {
            return excepted && counterpart;
        }
        let kind = match (&self.kind, &other.kind) {
            (Kind::Scalar { text: a, style: s }, Kind::Scalar { text: b, style: t }) => {
                a == b && s == t
            }
            (Kind::Sequence(a), Kind::Sequence(b)) => a.len() == b.len(),
            (Kind::Mapping(a), Kind::Mapping(b)) => a.len() == b.len(),
            // An alias that could not be resolved may refer to anything, also to what has changed.
            _ => false,
        };
        kind && (self.anchor, self.tagged) == (other.anchor, other.tagged)
            && self
                .children()
                .zip(other.children())
                .all(|(a, b)| a.same(b, but))
    }

    /// Whether this is `other`, or the copy of it in the copy of something around it.
    fn stands_at(&self, other: &Node) -> bool {
        self.span == other.span
            && std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind)
    }
}

/// Reads all documents of a text.
///
/// # Errors
/// The first fault.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, Fault> {
    let Parsed { documents, faults } = parse_all(text)?;
    faults.into_iter().next().map_or(Ok(documents), Err)
}

/// The documents of a text whose syntax is right.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) documents: Vec<Node>,
    /// Keys that appear twice. The documents have the first of them.
    pub(crate) faults: Vec<Fault>,
}

/// As [`parse`], but keys that appear twice do not keep the rest from being read.
///
/// # Errors
/// The syntax is wrong, so that nothing after it can be read.
pub(crate) fn parse_all(text: &str) -> Result<Parsed, Fault> {
    let options =
        granit_parser::options! { flow_nesting_limit: DEEPEST, block_nesting_limit: DEEPEST };
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| {
            Fault::at(
                place(error.marker()),
                format!("is not valid YAML: {}", error.kind()),
            )
        })?;
        builder.take(event, &span);
    }
    Ok(Parsed {
        documents: builder.documents,
        faults: builder.faults,
    })
}

/// Builds the tree from the events, without recursion.
#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    faults: Vec<Fault>,
}

struct Open {
    node: Node,
    /// The key whose value comes next.
    key: Option<Key>,
    keys: BTreeSet<String>,
}

struct Key {
    node: Node,
    is_duplicate: bool,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.close(node(
                span,
                anchor,
                tag.as_deref(),
                Kind::Scalar {
                    text: text.into_owned(),
                    style,
                },
            )),
            Event::Alias(anchor) => self.close(node(span, 0, None, Kind::Alias(anchor))),
            Event::SequenceStart(_, anchor, tag) => {
                self.open(node(
                    span,
                    anchor,
                    tag.as_deref(),
                    Kind::Sequence(Vec::new()),
                ));
            }
            Event::MappingStart(_, anchor, tag) => {
                self.open(node(
                    span,
                    anchor,
                    tag.as_deref(),
                    Kind::Mapping(Vec::new()),
                ));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.close(open.node);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, node: Node) {
        self.open.push(Open {
            node,
            key: None,
            keys: BTreeSet::new(),
        });
    }

    /// Puts a complete node into the collection around it.
    fn close(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return;
        };
        match (&mut open.node.kind, open.key.take()) {
            (Kind::Mapping(entries), Some(key)) => {
                if !key.is_duplicate {
                    entries.push((key.node, node));
                }
            }
            (Kind::Mapping(_), None) => {
                // Readers disagree on which of two equal keys counts, so neither is chosen silently.
                let text = node.text().map(str::to_owned);
                let is_duplicate = text.clone().is_some_and(|text| !open.keys.insert(text));
                if let Some(text) = text.filter(|_| is_duplicate) {
                    let reason = format!("the key `{text}` appears twice");
                    self.faults.push(Fault::at(node.place, reason));
                }
                open.key = Some(Key { node, is_duplicate });
            }
            (Kind::Sequence(items), _) => items.push(node),
            (Kind::Scalar { .. } | Kind::Alias(_) | Kind::Unresolved(_), _) => {}
        }
    }
}

fn place(marker: &Marker) -> Place {
    Place {
        line: marker.line(),
        column: 1 + marker.col(),
    }
}

fn node(span: &Span, anchor: usize, tag: Option<&Tag>, kind: Kind) -> Node {
    Node {
        span: span.byte_range().unwrap_or_default(),
        place: place(&span.start),
        anchor: (anchor != 0).then_some(anchor),
        tagged: tag.is_some(),
        shared: Shared::No,
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_bytes_of_the_text() {
        let text = "\u{feff}# Übergrößen\r\nä: &a {ö: 'é', b: [75 ]} # x\r\n---\r\nc: \"d\"\r\n";
        let documents = parse(text).unwrap();
        let number = &documents[0].get("ä").unwrap().get("b").unwrap().items()[0];
        assert_eq!(&text[number.span.clone()], "75");
        assert_eq!(number.place, Place::of(text, number.span.start));
        assert_eq!(documents[0].get("ä").unwrap().anchor, Some(1));
        assert_eq!(&text[documents[1].get("c").unwrap().span.clone()], "\"d\"");
    }

    #[test]
    fn a_text_that_readers_may_understand_differently_is_refused_with_its_line() {
        let deep = format!("a:\n- {}", "[".repeat(300));
        for (text, line, reason) in [
            ("a: 1\nb: 2\na: 3\n", 3, "the key `a` appears twice"),
            ("a: {b: 1,\n \"b\": 2}\n", 2, "the key `b` appears twice"),
            (
                "a: *b\n",
                1,
                "is not valid YAML: while parsing node, found unknown anchor",
            ),
            (&deep, 2, "is not valid YAML: "),
        ] {
            let fault = parse(text).unwrap_err();
            assert!(
                fault.line() == Some(line) && fault.to_string().starts_with(reason),
                "{text}: {fault:?}"
            );
        }
    }

    #[test]
    fn trees_are_the_same_if_only_the_excepted_node_differs() {
        let [a, b, c] = [
            "x: 1\ny: &a [2]\n",
            "x: 9\ny: &a [2] # c\n",
            "x: 9\ny: [2]\n",
        ]
        .map(|text| parse(text).unwrap().remove(0));
        let except = |a: &Node, b: &Node| a.same(b, (a.get("x").unwrap(), b.get("x").unwrap()));
        assert!(except(&a, &b));
        assert!(!except(&a, &c));
        assert!(!a.same(&b, (&a.entries()[0].0, &b.entries()[0].0)));
    }
}
