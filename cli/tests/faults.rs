//! `canary check`: all faults of a file, and its warnings.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{Folder, Said, ecds, plugin};

fn check(content: &str) -> Said {
    Folder::with("f.yaml", content).canary(["check", "f.yaml"])
}

#[test]
fn every_fault_of_a_configuration_is_reported_with_its_line_and_column() {
    let yaml = "http:
- match:
  - uri: {regex: '('}
    headers: {x.y.z: {prefix: ''}, on: {}}
  route:
  - {cluster: a, weight: -5}
  - {cluster: b, weight: on}
- name: color
  timeout: 5s
  route:
  - cluster: c
    weight: 0755
- route: []
clusterheader: x-a
";
    let number = "`0755` means different values in Kubernetes and in YAML 1.2: write it as a decimal number, or quote it";
    let boolean =
        "is a boolean in Kubernetes but a string in YAML 1.2: quote it, or write true or false";
    let lines = [
        "f.yaml:3:11: http[0].match[0].uri.regex: a `(` is not closed".to_owned(),
        "f.yaml:4:23: http[0].match[0].headers.x.y.z.prefix: is empty".to_owned(),
        "f.yaml:4:36: http[0].match[0].headers: the key `on` is not a string: quote it".to_owned(),
        "f.yaml:6:18: http[0].route[0].weight: -5 is negative".to_owned(),
        format!("f.yaml:7:26: http[0].route[1].weight: `on` {boolean}"),
        "f.yaml:9:3: http[1].timeout: stays in the VirtualService: a filter cannot carry it out".to_owned(),
        format!("f.yaml:12:13: http[1].route[0].weight: {number}"),
        "f.yaml:13:3: http[2].route: needs at least one destination".to_owned(),
        "f.yaml:14:1: clusterheader: unknown field `clusterheader`, expected one of `http`, `clusterHeader`, `subsetHeader`, `responseHeader`, `filterState`, `namespace`, `domain`; did you mean `clusterHeader`?".to_owned(),
    ];
    let said = check(yaml);
    assert_eq!(said.stderr.lines().collect::<Vec<_>>(), lines);
    assert_eq!((said.status, said.stdout.as_str()), (1, ""));
}

#[test]
fn all_faults_of_a_file_are_reported_in_their_order() {
    let file = "http:\n- name: a/b\n  route:\n  - {cluster: blue, weight: -5}\n  - {cluster: green, weigth: 1}\n- match:\n  - {headers: {x.a: {regex: \"(\"}}}\n  timeout: 5s\n";
    let said = check(file);
    let lines: Vec<_> = said.stderr.lines().collect();
    let expected = [
        "f.yaml:2:3: http[0].name: is not a valid name: ",
        "f.yaml:4:21: http[0].route[0].weight: -5 is negative",
        "f.yaml:5:22: http[0].route[1].weigth: unknown field `weigth`, ",
        "f.yaml:6:3: http[1].route: is required",
        "f.yaml:7:22: http[1].match[0].headers.x.a.regex: ",
        "f.yaml:8:3: http[1].timeout: stays in the VirtualService",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n{expected}");
    }
}

