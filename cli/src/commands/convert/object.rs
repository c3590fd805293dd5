//! The Kubernetes objects of the files, and where a fault in one of them is.

use std::borrow::Cow;
use std::fmt;

use canary_filter::Step;
use serde_json::{Map, Value};

use crate::document::tree::Node;
use crate::document::{Document, yaml};
use crate::fault::{Fault, path_of};

/// What a conversion reads.
const KINDS: [&str; 4] = [
    "VirtualService",
    "DestinationRule",
    "Service",
    "ServiceEntry",
];

/// A file to convert.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// As it appears in messages.
    pub name: &'i str,
    /// Its bytes.
    pub content: &'i [u8],
    /// Whether its name says that it is JSON, not YAML.
    pub must_be_json: bool,
}

/// Why nothing is converted: one line with the file, the position and the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

/// One object of a file.
#[derive(Debug)]
pub(super) struct Object {
    file: String,
    node: Node,
    value: Value,
}

/// A path in an object: `spec.http[0].route[1]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot(Vec<Step>);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    pub(super) fn of_file(file: &str, fault: &Fault) -> Self {
        Self(fault.in_file(file))
    }
}

impl Spot {
    /// `spec.http[0]`, and `spec.http[0].match[1]` with `.field("match").item(1)`.
    pub(super) fn http(index: usize) -> Self {
        Self::spec("http").item(index)
    }

    pub(super) fn spec(field: &'static str) -> Self {
        Self::default().field("spec").field(field)
    }

    pub(super) fn field(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.with(Step::Field(name.into()))
    }

    pub(super) fn item(&self, index: usize) -> Self {
        self.with(Step::Item(index))
    }

    pub(super) fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&path_of(&self.0))
    }
}

impl Object {
    /// The objects of a file that matter; those of a List are its items.
    ///
    /// # Errors
    /// The file cannot be read, or an object has a value that readers of YAML understand differently.
    pub(super) fn read(input: &Input<'_>) -> Result<Vec<Self>, Refusal> {
        let refuse = |fault: &Fault| Refusal::of_file(input.name, fault);
        let document =
            Document::parse(input.content, input.must_be_json).map_err(|fault| refuse(&fault))?;
        let mut objects = Vec::new();
        let matters = |node: &&Node| {
            node.get("kind")
                .and_then(Node::text)
                .is_some_and(|kind| KINDS.contains(&kind))
        };
        for node in document.objects().into_iter().filter(matters) {
            let conversion = yaml::from_yaml(node);
            if let Some(fault) = conversion.faults.first() {
                return Err(refuse(fault));
            }
            objects.push(Self {
                file: input.name.to_owned(),
                node: node.clone(),
                value: conversion.value,
            });
        }
        Ok(objects)
    }

    /// Whether it is of this kind. Without `apiVersion`, the kind decides alone.
    pub(super) fn is(&self, kind: &str, group: &str) -> bool {
        let version = self.value.get("apiVersion").and_then(Value::as_str);
        let own = version.map(|version| version.split_once('/').map_or("", |(group, _)| group));
        text(&self.value, "kind") == Some(kind) && own.is_none_or(|own| own == group)
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    pub(super) fn name(&self) -> &str {
        let metadata = self.value.get("metadata");
        metadata
            .and_then(|it| text(it, "name"))
            .unwrap_or("unnamed")
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        text(self.value.get("metadata")?, "namespace")
    }

    pub(super) fn spec(&self, field: &str) -> Option<&Value> {
        present(self.value.get("spec")?, field)
    }

    /// A list of `spec`; none if it is absent.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn list(&self, field: &'static str) -> Result<&[Value], Refusal> {
        match self.spec(field) {
            Some(value) => self.items(value, &Spot::spec(field)),
            None => Ok(&[]),
        }
    }

    /// The items of a value that must be a list.
    pub(super) fn items<'v>(&self, value: &'v Value, at: &Spot) -> Result<&'v [Value], Refusal> {
        let list = value.as_array().map(Vec::as_slice);
        list.ok_or_else(|| self.refuse(at, "is not a list"))
    }

    /// The texts of a list of `spec`.
    pub(super) fn texts(&self, field: &'static str) -> Result<Vec<&str>, Refusal> {
        let items = self.list(field)?.iter().enumerate();
        items
            .map(|(index, item)| {
                let at = || Spot::spec(field).item(index);
                item.as_str()
                    .ok_or_else(|| self.refuse(&at(), "is not a string"))
            })
            .collect()
    }

    /// The fields of a value that must be an object with no others than these.
    pub(super) fn fields<'v>(
        &self,
        value: &'v Value,
        known: &[&str],
        at: &Spot,
    ) -> Result<&'v Map<String, Value>, Refusal> {
        let fields = value
            .as_object()
            .ok_or_else(|| self.refuse(at, "is not an object"))?;
        match fields.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(self.refuse(
                &at.field(key.clone()),
                "is not a field whose meaning this command knows, so it might change it",
            )),
            None => Ok(fields),
        }
    }

    /// `VirtualService shop/color`.
    pub(super) fn title(&self) -> String {
        let kind = text(&self.value, "kind").unwrap_or_default();
        match self.namespace() {
            Some(namespace) => format!("{kind} {namespace}/{}", self.name()),
            None => format!("{kind} {}", self.name()),
        }
    }

    /// A refusal because of a part of this object.
    pub(super) fn refuse(&self, at: &Spot, reason: &str) -> Refusal {
        let mut place = self.node.place;
        let mut node = &self.node;
        for step in &at.0 {
            let Some((named, next)) = node.named_part(step) else {
                break;
            };
            place = named.place;
            node = next;
        }
        Refusal::of_file(&self.file, &Fault::at(place, format!("{at}: {reason}")))
    }
}

/// A field that is there and not null.
pub(super) fn present<'v>(value: &'v Value, field: &str) -> Option<&'v Value> {
    value.get(field).filter(|value| !value.is_null())
}

/// A field that is a text.
pub(super) fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}
