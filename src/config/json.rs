//! JSON as a tree, from which the wire form is read.
//!
//! The document is parsed once into one type, and serde's code for each type of the wire form then walks over this tree.
//! If serde read these types straight from the text, the module would contain a parser for each of them (a tenth of its
//! size), and each parser would have to track the path to a fault.

use std::borrow::Cow;
use std::fmt;
use std::iter::Enumerate;
use std::slice;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use crate::config::invalid::InvalidConfig;
use crate::config::path::{Path, Step};

/// The name under which a type asks for `null` to be reported as such.
pub(crate) const NULLABLE: &str = "nullable";

/// A JSON value. It borrows its texts from the document.
#[derive(Debug)]
pub(crate) enum Json<'d> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'d, str>),
    List(Box<[Json<'d>]>),
    /// The members in the order of the document. A name that is given twice appears twice.
    Object(Box<[(Cow<'d, str>, Json<'d>)]>),
    /// A hidden part. It reads as an absent member, or as an item that keeps its place but has no value.
    Hidden,
}

impl<'d> Json<'d> {
    /// Parses a document.
    ///
    /// # Errors
    /// The document is not JSON, or its lists and objects are nested more than 127 deep.
    pub(crate) fn parse(bytes: &'d [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Hides a part, so that the tree reads as if the part were absent. Returns whether there was such a part.
    pub(crate) fn hide(&mut self, path: &Path) -> bool {
        let found = path
            .steps()
            .try_fold(&mut *self, |part, step| match (part, step) {
                (Self::List(items), Step::Item(index)) => items.get_mut(*index),
                // If a name is given twice, the later member is the one that was refused.
                (Self::Object(members), Step::Field(name)) => members
                    .iter_mut()
                    .rev()
                    .find(|(key, part)| key == name && !part.is_hidden())
                    .map(|(_, part)| part),
                _ => None,
            });
        match found {
            Some(part) if path.steps().len() > 0 && !part.is_hidden() => {
                *part = Self::Hidden;
                true
            }
            _ => false,
        }
    }

    fn is_hidden(&self) -> bool {
        matches!(self, Self::Hidden)
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null | Self::Hidden => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Unsigned(value) => Unexpected::Unsigned(*value),
            Self::Signed(value) => Unexpected::Signed(*value),
            Self::Float(value) => Unexpected::Float(*value),
            Self::Text(value) => Unexpected::Str(value),
            Self::List(_) => Unexpected::Seq,
            Self::Object(_) => Unexpected::Map,
        }
    }

    #[inline(never)] // Otherwise the code of every type would be copied into each type that contains it.
    fn object<'t, V: Visitor<'t>>(&'t self, visitor: V) -> Result<V::Value, InvalidConfig> {
        match self {
            Self::Object(members) => visitor.visit_map(Members {
                rest: members.iter(),
                open: None,
            }),
            other => Err(de::Error::invalid_type(other.unexpected(), &"an object")),
        }
    }
}

/// Reads a tree into a type. A struct has to be an object, although serde would also accept a list of its fields' values.
impl<'t> Deserializer<'t> for &'t Json<'_> {
    type Error = InvalidConfig;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, InvalidConfig> {
        match self {
            Json::Null | Json::Hidden => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Unsigned(value) => visitor.visit_u64(*value),
            Json::Signed(value) => visitor.visit_i64(*value),
            Json::Float(value) => visitor.visit_f64(*value),
            Json::Text(value) => visitor.visit_borrowed_str(value),
            Json::List(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Json::Object(_) => self.object(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InvalidConfig> {
        self.object(visitor)
    }

    fn deserialize_map<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, InvalidConfig> {
        self.object(visitor)
    }

    /// `null` is not the same as an absent field: the author of `uri:` with nothing after it has forgotten something.
    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, InvalidConfig> {
        match self {
            Json::Hidden => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// The only newtype in the wire form stands for a field that may be `null`.
    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, InvalidConfig> {
        match self {
            Json::Null => visitor.visit_unit(),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    forward_to_deserialize_any! {
        <W: Visitor<'t>>
        bool i8 i16 i32 i64 u8 u16 u32 u64 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct enum identifier ignored_any
    }
}

/// The items of a list. A fault in an item gets its index.
struct Items<'t, 'd>(Enumerate<slice::Iter<'t, Json<'d>>>);

/// The members of an object. A fault in a member gets its name.
struct Members<'t, 'd> {
    rest: slice::Iter<'t, (Cow<'d, str>, Json<'d>)>,
    /// The member whose name has been read, but whose value has not.
    open: Option<&'t (Cow<'d, str>, Json<'d>)>,
}

impl<'t> SeqAccess<'t> for Items<'t, '_> {
    type Error = InvalidConfig;

    fn next_element_seed<T: DeserializeSeed<'t>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, InvalidConfig> {
        let Some((index, item)) = self.0.next() else {
            return Ok(None);
        };
        seed.deserialize(item)
            .map(Some)
            .map_err(|fault| fault.at(index))
    }
}

impl<'t> MapAccess<'t> for Members<'t, '_> {
    type Error = InvalidConfig;

    fn next_key_seed<K: DeserializeSeed<'t>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, InvalidConfig> {
        let Some(member) = self.rest.find(|(_, value)| !value.is_hidden()) else {
            return Ok(None);
        };
        self.open = Some(member);
        let key = seed.deserialize(StrDeserializer::new(&member.0));
        key.map(Some)
            .map_err(|fault: InvalidConfig| fault.at_name(&member.0))
    }

    #[inline(never)]
    fn next_value_seed<V: DeserializeSeed<'t>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, InvalidConfig> {
        let Some((name, value)) = self.open else {
            return Err(de::Error::custom("a value without a name"));
        };
        seed.deserialize(value).map_err(|fault| fault.at_name(name))
    }
}

impl<'d> Deserialize<'d> for Json<'d> {
    fn deserialize<D: Deserializer<'d>>(document: D) -> Result<Self, D::Error> {
        document.deserialize_any(Tree)
    }
}

struct Tree;

impl<'d> Visitor<'d> for Tree {
    type Value = Json<'d>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'d>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'d>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'d>, E> {
        Ok(Json::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'d>, E> {
        Ok(Json::Signed(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'d>, E> {
        Ok(Json::Float(value))
    }

    fn visit_borrowed_str<E>(self, value: &'d str) -> Result<Json<'d>, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'d>, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut items: A) -> Result<Json<'d>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list.into()))
    }

    fn visit_map<A: MapAccess<'d>>(self, mut members: A) -> Result<Json<'d>, A::Error> {
        let mut object = Vec::new();
        while let Some(Name(name)) = members.next_key()? {
            object.push((name, members.next_value()?));
        }
        Ok(Json::Object(object.into()))
    }
}

/// A member's name. Serde's own code for a `Cow` would always copy it.
struct Name<'d>(Cow<'d, str>);

impl<'d> Deserialize<'d> for Name<'d> {
    fn deserialize<D: Deserializer<'d>>(name: D) -> Result<Self, D::Error> {
        name.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'d> Visitor<'d> for NameVisitor {
    type Value = Name<'d>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'d str) -> Result<Name<'d>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Name<'d>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
pub(crate) mod tests;
