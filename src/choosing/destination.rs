//! Where a request can go: the name of an Envoy cluster, and the label that people and metrics know it by.

use crate::config::invalid::InvalidConfig;
use crate::config::names::{is_cluster, is_host, is_name};
use crate::config::wire;

/// One entry of `route`. The slot is an edge's own: what it needs beside the cluster's name for each request, so that both
/// come with the same memory.
#[derive(Debug)]
pub struct Destination<S = ()> {
    cluster: Option<Box<str>>,
    label: Box<str>,
    slot: S,
}

/// How the destinations of a configuration get their names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming<'a> {
    /// These complete a short `host`, as Istio does it.
    namespace: Option<&'a str>,
    domain: &'a str,
    /// Whether every destination must have a cluster: a request header names it.
    needs_cluster: bool,
}

impl<S: Default> Destination<S> {
    pub(crate) fn new(cluster: Option<&str>, label: &str) -> Self {
        Self {
            cluster: cluster.map(Into::into),
            label: label.into(),
            slot: S::default(),
        }
    }

    pub(crate) fn from_wire(
        wire: &wire::RouteDestination,
        naming: Naming<'_>,
    ) -> Result<Self, InvalidConfig> {
        match (&wire.destination, &wire.cluster, &wire.subset) {
            (Some(service), None, None) => {
                let names = naming.service(service);
                let (cluster, label) = names.map_err(|fault| fault.at("destination"))?;
                Ok(Self::new(cluster.as_deref(), &label))
            }
            (None, Some(cluster), None) if is_cluster(cluster) => {
                Ok(Self::new(Some(cluster), cluster))
            }
            (None, Some(_), None) => Err(InvalidConfig::new(
                "is not a valid cluster name: 1 to 256 visible ASCII characters without `;`",
            )
            .at("cluster")),
            (None, None, Some(_)) if naming.needs_cluster => Err(InvalidConfig::new(
                "names no cluster, which clusterHeader needs: give destination or cluster, or only subsetHeader at the top",
            )
            .at("subset")),
            (None, None, Some(label)) => Ok(Self::new(None, subset(label)?)),
            _ => Err(InvalidConfig::new(
                "give exactly one of destination, cluster, subset",
            )),
        }
    }
}

impl<S> Destination<S> {
    /// The name of the Envoy cluster, which the cluster header gets; `None` where only the label is written and the
    /// configuration does not say more.
    pub fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
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

impl<'a> Naming<'a> {
    /// Stands in for one that was refused: nothing that depends on it is reported.
    pub(crate) const UNKNOWN: Self = Self {
        namespace: Some("unknown"),
        domain: "unknown",
        needs_cluster: false,
    };

    pub(crate) fn new(
        namespace: Option<&'a str>,
        domain: Option<&'a str>,
        needs_cluster: bool,
    ) -> Result<Self, InvalidConfig> {
        let not_dns = || InvalidConfig::new("is not a valid DNS name");
        if namespace.is_some_and(|name| !is_host(name) || name.contains('.')) {
            return Err(not_dns().at("namespace"));
        }
        let domain = domain.unwrap_or("cluster.local");
        if !is_host(domain) {
            return Err(not_dns().at("domain"));
        }
        Ok(Self {
            namespace,
            domain,
            needs_cluster,
        })
    }

    /// The cluster, `outbound|<port>|<subset>|<host>` as istiod names it, and the label.
    fn service(&self, wire: &wire::Destination) -> Result<(Option<String>, String), InvalidConfig> {
        let required = || InvalidConfig::new("is required");
        let host = wire.host.as_deref();
        let host = host.ok_or_else(|| required().at("host"))?;
        if !is_host(host) {
            return Err(InvalidConfig::new("is not a valid host name").at("host"));
        }
        let number = match &wire.port {
            Some(port) => Some(
                port.number
                    .ok_or_else(|| required().at("number").at("port"))?,
            ),
            None if self.needs_cluster => {
                let reason = "is required: the filter cannot look up a service's ports";
                return Err(InvalidConfig::new(reason).at("port"));
            }
            None => None,
        };
        let name = wire.subset.as_deref().map(subset).transpose()?;
        let host = self.host(host)?;
        let cluster = number
            .map(|number| format!("outbound|{}|{}|{host}", number.0, name.unwrap_or_default()));
        Ok((cluster, name.map_or(host, str::to_owned)))
    }

    fn host(&self, host: &str) -> Result<String, InvalidConfig> {
        match self.namespace {
            _ if host.contains('.') => Ok(host.to_owned()),
            Some(namespace) => Ok(format!("{host}.{namespace}.svc.{}", self.domain)),
            None if self.needs_cluster => Err(InvalidConfig::new(format!(
                "`{host}` is a short name: give the full one, or `namespace` at the top"
            ))
            .at("host")),
            None => Ok(host.to_owned()),
        }
    }
}

fn subset(subset: &str) -> Result<&str, InvalidConfig> {
    if is_name(subset) {
        return Ok(subset);
    }
    let reason = "is not a valid subset name: 1 to 63 letters, digits, `-`, `_`, `.`";
    Err(InvalidConfig::new(reason).at("subset"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::json::tests::read;

    fn destination(json: &str, namespace: Option<&str>) -> Result<Destination, String> {
        let wire: wire::RouteDestination = read(json).unwrap();
        Destination::from_wire(&wire, Naming::new(namespace, None, true).unwrap())
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
                (Some(cluster), label)
            );
        }
    }

    #[test]
    fn without_a_cluster_header_a_label_is_enough() {
        for (json, namespace, cluster, label) in [
            (r#"{"subset": "blue"}"#, None, None, "blue"),
            (r#"{"cluster": "c"}"#, None, Some("c"), "c"),
            (
                r#"{"destination": {"host": "reviews"}}"#,
                None,
                None,
                "reviews",
            ),
            (
                r#"{"destination": {"host": "reviews", "subset": "v1"}}"#,
                None,
                None,
                "v1",
            ),
            (
                r#"{"destination": {"host": "reviews"}}"#,
                Some("shop"),
                None,
                "reviews.shop.svc.cluster.local",
            ),
            (
                r#"{"destination": {"host": "a.b", "subset": "v1", "port": {"number": 80}}}"#,
                None,
                Some("outbound|80|v1|a.b"),
                "v1",
            ),
        ] {
            let wire: wire::RouteDestination = read(json).unwrap();
            let naming = Naming::new(namespace, None, false).unwrap();
            let destination: Destination = Destination::from_wire(&wire, naming).unwrap();
            let names = (destination.cluster(), destination.label());
            assert_eq!(names, (cluster, label), "{json}");
        }
        let wire: wire::RouteDestination = read(r#"{"subset": "a;b"}"#).unwrap();
        let naming = Naming::new(None, None, false).unwrap();
        let fault = Destination::<()>::from_wire(&wire, naming).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "subset: is not a valid subset name: 1 to 63 letters, digits, `-`, `_`, `.`"
        );
    }

    #[test]
    fn bad_destinations_are_refused_with_the_place() {
        for (json, line) in [
            (r#"{}"#, "give exactly one of destination, cluster, subset"),
            (
                r#"{"cluster": "a", "destination": {"host": "a.b", "port": {"number": 80}}}"#,
                "give exactly one of destination, cluster, subset",
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
                r#"{"subset": "blue"}"#,
                "subset: names no cluster, which clusterHeader needs: give destination or cluster, or only subsetHeader at the top",
            ),
            (
                r#"{"subset": "blue", "cluster": "a"}"#,
                "give exactly one of destination, cluster, subset",
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
            assert!(Naming::new(namespace, domain, true).is_err());
        }
    }
}
