//! Every manifest against the published schemas.

use manifests::Documents;
use manifests::schema::check;
use serde_json::Value;

use crate::repository::{manifests, read, root};

/// Without a namespace, a document would go to the one that the user's kubectl happens to use. A GatewayClass has none.
pub(crate) fn check_all(documents: &Documents) {
    assert!(!documents.0.is_empty());
    for document in &documents.0 {
        check(document).unwrap_or_else(|reason| panic!("{reason}"));
        assert!(
            document["metadata"]["namespace"].is_string() != (document["kind"] == "GatewayClass"),
            "the namespace: {document}"
        );
    }
}

#[test]
fn every_manifest_has_only_fields_that_its_schema_has() {
    for file in manifests(&root().join("istio")) {
        let name = file
            .strip_prefix(root().join("istio"))
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let documents = read(&[&name]);
        if name == "settings/settings.yaml" {
            check(&documents.0[0]).unwrap();
        } else {
            check_all(&documents);
        }
    }
}

#[test]
fn a_document_that_breaks_its_schema_is_refused() {
    let documents = read(&["base", "color"]);
    let cases = [
        (
            "WasmPlugin",
            "canary",
            "/spec",
            "failstrategy",
            Value::from("FAIL_OPEN"),
        ),
        (
            "WasmPlugin",
            "canary",
            "/spec",
            "failStrategy",
            Value::from("FAIL_SAFE"),
        ),
        (
            "WasmPlugin",
            "canary",
            "/spec",
            "phase",
            Value::from("FIRST"),
        ),
        (
            "EnvoyFilter",
            "canary-route",
            "/spec/configPatches/0/patch",
            "operation",
            Value::from("ALTER"),
        ),
        (
            "EnvoyFilter",
            "canary-route",
            "/spec/configPatches/0/match",
            "route",
            Value::from("canary"),
        ),
        (
            "VirtualService",
            "color",
            "/spec/http/0",
            "timeOut",
            Value::from("1s"),
        ),
        (
            "VirtualService",
            "color",
            "/spec/http/0/match/0/uri",
            "prefixes",
            Value::from("/"),
        ),
        (
            "VirtualService",
            "color",
            "/spec/http/0/route/0/destination/port",
            "number",
            Value::from("http"),
        ),
        (
            "DestinationRule",
            "color",
            "/spec/subsets/0",
            "label",
            Value::from("blue"),
        ),
        (
            "Gateway",
            "color-gateway",
            "/spec/servers/0/port",
            "targetport",
            Value::from(8080),
        ),
        (
            "Service",
            "color-service",
            "/spec/ports/0",
            "target",
            Value::from(8080),
        ),
        (
            "Deployment",
            "color-blue",
            "/spec/template/spec",
            "replicas",
            Value::from(2),
        ),
        (
            "Deployment",
            "color-blue",
            "/spec/template/spec/containers/0",
            "probe",
            Value::from("/"),
        ),
    ];
    for (kind, name, at, field, value) in cases {
        let mut document = documents.named(kind, name).clone();
        check(&document).unwrap();
        document.pointer_mut(at).unwrap()[field] = value;
        let reason = check(&document).expect_err(field);
        assert!(
            reason.starts_with(document["apiVersion"].as_str().unwrap()),
            "{reason}"
        );
    }
}
