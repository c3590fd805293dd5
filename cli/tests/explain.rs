//! `canary explain` on the command line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use serde_json::Value;
use support::{Folder, PLUGIN, Said};

const CONFIG: &str = r#"
subsetHeader: x-subset
responseHeader: x-canary
filterState: true
http:
- name: admin
  match:
  - uri: {prefix: /color}
    headers: {X-Admin: {exact: "1"}}
    withoutHeaders: {x-bot: {}}
  - uri: {regex: /admin(/.*)?}
  route: [{subset: admin}]
- name: color
  match:
  - uri: {prefix: /color}
  route:
  - {subset: blue, weight: 75}
  - {subset: green, weight: 25}
  consistentHash:
  - httpHeaderName: x-user-id
  - httpCookie: {name: canary-id, ttl: 720h}
  rollback: {stable: blue}
  ramp:
    start: "2026-12-01T09:00:00Z"
    steps: [{after: 0s, weights: [95, 5]}, {after: 2h, weights: [0, 100]}]
"#;

const BEFORE: &str = "2026-12-01T08:00:00Z";
const DURING: &str = "2026-12-01T10:00:00Z";

fn explain(arguments: &[&str]) -> Said {
    let folder = Folder::with("canary.yaml", CONFIG);
    folder.canary([&["explain", "canary.yaml"], arguments].concat())
}

fn json(arguments: &[&str]) -> Value {
    let said = explain(&[arguments, &["--output", "json"]].concat());
    assert_eq!((said.status, said.stderr.as_str()), (0, ""));
    let mut report: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(report["file"], "canary.yaml");
    report["configurations"][0].take()
}

#[test]
fn the_whole_decision_is_told_in_order() {
    let said = explain(&[
        "--path",
        "/color/x",
        "--header",
        "X-User-Id: ada",
        "--at",
        BEFORE,
    ]);
    let wanted = "\
GET /color/x
not http[0] admin (canary.yaml:6)
    match[0].headers.X-Admin must be `1`, and the request has none (line 9)
    match[1].uri must match `/admin(/.*)?`, and the request has `/color/x` (line 11)
rule http[1] color: match[0] holds (canary.yaml:13)
  key header x-user-id: ada
  the ramp has these weights at 2026-12-01T08:00:00Z
 DESTINATION  WEIGHT  SHARE     SCORE
 blue             75   75 %  0.030965
 green            25   25 %  0.017287
goes to green: it has the smallest score
request header x-subset: green
response header x-canary: route=color;subset=green;reason=sticky;key=header;share=2500
filter state wasm.canary: color/green/sticky
";
    assert_eq!(
        (said.status, said.stdout.as_str(), said.stderr.as_str()),
        (0, wanted, "")
    );
}

#[test]
fn where_chance_decides_nothing_is_picked() {
    let answer = json(&["--path", "/color", "--at", DURING]);
    let chosen = &answer["chosen"];
    assert_eq!(chosen["random"], true);
    assert_eq!(chosen["destination"], Value::Null);
    assert_eq!(chosen["issues"], "canary-id");
    assert_eq!(chosen["writes"].as_array().unwrap().len(), 2);
    assert_eq!(chosen["keys"][1]["value"], Value::Null);
    let text = explain(&["--path", "/color", "--at", DURING]).stdout;
    assert!(text.contains("\nchance decides: "), "{text}");
    assert!(!text.contains("goes to"), "{text}");
}

#[test]
fn what_is_rolled_back_has_no_share_and_a_ramp_has_the_weights_of_its_time() {
    let request = [
        "--path",
        "/color",
        "--cookie",
        "a=b; canary-id=k",
        "--at",
        DURING,
    ];
    let chosen = &json(&request)["chosen"];
    assert_eq!(chosen["keys"][1]["value"], "k");
    assert_eq!(chosen["destinations"][1]["share"], 500);
    let chosen = &json(&[&request[..], &["--out", "green"]].concat())["chosen"];
    assert_eq!(chosen["destination"], "blue");
    assert_eq!(chosen["reason"], "only");
    assert_eq!(chosen["destinations"][1]["rolledBack"], true);
    assert_eq!(chosen["destinations"][1]["weight"], 0);
}

