//! Names of metrics. Labels are part of the name in Istio's tag form, `name.route=.=color;.;subset=.=blue;.;`, which
//! `extraStatTags` (Istio) or `stats_tags` (Envoy) turn into Prometheus labels.

use crate::choosing::reason::Reason;

/// The name of the gauge that is 1 while the newest configuration of this plugin is refused. A `;` of the plugin's name
/// would end the label, so it becomes `_`.
pub fn config_refused(plugin: &str) -> String {
    let legal = |c| if c == ';' { '_' } else { c };
    let plugin: String = plugin.chars().map(legal).collect();
    format!("canary_config_refused.plugin=.={plugin};.;")
}

/// The name of a counter of requests.
pub fn requests_total(rule: &str, label: &str, reason: Reason) -> String {
    let reason = reason.as_str();
    format!("canary_requests_total.route=.={rule};.;subset=.={label};.;reason=.={reason};.;")
}
