//! `canary weights kube:NAMESPACE/WASMPLUGIN`, with a `kubectl` of its own in the `PATH`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::kubectl::{in_path, kubectl};
use support::{Folder, Said};

const LIVE: &str = "kube:istio-system/canary";

/// What `kubectl get` prints for a plugin with these weights.
fn object(blue: u32, green: u32) -> Value {
    json!({
        "apiVersion": "extensions.istio.io/v1alpha1",
        "kind": "WasmPlugin",
        "metadata": {
            "name": "canary", "namespace": "istio-system", "resourceVersion": "7",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"kind\":\"WasmPlugin\",\"spec\":{}}\n"},
        },
        "spec": {
            "url": "oci://registry.example.com/canary-filter:0.1.0",
            "pluginConfig": {"http": [
                {"name": "testers", "match": [{"headers": {"x-tester": {}}}], "route": [{"cluster": "green"}]},
                {
                    "name": "color",
                    "route": [{"cluster": "blue", "weight": blue}, {"cluster": "green", "weight": green}],
                    "rollback": {"stable": "blue"},
                },
            ]},
        },
    })
}

fn cluster(object: &Value) -> Folder {
    let folder = kubectl();
    fs::write(folder.path("object.json"), object.to_string()).unwrap();
    folder
}

fn weights(folder: &Folder, arguments: &[&str]) -> Said {
    let mut command = folder.command();
    in_path(&mut command, folder)
        .args(["weights", LIVE])
        .args(arguments)
        .output()
        .unwrap()
        .into()
}

/// The object after the patch that `kubectl` was given.
fn patched(folder: &Folder, mut object: Value) -> Value {
    let patch: json_patch::Patch = serde_json::from_str(&folder.read("patch.json")).unwrap();
    json_patch::patch(&mut object, &patch).unwrap();
    object
}

#[test]
fn the_weights_in_the_cluster_change_and_nothing_else() {
    let folder = cluster(&object(75, 25));
    let said = weights(&folder, &["color", "blue=50", "green=50"]);
    assert_eq!(said, Said::ok("color: blue 50 (50 %), green 50 (50 %)"));
    assert_eq!(patched(&folder, object(75, 25)), object(50, 50));
    let patch = folder.read("patch.json").replace('\n', "<newline>");
    let calls = folder.read("calls").replace('\n', "<newline>");
    let object = "wasmplugins.extensions.istio.io canary --namespace istio-system";
    assert_eq!(
        calls,
        format!(
            "get {object} --output=json<newline>patch {object} --type=json --patch {patch} --field-manager=canary<newline>"
        )
    );
}

#[test]
fn a_dry_run_prints_the_patch_and_changes_nothing() {
    let folder = cluster(&object(75, 25));
    let said = weights(&folder, &["color", "blue=50", "--retry", "--dry-run"]);
    let lines = [
        "[",
        r#"  {"op":"test","path":"/spec/pluginConfig/http/1/name","value":"color"},"#,
        r#"  {"op":"test","path":"/spec/pluginConfig/http/1/route","value":[{"cluster":"blue","weight":75},{"cluster":"green","weight":25}]},"#,
        r#"  {"op":"test","path":"/spec/pluginConfig/http/1/rollback","value":{"stable":"blue"}},"#,
        r#"  {"op":"replace","path":"/spec/pluginConfig/http/1/route/0/weight","value":50},"#,
        r#"  {"op":"add","path":"/spec/pluginConfig/http/1/rollback/retry","value":"1"}"#,
        "]",
        "color: blue 50 (66.67 %), green 25 (33.33 %); retry: 1",
    ];
    assert_eq!(said, Said::ok(&lines.join("\n")));
    assert_eq!(folder.read("calls").lines().count(), 1);
}

#[test]
fn weights_that_are_there_already_are_not_patched() {
    let folder = cluster(&object(75, 25));
    let said = weights(&folder, &["color", "blue=75"]);
    assert_eq!(
        said,
        Said::ok("color: blue 75 (75 %), green 25 (25 %) (unchanged)")
    );
    assert_eq!(folder.read("calls").lines().count(), 1);
}

