//! `canary check`: the filter's verdict, with the line.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::Write;
use std::process::Stdio;

use support::{Folder, Said, ecds, plugin};

fn check(name: &str, content: &str) -> Said {
    Folder::with(name, content).canary(["check", name])
}

#[test]
fn an_accepted_file_is_reported_with_its_shares() {
    let color = "color: blue-sub 75 %, green-sub 25 %";
    for (name, content, line) in [
        (
            "canary.yaml",
            ecds("75", "25"),
            format!("canary.yaml: ok: 1 rule, {color}"),
        ),
        (
            "plugin.yaml",
            plugin("3", "1"),
            format!("plugin.yaml: ok: 2 rules\n  {color}\n  http-1: rest 100 %"),
        ),
        (
            "c.json",
            r#"{"http": [{"route": [{"cluster": "a"}]}]}"#.to_owned(),
            "c.json: ok: 1 rule, http-0: a 100 %".to_owned(),
        ),
        (
            "c.yaml",
            "%YAML 1.2\n---\nhttp: # c\n- route: [{cluster: &a \"a\"}]\n".to_owned(),
            "c.yaml: ok: 1 rule, http-0: a 100 %".to_owned(),
        ),
    ] {
        assert_eq!(check(name, &content), Said::ok(&line));
    }
}

#[test]
fn the_file_of_the_demo_is_accepted_with_the_warning_that_the_readme_shows() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy/canary.yaml");
    let said = Folder::new().canary(["check", file]);
    let accepted = Said::ok(&format!(
        "{file}: ok: 1 rule, color: blue-sub 75 %, green-sub 25 %"
    ));
    assert_eq!((said.status, said.stdout), (0, accepted.stdout));
    let (place, warning) = said.stderr.trim_end().split_once(": ").unwrap();
    assert!(place.starts_with(file), "{place}");
    let readme = include_str!("../../README.md");
    assert!(readme.contains(warning), "{warning}");
}

#[test]
fn a_fault_is_one_line_with_its_place_in_the_file() {
    let ecds = ecds("75", "25");
    let negative = "http[0].route[1].weight: -5 is negative";
    for (content, line) in [
        (ecds.replace("\"weight\": 25", "\"weight\": -5"), format!("f.yaml:20:127: {negative}")),
        (ecds.replace("\"weight\": 25", "\"weight\": -5").replace('\n', "\r\n"), format!("f.yaml:20:127: {negative}")),
        (plugin("75", "-5"), format!("f.yaml:24:9: {negative}")),
        (plugin("75", "on"), "f.yaml:24:19: http[0].route[1].weight: `on` is a boolean in Kubernetes but a string in YAML 1.2: quote it, or write true or false".to_owned()),
        (ecds.replace("25}", "25},"), "f.yaml:21:15: the configuration is not valid JSON: trailing comma (the value of a StringValue must be JSON text)".to_owned()),
        (ecds.replace("google.protobuf.StringValue", "google.protobuf.Struct"), "f.yaml:10:9: Envoy passes a google.protobuf.Struct to the filter in binary form, not as JSON: use a google.protobuf.StringValue with JSON text".to_owned()),
        (ecds.replace("google.protobuf.StringValue", "google.protobuf.BytesValue"), "f.yaml:10:9: the configuration must be a google.protobuf.StringValue with `@type` and `value`".to_owned()),
        (ecds.replace("      name: canary\n      configuration:", "      configuration_:"), "f.yaml:6:5: the Wasm filter has no `config.configuration`: the filter needs one".to_owned()),
        (plugin("75", "25").replace("pluginConfig", "pluginconfig"), "f.yaml:6:1: the WasmPlugin has no `spec.pluginConfig`: the filter needs one".to_owned()),
        ("http: [{route: [{cluster: a}]}]\nhttp: []\n".to_owned(), "f.yaml:2:1: the key `http` appears twice".to_owned()),
        (String::new(), "f.yaml: contains no configuration of the filter: no Wasm filter of Envoy, no WasmPlugin, TrafficExtension or EnvoyExtensionPolicy, no top-level `http`".to_owned()),
    ] {
        assert_eq!(check("f.yaml", &content), Said::refused(&line));
    }
}

#[test]
fn a_fault_in_a_quoted_text_has_its_line_in_the_file() {
    let head = "a:\n  \"@type\": x/envoy.extensions.filters.http.wasm.v3.Wasm\n  config:\n    configuration:\n      \"@type\": x/google.protobuf.StringValue\n";
    let folded = format!(
        "{head}      value: '{{\"http\":\n\n        [{{\"route\": [{{\"cluster\": \"a\",\n        \"weight\": -5}}]}}]}}'\n"
    );
    assert_eq!(
        check("f.yaml", &folded),
        Said::refused("f.yaml:9:9: http[0].route[0].weight: -5 is negative")
    );
    let yaml = format!("{head}      value: |\n        http:\n        - route: [{{cluster: a}}]\n");
    let line = "f.yaml:7:9: the configuration is not valid JSON: expected value (the value of a StringValue must be JSON text)";
    assert_eq!(check("f.yaml", &yaml), Said::refused(line));
}

