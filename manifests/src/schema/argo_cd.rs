//! The part of Argo CD's Application that the sample needs. No crate that is used here has this kind; the fields are those
//! of the CRD that Argo CD 3.5 publishes (`applications.argoproj.io`), without other sources than a folder in Git.

#![allow(dead_code, reason = "the fields only have to have the right form")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Application {
    metadata: ObjectMeta,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    project: String,
    source: Source,
    destination: Destination,
    sync_policy: Option<SyncPolicy>,
    revision_history_limit: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    #[serde(rename = "repoURL")]
    repo_url: String,
    target_revision: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Destination {
    name: Option<String>,
    namespace: Option<String>,
    server: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SyncPolicy {
    automated: Option<Automated>,
    retry: Option<Retry>,
    #[serde(default)]
    sync_options: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Automated {
    allow_empty: Option<bool>,
    enabled: Option<bool>,
    prune: Option<bool>,
    self_heal: Option<bool>,
}

#[derive(Deserialize)]
struct Retry {
    limit: Option<i64>,
    backoff: Option<Backoff>,
    refresh: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Backoff {
    duration: Option<String>,
    factor: Option<i64>,
    max_duration: Option<String>,
}
