//! Aliases and merge keys: `canary check` follows them, and `canary weights` changes only what stands in its own place.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{Folder, Said};

fn run(command: &str, content: &str, arguments: &[&str]) -> (Said, String) {
    let folder = Folder::with("f.yaml", content);
    let said = folder.canary([&[command, "f.yaml"], arguments].concat());
    (said, folder.read("f.yaml"))
}

/// The destinations of a rule, where `green` merges what `blue` has.
fn merged(green: &str) -> String {
    format!(
        "kind: WasmPlugin
spec:
  pluginConfig:
    http:
    - name: color
      route:
      - &blue
        destination: {{host: color.default.svc.cluster.local, subset: blue, port: {{number: 80}}}}
        weight: 75 # blue
      - {green}
"
    )
}

const GREEN: &str =
    "destination: {host: color.default.svc.cluster.local, subset: green, port: {number: 80}}";

#[test]
fn a_merge_key_is_resolved_as_kubernetes_tools_do() {
    let shares = |line: &str| format!("f.yaml: ok: 1 rule, color: {line}\n");
    for (green, line) in [
        (format!("{{<<: *blue, {GREEN}}}"), "blue 50 %, green 50 %"),
        (
            format!("{{<<: *blue, {GREEN}, weight: 25}}"),
            "blue 75 %, green 25 %",
        ),
        (
            format!("{{<<: [{{weight: 25}}, *blue], {GREEN}}}"),
            "blue 75 %, green 25 %",
        ),
        (
            format!("<<:\n        - *blue\n        {GREEN}"),
            "blue 50 %, green 50 %",
        ),
    ] {
        let (said, _) = run("check", &merged(&green), &[]);
        assert_eq!(
            (said.stdout, said.stderr),
            (shares(line), String::new()),
            "{green}"
        );
    }
    let (said, _) = run("check", &merged(&format!("{{{GREEN}, <<: *blue}}")), &[]);
    let reason = "f.yaml:10:99: http[0].route[1].<<: the merge key `<<` also brings `destination`, which stands before it: kubectl and kustomize disagree on which one counts, so move `<<` to the top of the mapping\n";
    assert_eq!(said.stderr, reason);
}

#[test]
fn the_manifest_around_a_configuration_may_have_aliases_and_merge_keys_too() {
    let manifest = "kind: List
items:
- kind: WasmPlugin
  spec: &spec
    url: oci://canary
    pluginConfig: &config
      http: [{name: color, route: [{cluster: a, weight: 1}, {cluster: b, weight: 3}]}]
- kind: Deployment
  spec: *spec
- kind: WasmPlugin
  metadata: {name: other}
  spec:
    <<: *spec
    phase: AUTHN
- kind: WasmPlugin
  spec: {pluginConfig: *config}
";
    let (said, _) = run("check", manifest, &[]);
    let line = "ok: 1 rule, color: a 25 %, b 75 %";
    assert_eq!(
        said.stdout,
        format!("f.yaml:7: {line}\nf.yaml:7: {line}\nf.yaml:16: {line}\n")
    );
}

#[test]
fn envoy_follows_aliases_and_does_not_know_merge_keys() {
    let ecds = support::ecds("75", "25");
    let aliased = ecds
        .replace("resources:", "!ignore names: &name canary\nresources:")
        .replace("      name: canary\n", "      name: *name\n");
    let (said, _) = run("check", &aliased, &[]);
    assert_eq!(said.status, 0, "{said:?}");
    let merged = ecds
        .replace(
            "resources:",
            "!ignore base: &base {fail_open: true}\nresources:",
        )
        .replace("      name: canary\n", "      <<: *base\n");
    let (said, _) = run("check", &merged, &[]);
    assert_eq!(
        said.stderr,
        "f.yaml:9:7: Envoy does not know the merge key `<<`: write the fields out\n"
    );
}

#[test]
fn a_weight_that_stands_in_the_mapping_itself_is_changed() {
    let file = merged(&format!("{{<<: *blue, {GREEN}, weight: 25}}"));
    let (said, bytes) = run("weights", &file, &["color", "blue=50", "green=50"]);
    assert_eq!(said.stdout, "color: blue 50 (50 %), green 50 (50 %)\n");
    let expected = file.replace("weight: 75", "weight: 50");
    assert_eq!(bytes, expected.replace("weight: 25", "weight: 50"));
    let anchored = "http: &rules\n- name: color\n  route: [{cluster: a, weight: &w 1}, {cluster: b, weight: 1}]\n";
    let (said, bytes) = run("weights", anchored, &["color", "a=3"]);
    assert_eq!((said.status, bytes), (0, anchored.replace("&w 1", "&w 3")));
    let missing =
        merged(&format!("<<: *blue\n        {GREEN}")).replace("        weight: 75 # blue\n", "");
    let missing = missing.replace(
        "      - <<:",
        "      - {cluster: a, weight: 1}\n      - <<:",
    );
    let (said, bytes) = run("weights", &missing, &["color", "green=5"]);
    assert_eq!(
        said.stdout,
        "color: blue 0 (0 %), a 1 (16.67 %), green 5 (83.33 %)\n"
    );
    assert_eq!(
        bytes,
        missing.replace(
            &format!("        {GREEN}"),
            &format!("        weight: 5\n        {GREEN}")
        )
    );
}

#[test]
fn a_weight_that_stands_elsewhere_is_refused_with_its_anchor() {
    let inherited = merged(&format!("{{<<: *blue, {GREEN}}}"));
    let rules = "http:
- &base
  name: color
  route: [{cluster: a, weight: 1}, {cluster: b, weight: 1}]
- {<<: *base, name: other}
";
    let elsewhere =
        ", which is used elsewhere too: write it without, so that it can be changed alone";
    let fields = "kind: WasmPlugin
metadata: {labels: {weight: &w 1}}
spec: {pluginConfig: {http: [{name: color, route: [{cluster: a, weight: *w}, {cluster: b, weight: 1}]}]}}
";
    for (content, arguments, line) in [
        (
            inherited.as_str(),
            ["color", "green=1"],
            "f.yaml:10:9: http[0].route[1]: weight comes from the anchor `&blue` on line 7, which others may use too: write it out here, or change it there".to_owned(),
        ),
        (
            &inherited,
            ["color", "blue=1"],
            format!("f.yaml:8:9: http[0].route[0]: has the anchor `&blue`{elsewhere}"),
        ),
        (
            rules,
            ["other", "a=2"],
            "f.yaml:5:3: http[1].route[0]: comes from the anchor `&base` on line 2, which others may use too: write it out here, or change it there".to_owned(),
        ),
        (
            rules,
            ["color", "a=2"],
            format!("f.yaml:4:11: http[0].route[0]: has the anchor `&base`{elsewhere}"),
        ),
        (
            fields,
            ["color", "a=2"],
            "f.yaml:3:52: http[0].route[0]: weight comes from the anchor `&w` on line 2, which others may use too: write it out here, or change it there".to_owned(),
        ),
    ] {
        let (said, bytes) = run("weights", content, &arguments);
        assert_eq!((said.status, said.stderr), (1, format!("{line}\n")), "{content}");
        assert_eq!(bytes, content);
    }
}
