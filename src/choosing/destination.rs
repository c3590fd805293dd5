//! Where a request can go: the name of an Envoy cluster, and the label that people and metrics know it by.

use std::cell::OnceCell;

use crate::choosing::reason::{ByReason, Reason};
use crate::config::invalid::InvalidConfig;
use crate::config::wire;
use crate::policy::metrics::RequestCounters;

/// One entry of `route`.
#[derive(Debug)]
pub struct Destination {
    cluster: Box<str>,
    label: Box<str>,
    weight: u32,
    /// Here, so that counting a request reads no further memory.
    requests: RequestCounters,
    /// What its requests get in filter state, each text made when the first request needs it.
    filter_state: ByReason<OnceCell<Box<str>>>,
}

/// What completes a short `host`, as Istio does it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion<'a> {
    namespace: Option<&'a str>,
    domain: &'a str,
}

impl Destination {
    pub(crate) fn new(
        wire: &wire::Route,
        completion: Completion<'_>,
    ) -> Result<Self, InvalidConfig> {
        let (cluster, label) = match (&wire.destination, &wire.cluster) {
            (Some(service), None) => completion
                .service(service)
                .map_err(|fault| fault.at("destination"))?,
            (None, Some(cluster)) if is_cluster(cluster) => (cluster.clone(), cluster.clone()),
            (None, Some(_)) => {
                return Err(InvalidConfig::new(
                    "is no cluster name: 1 to 256 visible ASCII characters without `;`",
                )
                .at("cluster"));
            }
            _ => {
                return Err(InvalidConfig::new(
                    "give exactly one of destination, cluster",
                ));
            }
        };
        Ok(Self {
            cluster: cluster.into(),
            label: label.into(),
            weight: wire.weight.0,
            requests: RequestCounters::default(),
            filter_state: ByReason::default(),
        })
    }

    /// The name of the Envoy cluster, which the cluster header gets.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The subset, else the cluster or the host; unique in its rule.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The weight as configured; its share is the weight over the sum of the rule's weights.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// The counters of the requests that it gets.
    pub(crate) fn requests(&self) -> &RequestCounters {
        &self.requests
    }

    /// What a request gets in filter state that comes here for this reason; `text` is asked for it once.
    pub(crate) fn filter_state(&self, reason: Reason, text: impl FnOnce() -> Box<str>) -> &str {
        self.filter_state.get(reason).get_or_init(text)
    }
}

impl<'a> Completion<'a> {
    pub(crate) fn new(
        namespace: Option<&'a str>,
        domain: Option<&'a str>,
    ) -> Result<Self, InvalidConfig> {
        let not_dns = || InvalidConfig::new("is no DNS name");
        if namespace.is_some_and(|name| !is_host(name) || name.contains('.')) {
            return Err(not_dns().at("namespace"));
        }
        let domain = domain.unwrap_or("cluster.local");
        if !is_host(domain) {
            return Err(not_dns().at("domain"));
        }
        Ok(Self { namespace, domain })
    }

    /// The cluster, `outbound|<port>|<subset>|<host>` as istiod names it, and the label.
    fn service(&self, wire: &wire::Destination) -> Result<(String, String), InvalidConfig> {
        if !is_host(&wire.host) {
            return Err(InvalidConfig::new("is no host name").at("host"));
        }
        let port = wire.port.as_ref().ok_or_else(|| {
            InvalidConfig::new("is required: the filter cannot look up a service's ports")
                .at("port")
        })?;
        let subset = wire.subset.as_deref();
        if subset.is_some_and(|subset| !is_name(subset)) {
            return Err(InvalidConfig::new(
                "is no subset name: 1 to 63 letters, digits, `-`, `_`, `.`",
            )
            .at("subset"));
        }
        let host = self.host(&wire.host)?;
        let cluster = format!(
            "outbound|{}|{}|{host}",
            port.number.0,
            subset.unwrap_or_default()
        );
        let label = subset.map_or(host, str::to_owned);
        Ok((cluster, label))
    }

    fn host(&self, host: &str) -> Result<String, InvalidConfig> {
        if host.contains('.') {
            return Ok(host.to_owned());
        }
        match self.namespace {
            Some(namespace) => Ok(format!("{host}.{namespace}.svc.{}", self.domain)),
            None => Err(InvalidConfig::new(format!(
                "`{host}` is a short name: give the full one, or `namespace` at the top"
            ))
            .at("host")),
        }
    }
}