#[test]
fn a_change_of_somebody_else_in_the_meantime_is_not_overwritten() {
    let folder = cluster(&object(75, 25));
    fs::write(folder.path("next.json"), object(90, 10).to_string()).unwrap();
    fs::write(
        folder.path("patch-fails"),
        "The request is invalid: the server rejected our request\n",
    )
    .unwrap();
    let said = weights(&folder, &["color", "blue=50", "green=50"]);
    assert_eq!(
        said,
        Said::refused(
            "kube:istio-system/canary: nothing was changed, because somebody else has changed the rule in the meantime: look at it, and run the command again (kubectl patch: The request is invalid: the server rejected our request)"
        )
    );
    let patch: json_patch::Patch = serde_json::from_str(&folder.read("patch.json")).unwrap();
    assert!(json_patch::patch(&mut object(90, 10), &patch).is_err());
}

#[test]
fn what_kubectl_complains_of_is_passed_on() {
    let forbidden =
        "Error from server (Forbidden): wasmplugins.extensions.istio.io \"canary\" is forbidden";
    for verb in ["get", "patch"] {
        let folder = cluster(&object(75, 25));
        fs::write(folder.path(&format!("{verb}-fails")), forbidden).unwrap();
        let said = weights(&folder, &["color", "blue=50"]);
        let line = format!("{LIVE}: kubectl {verb}: {forbidden}");
        assert_eq!(said, Said::refused(&line));
    }
    let folder = Folder::new();
    let mut command = folder.command();
    command.env("PATH", folder.root());
    let said: Said = command
        .args(["weights", LIVE, "color", "blue=1"])
        .output()
        .unwrap()
        .into();
    assert_eq!((said.status, said.stdout.as_str()), (1, ""));
    assert!(
        said.stderr
            .starts_with("kube:istio-system/canary: kubectl cannot be run: "),
        "{said:?}"
    );
}

#[test]
fn a_change_that_cannot_be_made_is_one_line_and_no_patch() {
    let mut without = object(75, 25);
    without["spec"]
        .as_object_mut()
        .unwrap()
        .remove("pluginConfig");
    let there = object(75, 25);
    for (object, arguments, line) in [
        (
            &there,
            &["colour", "blue=1"][..],
            "there is no rule `colour`: the rules are testers, color",
        ),
        (
            &there,
            &["color", "red=1"],
            "rule `color` has no destination `red`: its destinations are blue, green",
        ),
        (
            &there,
            &["color", "blue=0", "green=0"],
            "the filter would refuse these weights: http[1].route: the weights sum to 0",
        ),
        (
            &there,
            &["testers", "--retry"],
            "http[0].rollback: is missing, so the rule has no rollback that a retry could end",
        ),
        (
            &without,
            &["color", "blue=1"],
            "the WasmPlugin has no `spec.pluginConfig`, so it has no weights",
        ),
    ] {
        let folder = cluster(object);
        let said = weights(&folder, arguments);
        assert_eq!(said, Said::refused(&format!("{LIVE}: {line}")));
        assert_eq!(folder.read("calls").lines().count(), 1);
    }
}

#[test]
fn a_plugin_without_its_namespace_is_wrong_usage() {
    for plugin in [
        "kube:canary",
        "kube:",
        "kube:/canary",
        "kube:a/-o",
        "kube:a/b/c",
    ] {
        let folder = cluster(&object(75, 25));
        let mut command = folder.command();
        let command = in_path(&mut command, &folder);
        let output = command
            .args(["weights", plugin, "color", "blue=1"])
            .output();
        let said: Said = output.unwrap().into();
        assert_eq!((said.status, said.stdout.as_str()), (2, ""), "{plugin}");
        assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
        assert!(!folder.path("calls").exists(), "{plugin}");
    }
}