#[test]
fn a_curl_command_is_the_request_that_it_sends() {
    let command = "curl 'https://shop/color?x=1' -H 'x-admin: 1' -H 'x-bot: me'";
    let answer = json(&["--curl", command, "--at", BEFORE, "--source-ip", "::1"]);
    assert_eq!(answer["request"], "GET https://shop/color?x=1");
    let failed = &answer["passed"][0]["failed"][0];
    assert_eq!(failed["path"], "http[0].match[0].withoutHeaders.x-bot");
    assert_eq!(failed["found"][0], "me");
    assert_eq!(failed["condition"], serde_json::json!({}));
}

#[test]
fn without_a_rule_the_filter_removes_its_headers() {
    let answer = json(&["--path", "/x"]);
    assert_eq!(answer["chosen"], Value::Null);
    assert_eq!(answer["removes"], serde_json::json!(["x-subset"]));
    assert_eq!(answer["passed"].as_array().unwrap().len(), 2);
}

#[test]
fn every_configuration_of_a_file_answers() {
    let plugins = PLUGIN.replace("{BLUE}", "1").replace("{GREEN}", "0");
    let twice = format!("{plugins}---\n{plugins}");
    let folder = Folder::with("canary.yaml", twice);
    let said = folder.canary(["explain", "canary.yaml", "--path", "/größe/"]);
    assert_eq!(said.status, 0, "{said:?}");
    let starts = ["canary.yaml:12:\n", "\ncanary.yaml:42:\n"];
    assert!(
        starts.iter().all(|start| said.stdout.contains(start)),
        "{}",
        said.stdout
    );
    assert_eq!(said.stdout.matches("goes to blue-sub").count(), 2);
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    for (arguments, line) in [
        (
            &["--path", "/color", "--out", "gren"][..],
            "explain: `gren` is not the label of a destination",
        ),
        (
            &["--path", "/color", "--out", "blue"],
            "explain: `blue` cannot be rolled back: it is stable",
        ),
        (
            &["--path", "/color", "--out", "admin"],
            "explain: `admin` cannot be rolled back: its rule has no rollback",
        ),
        (
            &["--path", "/color", "--header", "x"],
            "explain: `x` is not a header: write NAME=VALUE",
        ),
        (
            &["--path", "color"],
            "invalid value 'color' for '--path <PATH>': a path begins with `/`",
        ),
        (
            &["--path", "/", "--at", "noon"],
            "invalid value 'noon' for '--at <TIME>': write a time with its offset, such as 2026-12-01T09:00:00Z",
        ),
        (
            &["--curl", "curl"],
            "invalid value 'curl' for '--curl <COMMAND>': the curl command cannot be used: it has no URL",
        ),
        (
            &[],
            "the following required arguments were not provided: --path <PATH>",
        ),
    ] {
        let said = explain(arguments);
        let wanted = format!("canary: {line} (see canary --help)\n");
        assert_eq!((said.status, said.stderr), (2, wanted), "{arguments:?}");
        assert_eq!(said.stdout, "");
    }
    let both = explain(&["--path", "/", "--curl", "curl shop"]);
    assert_eq!((both.status, both.stderr.lines().count()), (2, 1));
}

#[test]
fn a_file_that_is_refused_has_all_its_faults_and_status_1() {
    let text = "http: [{name: a b, route: [{cluster: x, weight: -1}]}]";
    let said = Folder::with("canary.yaml", text).canary(["explain", "canary.yaml", "--path", "/"]);
    assert_eq!((said.status, said.stdout.as_str()), (1, ""));
    assert_eq!(said.stderr.lines().count(), 2, "{}", said.stderr);
    let said = Folder::new().canary(["explain", "canary.yaml", "--path", "/"]);
    assert_eq!((said.status, said.stderr.lines().count()), (1, 1));
}
