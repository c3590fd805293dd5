//! The part of Argo Rollouts' AnalysisTemplate that a query to Prometheus needs. No crate has this kind; the fields are
//! those of its published CRD (`analysistemplates.argoproj.io`), of which other providers are left out.

#![allow(dead_code, reason = "the fields only have to have the right form")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct AnalysisTemplate {
    metadata: ObjectMeta,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    args: Vec<Argument>,
    #[serde(default)]
    dry_run: Vec<DryRun>,
    #[serde(default)]
    measurement_retention: Vec<Retention>,
    #[serde(default)]
    metrics: Vec<Metric>,
    #[serde(default)]
    templates: Vec<Template>,
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DryRun {
    metric_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Retention {
    limit: i32,
    metric_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Template {
    cluster_scope: Option<bool>,
    template_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    name: String,
    interval: Option<String>,
    initial_delay: Option<String>,
    count: Option<IntOrString>,
    success_condition: Option<String>,
    failure_condition: Option<String>,
    failure_limit: Option<IntOrString>,
    inconclusive_limit: Option<IntOrString>,
    consecutive_error_limit: Option<IntOrString>,
    consecutive_success_limit: Option<IntOrString>,
    provider: Provider,
}

#[derive(Deserialize)]
struct Provider {
    prometheus: Prometheus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prometheus {
    address: Option<String>,
    query: Option<String>,
    insecure: Option<bool>,
    timeout: Option<i64>,
}
