//! Names of metrics. Labels are part of the name in Istio's tag form, `name.route=.=color;.;subset=.=blue;.;`, which
//! `extraStatTags` (Istio) or `stats_tags` (Envoy) turn into Prometheus labels.

use crate::choosing::reason::Reason;
use crate::response::Class;

/// The labels of a destination: the names of its rule and of its version.
pub const LABELS: [&str; 2] = ["route", "subset"];

/// The name of the gauge with these labels that is 1 while a destination gets no requests because its cluster has no
/// endpoint. Only a host that gives metrics real labels has it.
pub const NO_ENDPOINTS: &str = "canary_no_endpoints";

/// The name of the gauge that is 1 while the newest configuration of this plugin is refused. A `;` of the plugin's name
/// would end the label, so it becomes `_`.
pub fn config_refused(plugin: &str) -> String {
    let legal = |c| if c == ';' { '_' } else { c };
    let plugin: String = plugin.chars().map(legal).collect();
    format!("canary_config_refused.plugin=.={plugin};.;")
}

/// The name of a counter of requests.
pub fn requests_total(rule: &str, label: &str, reason: Reason) -> String {
    let name = labelled("canary_requests_total", rule, label);
    [&name, "reason=.=", reason.as_str(), ";.;"].concat()
}

/// The name of a counter of answers that the judgement has seen. `stable` says whether they are those of the version that
/// the others are compared with.
pub fn responses_total(rule: &str, label: &str, stable: bool, class: Class) -> String {
    let (role, class) = (if stable { "stable" } else { "canary" }, class.as_str());
    let name = labelled("canary_responses_total", rule, label);
    [&name, "role=.=", role, ";.;class=.=", class, ";.;"].concat()
}

/// The name of the gauge of a destination's part of the weights in force, in 1/10 000.
pub fn weight(rule: &str, label: &str) -> String {
    labelled("canary_weight", rule, label)
}

/// The name of the gauge that is 1 while a destination is rolled back.
pub fn rolled_back(rule: &str, label: &str) -> String {
    labelled("canary_rolled_back", rule, label)
}

/// The name of a counter of rollbacks; those that are only observed have one of their own.
pub fn rollbacks_total(rule: &str, label: &str, observed: bool) -> String {
    let name = if observed {
        "canary_rollbacks_observed_total"
    } else {
        "canary_rollbacks_total"
    };
    labelled(name, rule, label)
}

fn labelled(name: &str, rule: &str, label: &str) -> String {
    [name, ".route=.=", rule, ";.;subset=.=", label, ";.;"].concat()
}
