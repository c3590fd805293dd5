//! Where a request can go: the name of an Envoy cluster, and the label that people and metrics know it by.

use crate::config::invalid::InvalidConfig;
use crate::config::names::{is_cluster, is_host, is_name};
use crate::config::wire;

/// One entry of `route`. The slot is an edge's own: what it needs beside the cluster's name for each request, so that both
/// come with the same memory.
#[derive(Debug)]
pub struct Destination<S = ()> {
    cluster: Box<str>,
    label: Box<str>,
    slot: S,
}

/// What completes a short `host`, as Istio does it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion<'a> {
    namespace: Option<&'a str>,
    domain: &'a str,
}

impl<S: Default> Destination<S> {
    pub(crate) fn new(cluster: &str, label: &str) -> Self {
        Self {
            cluster: cluster.into(),
            label: label.into(),
            slot: S::default(),
        }
    }

    pub(crate) fn from_wire(
        wire: &wire::RouteDestination,
        completion: Completion<'_>,
    ) -> Result<Self, InvalidConfig> {
        match (&wire.destination, &wire.cluster) {
            (Some(service), None) => {
                let names = completion.service(service);
                let (cluster, label) = names.map_err(|fault| fault.at("destination"))?;
                Ok(Self::new(&cluster, &label))
            }
            (None, Some(cluster)) if is_cluster(cluster) => Ok(Self::new(cluster, cluster)),
            (None, Some(_)) => Err(InvalidConfig::new(
                "is not a valid cluster name: 1 to 256 visible ASCII characters without `;`",
            )
            .at("cluster")),
            _ => Err(InvalidConfig::new(
                "give exactly one of destination, cluster",
            )),
        }
    }
}

impl<S> Destination<S> {
    /// The name of the Envoy cluster, which the cluster header gets.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The subset, else the cluster or the host; unique in its rule.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What the edge keeps here.
    pub fn slot(&self) -> &S {
        &self.slot
    }
}

impl<'a> Completion<'a> {
    /// Stands in for a completion that was refused, so that short hosts are not reported as well.
    pub(crate) const UNKNOWN: Self = Self {
        namespace: Some("unknown"),
        domain: "unknown",
    };

    pub(crate) fn new(
        namespace: Option<&'a str>,
        domain: Option<&'a str>,
    ) -> Result<Self, InvalidConfig> {
        let not_dns = || InvalidConfig::new("is not a valid DNS name");
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
        let host = wire.host.as_deref();
        let host = host.ok_or_else(|| InvalidConfig::new("is required").at("host"))?;
        if !is_host(host) {
            return Err(InvalidConfig::new("is not a valid host name").at("host"));
        }
        let port = wire.port.as_ref().ok_or_else(|| {
            InvalidConfig::new("is required: the filter cannot look up a service's ports")
                .at("port")
        })?;
        let number = port.number;
        let number =
            number.ok_or_else(|| InvalidConfig::new("is required").at("number").at("port"))?;
        let subset = wire.subset.as_deref();
        if subset.is_some_and(|subset| !is_name(subset)) {
            return Err(InvalidConfig::new(
                "is not a valid subset name: 1 to 63 letters, digits, `-`, `_`, `.`",
            )
            .at("subset"));
        }
        let host = self.host(host)?;
        let cluster = format!(
            "outbound|{}|{}|{host}",
            number.0,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::json::tests::read;

    fn destination(json: &str, namespace: Option<&str>) -> Result<Destination, String> {
        let wire: wire::RouteDestination = read(json).unwrap();
        Destination::from_wire(&wire, Completion::new(namespace, None).unwrap())
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
                "destination.host: is not a valid host name",
            ),
            (
                r#"{"destination": {"host": "a..b", "port": {"number": 80}}}"#,
                "destination.host: is not a valid host name",
            ),
            (
                r#"{"destination": {"host": "*.b", "port": {"number": 80}}}"#,
                "destination.host: is not a valid host name",
            ),
            (
                r#"{"destination": {"host": "a|b.c", "port": {"number": 80}}}"#,
                "destination.host: is not a valid host name",
            ),
            (
                r#"{"destination": {"host": "a.b", "subset": "", "port": {"number": 80}}}"#,
                "destination.subset: is not a valid subset name: 1 to 63 letters, digits, `-`, `_`, `.`",
            ),
            (
                r#"{"destination": {"host": "a.b", "subset": "v;1", "port": {"number": 80}}}"#,
                "destination.subset: is not a valid subset name: 1 to 63 letters, digits, `-`, `_`, `.`",
            ),
            (
                r#"{"cluster": "a b"}"#,
                "cluster: is not a valid cluster name: 1 to 256 visible ASCII characters without `;`",
            ),
            (
                r#"{"cluster": ""}"#,
                "cluster: is not a valid cluster name: 1 to 256 visible ASCII characters without `;`",
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
