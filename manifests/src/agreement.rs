//! Whether documents that are deployed together fit together: headers, subsets, ports, routes, labels, namespaces.

use crate::{Deployed, Documents, Finding, Findings, placement, route, service};

/// Checks one plugin with one rule, one VirtualService and the service to which they route. Returns what does not fit;
/// an empty list means that everything does.
pub fn check(documents: &Documents) -> Vec<Finding> {
    let deployed = match Deployed::find(documents) {
        Ok(deployed) => deployed,
        Err(finding) => return vec![finding],
    };
    let mut findings = Findings::default();
    route::check(&deployed, &mut findings);
    placement::check(&deployed, &mut findings);
    service::check(&deployed, &mut findings);
    findings.into_vec()
}
