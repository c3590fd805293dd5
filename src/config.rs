//! The wire form of the configuration, as a WasmPlugin's `pluginConfig` or Envoy's `StringValue` carries it.
//!
//! Nothing here decides anything: bytes become these types or an [`InvalidConfig`] with the path to the first fault.
//! What the values may be is settled where they become the run-time types ([`Policy`](crate::Policy) and below it).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::InvalidConfig;

/// Fields of a VirtualService that a filter cannot carry out.
const STAYS: &[&str] = &[
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrors",
    "mirrorPercentage",
    "corsPolicy",
    "headers",
    "rewrite",
    "redirect",
    "directResponse",
    "delegate",
    "gateways",
    "port",
    "sourceLabels",
    "sourceNamespace",
    "statPrefix",
];

/// Fields of the reference that this version does not have.
const NOT_YET: &[&str] = &["rollback", "ramp"];

/// The whole configuration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    pub(crate) http: Vec<Object<Rule>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) cluster_header: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) subset_header: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) response_header: Option<String>,
    #[serde(default)]
    pub(crate) filter_state: bool,
    #[serde(default, deserialize_with = "given")]
    pub(crate) namespace: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) domain: Option<String>,
}

/// One entry of `http`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default, deserialize_with = "given")]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) r#match: Box<[Object<Match>]>,
    pub(crate) route: Box<[Object<Route>]>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) consistent_hash: Option<Vec<Object<HashKey>>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) salt: Option<String>,
}

/// One entry of `consistentHash`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HashKey {
    #[serde(default, deserialize_with = "given")]
    pub(crate) http_header_name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) http_cookie: Option<Object<HttpCookie>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) http_query_parameter_name: Option<String>,
    #[serde(default)]
    pub(crate) use_source_ip: bool,
}

/// A cookie that holds a user's key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpCookie {
    pub(crate) name: String,
    #[serde(default, deserialize_with = "given")]
    pub(crate) path: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) ttl: Option<String>,
}

/// One entry of `match`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Match {
    /// VirtualService has it for its own access log; it has no effect.
    #[serde(default, deserialize_with = "given", rename = "name")]
    _name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) uri: Option<Object<StringMatch>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) scheme: Option<Object<StringMatch>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) method: Option<Object<StringMatch>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) authority: Option<Object<StringMatch>>,
    #[serde(default)]
    pub(crate) headers: Entries<Object<StringMatch>>,
    #[serde(default)]
    pub(crate) without_headers: Entries<Object<StringMatch>>,
    #[serde(default)]
    pub(crate) query_params: Entries<Object<StringMatch>>,
    #[serde(default)]
    pub(crate) ignore_uri_case: bool,
}

/// `{exact}`, `{prefix}`, `{regex}` or `{}`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StringMatch {
    #[serde(default, deserialize_with = "given")]
    pub(crate) exact: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) prefix: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) regex: Option<String>,
}

/// One entry of `route`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    #[serde(default, deserialize_with = "given")]
    pub(crate) destination: Option<Object<Destination>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) cluster: Option<String>,
    #[serde(default)]
    pub(crate) weight: Weight,
}

/// A service, its subset and port.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Destination {
    pub(crate) host: String,
    #[serde(default, deserialize_with = "given")]
    pub(crate) subset: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) port: Option<Object<Port>>,
}

/// VirtualService's way to write a port.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Port {
    pub(crate) number: PortNumber,
}

/// 0 to 2147483647, VirtualService's `int32` without its negative half.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weight(pub(crate) u32);

/// 1 to 65535.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortNumber(pub(crate) u16);

/// A struct that is written as a JSON object; by itself serde takes an array of its fields' values as well.
#[derive(Debug)]
pub(crate) struct Object<T>(T);

/// A JSON object with names of the user's; a name that is given twice is an error instead of the last one's win.
#[derive(Debug)]
pub(crate) struct Entries<T>(pub(crate) BTreeMap<String, T>);

impl Config {
    /// Reads the wire form.
    ///
    /// # Errors
    /// The first fault: no JSON, an unknown or missing field, a wrong type.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidConfig> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(InvalidConfig::new("the configuration is empty"));
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let Object(config) = serde_path_to_error::deserialize(&mut json).map_err(located)?;
        json.end().map_err(|error| not_json(&error))?;
        Ok(config)
    }
}

fn located(error: serde_path_to_error::Error<serde_json::Error>) -> InvalidConfig {
    let path = error.path().to_string();
    let error = error.into_inner();
    if !error.is_data() {
        return not_json(&error);
    }
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = error.to_string();
    let mut reason = message.strip_suffix(&place).unwrap_or(&message);
    if reason.starts_with("unknown field `") {
        let field = path.rsplit('.').next().unwrap_or_default();
        if STAYS.contains(&field) {
            reason = "stays in the VirtualService: a filter cannot carry it out";
        } else if NOT_YET.contains(&field) {
            reason = "not supported yet";
        }
    }
    match path.as_str() {
        "." => InvalidConfig::new(reason),
        path => InvalidConfig::new(reason).at(path),
    }
}

fn not_json(error: &serde_json::Error) -> InvalidConfig {
    InvalidConfig::new(format!(
        "the configuration is not JSON: {error} (Envoy needs a StringValue: a Struct arrives as protobuf)"
    ))
}

/// `null` is not the same as an absent field: who writes `uri:` and nothing behind it has forgotten something.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<Option<T>, D::Error> {
    T::deserialize(input).map(Some)
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let number = input.deserialize_any(WholeNumber)?;
        if number < 0 {
            return Err(de::Error::custom(format_args!("{number} is negative")));
        }
        match u32::try_from(number) {
            Ok(weight) if weight <= i32::MAX.unsigned_abs() => Ok(Self(weight)),
            _ => Err(de::Error::custom(format_args!("{number} is above {}", i32::MAX))),
        }
    }
}

impl<'de> Deserialize<'de> for PortNumber {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let number = input.deserialize_any(WholeNumber)?;
        match u16::try_from(number) {
            Ok(port) if port > 0 => Ok(Self(port)),
            _ => Err(de::Error::custom(format_args!("{number} is not a port (1 to 65535)"))),
        }
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

impl<T> Deref for Object<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    // Once in the module: in its callers it would be there several times, and Envoy compiles all of it at its start.
    #[inline(never)]
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
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
#[path = "config_tests.rs"]
mod tests;
