//! `consistentHash` of the DestinationRules: which key Envoy hashes to choose an endpoint, and the same key for the filter.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::destination::Target;
use super::host;
use super::object::{Object, Refusal, Spot, present, text};

/// The DestinationRules by the full names of their hosts.
#[derive(Debug, Default)]
pub(super) struct Hashes<'o>(BTreeMap<String, &'o Object>);

impl<'o> Hashes<'o> {
    /// # Errors
    /// A short host cannot be completed.
    pub(super) fn of(objects: &'o [Object]) -> Result<Self, Refusal> {
        let mut rules = BTreeMap::new();
        for object in objects
            .iter()
            .filter(|it| it.is("DestinationRule", "networking.istio.io"))
        {
            if let Some(short) = object.spec("host").and_then(Value::as_str) {
                let host = host::full_name(short, object.namespace())
                    .map_err(|reason| object.refuse(&Spot::spec("host"), &reason))?;
                rules.insert(host, object);
            }
        }
        Ok(Self(rules))
    }

    /// The `consistentHash` in force for a destination: that of the subset, else of the port, else of the host.
    pub(super) fn of_target(&self, target: &Target) -> Option<&'o Value> {
        let object = self.0.get(&target.host)?;
        let subsets = object.spec("subsets").and_then(Value::as_array);
        let subset = subsets.into_iter().flatten().find(|subset| {
            target.subset.is_some() && text(subset, "name") == target.subset.as_deref()
        });
        let own = subset.and_then(|subset| present(subset, "trafficPolicy"));
        [own, object.spec("trafficPolicy")]
            .into_iter()
            .flatten()
            .find_map(|policy| of_policy(policy, target.port))
    }

    /// What the DestinationRule of a host is called.
    pub(super) fn title(&self, host: &str) -> Option<String> {
        self.0.get(host).map(|object| object.title())
    }
}

fn of_policy(policy: &Value, port: u16) -> Option<&Value> {
    let ports = present(policy, "portLevelSettings").and_then(Value::as_array);
    let of_port = ports.into_iter().flatten().find(|settings| {
        let number = settings.get("port").and_then(|port| port.get("number"));
        number.and_then(Value::as_u64) == Some(u64::from(port))
    });
    [of_port, Some(policy)]
        .into_iter()
        .flatten()
        .find_map(|policy| present(present(policy, "loadBalancer")?, "consistentHash"))
}

/// The filter's key for the same users; none if it hashes nothing of the request.
pub(super) fn key(hash: &Value) -> Option<Value> {
    let fields = [
        "httpHeaderName",
        "httpCookie",
        "httpQueryParameterName",
        "useSourceIp",
    ];
    let key: Map<_, _> = fields
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), present(hash, field)?.clone())))
        .filter(|(_, value)| *value != Value::Bool(false))
        .collect();
    (!key.is_empty()).then_some(key.into())
}