#[test]
fn the_faults_of_json_text_in_a_file_have_their_places_in_the_file() {
    let file = ecds("-75", "\\\"25\\\"").replace("\\\"", "\"");
    let said = check(&file.replace("\"ä€😀\"", "5"));
    let lines = [
        "f.yaml:17:80: http[0].match[1].headers.x-size.exact: invalid type: integer `5`, expected a string",
        "f.yaml:19:126: http[0].route[0].weight: -75 is negative",
        "f.yaml:20:127: http[0].route[1].weight: invalid type: string \"25\", expected a whole number; write it without quotes",
    ];
    assert_eq!(said.stderr.lines().collect::<Vec<_>>(), lines);
    let escaped = r#"{"@type": "x/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {"configuration": {
  "@type": "x/google.protobuf.StringValue", "value": "{\"http\": [{\"route\": [{\"cluster\": \"a\", \"weight\": -1}, {\"cluster\": \"b\", \"weight\": -2}]}]}"}}}"#;
    let lines = [
        "f.yaml:2:101: http[0].route[0].weight: -1 is negative",
        "f.yaml:2:139: http[0].route[1].weight: -2 is negative",
    ];
    assert_eq!(check(escaped).stderr.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn a_broken_document_and_a_key_that_appears_twice_do_not_hide_other_faults() {
    let plugin = |weights: &str| {
        format!(
            "kind: WasmPlugin\nspec: {{pluginConfig: {{http: [{{route: [{{cluster: a, {weights}}}]}}]}}}}\n"
        )
    };
    let file = [
        plugin("weight: 1, weight: -1"),
        plugin("weight: ["),
        plugin("weight: -1"),
    ];
    let said = check(&file.join("---\n"));
    let lines = [
        "f.yaml:2:63: the key `weight` appears twice",
        "f.yaml:5:60: is not valid YAML: ",
        "f.yaml:8:52: http[0].route[0].weight: -1 is negative",
    ];
    let found: Vec<_> = said.stderr.lines().collect();
    assert_eq!((said.status, found.len()), (1, lines.len()), "{found:#?}");
    for (found, line) in found.iter().zip(lines) {
        assert!(found.starts_with(line), "{found}\n{line}");
    }
}

/// A Wasm filter of Envoy, as an entry of `http_filters`.
fn filter(name: &str, vm: &str, response: &str, cluster: &str) -> String {
    format!(
        "{{name: wasm, typed_config: {{\"@type\": x/envoy.extensions.filters.http.wasm.v3.Wasm, config: {{name: {name}, vm_config: {{vm_id: {vm}}}, configuration: {{\"@type\": x/google.protobuf.StringValue, value: '{{\"http\": [{{\"route\": [{{\"cluster\": \"{cluster}\"}}]}}], \"responseHeader\": \"{response}\"}}'}}}}}}}}"
    )
}

fn warnings(content: &str) -> Vec<String> {
    let said = check(content);
    assert_eq!(said.status, 0, "{said:?}");
    let all = said.stderr.lines();
    all.map(|line| {
        assert!(line.contains(": warning: "), "{line}");
        let (_, reason) = line.split_once(": warning: ").unwrap();
        let end = reason.find(" is also").or(reason.find(" on line"));
        reason[..end.unwrap()].to_owned()
    })
    .collect()
}

#[test]
fn two_configurations_that_take_something_from_each_other_are_warned_about() {
    let (a, b) = (
        filter("canary", "vm", "x-a", "a"),
        filter("canary", "vm", "X-A", "b"),
    );
    let said = check(&format!("http_filters:\n- {a}\n- {b}\n"));
    let name = "has the same name as the plugin `canary` on line 2: in one Envoy, each would take over the last good configuration of the other, so give them different names";
    let header = "responseHeader: `x-a` is also that of the configuration on line 2: in one proxy, the one that matches no rule removes what the other has written";
    assert_eq!(
        said.stderr,
        format!("f.yaml:3:196: warning: {name}\nf.yaml:3:196: warning: {header}\n")
    );
    assert_eq!(
        (said.status, said.stdout.as_str()),
        (
            0,
            "f.yaml:2: ok: 1 rule, http-0: a 100 %\nf.yaml:3: ok: 1 rule, http-0: b 100 %\n"
        )
    );
}

#[test]
fn configurations_that_cannot_disturb_each_other_have_no_warning() {
    let name = "has the same name as the plugin `canary`";
    let header = "responseHeader: `x-a`";
    let filters = |one: &str, other: &str| format!("http_filters:\n- {one}\n- {other}\n");
    let listeners = |one: &str, other: &str| {
        format!("listeners:\n- http_filters:\n  - {one}\n- http_filters:\n  - {other}\n")
    };
    let manifest = |kind: &str, names: &str, spec: &str, cluster: &str| {
        format!(
            "apiVersion: extensions.istio.io/v1alpha1\nkind: {kind}\nmetadata: {names}\nspec: {{{spec} pluginConfig: {{responseHeader: x-a, http: [{{route: [{{cluster: {cluster}}}]}}]}}}}\n---\n"
        )
    };
    let (first, second) = ("selector: {app: a},", "selector: {app: b},");
    let a = &filter("canary", "vm", "x-a", "a");
    for (content, expected) in [
        (filters(a, &filter("other", "vm", "x-b", "b")), vec![]),
        (filters(a, &filter("other", "vm", "x-a", "b")), vec![header]),
        (filters(a, &filter("canary", "other", "x-b", "b")), vec![]),
        (filters(a, &filter("canary", "vm", "x-b", "b")), vec![name]),
        (
            filters(
                &filter("''", "vm", "x-a", "a"),
                &filter("''", "vm", "x-b", "b"),
            ),
            vec!["has no name, like the plugin"],
        ),
        // Two listeners with the same filter are one plugin, and no request passes both.
        (listeners(a, a), vec![]),
        (
            listeners(a, &filter("canary", "vm", "x-a", "b")),
            vec![name],
        ),
        (
            manifest("WasmPlugin", "{name: c, namespace: n}", "", "a")
                + &manifest("WasmPlugin", "{name: c, namespace: n}", "", "b"),
            vec!["has the same name as the plugin `n.c`", header],
        ),
        (
            manifest("WasmPlugin", "{name: c, namespace: n}", "", "a")
                + &manifest("WasmPlugin", "{name: c, namespace: m}", "", "b"),
            vec![header],
        ),
        (
            manifest("WasmPlugin", "{name: c}", first, "a")
                + &manifest("WasmPlugin", "{name: d}", second, "b"),
            vec![],
        ),
        (
            manifest("WasmPlugin", "{name: c}", first, "a")
                + &manifest("WasmPlugin", "{name: d}", "", "b"),
            vec![header],
        ),
    ] {
        assert_eq!(warnings(&content), expected, "{content}");
    }
    let policy = "kind: EnvoyExtensionPolicy
metadata: {name: c, namespace: n}
spec:
  wasm:
  - {name: canary, config: {responseHeader: x-a, http: [{route: [{cluster: a}]}]}}
  - {name: canary, config: {responseHeader: x-a, http: [{route: [{cluster: b}]}]}}
";
    assert_eq!(warnings(policy), [header]);
}

#[test]
fn two_plugins_that_would_disturb_each_other_are_warned_of() {
    let wasm = |name: &str, header: &str| {
        format!(
            "- \"@type\": x/envoy.extensions.filters.http.wasm.v3.Wasm\n  config:\n    name: {name}\n    configuration:\n      \"@type\": x/google.protobuf.StringValue\n      value: '{{\"responseHeader\": \"{header}\", \"http\": [{{\"route\": [{{\"cluster\": \"a\"}}]}}]}}'\n"
        )
    };
    let name = "f.yaml:12:14: warning: has the same name as the plugin `canary` on line 6: ";
    let header = "f.yaml:12:14: warning: responseHeader: `x-canary` is also that of the configuration on line 6: ";
    for (one, other, warnings) in [
        (("canary", "x-canary"), ("canary", "x-other"), &[name][..]),
        (("canary", "x-canary"), ("other", "X-Canary"), &[header]),
        // The same configuration may be remembered twice.
        (("canary", "x-canary"), ("canary", "x-canary"), &[header]),
        (("canary", "x-canary"), ("other", "x-other"), &[]),
    ] {
        let said = check(&(wasm(one.0, one.1) + &wasm(other.0, other.1)));
        assert_eq!(
            (said.status, said.stderr.lines().count()),
            (0, warnings.len()),
            "{said:?}"
        );
        for (line, warning) in said.stderr.lines().zip(warnings) {
            assert!(line.starts_with(warning), "{line}");
        }
    }
    let one = plugin("75", "25");
    let other = plugin("1", "1");
    let said = check(&format!("{one}---\n{other}"));
    assert!(
        said.stderr.contains("has the same name as the plugin `"),
        "{said:?}"
    );
}
