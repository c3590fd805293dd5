//! The parts of Envoy Gateway's kinds that the filter needs. No crate has these kinds; the fields are those of the CRDs
//! that Envoy Gateway 1.9 publishes (`envoyextensionpolicies`, `clienttrafficpolicies` and `envoyproxies` of
//! `gateway.envoyproxy.io`), without those that have nothing to do with the filter. `make test-envoy-gateway` gives the
//! manifests to Envoy Gateway itself.

#![allow(dead_code, reason = "the fields only have to have the right form")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
pub(super) struct EnvoyExtensionPolicy {
    metadata: ObjectMeta,
    spec: Extensions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    target_refs: Vec<Target>,
    merge_type: Option<MergeType>,
    #[serde(default)]
    wasm: Vec<Wasm>,
    #[serde(default)]
    dynamic_module: Vec<DynamicModule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    group: String,
    kind: String,
    name: String,
    section_name: Option<String>,
}

#[derive(Deserialize)]
enum MergeType {
    StrategicMerge,
    JSONMerge,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wasm {
    name: Option<String>,
    #[serde(rename = "rootID")]
    root_id: Option<String>,
    code: Code,
    config: Option<Value>,
    fail_open: Option<bool>,
    env: Option<Environment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    #[serde(default)]
    host_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Code {
    r#type: CodeType,
    http: Option<Http>,
    image: Option<Image>,
    pull_policy: Option<PullPolicy>,
}

/// Each type needs the field of the same name, which a rule in the CRD demands.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
enum CodeType {
    #[serde(rename = "HTTP")]
    Http,
    Image,
}

#[derive(Deserialize)]
enum PullPolicy {
    IfNotPresent,
    Always,
}

#[derive(Deserialize)]
struct Http {
    url: String,
    sha256: Option<Sha256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    url: String,
    sha256: Option<Sha256>,
    pull_secret_ref: Option<Secret>,
}

#[derive(Deserialize)]
struct Secret {
    group: Option<String>,
    kind: Option<String>,
    name: String,
    namespace: Option<String>,
}

/// 64 lower-case hexadecimal digits.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Sha256;

impl TryFrom<String> for Sha256 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 64 && text.bytes().all(digit) {
            Ok(Self)
        } else {
            Err(format!("{text:?} is not a valid SHA-256 checksum"))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DynamicModule {
    name: String,
    filter_name: Option<String>,
    config: Option<Value>,
    terminal_filter: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct ClientTrafficPolicy {
    metadata: ObjectMeta,
    spec: Traffic,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Traffic {
    target_refs: Vec<Target>,
    headers: Option<Headers>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Headers {
    early_request_headers: Option<Mutation>,
    late_response_headers: Option<Mutation>,
}

#[derive(Deserialize)]
struct Mutation {
    #[serde(default)]
    remove: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct EnvoyProxy {
    metadata: ObjectMeta,
    spec: Proxy,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proxy {
    provider: Option<Provider>,
    logging: Option<Logging>,
    concurrency: Option<i32>,
    #[serde(default)]
    dynamic_modules: Vec<ModuleEntry>,
}

#[derive(Deserialize)]
struct Provider {
    r#type: ProviderType,
    host: Option<Host>,
    kubernetes: Option<Kubernetes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kubernetes {
    envoy_deployment: Option<EnvoyDeployment>,
}

#[derive(Deserialize)]
struct EnvoyDeployment {
    container: Option<Container>,
}

#[derive(Deserialize)]
struct Container {
    image: Option<String>,
}

#[derive(Deserialize)]
enum ProviderType {
    Kubernetes,
    Host,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Host {
    envoy_version: Option<String>,
}

#[derive(Deserialize)]
struct Logging {
    #[serde(default)]
    level: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModuleEntry {
    name: String,
    source: ModuleSource,
    do_not_close: Option<bool>,
    load_globally: Option<bool>,
}

/// `Local` is the default type.
#[derive(Deserialize)]
struct ModuleSource {
    r#type: Option<ModuleType>,
    local: Option<LocalModule>,
    remote: Option<RemoteModule>,
}

#[derive(Deserialize)]
enum ModuleType {
    Local,
    Remote,
}

#[derive(Deserialize)]
struct LocalModule {
    path: String,
}

#[derive(Deserialize)]
struct RemoteModule {
    url: String,
    sha256: Sha256,
}
