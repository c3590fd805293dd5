//! Each document alone against the published schemas. They do not cover the patches of an EnvoyFilter, which are Envoy's
//! own configuration: the tests in `integration/` give those to a real Envoy, which refuses unknown fields.

mod argo_cd;
mod argo_rollouts;
mod envoy_gateway;
mod flux;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kcr_extensions_istio_io::v1alpha1::wasmplugins::WasmPlugin;
use kcr_flagger_app::v1beta1::metrictemplates::MetricTemplate;
use kcr_gateway_networking_k8s_io::v1::gatewayclasses::GatewayClass;
use kcr_gateway_networking_k8s_io::v1::gateways::Gateway as ApiGateway;
use kcr_gateway_networking_k8s_io::v1::httproutes::HttpRoute;
use kcr_networking_istio_io::v1::destinationrules::DestinationRule;
use kcr_networking_istio_io::v1::gateways::Gateway;
use kcr_networking_istio_io::v1::virtualservices::VirtualService;
use kcr_networking_istio_io::v1alpha3::envoyfilters::EnvoyFilter;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::argo_cd::Application;
use self::argo_rollouts::AnalysisTemplate;
use self::envoy_gateway::{ClientTrafficPolicy, EnvoyExtensionPolicy, EnvoyProxy};
use self::flux::{GitRepository, Kustomization};
use crate::at;

/// Checks that the document's kind has a schema and that the schema has every field of the document.
///
/// # Errors
/// The document's kind and name, and the first fault or all unknown fields.
pub fn check(document: &Value) -> Result<(), String> {
    let kind = format!(
        "{}/{}",
        text(document, "/apiVersion")?,
        text(document, "/kind")?
    );
    match kind.as_str() {
        "apps/v1/Deployment" => strict::<Deployment>(document),
        "argoproj.io/v1alpha1/AnalysisTemplate" => strict::<AnalysisTemplate>(document),
        "argoproj.io/v1alpha1/Application" => strict::<Application>(document),
        "batch/v1/Job" => strict::<Job>(document),
        "extensions.istio.io/v1alpha1/WasmPlugin" => strict::<WasmPlugin>(document),
        "flagger.app/v1beta1/MetricTemplate" => strict::<MetricTemplate>(document),
        "gateway.envoyproxy.io/v1alpha1/ClientTrafficPolicy" => {
            strict::<ClientTrafficPolicy>(document)
        }
        "gateway.envoyproxy.io/v1alpha1/EnvoyExtensionPolicy" => {
            strict::<EnvoyExtensionPolicy>(document)
        }
        "gateway.envoyproxy.io/v1alpha1/EnvoyProxy" => strict::<EnvoyProxy>(document),
        "gateway.networking.k8s.io/v1/Gateway" => strict::<ApiGateway>(document),
        "gateway.networking.k8s.io/v1/GatewayClass" => strict::<GatewayClass>(document),
        "gateway.networking.k8s.io/v1/HTTPRoute" => strict::<HttpRoute>(document),
        "kustomize.toolkit.fluxcd.io/v1/Kustomization" => strict::<Kustomization>(document),
        "networking.istio.io/v1/DestinationRule" => strict::<DestinationRule>(document),
        "networking.istio.io/v1/Gateway" => strict::<Gateway>(document),
        "networking.istio.io/v1/VirtualService" => strict::<VirtualService>(document),
        "networking.istio.io/v1alpha3/EnvoyFilter" => strict::<EnvoyFilter>(document),
        "rbac.authorization.k8s.io/v1/Role" => strict::<Role>(document),
        "rbac.authorization.k8s.io/v1/RoleBinding" => strict::<RoleBinding>(document),
        "source.toolkit.fluxcd.io/v1/GitRepository" => strict::<GitRepository>(document),
        "v1/ConfigMap" => strict::<ConfigMap>(document),
        "v1/Service" => strict::<Service>(document),
        "v1/ServiceAccount" => strict::<ServiceAccount>(document),
        _ => Err("this kind has no schema here".to_owned()),
    }
    .map_err(|reason| format!("{kind} {}: {reason}", at(document, "/metadata/name")))
}

fn text<'d>(document: &'d Value, pointer: &str) -> Result<&'d str, String> {
    document
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{pointer} is missing in {document}"))
}

fn strict<T: DeserializeOwned>(document: &Value) -> Result<(), String> {
    text(document, "/metadata/name")?;
    let mut unknown = Vec::new();
    let read: Result<T, _> =
        serde_ignored::deserialize(document, |path| unknown.push(path.to_string()));
    read.map_err(|error| error.to_string())?;
    // The types of most crates accept these two without a field for them.
    unknown.retain(|path| path != "apiVersion" && path != "kind");
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(format!("unknown fields: {}", unknown.join(", ")))
    }
}
