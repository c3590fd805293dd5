//! What the configurations of one file take from each other.

use super::subject::Subject;
use crate::fault::Fault;

pub(super) fn warnings(accepted: &[Subject<'_>]) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for (number, later) in accepted.iter().enumerate() {
        for earlier in accepted.iter().take(number) {
            warnings.extend(same_name(later, earlier));
            warnings.extend(same_header(later, earlier));
        }
    }
    warnings
}

fn same_name(later: &Subject<'_>, earlier: &Subject<'_>) -> Option<Fault> {
    let (later, earlier) = (&later.configuration, &earlier.configuration);
    let name = later.plugin().shared_name(earlier.plugin())?;
    // The same configuration may be remembered twice.
    if later.value().ok() == earlier.value().ok() {
        return None;
    }
    let whose = if name.is_empty() {
        "has no name, like the plugin".to_owned()
    } else {
        format!("has the same name as the plugin `{name}`")
    };
    let reason = format!(
        "{whose} on line {}: in one Envoy, each would take over the last good configuration of the other, so give them different names",
        earlier.place().line
    );
    Some(Fault::at(later.place(), reason).into_warning())
}

fn same_header(later: &Subject<'_>, earlier: &Subject<'_>) -> Option<Fault> {
    let header = later.policy.outputs().response_header()?;
    let is_shared = Some(header) == earlier.policy.outputs().response_header();
    let (later, earlier) = (&later.configuration, &earlier.configuration);
    if !is_shared || !later.plugin().may_meet(earlier.plugin()) {
        return None;
    }
    let reason = format!(
        "`{header}` is also that of the configuration on line {}: in one proxy, the one that matches no rule removes what the other has written",
        earlier.place().line
    );
    let fault = Fault::at(later.place(), reason).on("responseHeader");
    Some(fault.into_warning())
}
