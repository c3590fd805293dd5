//! `canary check --output`: the formats for programs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use support::Folder;

/// A file that is accepted with a warning, one with two errors, and one that is not there.
fn folder() -> Folder {
    let warned = "http:\n- name: color\n  match: [{uri: {prefix: /color}}]\n  route: [{cluster: blue, weight: 3}, {cluster: green, weight: 1}]\n";
    let folder = Folder::with("a,b.yaml", warned);
    let refused =
        "http:\n- route: [{cluster: a, wieght: 1}]\n- name: '100%:'\n  route: [{cluster: a}]\n";
    fs::write(folder.path("refused.yaml"), refused).unwrap();
    folder
}

const FILES: [&str; 3] = ["a,b.yaml", "refused.yaml", "none.yaml"];

fn run(format: &str) -> (i32, String) {
    let arguments = [&["check", "--output", format], FILES.as_slice()].concat();
    let said = folder().canary(arguments);
    assert_eq!(said.stderr, "", "{format}");
    (said.status, said.stdout)
}

#[test]
fn json_is_one_document_with_the_configurations_and_the_problems_of_each_file() {
    let (status, text) = run("json");
    let report: Value = serde_json::from_str(&text).unwrap();
    let unknown =
        "unknown field `wieght`, expected one of `destination`, `cluster`, `subset`, `weight`";
    let expected = json!({"files": [
        {
            "file": "a,b.yaml",
            "accepted": true,
            "configurations": [{"line": 1, "column": 1, "rules": [{"name": "color", "destinations": [
                {"label": "blue", "cluster": "blue", "weight": 3, "share": 7500},
                {"label": "green", "cluster": "green", "weight": 1, "share": 2500},
            ]}]}],
            "problems": [{
                "severity": "warning", "line": 3, "column": 18, "path": "http[0].match[0].uri.prefix",
                "reason": "`/color` also takes `/color2`",
                "hint": "for `/color` and what is below it, write two entries, `uri: {exact: /color}` and `uri: {prefix: /color/}`",
            }],
        },
        {
            "file": "refused.yaml",
            "accepted": false,
            "configurations": [],
            "problems": [
                {
                    "severity": "error", "line": 2, "column": 24, "path": "http[0].route[0].wieght",
                    "reason": unknown, "hint": "did you mean `weight`?",
                },
                {
                    "severity": "error", "line": 3, "column": 3, "path": "http[1].name",
                    "reason": "is not a valid name: 1 to 63 letters, digits, `-`, `_`, `.`",
                },
            ],
        },
        {
            "file": "none.yaml",
            "accepted": false,
            "configurations": [],
            "problems": [{"severity": "error", "reason": "No such file or directory (os error 2)"}],
        },
    ]});
    assert_eq!((status, report), (1, expected));
    let order = [
        "\"file\"",
        "\"accepted\"",
        "\"configurations\"",
        "\"problems\"",
    ];
    let places = order.map(|field| text.find(field).unwrap());
    assert!(places.is_sorted(), "the fields are in their order");
}

#[test]
fn a_configuration_that_names_no_cluster_has_only_labels_in_json() {
    let file =
        "subsetHeader: x-s\nhttp: [{route: [{subset: a, weight: 1}, {subset: b, weight: 2}]}]\n";
    let said = Folder::with("f.yaml", file).canary(["check", "f.yaml", "--output=json"]);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let rule = &report["files"][0]["configurations"][0]["rules"][0];
    assert_eq!(rule["name"], "http-0");
    assert_eq!(
        rule["destinations"][0],
        json!({"label": "a", "weight": 1, "share": 3333})
    );
}

#[test]
fn github_gets_a_workflow_command_for_each_problem() {
    let (status, text) = run("github");
    let lines = [
        "::warning file=a%2Cb.yaml,line=3,col=18,title=http[0].match[0].uri.prefix::`/color` also takes `/color2`; for `/color` and what is below it, write two entries, `uri: {exact: /color}` and `uri: {prefix: /color/}`",
        "::error file=refused.yaml,line=2,col=24,title=http[0].route[0].wieght::unknown field `wieght`, expected one of `destination`, `cluster`, `subset`, `weight`; did you mean `weight`?",
        "::error file=refused.yaml,line=3,col=3,title=http[1].name::is not a valid name: 1 to 63 letters, digits, `-`, `_`, `.`",
        "::error file=none.yaml,title=canary check::No such file or directory (os error 2)",
    ];
    assert_eq!(status, 1);
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    let file = "http: [{route: [{cluster: a, '%:\\r,': 1}]}]\n".replace("'%:\\r,'", "\"%:\\r,\"");
    let said = Folder::with("f.yaml", file).canary(["check", "f.yaml", "--output=github"]);
    let start = "::error file=f.yaml,line=1,col=30,title=http[0].route[0].%25%3A\\r%2C::unknown field `%25:\\r,`";
    assert!(said.stdout.starts_with(start), "{said:?}");
}

#[test]
fn gitlab_gets_a_code_quality_report_with_fingerprints_that_lines_do_not_change() {
    let (status, text) = run("gitlab");
    let report: Value = serde_json::from_str(&text).unwrap();
    let findings = report.as_array().unwrap();
    assert_eq!((status, findings.len()), (1, 4));
    assert_eq!(findings[1]["severity"], "critical");
    assert_eq!(findings[1]["check_name"], "canary-check");
    let location = json!({"path": "refused.yaml", "lines": {"begin": 2}});
    assert_eq!(findings[1]["location"], location);
    assert_eq!(findings[0]["severity"], "minor");
    assert_eq!(findings[3]["location"]["lines"]["begin"], 1);

    let prints = |text: &str| -> Vec<String> {
        let folder = Folder::with("f.yaml", text);
        let said = folder.canary(["check", "./f.yaml", "--output=gitlab"]);
        let report: Value = serde_json::from_str(&said.stdout).unwrap();
        let findings = report.as_array().unwrap().iter();
        findings
            .map(|finding| {
                assert_eq!(finding["location"]["path"], "f.yaml");
                finding["fingerprint"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    let twice =
        "kind: WasmPlugin\nspec: {pluginConfig: {http: [{route: [{cluster: a, weight: -1}]}]}}\n";
    let file = format!("{twice}---\n{twice}");
    let before = prints(&file);
    assert_eq!(
        before.iter().collect::<BTreeSet<_>>().len(),
        2,
        "{before:?}"
    );
    assert_eq!(prints(&format!("# a comment\n{file}")), before);
}

#[test]
fn a_format_without_problems_is_empty_but_valid() {
    let folder = Folder::with("f.yaml", "http: [{route: [{cluster: a}]}]\n");
    for (format, text) in [("github", ""), ("gitlab", "[]\n")] {
        let said = folder.canary(["check", "f.yaml", "--output", format]);
        assert_eq!((said.status, said.stdout.as_str()), (0, text));
    }
    assert_eq!(
        folder.canary(["check", "f.yaml", "--output", "xml"]).status,
        2
    );
}
