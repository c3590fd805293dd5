//! `canary weights`: `--retry` ends a rollback, and `--dry-run` shows a change without making it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{Folder, Said, ecds};

/// A rule with `rollback` in YAML, with these members in it.
fn yaml(rollback: &str) -> String {
    format!(
        "http:\n- name: color # the demo\n  route:\n  - {{cluster: blue, weight: 75}}\n  - {{cluster: green, weight: 25}}\n  rollback:{rollback}\n- name: other\n  route: [{{cluster: c}}]\n"
    )
}

/// The same in the JSON text of an ECDS file.
fn json(rollback: &str) -> String {
    let name = "\"name\": \"color\",";
    let rollback = format!("{name}\n              \"rollback\": {{{rollback}}},");
    ecds("75", "25").replace(name, &rollback)
}

fn run(content: &str, arguments: &[&str]) -> (Said, String) {
    let folder = Folder::with("f.yaml", content);
    let said = folder.canary([&["weights", "f.yaml", "color"], arguments].concat());
    assert_eq!(folder.names(), ["f.yaml"]);
    (said, folder.read("f.yaml"))
}

#[test]
fn a_retry_gets_a_new_text_and_no_other_byte_changes() {
    for (before, after, retry) in [
        (
            yaml(" {stable: blue}"),
            yaml(" {retry: \"1\", stable: blue}"),
            "1",
        ),
        (
            yaml(" {retry: \"1\", stable: blue}"),
            yaml(" {retry: \"2\", stable: blue}"),
            "2",
        ),
        (
            yaml(" {retry: 'v9', stable: blue}"),
            yaml(" {retry: \"v10\", stable: blue}"),
            "v10",
        ),
        (
            yaml("\n    stable: blue # c"),
            yaml("\n    retry: \"1\"\n    stable: blue # c"),
            "1",
        ),
        (
            yaml("\n    stable: blue\n    retry: fixed # c"),
            yaml("\n    stable: blue\n    retry: \"fixed-2\" # c"),
            "fixed-2",
        ),
        (
            json("\"stable\": \"blue-sub\""),
            json("\"retry\": \"1\", \"stable\": \"blue-sub\""),
            "1",
        ),
        (
            json("\"retry\": \"bug 5\", \"stable\": \"blue-sub\""),
            json("\"retry\": \"bug 6\", \"stable\": \"blue-sub\""),
            "bug 6",
        ),
    ] {
        let (said, bytes) = run(&before, &["--retry"]);
        assert_eq!(bytes, after);
        assert_eq!((said.status, said.stderr.as_str()), (0, ""), "{said:?}");
        assert!(
            said.stdout.ends_with(&format!("(25 %); retry: {retry}\n")),
            "{said:?}"
        );
        assert_eq!(
            Folder::with("f.yaml", &bytes)
                .canary(["check", "f.yaml"])
                .status,
            0
        );
    }
}

#[test]
fn a_retry_in_json_text_between_quotes_is_escaped_for_them() {
    let text =
        serde_json::json!({"http": [{"name": "color", "rollback": {"stable": "a", "retry": "1"},
        "route": [{"cluster": "a"}, {"cluster": "b", "weight": 1}]}]})
        .to_string();
    let file = |text: &str| {
        let value = serde_json::to_string(text).unwrap();
        format!(
            "a: {{\"@type\": x/envoy.extensions.filters.http.wasm.v3.Wasm, config: {{configuration: {{\"@type\": x/google.protobuf.StringValue, value: {value}}}}}}}\n"
        )
    };
    let (said, bytes) = run(&file(&text), &["--retry", "a=3"]);
    assert_eq!(said, Said::ok("color: a 3 (75 %), b 1 (25 %); retry: 2"));
    let changed = text.replace("\"retry\":\"1\"", "\"retry\":\"2\"");
    let changed = changed.replace("{\"cluster\":\"a\"}", "{\"weight\": 3, \"cluster\":\"a\"}");
    assert_eq!(bytes, file(&changed));
}

#[test]
fn a_retry_and_weights_are_one_change() {
    let (said, bytes) = run(&yaml(" {stable: blue}"), &["green=75", "--retry"]);
    assert_eq!(
        said,
        Said::ok("color: blue 75 (50 %), green 75 (50 %); retry: 1")
    );
    let after = yaml(" {retry: \"1\", stable: blue}").replace("weight: 25", "weight: 75");
    assert_eq!(bytes, after);
}

#[test]
fn a_retry_that_is_not_possible_is_refused_and_the_file_stays() {
    let without = yaml("").replace("  rollback:\n", "");
    let folded = yaml("\n    stable: blue\n    retry: |\n      a");
    let anchored = yaml(" {stable: blue, retry: &r a}");
    for (content, line) in [
        (
            without,
            "f.yaml:2:3: http[0].rollback: is missing, so the rule has no rollback that a retry could end\n",
        ),
        (
            folded,
            "f.yaml:6:3: http[0].rollback: the retry cannot be edited safely: edit it by hand\n",
        ),
        (
            anchored.replace("{cluster: c}", "{cluster: *r}"),
            "f.yaml:6:3: http[0].rollback: retry has the anchor `&r`, which is used elsewhere too: write it without, so that it can be changed alone\n",
        ),
    ] {
        let (said, bytes) = run(&content, &["--retry"]);
        assert_eq!((said.status, said.stdout.as_str()), (1, ""));
        assert_eq!(said.stderr, line);
        assert_eq!(bytes, content);
    }
}

#[test]
fn a_dry_run_prints_a_diff_and_changes_nothing() {
    let before = yaml(" {stable: blue}");
    let (said, bytes) = run(&before, &["green=75", "--dry-run", "--retry"]);
    assert_eq!(bytes, before);
    assert_eq!((said.status, said.stderr.as_str()), (0, ""));
    let diff = "--- f.yaml
+++ f.yaml
@@ -2,7 +2,7 @@
 - name: color # the demo
   route:
   - {cluster: blue, weight: 75}
-  - {cluster: green, weight: 25}
-  rollback: {stable: blue}
+  - {cluster: green, weight: 75}
+  rollback: {retry: \"1\", stable: blue}
 - name: other
   route: [{cluster: c}]
color: blue 75 (50 %), green 75 (50 %); retry: 1
";
    assert_eq!(said.stdout, diff);
    let (said, _) = run(&before, &["green=25", "--dry-run"]);
    assert_eq!(
        said,
        Said::ok("color: blue 75 (75 %), green 25 (25 %) (unchanged)")
    );
}
