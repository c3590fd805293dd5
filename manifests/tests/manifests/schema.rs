//! Each document by itself, against the published schemas. An EnvoyFilter's patch is Envoy's own vocabulary, for
//! which there is none; `integration/` gives the patches to a real Envoy, which refuses a field that it does not know.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kcr_extensions_istio_io::v1alpha1::wasmplugins::WasmPlugin;
use kcr_networking_istio_io::v1::destinationrules::DestinationRule;
use kcr_networking_istio_io::v1::gateways::Gateway;
use kcr_networking_istio_io::v1::virtualservices::VirtualService;
use kcr_networking_istio_io::v1alpha3::envoyfilters::EnvoyFilter;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::documents::{Documents, manifests, root};

/// Whether the schema of the document's kind has all that it says.
pub(crate) fn check(document: &Value) -> Result<(), String> {
    let kind = format!(
        "{}/{}",
        text(document, "/apiVersion")?,
        text(document, "/kind")?
    );
    match kind.as_str() {
        "apps/v1/Deployment" => strict::<Deployment>(document),
        "extensions.istio.io/v1alpha1/WasmPlugin" => strict::<WasmPlugin>(document),
        "networking.istio.io/v1/DestinationRule" => strict::<DestinationRule>(document),
        "networking.istio.io/v1/Gateway" => strict::<Gateway>(document),
        "networking.istio.io/v1/VirtualService" => strict::<VirtualService>(document),
        "networking.istio.io/v1alpha3/EnvoyFilter" => strict::<EnvoyFilter>(document),
        "v1/ConfigMap" => strict::<ConfigMap>(document),
        "v1/Service" => strict::<Service>(document),
        _ => Err(format!("{kind}: a kind that nothing here needs")),
    }
    .map_err(|reason| format!("{kind} {}: {reason}", document["metadata"]["name"]))
}

fn text<'d>(document: &'d Value, pointer: &str) -> Result<&'d str, String> {
    document
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("no {pointer} in {document}"))
}

fn strict<T: DeserializeOwned>(document: &Value) -> Result<(), String> {
    text(document, "/metadata/name")?;
    let mut unknown = Vec::new();
    let read: Result<T, _> =
        serde_ignored::deserialize(document, |path| unknown.push(path.to_string()));
    read.map_err(|error| error.to_string())?;
    // Istio's types know these two without a field of their own.
    unknown.retain(|path| path != "apiVersion" && path != "kind");
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(format!("unknown fields: {}", unknown.join(", ")))
    }
}

/// A document without a namespace would go to whichever one the user's kubectl is set to.
pub(crate) fn check_all(documents: &Documents) {
    assert!(!documents.0.is_empty());
    for document in &documents.0 {
        check(document).unwrap_or_else(|reason| panic!("{reason}"));
        assert!(
            document["metadata"]["namespace"].is_string(),
            "no namespace: {document}"
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
        let documents = Documents::read(&[&name]);
        if name == "settings/settings.yaml" {
            check(&documents.0[0]).unwrap();
        } else {
            check_all(&documents);
        }
    }
}

#[test]
fn a_document_that_breaks_its_schema_is_refused() {
    let documents = Documents::read(&["base", "color"]);
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

#[test]
fn a_key_given_twice_is_refused() {
    assert!(Documents::parse("{a: 1}\n---\n{b: 1}").is_ok());
    assert!(Documents::parse("{a: 1, a: 1}").is_err());
}