#[test]
fn other_manifests_with_the_configuration_are_known() {
    let istio = "apiVersion: extensions.istio.io/v1alpha1\nkind: TrafficExtension\nmetadata: {name: canary, namespace: istio-system}\nspec:\n  wasm:\n    pluginConfig:\n      http:\n      - {name: color, route: [{cluster: a, weight: 3}, {cluster: b, weight: 1}]}\n";
    let gateway = "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\nmetadata: {name: canary}\nspec:\n  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: eg}]\n  wasm:\n  - name: canary\n    config:\n      subsetHeader: x-canary-subset\n      http:\n      - {name: color, route: [{subset: a, weight: 3}, {subset: b, weight: 1}]}\n";
    for file in [
        istio,
        gateway,
        &format!(
            "apiVersion: v1\nkind: List\nitems:\n- {}\n",
            gateway.trim_end().replace('\n', "\n  ")
        ),
    ] {
        assert_eq!(
            check("f.yaml", file),
            Said::ok("f.yaml: ok: 1 rule, color: a 75 %, b 25 %")
        );
        assert!(
            check("f.yaml", &file.replace("3}", "-3}"))
                .stderr
                .contains("http[0].route[0].weight: -3 is negative")
        );
        let (said, bytes) = {
            let folder = Folder::with("f.yaml", file);
            (
                folder.canary(["weights", "f.yaml", "color", "b=3"]),
                folder.read("f.yaml"),
            )
        };
        assert_eq!(
            (said.status, bytes),
            (0, file.replace("weight: 1", "weight: 3"))
        );
    }
    for (file, line) in [
        (
            istio.replace("pluginConfig", "config"),
            "f.yaml:1:1: the TrafficExtension has no `spec.wasm.pluginConfig`: the filter needs one",
        ),
        (
            istio.replace("  wasm:", "  lua:"),
            "f.yaml:1:1: the TrafficExtension has no `spec.wasm.pluginConfig`: the filter needs one",
        ),
        (
            gateway.replace("    config:", "    conf:"),
            "f.yaml:1:1: the EnvoyExtensionPolicy has no `spec.wasm[].config`: the filter needs one",
        ),
        (
            gateway.replace("  wasm:", "  lua:"),
            "f.yaml:1:1: the EnvoyExtensionPolicy has no `spec.wasm[].config`: the filter needs one",
        ),
        (
            gateway.replace("gateway.envoyproxy.io", "example.com"),
            "f.yaml: contains no configuration of the filter: ",
        ),
    ] {
        let said = check("f.yaml", &file);
        assert!(
            said.status == 1 && said.stderr.starts_with(line),
            "{said:?}"
        );
    }
}

#[test]
fn routes_of_a_mesh_are_not_a_configuration_and_say_what_they_are() {
    let routes = |kind: &str| {
        format!(
            "kind: Service\n---\napiVersion: networking.istio.io/v1\nkind: {kind}\nspec:\n  http: []\n"
        )
    };
    for (kind, line) in [
        (
            "VirtualService",
            "f.yaml:3:1: is a VirtualService and not a configuration of the filter: `canary convert` makes one from it",
        ),
        (
            "HTTPRoute",
            "f.yaml:3:1: is an HTTPRoute and not a configuration of the filter: ",
        ),
    ] {
        let said = check("f.yaml", &routes(kind));
        assert!(
            said.status == 1 && said.stderr.starts_with(line),
            "{said:?}"
        );
        let beside = format!("{}---\n{}", routes(kind), plugin("75", "25"));
        assert_eq!(check("f.yaml", &beside).status, 0);
    }
    let spec = "hosts: ['*']\ngateways: [g]\nhttp:\n- route: [{cluster: a}]\n";
    let said = check("f.yaml", spec);
    for field in ["hosts", "gateways"] {
        assert!(
            said.stderr
                .contains(&format!(" {field}: stays in the VirtualService")),
            "{said:?}"
        );
    }
}

