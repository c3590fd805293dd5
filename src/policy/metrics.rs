//! Names of metrics. Labels are part of the name in Istio's tag form, `name.route=.=color;.;subset=.=blue;.;`, which
//! `extraStatTags` (Istio) or `stats_tags` (Envoy) turn into Prometheus labels.

use crate::choosing::reason::Reason;

/// The gauge that is 1 while the newest configuration is refused.
pub const CONFIG_REFUSED: &str = "canary_config_refused";

/// The name of a counter of requests.
pub(crate) fn requests_total(rule: &str, label: &str, reason: Reason) -> String {
    let reason = reason.as_str();
    format!("canary_requests_total.route=.={rule};.;subset=.={label};.;reason=.={reason};.;")
}