/// Letters, digits, `-`, `_`, `.`; what a metric's label and a rule's name are made of.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// A DNS name: labels of letters, digits, `-` and `_`, none empty.
fn is_host(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

/// A cluster's name becomes a header's value and a metric's label, whose separators it must not hold.
fn is_cluster(name: &str) -> bool {
    (1..=256).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b';')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::json::tests::read;

    fn destination(json: &str, namespace: Option<&str>) -> Result<Destination, String> {
        let wire: wire::Route = read(json).unwrap();
        Destination::new(&wire, Completion::new(namespace, None).unwrap())
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn clusters_have_the_names_that_istiod_gives_them() {
        for (json, namespace, cluster, label) in [
            (
                r#"{"destination": {"host": "a.b.svc.cluster.local", "subset": "v1", "port": {"number": 8000}}}"#,
                None,
                "outbound|8000|v1|a.b.svc.cluster.local",
                "v1",
            ),
            (
                r#"{"destination": {"host": "a.b", "port": {"number": 80}}}"#,
                None,
                "outbound|80||a.b",
                "a.b",
            ),
            (
                r#"{"destination": {"host": "a", "subset": "v1", "port": {"number": 80}}}"#,
                Some("n"),
                "outbound|80|v1|a.n.svc.cluster.local",
                "v1",
            ),
            (
                r#"{"destination": {"host": "a", "port": {"number": 80}}}"#,
                Some("n"),
                "outbound|80||a.n.svc.cluster.local",
                "a.n.svc.cluster.local",
            ),
            (
                r#"{"cluster": "outbound|80||a.b"}"#,
                None,
                "outbound|80||a.b",
                "outbound|80||a.b",
            ),
        ] {
            let destination = destination(json, namespace).unwrap();
            assert_eq!(
                (destination.cluster(), destination.label()),
                (cluster, label)
            );
        }
    }

    #[test]
    fn bad_destinations_are_refused_with_the_place() {
        for (json, line) in [
            (r#"{}"#, "give exactly one of destination, cluster"),
            (
                r#"{"cluster": "a", "destination": {"host": "a.b", "port": {"number": 80}}}"#,
                "give exactly one of destination, cluster",
            ),
            (
                r#"{"destination": {"host": "a", "port": {"number": 80}}}"#,
                "destination.host: `a` is a short name: give the full one, or `namespace` at the top",
            ),
            (
                r#"{"destination": {"host": "a.b"}}"#,
                "destination.port: is required: the filter cannot look up a service's ports",
            ),
            (
                r#"{"destination": {"host": "", "port": {"number": 80}}}"#,
                "destination.host: is no host name",
            ),
            (
                r#"{"destination": {"host": "a..b", "port": {"number": 80}}}"#,
                "destination.host: is no host name",
            ),
            (
                r#"{"destination": {"host": "*.b", "port": {"number": 80}}}"#,
                "destination.host: is no host name",
            ),
            (
                r#"{"destination": {"host": "a|b.c", "port": {"number": 80}}}"#,
                "destination.host: is no host name",
            ),
            (
                r#"{"destination": {"host": "a.b", "subset": "", "port": {"number": 80}}}"#,
                "destination.subset: is no subset name: 1 to 63 letters, digits, `-`, `_`, `.`",
            ),
            (
                r#"{"destination": {"host": "a.b", "subset": "v;1", "port": {"number": 80}}}"#,
                "destination.subset: is no subset name: 1 to 63 letters, digits, `-`, `_`, `.`",
            ),
            (
                r#"{"cluster": "a b"}"#,
                "cluster: is no cluster name: 1 to 256 visible ASCII characters without `;`",
            ),
            (
                r#"{"cluster": ""}"#,
                "cluster: is no cluster name: 1 to 256 visible ASCII characters without `;`",
            ),
        ] {
            assert_eq!(destination(json, None).unwrap_err(), line);
        }
        for (namespace, domain) in [
            (Some(""), None),
            (Some("a.b"), None),
            (Some("a b"), None),
            (None, Some("")),
            (None, Some("a b")),
        ] {
            assert!(Completion::new(namespace, domain).is_err());
        }
    }
}
