//! Hosts as Istio and Envoy read them.
//!
//! Istio completes a name without a dot by the namespace of its object. Envoy looks up the virtual host by `:authority`
//! without regard to case, and Istio's gateways ignore the port: an exact name wins over `*.example.com`, a longer wildcard
//! over a shorter one, and `*` comes last.

use serde_json::{Value, json};

/// The domain of a cluster, unless it was installed with another one.
const DOMAIN: &str = "svc.cluster.local";

/// One entry of `hosts`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Exact(String),
    /// What follows the `*`: at least one character stands for it.
    Suffix(String),
    Every,
}

impl Host {
    /// # Errors
    /// Istio or Envoy would not read it as a host.
    pub(super) fn parse(text: &str, namespace: Option<&str>) -> Result<Self, String> {
        let host = full_name(text, namespace)?.to_ascii_lowercase();
        let (wild, rest) = match host.strip_prefix('*') {
            Some("") => return Ok(Self::Every),
            Some(rest) => (true, rest),
            None => (false, host.as_str()),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if rest.is_empty() || !rest.chars().all(is_name) {
            return Err(format!("`{text}` is not a host name"));
        }
        Ok(if wild {
            Self::Suffix(rest.to_owned())
        } else {
            Self::Exact(rest.to_owned())
        })
    }

    /// Whether every authority of the other one is also one of this.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Every, _) => true,
            (Self::Exact(a), Self::Exact(b)) => a == b,
            (Self::Suffix(a), Self::Suffix(b)) => b.ends_with(a),
            (Self::Suffix(a), Self::Exact(b)) => b.len() > a.len() && b.ends_with(a),
            (Self::Exact(_), _) | (Self::Suffix(_), Self::Every) => false,
        }
    }

    fn regex(&self) -> String {
        match self {
            Self::Exact(name) => name.replace('.', r"\."),
            Self::Suffix(name) => format!(".+{}", name.replace('.', r"\.")),
            Self::Every => ".*".to_owned(),
        }
    }
}

/// The condition on `authority` that holds for the requests of these hosts; `None` if it always holds.
pub(super) fn condition(hosts: &[Host]) -> Option<Value> {
    if hosts.contains(&Host::Every) {
        return None;
    }
    let names: Vec<_> = hosts.iter().map(Host::regex).collect();
    let names = match names.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join("|")),
    };
    Some(json!({"regex": format!(r"(?i){names}(:\d+)?")}))
}

/// Whether a text that the whole authority must equal belongs to one of the hosts.
pub(super) fn is_among(authority: &str, hosts: &[Host]) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => authority,
    };
    let exact = Host::Exact(name.to_ascii_lowercase());
    hosts.iter().any(|host| host.covers(&exact))
}

/// A host as Istio completes it: a name without a dot is that of a Service in the namespace.
///
/// # Errors
/// It has to be completed, and the namespace is not known.
pub(super) fn full_name(host: &str, namespace: Option<&str>) -> Result<String, String> {
    match namespace {
        Some(namespace) => Ok(in_namespace(host, namespace)),
        None if is_short(host) => Err(format!(
            "the short host `{host}` needs a namespace: add metadata.namespace"
        )),
        None => Ok(host.to_owned()),
    }
}

/// The same in a namespace that is known.
pub(in crate::commands) fn in_namespace(host: &str, namespace: &str) -> String {
    if is_short(host) {
        format!("{host}.{namespace}.{DOMAIN}")
    } else {
        host.to_owned()
    }
}

fn is_short(host: &str) -> bool {
    host != "*" && !host.contains(['.', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text, Some("shop")).unwrap()
    }

    #[test]
    fn a_short_name_is_completed_as_istio_does() {
        for (short, full) in [
            ("cart", "cart.shop.svc.cluster.local"),
            ("cart.other", "cart.other"),
            ("*", "*"),
        ] {
            assert_eq!(full_name(short, Some("shop")).as_deref(), Ok(full));
        }
        assert!(full_name("cart", None).is_err());
        assert!(Host::parse("a*.b", None).is_err());
        assert!(Host::parse("shop.example.com/x", None).is_err());
    }

    #[test]
    fn a_more_specific_host_is_covered_by_a_wider_one() {
        let order = ["a.b.com", "*.b.com", "*.com", "*"].map(host);
        for (wide, one) in order.iter().enumerate() {
            for (narrow, other) in order.iter().enumerate() {
                assert_eq!(one.covers(other), wide >= narrow, "{one:?} {other:?}");
            }
        }
        assert!(!host("*.b.com").covers(&host("b.com")));
        assert!(!host("x.com").covers(&host("y.com")));
    }

    #[test]
    fn hosts_become_one_condition_on_the_authority() {
        let regex = |hosts: &[&str]| {
            let hosts: Vec<_> = hosts.iter().map(|text| host(text)).collect();
            condition(&hosts).map(|it| it["regex"].as_str().unwrap().to_owned())
        };
        assert_eq!(
            regex(&["Shop.example.com"]).as_deref(),
            Some(r"(?i)shop\.example\.com(:\d+)?")
        );
        assert_eq!(
            regex(&["a.com", "*.b.com"]).as_deref(),
            Some(r"(?i)(a\.com|.+\.b\.com)(:\d+)?")
        );
        assert_eq!(regex(&["a.com", "*"]), None);
    }

    #[test]
    fn an_exact_authority_belongs_to_a_host_whatever_its_case_and_port() {
        let hosts = [host("*.example.com")];
        assert!(is_among("Beta.example.com:8080", &hosts));
        assert!(!is_among("example.com", &hosts));
        assert!(!is_among("beta.example.com:x", &hosts));
    }
}
