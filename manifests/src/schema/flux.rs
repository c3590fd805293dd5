//! The parts of Flux's GitRepository and Kustomization that the sample needs. No crate that is used here has these kinds; the
//! fields are those of the CRDs of Flux's source-controller 1.9 (`gitrepositories.source.toolkit.fluxcd.io`) and
//! kustomize-controller 1.9 (`kustomizations.kustomize.toolkit.fluxcd.io`).

#![allow(dead_code, reason = "the fields only have to have the right form")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct GitRepository {
    metadata: ObjectMeta,
    spec: Repository,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    interval: Duration,
    url: Url,
    r#ref: Option<Reference>,
    secret_ref: Option<Secret>,
    suspend: Option<bool>,
    timeout: Option<Duration>,
}

#[derive(Deserialize)]
struct Reference {
    branch: Option<String>,
    commit: Option<String>,
    name: Option<String>,
    semver: Option<String>,
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Secret {
    name: String,
}

#[derive(Deserialize)]
pub(super) struct Kustomization {
    metadata: ObjectMeta,
    spec: Built,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Built {
    interval: Duration,
    retry_interval: Option<Duration>,
    timeout: Option<Duration>,
    source_ref: Source,
    path: Option<String>,
    prune: bool,
    wait: Option<bool>,
    force: Option<bool>,
    suspend: Option<bool>,
    target_namespace: Option<String>,
    #[serde(default)]
    depends_on: Vec<Dependency>,
    #[serde(default)]
    health_check_exprs: Vec<Expressions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    api_version: Option<String>,
    kind: SourceKind,
    name: String,
    namespace: Option<String>,
}

#[derive(Deserialize)]
enum SourceKind {
    OCIRepository,
    GitRepository,
    Bucket,
    ExternalArtifact,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    name: String,
    namespace: Option<String>,
    ready_expr: Option<String>,
}

/// Expressions in CEL.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expressions {
    api_version: String,
    kind: Option<String>,
    current: String,
    in_progress: Option<String>,
    failed: Option<String>,
}

/// `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Duration;

impl TryFrom<String> for Duration {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut rest = text.as_str();
        let mut parts = 0;
        while let Some(after) = after_part(rest) {
            rest = after;
            parts += 1;
        }
        if rest.is_empty() && parts > 0 {
            Ok(Self)
        } else {
            Err(format!("{text:?} is not a duration such as 1m30s"))
        }
    }
}

/// What follows one number with its unit.
fn after_part(text: &str) -> Option<&str> {
    let digits =
        |text: &'_ str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let whole = digits(text);
    let mut rest = text.get(whole..).filter(|_| whole > 0)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        rest = fraction.get(length..).filter(|_| length > 0)?;
    }
    let units = ["ms", "s", "m", "h"];
    units.iter().find_map(|unit| rest.strip_prefix(unit))
}

/// `^(http|https|ssh)://.*$`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Url;

impl TryFrom<String> for Url {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let schemes = ["http://", "https://", "ssh://"];
        if schemes.iter().any(|scheme| text.starts_with(scheme)) {
            Ok(Self)
        } else {
            Err(format!("{text:?} is not a URL of a repository"))
        }
    }
}
