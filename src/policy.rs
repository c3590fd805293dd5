//! A whole configuration that has been accepted, compiled.

pub(crate) mod metrics;
pub(crate) mod router;

use crate::choosing::destination::Completion;
use crate::config::header_name::HeaderName;
use crate::config::invalid::InvalidConfig;
use crate::config::wire::Config;
use crate::policy::router::Router;

/// The request header that names the cluster when the configuration names no header at all.
pub const DEFAULT_CLUSTER_HEADER: &str = "x-canary-cluster";

/// The rules, and where a decision is written.
#[derive(Debug)]
pub struct Policy {
    router: Router,
    outputs: Outputs,
}

/// Where a decision is written.
#[derive(Debug)]
pub struct Outputs {
    cluster_header: Option<HeaderName>,
    subset_header: Option<HeaderName>,
    response_header: Option<HeaderName>,
    filter_state: bool,
}

impl Policy {
    /// Reads and compiles a configuration, whole or not at all. The outcome depends on the bytes alone.
    ///
    /// # Errors
    /// The first fault, with its path.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidConfig> {
        Self::try_from(&Config::from_json(bytes)?)
    }

    /// The compiled rules.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// Where a decision is written.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }
}

impl TryFrom<&Config> for Policy {
    type Error = InvalidConfig;

    fn try_from(wire: &Config) -> Result<Self, InvalidConfig> {
        let outputs = Outputs::try_from(wire)?;
        let completion = Completion::new(wire.namespace.as_deref(), wire.domain.as_deref())?;
        Ok(Self {
            router: Router::new(&wire.http, completion)?,
            outputs,
        })
    }
}

impl Outputs {
    /// The request header that gets the cluster's name.
    pub fn cluster_header(&self) -> Option<&str> {
        self.cluster_header.as_ref().map(HeaderName::as_str)
    }

    /// The request header that gets the destination's label.
    pub fn subset_header(&self) -> Option<&str> {
        self.subset_header.as_ref().map(HeaderName::as_str)
    }

    /// The response header that tells the decision.
    pub fn response_header(&self) -> Option<&str> {
        self.response_header.as_ref().map(HeaderName::as_str)
    }

    /// Whether the decision is written to filter state.
    pub fn filter_state(&self) -> bool {
        self.filter_state
    }
}

impl TryFrom<&Config> for Outputs {
    type Error = InvalidConfig;

    fn try_from(wire: &Config) -> Result<Self, InvalidConfig> {
        let name = |field, name: Option<&str>| {
            name.map(HeaderName::to_write)
                .transpose()
                .map_err(|fault| fault.at(field))
        };
        let default_header = wire
            .subset_header
            .is_none()
            .then_some(DEFAULT_CLUSTER_HEADER);
        let cluster_header = name(
            "clusterHeader",
            wire.cluster_header.as_deref().or(default_header),
        )?;
        let subset_header = name("subsetHeader", wire.subset_header.as_deref())?;
        let response_header = name("responseHeader", wire.response_header.as_deref())?;
        let twice = |field| {
            Err(InvalidConfig::new("is the name of another header of the filter").at(field))
        };
        if subset_header.is_some() && subset_header == cluster_header {
            return twice("subsetHeader");
        }
        if response_header.is_some()
            && [&cluster_header, &subset_header].contains(&&response_header)
        {
            return twice("responseHeader");
        }
        Ok(Self {
            cluster_header,
            subset_header,
            response_header,
            filter_state: wire.filter_state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(members: &str) -> Result<Outputs, String> {
        let text = format!(r#"{{{members} "http": [{{"route": [{{"cluster": "a"}}]}}]}}"#);
        Policy::from_json(text.as_bytes())
            .map(|policy| policy.outputs)
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn the_cluster_header_has_its_default_only_when_no_request_header_is_named() {
        for (members, cluster, subset) in [
            ("", Some("x-canary-cluster"), None),
            (r#""clusterHeader": "X-C","#, Some("x-c"), None),
            (r#""subsetHeader": "x-s","#, None, Some("x-s")),
            (
                r#""subsetHeader": "x-s", "clusterHeader": "x-c","#,
                Some("x-c"),
                Some("x-s"),
            ),
            (
                r#""responseHeader": "x-r","#,
                Some("x-canary-cluster"),
                None,
            ),
        ] {
            let outputs = outputs(members).unwrap();
            assert_eq!(
                (outputs.cluster_header(), outputs.subset_header()),
                (cluster, subset),
                "{members}"
            );
        }
    }

    #[test]
    fn header_names_are_refused_with_their_field() {
        for (members, line) in [
            (
                r#""clusterHeader": "host","#,
                "clusterHeader: `host` is reserved: HTTP or the proxy needs it",
            ),
            (
                r#""clusterHeader": ":path","#,
                "clusterHeader: `:path` is a pseudo-header",
            ),
            (
                r#""subsetHeader": "a b","#,
                "subsetHeader: `a b` is no header name",
            ),
            (
                r#""responseHeader": "Set-Cookie","#,
                "responseHeader: `Set-Cookie` is reserved: HTTP or the proxy needs it",
            ),
            (
                r#""clusterHeader": "x", "subsetHeader": "X","#,
                "subsetHeader: is the name of another header of the filter",
            ),
            (
                r#""responseHeader": "x-canary-cluster","#,
                "responseHeader: is the name of another header of the filter",
            ),
            (r#""domain": "","#, "domain: is no DNS name"),
            (r#""namespace": "a.b","#, "namespace: is no DNS name"),
        ] {
            assert_eq!(outputs(members).unwrap_err(), line);
        }
    }
}