#[test]
fn merge_keys_are_resolved_as_kubernetes_tools_do() {
    let color = Said::ok("f.yaml: ok: 1 rule, color: blue 75 %, green 25 %");
    for file in [
        "x: &base {cluster: blue, weight: 75}\nhttp:\n- {name: color, route: [{<<: *base}, {cluster: green, weight: 25}]}\n",
        "x: &base {cluster: red, weight: 75}\nhttp:\n- {name: color, route: [{<<: *base, cluster: blue}, {cluster: green, weight: 25}]}\n",
        "x: &a {cluster: blue}\nq: &b {weight: 75, cluster: red}\nhttp:\n- {name: color, route: [{<<: [*a, *b]}, {cluster: green, weight: 25}]}\n",
    ] {
        // The anchors of a bare file stand beside `http`, where the filter knows no such field.
        let said = check("f.yaml", file);
        assert!(said.stderr.contains("unknown field `x`"), "{said:?}");
        let (anchors, http) = file.split_once("http:\n").unwrap();
        let plugin = format!(
            "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {{name: c}}\n{anchors}spec:\n  pluginConfig:\n    http:\n    {}\n",
            http.trim_end()
        );
        assert_eq!(check("f.yaml", &plugin), color, "{plugin}");
    }
    for (merge, reason) in [
        (
            "{<<: 5}",
            "the value of the merge key `<<` must be a mapping or a list of mappings",
        ),
        (
            "{<<: [5]}",
            "the value of the merge key `<<` must be a mapping or a list of mappings",
        ),
        (
            "{cluster: blue, <<: {cluster: red}}",
            "the merge key `<<` also brings `cluster`",
        ),
    ] {
        let said = check(
            "f.yaml",
            &format!("http:\n- {{name: color, route: [{merge}]}}\n"),
        );
        assert!(said.status == 1 && said.stderr.contains(reason), "{said:?}");
    }
}

#[test]
fn a_template_has_to_be_rendered_first() {
    let plugin_with = |green: &str| plugin("75", green);
    let plugin = plugin("75", "25");
    let template = "looks like a template (it contains ";
    for (file, says) in [
        (plugin_with("{{ .Values.green }}"), true),
        (
            format!("{{{{- if .Values.canary }}}}\n{plugin}{{{{- end }}}}\n"),
            true,
        ),
        (format!("{{% if canary %}}\n{plugin}{{% endif %}}\n"), true),
        (plugin_with("${GREEN}"), true),
        (plugin_with("${GREEN:-25}"), true),
        (plugin_with("green"), false),
        (
            format!("# {{{{ not a template }}}}\n{}", plugin_with("-1")),
            false,
        ),
    ] {
        let said = check("f.yaml", &file);
        assert_eq!(said.status, 1, "{said:?}");
        assert_eq!(said.stderr.contains(template), says, "{said:?}");
        let changed =
            Folder::with("f.yaml", &file).canary(["weights", "f.yaml", "color", "green-sub=1"]);
        assert_eq!(changed.stderr.contains(template), says, "{changed:?}");
    }
    assert_eq!(
        check(
            "f.yaml",
            &plugin.replace("namespace: istio-system", "namespace: \"${NAMESPACE}\"")
        )
        .status,
        0,
        "what does not break anything is not looked at"
    );
}

#[test]
fn a_file_named_json_must_be_json() {
    let yaml = "{\"http\": [{\"route\": [{\"cluster\": \"a\"},]}]}";
    assert_eq!(
        check("f.yaml", yaml),
        Said::ok("f.yaml: ok: 1 rule, http-0: a 100 %")
    );
    assert_eq!(
        check("f.json", yaml),
        Said::refused("f.json:1:39: is not valid JSON: trailing comma")
    );
}

#[test]
fn the_configuration_of_another_plugin_is_ignored_next_to_the_filter_s() {
    let other = plugin("75", "25").replace("http:\n    - name", "rules:\n    - name");
    let both = format!("{other}---\n{}", plugin("3", "1"));
    assert_eq!(
        check("f.yaml", &both),
        Said::ok(
            "f.yaml: ok: 2 rules\n  color: blue-sub 75 %, green-sub 25 %\n  http-1: rest 100 %"
        )
    );
    let said = check("f.yaml", &other);
    assert!(
        said.stderr
            .starts_with("f.yaml:12:5: rules: unknown field `rules`"),
        "{said:?}"
    );
}

#[test]
fn every_configuration_and_every_file_is_checked() {
    let folder = Folder::with(
        "a.yaml",
        format!("{}---\n{}", plugin("75", "-1"), plugin("-2", "25")),
    );
    std::fs::write(folder.path("b.yaml"), ecds("1", "1")).unwrap();
    assert_eq!(
        folder.canary(["check", "a.yaml", "b.yaml", "c.yaml"]),
        Said {
            status: 1,
            stdout: "b.yaml: ok: 1 rule, color: blue-sub 50 %, green-sub 50 %\n".to_owned(),
            stderr: "a.yaml:24:9: http[0].route[1].weight: -1 is negative\n\
                     a.yaml:48:9: http[0].route[0].weight: -2 is negative\n\
                     c.yaml: No such file or directory (os error 2)\n"
                .to_owned(),
        }
    );
}

#[test]
fn standard_input_is_checked() {
    let mut child = Folder::new()
        .command()
        .args(["check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(ecds("3", "1").as_bytes())
        .unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(
        said,
        Said::ok("<stdin>: ok: 1 rule, color: blue-sub 75 %, green-sub 25 %")
    );
}
