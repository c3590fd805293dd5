//! The wire form of the configuration, as a WasmPlugin's `pluginConfig` or Envoy's `StringValue` carries it.
//!
//! This module only turns bytes into these types, or into faults with their paths. The conversion into the run-time types
//! ([`Policy`](crate::Policy) and below it) checks which values are valid. It also checks for required fields, so that one
//! missing field does not hide the faults beside it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::json::{Json, NULLABLE};

/// The largest configuration, in bytes: room for 50,000 rules. A module that needs more than the 4 GiB of a wasm memory
/// crashes, and during an update the memory holds the previous rules as well.
const LARGEST: usize = 16 << 20;

/// A list. An item that could not be read is `None`, and its fault has already been reported.
pub(crate) type List<T> = Box<[Option<T>]>;

/// The whole configuration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) http: Option<List<Rule>>,
    pub(crate) cluster_header: Option<String>,
    pub(crate) subset_header: Option<String>,
    pub(crate) response_header: Option<String>,
    #[serde(default)]
    pub(crate) filter_state: bool,
    pub(crate) namespace: Option<String>,
    pub(crate) domain: Option<String>,
}

/// One entry of `http`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) r#match: List<Match>,
    pub(crate) route: Option<List<RouteDestination>>,
    pub(crate) consistent_hash: Option<List<HashKey>>,
    pub(crate) salt: Option<String>,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) ramp: Option<Ramp>,
}

/// `rollback` of a rule.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rollback {
    pub(crate) stable: Option<String>,
    pub(crate) error_percent: Option<Percent>,
    pub(crate) interval: Option<String>,
    pub(crate) slower_than: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) retry: Option<String>,
    #[serde(default)]
    pub(crate) observe: bool,
}

/// `ramp` of a rule.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ramp {
    pub(crate) start: Option<String>,
    pub(crate) steps: Option<List<RampStep>>,
    #[serde(default)]
    pub(crate) linear: bool,
}

/// One entry of `ramp.steps`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RampStep {
    pub(crate) after: Option<String>,
    pub(crate) weights: Option<List<Weight>>,
}

/// One entry of `consistentHash`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HashKey {
    pub(crate) http_header_name: Option<String>,
    pub(crate) http_cookie: Option<HttpCookie>,
    pub(crate) http_query_parameter_name: Option<String>,
    #[serde(default)]
    pub(crate) use_source_ip: bool,
}

/// A cookie that holds a user's key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpCookie {
    pub(crate) name: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) ttl: Option<String>,
    pub(crate) attributes: Option<List<CookieAttribute>>,
}

/// An attribute of a cookie, as Istio writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CookieAttribute {
    pub(crate) name: Option<String>,
    pub(crate) value: Option<String>,
}

/// One entry of `match`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Match {
    /// A VirtualService uses it in its access log. It has no effect here.
    #[serde(rename = "name", default, deserialize_with = "or_null")]
    _name: Option<String>,
    pub(crate) uri: Option<StringMatch>,
    pub(crate) scheme: Option<StringMatch>,
    pub(crate) method: Option<StringMatch>,
    pub(crate) authority: Option<StringMatch>,
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) headers: Entries<StringMatch>,
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) without_headers: Entries<StringMatch>,
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) query_params: Entries<StringMatch>,
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) ignore_uri_case: bool,
}

/// `{exact}`, `{prefix}`, `{regex}` or `{}`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StringMatch {
    pub(crate) exact: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) regex: Option<String>,
}

/// One entry of `route`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteDestination {
    pub(crate) destination: Option<Destination>,
    pub(crate) cluster: Option<String>,
    pub(crate) subset: Option<String>,
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) weight: Weight,
}

/// A service, its subset and port.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Destination {
    pub(crate) host: Option<String>,
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) subset: Option<String>,
    #[serde(default, deserialize_with = "or_null")]
    pub(crate) port: Option<Port>,
}

/// A port, as a VirtualService writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Port {
    pub(crate) number: Option<PortNumber>,
}

/// Reads a field that may be empty in a VirtualService, such as `match:` with nothing after it: `null` is the same as an
/// absent field. For all other fields `null` is an error, since the author of `uri:` has probably forgotten something.
fn or_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
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

impl Config {
    /// Reads the wire form.
    ///
    /// # Errors
    /// Returns the first fault.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, InvalidConfig> {
        Self::deserialize(&parse(bytes)?)
    }

    /// Reads as much of the wire form as possible: a part that cannot be read is reported and left out.
    pub(crate) fn read_all(bytes: &[u8], faults: &mut Faults) -> Option<Self> {
        let mut tree = faults.keep(parse(bytes))?;
        loop {
            match Self::deserialize(&tree) {
                Ok(config) => return Some(config),
                Err(fault) => {
                    let path = fault.path().clone();
                    faults.report(fault);
                    if faults.is_full() || !tree.hide(&path) {
                        return None;
                    }
                }
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Json<'_>, InvalidConfig> {
    if bytes.len() > LARGEST {
        let reason = format!("is larger than {} MiB", LARGEST >> 20);
        return Err(InvalidConfig::new(reason));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(InvalidConfig::new("the configuration is empty"));
    }
    Json::parse(bytes).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> InvalidConfig {
    InvalidConfig::new(format!(
        "the configuration is not JSON: {error} (Envoy needs a StringValue: a Struct arrives as protobuf)"
    ))
    .with_position(error.line(), error.column())
}

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

#[cfg(test)]
mod tests;
