//! `canary check`: the filter's verdict, with the line.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::Write;
use std::process::Stdio;

use support::{Folder, Said, ecds, plugin};

fn check(name: &str, content: &str) -> Said {
    Folder::with(name, content).canary(["check", name])
}

fn ok(line: &str) -> Said {
    Said {
        status: 0,
        stdout: format!("{line}\n"),
        stderr: String::new(),
    }
}

fn refused(line: &str) -> Said {
    Said {
        status: 1,
        stdout: String::new(),
        stderr: format!("{line}\n"),
    }
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
        assert_eq!(check(name, &content), ok(&line));
    }
}

#[test]
fn the_file_of_the_demo_is_accepted() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy/canary.yaml");
    let said = Folder::new().canary(["check", file]);
    assert_eq!(
        said,
        ok(&format!(
            "{file}: ok: 1 rule, color: blue-sub 75 %, green-sub 25 %"
        ))
    );
}

#[test]
fn a_fault_is_one_line_with_its_place_in_the_file() {
    let ecds = ecds("75", "25");
    let negative = "http[0].route[1].weight: -5 is negative";
    for (content, line) in [
        (ecds.replace("\"weight\": 25", "\"weight\": -5"), format!("f.yaml:20: {negative}")),
        (ecds.replace("\"weight\": 25", "\"weight\": -5").replace('\n', "\r\n"), format!("f.yaml:20: {negative}")),
        (plugin("75", "-5"), format!("f.yaml:24: {negative}")),
        (plugin("75", "on"), "f.yaml:24: `on` is a boolean in Kubernetes but a string in YAML 1.2: quote it, or write true or false".to_owned()),
        (ecds.replace("25}", "25},"), "f.yaml:21: the configuration is not valid JSON: trailing comma (the value of a StringValue must be JSON text)".to_owned()),
        (ecds.replace("google.protobuf.StringValue", "google.protobuf.Struct"), "f.yaml:10: Envoy passes a google.protobuf.Struct to the filter in binary form, not as JSON: use a google.protobuf.StringValue with JSON text".to_owned()),
        (ecds.replace("google.protobuf.StringValue", "google.protobuf.BytesValue"), "f.yaml:10: the configuration must be a google.protobuf.StringValue with `@type` and `value`".to_owned()),
        (ecds.replace("      name: canary\n      configuration:", "      configuration_:"), "f.yaml:6: the Wasm filter has no `config.configuration`: the filter needs one".to_owned()),
        (plugin("75", "25").replace("pluginConfig", "pluginconfig"), "f.yaml:6: the WasmPlugin has no `spec.pluginConfig`: the filter needs one".to_owned()),
        ("http: []\nhttp: []\n".to_owned(), "f.yaml:2: the key `http` appears twice".to_owned()),
        (String::new(), "f.yaml: contains no configuration of the filter: no Wasm filter of Envoy, no WasmPlugin, no top-level `http`".to_owned()),
    ] {
        assert_eq!(check("f.yaml", &content), refused(&line));
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
        refused("f.yaml:9: http[0].route[0].weight: -5 is negative")
    );
    let yaml = format!("{head}      value: |\n        http:\n        - route: [{{cluster: a}}]\n");
    let line = "f.yaml:7: the configuration is not valid JSON: expected value (the value of a StringValue must be JSON text)";
    assert_eq!(check("f.yaml", &yaml), refused(line));
}

#[test]
fn a_file_named_json_must_be_json() {
    let yaml = "{\"http\": [{\"route\": [{\"cluster\": \"a\"},]}]}";
    assert_eq!(
        check("f.yaml", yaml),
        ok("f.yaml: ok: 1 rule, http-0: a 100 %")
    );
    assert_eq!(
        check("f.json", yaml),
        refused("f.json:1: is not valid JSON: trailing comma")
    );
}

#[test]
fn the_configuration_of_another_plugin_is_ignored_next_to_the_filter_s() {
    let other = plugin("75", "25").replace("http:\n    - name", "rules:\n    - name");
    let both = format!("{other}---\n{}", plugin("3", "1"));
    assert_eq!(
        check("f.yaml", &both),
        ok("f.yaml: ok: 2 rules\n  color: blue-sub 75 %, green-sub 25 %\n  http-1: rest 100 %")
    );
    let said = check("f.yaml", &other);
    assert!(
        said.stderr
            .starts_with("f.yaml:12: rules: unknown field `rules`"),
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
            stderr: "a.yaml:24: http[0].route[1].weight: -1 is negative\n\
                     a.yaml:48: http[0].route[0].weight: -2 is negative\n\
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
        ok("<stdin>: ok: 1 rule, color: blue-sub 75 %, green-sub 25 %")
    );
}
