//! Values that serde does not read as the filter needs them: numbers with their bounds, objects with names that the user
//! chooses, and `null` where a VirtualService may have it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::config::json::NULLABLE;

/// Reads a field that may be empty in a VirtualService, such as `match:` with nothing after it: `null` is the same as an
/// absent field. For all other fields `null` is an error, since the author of `uri:` has probably forgotten something.
pub(super) fn or_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    input: D,
) -> Result<T, D::Error> {
    input.deserialize_newtype_struct(NULLABLE, OrNull(PhantomData))
}

struct OrNull<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for OrNull<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, input: D) -> Result<T, D::Error> {
        T::deserialize(input)
    }
}

/// 0 to 2147483647, which is VirtualService's `int32` without the negative numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weight(pub(crate) u32);

/// Above 0 and at most 100, with at most one decimal. It is stored in tenths, so 1000 is the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Percent(pub(crate) u32);

/// 1 to 65535.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortNumber(pub(crate) u16);

/// A JSON object whose names the user chooses. A name that is given twice is an error; serde would take the last one.
#[derive(Debug)]
pub(crate) struct Entries<T>(pub(crate) BTreeMap<String, T>);

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let number = input.deserialize_any(WholeNumber)?;
        if number < 0 {
            return Err(de::Error::custom(format_args!("{number} is negative")));
        }
        match u32::try_from(number) {
            Ok(weight) if weight <= i32::MAX.unsigned_abs() => Ok(Self(weight)),
            _ => Err(de::Error::custom(format_args!(
                "{number} is above {}",
                i32::MAX
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for PortNumber {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let number = input.deserialize_any(WholeNumber)?;
        match u16::try_from(number) {
            Ok(port) if port > 0 => Ok(Self(port)),
            _ => Err(de::Error::custom(format_args!(
                "{number} is not a port (1 to 65535)"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let tenths = input.deserialize_any(Tenths)?;
        // In a double, 7.3 is not exactly 73 tenths, but 7.31 is much further from a whole number of tenths.
        let whole = libm::round(tenths);
        let is_whole = libm::fabs(tenths - whole) < 1e-6;
        match (1..=1000).find(|tenths| is_whole && f64::from(*tenths) == whole) {
            Some(tenths) => Ok(Self(tenths)),
            None => Err(de::Error::custom(
                "is not a number above 0 and at most 100 with one decimal at most",
            )),
        }
    }
}

/// Reads a number and converts it to tenths.
struct Tenths;

impl Visitor<'_> for Tenths {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64 * 10.0)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64 * 10.0)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<f64, E> {
        Ok(number * 10.0)
    }
}

struct WholeNumber;

impl Visitor<'_> for WholeNumber {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i128, E> {
        Ok(number.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i128, E> {
        Ok(number.into())
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    #[inline(never)]
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(EntriesVisitor(PhantomData))
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if entries.contains_key(&name) {
                return Err(de::Error::custom(format_args!("`{name}` is given twice")));
            }
            entries.insert(name, map.next_value()?);
        }
        Ok(Entries(entries))
    }
}
