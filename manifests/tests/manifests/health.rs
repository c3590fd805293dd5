//! The health check for Argo CD in `examples/gitops`, run by Lua as Argo CD does.

use std::io::Write;
use std::process::{Command, Stdio};

use manifests::{Documents, text};
use serde_json::{Value, json};

use crate::kustomize::or_say;
use crate::repository::root;

const LUA: &str = "lua5.1";
const KEY: &str = "resource.customizations.health.gateway.envoyproxy.io_EnvoyExtensionPolicy";

/// A value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, value)| format!("[{key:?}] = {}", lua(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(elements) => {
            let elements: Vec<_> = elements.iter().map(lua).collect();
            format!("{{{}}}", elements.join(", "))
        }
        Value::Null => "nil".to_owned(),
        other => other.to_string(),
    }
}

/// The health and the message of the object.
fn health(object: &Value) -> (String, String) {
    let file = root().join("examples/gitops/argocd/health.yaml");
    let file = Documents::read(&file).unwrap();
    let check = text(&file.0[0]["data"][KEY]);
    let script = format!(
        "obj = {}\nlocal function check()\n{check}\nend\nlocal health = check()\nprint(health.status)\nprint(health.message or '')",
        lua(object)
    );
    let mut process = Command::new(LUA)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    input.write_all(script.as_bytes()).unwrap();
    drop(input);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{script}");
    let said = String::from_utf8(output.stdout).unwrap();
    let (status, message) = said
        .trim_end()
        .split_once('\n')
        .unwrap_or((said.trim_end(), ""));
    (status.to_owned(), message.to_owned())
}

/// A policy with these conditions, each of one Gateway.
fn policy(conditions: &[&[(&str, bool, &str)]]) -> Value {
    let ancestors = conditions.iter().map(|conditions| {
        let conditions = conditions.iter().map(|(kind, holds, message)| {
            let status = if *holds { "True" } else { "False" };
            json!({"type": kind, "status": status, "message": message, "observedGeneration": 2})
        });
        json!({"conditions": conditions.collect::<Vec<_>>()})
    });
    let ancestors: Vec<_> = ancestors.collect();
    json!({"metadata": {"generation": 2}, "status": {"ancestors": ancestors}})
}

#[test]
fn the_health_of_a_policy_is_what_envoy_gateway_says_of_it() {
    let missing = Command::new(LUA).arg("-v").output().is_err();
    or_say(missing.then(|| format!("{LUA} is not installed")), || {
        let good = ("Accepted", true, "Policy has been accepted.");
        let refused = ("Accepted", false, "Wasm: has another checksum");
        let replaced = ("Overridden", true, "overridden for these routes");
        let old = ("Warning", true, "spec.targetRef is deprecated");
        for (object, status, message) in [
            (json!({"metadata": {"generation": 1}}), "Progressing", None),
            (policy(&[]), "Progressing", None),
            (policy(&[&[old]]), "Progressing", None),
            (policy(&[&[good]]), "Healthy", Some("")),
            (policy(&[&[good, old], &[good]]), "Healthy", Some("")),
            (policy(&[&[refused]]), "Degraded", Some(refused.2)),
            (policy(&[&[good], &[refused]]), "Degraded", Some(refused.2)),
            (policy(&[&[good, replaced]]), "Degraded", Some(replaced.2)),
        ] {
            let (found, said) = health(&object);
            assert_eq!(found, status, "{object}");
            assert!(message.is_none_or(|message| said == message), "{said}");
        }
        let mut changed = policy(&[&[good]]);
        changed["metadata"]["generation"] = json!(3);
        assert_eq!(health(&changed).0, "Progressing");
    });
}
