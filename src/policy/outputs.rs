//! Where a decision is written.

use crate::config::header_name::HeaderName;
use crate::config::invalid::{Faults, InvalidConfig};
use crate::config::wire::Config;

/// The request header that names the cluster when the configuration names no header at all.
pub const DEFAULT_CLUSTER_HEADER: &str = "x-canary-cluster";

/// Where a decision is written.
#[derive(Debug)]
pub struct Outputs {
    cluster_header: Option<HeaderName>,
    subset_header: Option<HeaderName>,
    response_header: Option<HeaderName>,
    filter_state: bool,
}

impl Outputs {
    pub(crate) fn from_wire(wire: &Config, faults: &mut Faults) -> Option<Self> {
        let mut name = |field, name: Option<&str>| {
            let name = name.map(HeaderName::to_write).transpose();
            faults.keep(name.map_err(|fault| fault.at(field)))
        };
        let default_header = Self::names_cluster(wire).then_some(DEFAULT_CLUSTER_HEADER);
        let cluster_header = wire.cluster_header.as_deref().or(default_header);
        let cluster_header = name("clusterHeader", cluster_header);
        let subset_header = name("subsetHeader", wire.subset_header.as_deref());
        let response_header = name("responseHeader", wire.response_header.as_deref());
        let (cluster_header, subset_header) = (cluster_header?, subset_header?);
        let response_header = response_header?;
        let twice = if subset_header.is_some() && subset_header == cluster_header {
            Some("subsetHeader")
        } else if response_header.is_some()
            && [&cluster_header, &subset_header].contains(&&response_header)
        {
            Some("responseHeader")
        } else {
            None
        };
        if let Some(field) = twice {
            let reason = "is the name of another header of the filter";
            faults.report(InvalidConfig::new(reason).at(field));
            return None;
        }
        Some(Self {
            cluster_header,
            subset_header,
            response_header,
            filter_state: wire.filter_state,
        })
    }

    /// The request headers that a refused configuration names, as far as that can be read, else the default one.
    pub fn request_headers_of_refused(bytes: &[u8]) -> Vec<String> {
        let name = |field: &&[u8]| {
            let text = str::from_utf8(text_after(bytes, field)?).ok()?;
            HeaderName::to_write(text).ok()
        };
        let fields: [&[u8]; 2] = [b"\"clusterHeader\"", b"\"subsetHeader\""];
        let named = fields.iter().filter_map(name);
        let mut named: Vec<_> = named.map(|name| name.to_string()).collect();
        if named.is_empty() {
            named.push(DEFAULT_CLUSTER_HEADER.to_owned());
        }
        named
    }

    /// Whether a request header gets the cluster's name: one is named, or no request header is.
    pub(crate) fn names_cluster(wire: &Config) -> bool {
        wire.cluster_header.is_some() || wire.subset_header.is_none()
    }

    /// The request header that gets the cluster's name.
    pub fn cluster_header(&self) -> Option<&str> {
        self.cluster_header.as_ref().map(HeaderName::as_str)
    }

    /// The request header that gets the destination's label.
    pub fn subset_header(&self) -> Option<&str> {
        self.subset_header.as_ref().map(HeaderName::as_str)
    }

    /// The response header that reports the decision.
    pub fn response_header(&self) -> Option<&str> {
        self.response_header.as_ref().map(HeaderName::as_str)
    }

    /// Whether the decision is written to filter state.
    pub fn filter_state(&self) -> bool {
        self.filter_state
    }
}

/// The text that is the value of a JSON member. What is wrong with the rest of the document does not matter.
fn text_after<'t>(document: &'t [u8], member: &[u8]) -> Option<&'t [u8]> {
    let at = document
        .windows(member.len())
        .position(|text| text == member)?;
    let rest = document.get(at + member.len()..)?.trim_ascii_start();
    let value = rest.strip_prefix(b":")?.trim_ascii_start();
    let text = value.strip_prefix(b"\"")?;
    text.get(..text.iter().position(|b| *b == b'"')?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    /// Of a configuration with these members at the top.
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
    fn a_refused_configuration_still_names_its_request_headers() {
        for (text, names) in [
            (r#"{"clusterHeader": "X-C", "http": []}"#, &["x-c"][..]),
            (r#"{"http": [}, "clusterHeader" : "x-c"}"#, &["x-c"]),
            (
                r#"{"subsetHeader": "x-s", "clusterHeader": "x-c""#,
                &["x-c", "x-s"],
            ),
            (r#"{"subsetHeader": "x-s"}"#, &["x-s"]),
            (r#"{"clusterHeader": "host"}"#, &["x-canary-cluster"]),
            (r#"{"clusterHeader": 5}"#, &["x-canary-cluster"]),
            (r#"{"clusterHeader": "x-c"#, &["x-canary-cluster"]),
            (r#"{"http": []}"#, &["x-canary-cluster"]),
            ("", &["x-canary-cluster"]),
            ("\u{fffd}", &["x-canary-cluster"]),
        ] {
            let found = Outputs::request_headers_of_refused(text.as_bytes());
            assert_eq!(found, names, "{text}");
        }
        assert_eq!(Outputs::request_headers_of_refused(b"\xff\xfe").len(), 1);
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
                "subsetHeader: `a b` is not a valid header name",
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
            (r#""domain": "","#, "domain: is not a valid DNS name"),
            (
                r#""namespace": "a.b","#,
                "namespace: is not a valid DNS name",
            ),
        ] {
            assert_eq!(outputs(members).unwrap_err(), line);
        }
    }
}
