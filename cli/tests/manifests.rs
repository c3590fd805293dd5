//! `canary check` and `canary weights` with the manifests that carry a configuration, and with those that do not.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{Folder, Said};

const RULES: &str = "      subsetHeader: x-canary-subset
      http:
      - name: color
        match:
        - uri: {prefix: /shop/}
        route:
        - {cluster: blue, weight: 75}
        - {cluster: green, weight: 25}
";

fn run(command: &str, content: &str, arguments: &[&str]) -> (Said, String) {
    let folder = Folder::with("f.yaml", content);
    let said = folder.canary([&[command, "f.yaml"], arguments].concat());
    (said, folder.read("f.yaml"))
}

fn check(content: &str) -> Said {
    run("check", content, &[]).0
}

/// As Istio 1.30 and later take it.
fn traffic_extension() -> String {
    let rules = RULES;
    format!(
        "apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: {{name: canary, namespace: istio-system}}
spec:
  wasm:
    url: oci://registry.example.com/canary-filter:0.1.0
    failStrategy: FAIL_OPEN
    pluginConfig:
{rules}"
    )
}

/// As Envoy Gateway 1.9 takes it, after another plugin of the same policy.
fn envoy_extension_policy() -> String {
    let rules = RULES;
    format!(
        "apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: color, namespace: default}}
spec:
  rules:
  - backendRefs: [{{group: gateway.envoyproxy.io, kind: Backend, name: color-blue}}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: {{name: canary, namespace: default}}
spec:
  targetRefs:
  - {{group: gateway.networking.k8s.io, kind: Gateway, name: eg}}
  wasm:
  - name: other
    config: {{limit: 5}}
  - name: canary
    failOpen: true
    code: {{type: HTTP, http: {{url: https://example.com/plugin.wasm}}}}
    config:
{rules}"
    )
}

/// The same with the native module.
fn native_module() -> String {
    let policy = envoy_extension_policy();
    let policy = policy.replace("    failOpen: true\n", "    filterName: canary\n");
    let code = "    code: {type: HTTP, http: {url: https://example.com/plugin.wasm}}\n";
    policy
        .replace(code, "")
        .replace("  wasm:", "  dynamicModule:")
}

#[test]
fn every_manifest_that_carries_a_configuration_is_checked_and_changed() {
    for manifest in [
        traffic_extension(),
        envoy_extension_policy(),
        native_module(),
    ] {
        assert_eq!(
            check(&manifest),
            Said::ok("f.yaml: ok: 1 rule, color: blue 75 %, green 25 %")
        );
        let (said, bytes) = run("weights", &manifest, &["color", "blue=50", "green=50"]);
        assert_eq!(said, Said::ok("color: blue 50 (50 %), green 50 (50 %)"));
        let expected = manifest.replace("weight: 75", "weight: 50");
        assert_eq!(bytes, expected.replace("weight: 25", "weight: 50"));
        let wrong = manifest.replace("weight: 25", "weight: -5");
        let line = 1 + manifest.lines().position(|l| l.contains("green")).unwrap();
        assert_eq!(
            check(&wrong),
            Said::refused(&format!(
                "f.yaml:{line}:28: http[0].route[1].weight: -5 is negative"
            ))
        );
    }
}

#[test]
fn a_manifest_without_a_configuration_is_refused_with_the_field_that_it_needs() {
    for (manifest, line) in [
        (
            traffic_extension().replace("pluginConfig", "config"),
            "f.yaml:1:1: the TrafficExtension has no `spec.wasm.pluginConfig`: the filter needs one",
        ),
        (
            "kind: TrafficExtension\nspec: {lua: {inlineCode: x}}\n".to_owned(),
            "f.yaml:1:1: the TrafficExtension has no `spec.wasm.pluginConfig`: the filter needs one",
        ),
        (
            "kind: EnvoyExtensionPolicy\nspec: {extProc: []}\n".to_owned(),
            "f.yaml:1:1: the EnvoyExtensionPolicy has no `spec.wasm[].config`: the filter needs one",
        ),
        (
            "kind: EnvoyExtensionPolicy\nspec: {wasm: [{name: canary}]}\n".to_owned(),
            "f.yaml:1:1: the EnvoyExtensionPolicy has no `spec.wasm[].config`: the filter needs one",
        ),
        (
            traffic_extension().replace("extensions.istio.io", "example.com"),
            "f.yaml: contains no configuration of the filter: no Wasm filter of Envoy, no WasmPlugin, TrafficExtension or EnvoyExtensionPolicy, no top-level `http` (it contains: TrafficExtension)",
        ),
    ] {
        assert_eq!(check(&manifest), Said::refused(line));
    }
}

#[test]
fn a_virtual_service_is_recognized_and_its_rules_have_a_place_to_go() {
    let service = "kind: VirtualService\nspec:\n  hosts: [shop]\n  http:\n  - route: [{destination: {host: shop}}]\n";
    let json = r#"{"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "spec": {"http": []}}"#;
    let list = format!(
        "kind: List\nitems:\n- kind: Service\n- {}",
        service.replace('\n', "\n  ")
    );
    let reason = "is a VirtualService and not a configuration of the filter: `canary convert` makes one from it";
    for (content, place) in [
        (service.to_owned(), "1:1"),
        (format!("kind: Service\n---\n{service}"), "3:1"),
        (json.to_owned(), "1:1"),
        (list, "4:3"),
    ] {
        assert_eq!(
            check(&content),
            Said::refused(&format!("f.yaml:{place}: {reason}"))
        );
        let (said, _) = run("weights", &content, &["color", "blue=1"]);
        assert_eq!(said, Said::refused(&format!("f.yaml:{place}: {reason}")));
    }
    // Next to a configuration it is ignored. Other objects are named.
    let beside = format!("{service}---\n{}", traffic_extension());
    assert_eq!(check(&beside).status, 0);
    let others = "kind: Gateway\n---\nkind: DestinationRule\n";
    let said = check(others).stderr;
    assert!(
        said.ends_with("(it contains: Gateway, DestinationRule)\n"),
        "{said}"
    );
}

#[test]
fn a_template_has_to_be_rendered_first() {
    let hint = |placeholder: &str, line: usize| {
        format!(
            "; the file looks like a template (it contains `{placeholder}` on line {line}), which has to be rendered first"
        )
    };
    let manifest = traffic_extension();
    let ecds = support::ecds("75", "25");
    for (content, reason, hint) in [
        (
            manifest.replace("weight: 75", "weight: {{ .Values.blue }}"),
            "f.yaml:15:36: http[0].route[0].weight: a key must be a string",
            hint("{{ .Values.blue }}", 15),
        ),
        (
            manifest.replace("metadata:", "{{- if .Values.canary }}\nmetadata:"),
            "f.yaml:3:3: is not valid YAML: ",
            hint("{{- if .Values.canary }}", 3),
        ),
        (
            format!("{{% for version in versions %}}\n{manifest}{{% endfor %}}\n"),
            "f.yaml:1:2: is not valid YAML: ",
            hint("{% for version in versions %}", 1),
        ),
        (
            manifest.replace("weight: 75", "weight: ${BLUE}"),
            "f.yaml:15:",
            hint("${BLUE}", 15),
        ),
        (
            ecds.replace("\"weight\": 75", "\"weight\": {{ blue }}"),
            "f.yaml:19:",
            hint("{{ blue }}", 19),
        ),
        (
            ecds.replace("\"weight\": 75", "\"weight\": ${BLUE}"),
            "f.yaml:19:",
            hint("${BLUE}", 19),
        ),
        (
            ecds.replace("\"weight\": 75", "\"weight\": \"$BLUE\""),
            "f.yaml:19:",
            hint("$BLUE", 19),
        ),
        (
            "apiVersion: v1\nkind: {{ .Values.kind }}\n".to_owned(),
            "f.yaml: contains no configuration of the filter",
            hint("{{ .Values.kind }}", 2),
        ),
    ] {
        let said = check(&content);
        let lines: Vec<_> = said.stderr.lines().collect();
        assert!(
            matches!(lines.as_slice(), [line] if line.starts_with(reason) && line.ends_with(&hint)),
            "{said:?}\nis not\n{reason} ... {hint}"
        );
        let (said, bytes) = run("weights", &content, &["color", "blue=1"]);
        assert!(
            said.status == 1 && said.stderr.trim_end().ends_with(&hint),
            "{said:?}"
        );
        assert_eq!(bytes, content);
    }
}

#[test]
fn what_a_template_leaves_out_of_the_configuration_is_no_fault() {
    let manifest = traffic_extension().replace("name: canary,", "name: {{ .Release.Name }},");
    assert_eq!(check(&manifest).status, 0);
    let regex = traffic_extension().replace("prefix: /shop/", "regex: '/\\d{2}$'");
    assert_eq!(check(&regex).status, 0);
    let said = check(&regex.replace("weight: 25", "weight: -5")).stderr;
    assert!(said.ends_with("weight: -5 is negative\n"), "{said}");
}
