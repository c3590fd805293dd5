//! `examples/gitops`: what Kubernetes, Argo CD and Flux get.

use std::path::PathBuf;

use manifests::Documents;
use manifests::schema::check;
use serde_json::{Value, json};

use crate::repository::{manifests, root};
use crate::schema::check_all;

fn sample() -> PathBuf {
    root().join("examples/gitops")
}

fn read(file: &str) -> Documents {
    Documents::read(&sample().join(file)).unwrap()
}

#[test]
fn the_objects_of_the_sample_repository_have_no_fault() {
    let mut files = manifests(&sample().join("deploy"));
    files.extend(manifests(&sample().join("argocd")));
    files.extend(manifests(&sample().join("flux")));
    files.push(sample().join("alert/rights.yaml"));
    assert_eq!(files.len(), 7);
    for file in files {
        check_all(&Documents::read(&file).unwrap());
    }
}

#[test]
fn argo_cd_and_flux_deploy_the_same_folder_of_the_same_repository() {
    let (argo_cd, flux) = (read("argocd/application.yaml"), read("flux/canary.yaml"));
    let source = &argo_cd.named("Application", "canary")["spec"]["source"];
    let repository = flux.named("GitRepository", "canary");
    let kustomization = &flux.named("Kustomization", "canary")["spec"];
    assert_eq!(source["repoURL"], repository["spec"]["url"]);
    assert_eq!(
        source["targetRevision"],
        repository["spec"]["ref"]["branch"]
    );
    let name = json!({"kind": repository["kind"], "name": repository["metadata"]["name"]});
    assert_eq!(kustomization["sourceRef"], name);
    let path = source["path"].as_str().unwrap();
    assert_eq!(kustomization["path"], format!("./{path}"));
    assert!(sample().join(path).join("plugin.yaml").is_file());
}

#[test]
fn an_object_of_argo_cd_or_flux_that_breaks_its_schema_is_refused() {
    let documents = read("argocd/application.yaml").and(read("flux/canary.yaml"));
    let cases = [
        ("Application", "/spec", "syncpolicy", json!({})),
        ("Application", "/spec", "project", Value::Null),
        ("Application", "/spec/source", "repoUrl", json!("x")),
        (
            "Application",
            "/spec/syncPolicy/automated",
            "selfHeal",
            json!("no"),
        ),
        (
            "Application",
            "/spec/syncPolicy/retry/backoff",
            "max",
            json!("5m"),
        ),
        (
            "GitRepository",
            "/spec",
            "url",
            json!("git@example.com:shop"),
        ),
        ("GitRepository", "/spec", "interval", json!("1d")),
        ("GitRepository", "/spec/ref", "head", json!("main")),
        ("Kustomization", "/spec", "interval", json!("")),
        ("Kustomization", "/spec", "timeout", json!("1.m")),
        ("Kustomization", "/spec", "prune", Value::Null),
        (
            "Kustomization",
            "/spec",
            "healthCheckExprs",
            json!([{"apiVersion": "v1"}]),
        ),
        ("Kustomization", "/spec/sourceRef", "kind", json!("Git")),
    ];
    for (kind, at, field, value) in cases {
        let mut document = documents.named(kind, "canary").clone();
        check(&document).unwrap();
        document.pointer_mut(at).unwrap()[field] = value;
        let reason = check(&document).expect_err(field);
        assert!(reason.contains(kind), "{reason}");
    }
    let mut document = documents.named("Kustomization", "canary").clone();
    for interval in ["1h30m", "1.5s", "500ms"] {
        document["spec"]["interval"] = json!(interval);
        check(&document).unwrap();
    }
}
