//! The plugin, the patches and the routes have to be for the same proxies.

use serde_json::json;

use crate::{Deployed, Findings, Place, at, text};

pub(crate) fn check(deployed: &Deployed<'_>, findings: &mut Findings) {
    filters(deployed, findings);
    match deployed.place() {
        Place::Gateway => gateway(deployed, findings),
        Place::Sidecar => sidecar(deployed, findings),
    }
    plugin(deployed, findings);
}

fn filters(deployed: &Deployed<'_>, findings: &mut Findings) {
    let pods = at(deployed.plugin, "/spec/selector/matchLabels");
    let context = match deployed.place() {
        Place::Gateway => "GATEWAY",
        Place::Sidecar => "SIDECAR_OUTBOUND",
    };
    for filter in deployed.documents.all("EnvoyFilter") {
        let spec = at(filter, "/spec");
        findings.same(
            filter,
            "the namespace",
            at(filter, "/metadata/namespace"),
            at(deployed.plugin, "/metadata/namespace"),
        );
        let labels = at(spec, "/workloadSelector/labels");
        findings.same(filter, "the workload selector", labels, pods);
        let found = at(spec, "/configPatches/0/match/context");
        findings.same(filter, "the context", found, &json!(context));
    }
}

fn gateway(deployed: &Deployed<'_>, findings: &mut Findings) {
    let service = deployed.virtual_service;
    let [gateway] = deployed.documents.all("Gateway")[..] else {
        return findings.require(
            false,
            service,
            "the documents must hold the one Gateway of its routes",
        );
    };
    let pods = at(deployed.plugin, "/spec/selector/matchLabels");
    findings.same(gateway, "the selector", at(gateway, "/spec/selector"), pods);
    let spec = at(service, "/spec");
    let name = json!([at(gateway, "/metadata/name")]);
    findings.same(
        service,
        "the list of gateways",
        at(spec, "/gateways"),
        &name,
    );
    let hosts = at(gateway, "/spec/servers/0/hosts");
    findings.same(service, "the list of hosts", at(spec, "/hosts"), hosts);
}

fn sidecar(deployed: &Deployed<'_>, findings: &mut Findings) {
    let (plugin, service) = (deployed.plugin, deployed.virtual_service);
    let mode = json!([{"mode": "CLIENT"}]);
    findings.same(plugin, "spec.match", at(plugin, "/spec/match"), &mode);
    let spec = at(service, "/spec");
    let mesh = json!(["mesh"]);
    findings.same(
        service,
        "the list of gateways",
        at(spec, "/gateways"),
        &mesh,
    );
    let host = json!([at(deployed.stable(), "/host")]);
    findings.same(service, "the list of hosts", at(spec, "/hosts"), &host);
}

/// Fields of the plugin that have one right value.
fn plugin(deployed: &Deployed<'_>, findings: &mut Findings) {
    let plugin = deployed.plugin;
    let spec = at(plugin, "/spec");
    // Any other value denies all traffic of the gateway while the image cannot be pulled.
    let strategy = at(spec, "/failStrategy");
    findings.same(plugin, "failStrategy", strategy, &json!("FAIL_OPEN"));
    // Before authorization.
    findings.same(plugin, "phase", at(spec, "/phase"), &json!("AUTHN"));
    let message = "the url must name an image by oci://";
    findings.require(
        text(at(spec, "/url")).starts_with("oci://"),
        plugin,
        message,
    );
    // The default depends on the tag.
    let policy = at(spec, "/imagePullPolicy");
    findings.same(plugin, "imagePullPolicy", policy, &json!("IfNotPresent"));
}
