//! `canary weights`: the bytes of the file after a change.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use support::{Folder, Said, ecds, plugin};

const BARE: &str = r#"{"http": [{"name": "color", "route": [{"cluster": "blue", "weight": 75}, {"cluster": "green", "weight": 25}]}]}"#;

/// Runs `canary weights NAME ...` on a file and returns its bytes after the change.
fn changed(name: &str, content: &str, arguments: &[&str]) -> (Said, String) {
    let folder = Folder::with(name, content);
    let said = folder.canary([&["weights", name], arguments].concat());
    assert_eq!(folder.names(), [name], "no temporary file is left");
    (said, folder.read(name))
}

#[test]
fn only_the_numbers_change_in_every_kind_of_file() {
    let crlf = |text: String| text.replace('\n', "\r\n");
    let escaped = |text: &str| serde_json::to_string(text).unwrap();
    let json = |blue: &str, green: &str| {
        let inner = BARE
            .replace("75", blue)
            .replace("25", green)
            .replace("\"name\"", "\n\t\"name\"");
        format!(
            r#"{{"resources": [{{"@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": "größe",
  "typed_config": {{"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {{
    "configuration": {{"@type": "type.googleapis.com/google.protobuf.StringValue", "value": {}}}}}}}}}]}}"#,
            escaped(&inner)
        )
    };
    let scalar = |value: &str| {
        format!(
            "typed_config:\n  \"@type\": x/envoy.extensions.filters.http.wasm.v3.Wasm\n  config:\n    configuration:\n      \"@type\": x/google.protobuf.StringValue\n      value: {value}\n"
        )
    };
    for (case, name, before, after) in [
        ("ECDS", "canary.yaml", ecds("75", "25"), ecds("50", "50")),
        ("CRLF", "canary.yaml", crlf(ecds("75", "25")), crlf(ecds("50", "50"))),
        ("BOM", "canary.yaml", format!("\u{feff}{}", ecds("75", "25")), format!("\u{feff}{}", ecds("50", "50"))),
        ("space in front", "canary.yaml", ecds("   75", "25 "), ecds("   50", "50 ")),
        ("ECDS as JSON", "canary.json", json("75", "25"), json("50", "50")),
        ("folded", "c.yaml", scalar(&format!(">\n        {BARE}")), scalar(&format!(">\n        {}", BARE.replace("75", "50").replace("25", "50")))),
        ("single quotes", "c.yaml", scalar(&format!("'{BARE}' # 75")), scalar(&format!("'{}' # 75", BARE.replace("75", "50").replace("25", "50")))),
        ("double quotes", "c.yaml", scalar(&escaped(BARE)), scalar(&escaped(BARE).replace("75", "50").replace("25", "50"))),
        ("WasmPlugin", "plugin.yaml", plugin("75", "25"), plugin("50", "50")),
        ("WasmPlugin with CRLF", "plugin.yaml", crlf(plugin("75", "25")), crlf(plugin("50", "50"))),
        ("other integers", "plugin.yaml", plugin("0x4b", "+25"), plugin("50", "50")),
        ("floats that are integers", "plugin.yaml", plugin("75.0", "2.5e1"), plugin("50", "50")),
        ("bare JSON", "c.json", BARE.to_owned(), BARE.replace("75", "50").replace("25", "50")),
        ("bare YAML without an end of line", "c.yaml", "http: [{name: color, route: [{cluster: blue, weight: 75}, {cluster: green, weight: 25}]}]".to_owned(),
            "http: [{name: color, route: [{cluster: blue, weight: 50}, {cluster: green, weight: 50}]}]".to_owned()),
        ("bare YAML", "c.yaml", "http:\n- name: color\n  route:\n  - cluster: blue\n    weight: 75\n  - {cluster: green, weight: 25}".to_owned(),
            "http:\n- name: color\n  route:\n  - cluster: blue\n    weight: 50\n  - {cluster: green, weight: 50}".to_owned()),
    ] {
        let label = if before.contains("blue-sub") { "-sub" } else { "" };
        let (said, bytes) = changed(name, &before, &["color", &format!("blue{label}=50"), &format!("green{label}=50")]);
        assert_eq!(said, Said::ok(&format!("color: blue{label} 50 (50 %), green{label} 50 (50 %)")), "{case}");
        assert_eq!(bytes, after, "{case}");
    }
}

#[test]
fn a_label_that_is_not_named_keeps_its_weight() {
    let (said, bytes) = changed(
        "canary.yaml",
        &ecds("75", "25"),
        &["color", "green-sub=225"],
    );
    assert_eq!(
        (said, bytes),
        (
            Said::ok("color: blue-sub 75 (25 %), green-sub 225 (75 %)"),
            ecds("75", "225")
        )
    );
}

#[test]
fn a_missing_weight_becomes_the_first_field() {
    let block = |entry: &str| {
        format!("http:\n- name: color\n  route:\n  - {{cluster: blue, weight: 75}}\n{entry}")
    };
    let escaped = |text: &str| {
        format!(
            "a: {{type_url: x/envoy.extensions.filters.http.wasm.v3.Wasm, value: {{config: {{configuration: {{\"@type\": x/google.protobuf.StringValue, value: {}}}}}}}}}\n",
            serde_json::to_string(text).unwrap()
        )
    };
    for (before, after) in [
        (BARE.replace(", \"weight\": 25", ""), BARE.replace("{\"cluster\": \"green\", \"weight\": 25", "{\"weight\": 5, \"cluster\": \"green\"")),
        (escaped(&BARE.replace(", \"weight\": 25", "")), escaped(&BARE.replace("{\"cluster\": \"green\", \"weight\": 25", "{\"weight\": 5, \"cluster\": \"green\""))),
        (ecds("75", "25").replace(", \"weight\": 25", ""), ecds("75", "25").replace(", \"weight\": 25", "").replacen("{\"destination\": {\"host\": \"color.default.svc.cluster.local\", \"subset\": \"green", "{\"weight\": 5, \"destination\": {\"host\": \"color.default.svc.cluster.local\", \"subset\": \"green", 1)),
        (block("  - {cluster: green} # c\n"), block("  - {weight: 5, cluster: green} # c\n")),
        (block("  - {\n    # c\n    'cluster': green,}\n"), block("  - {\n    # c\n    weight: 5, 'cluster': green,}\n")),
        (block("  - cluster: green # c\n"), block("  - weight: 5\n    cluster: green # c\n")),
        (block("  -   # c\n      cluster: green"), block("  -   # c\n      weight: 5\n      cluster: green")),
        (block("  - \"cluster\": green\n").replace('\n', "\r\n"), block("  - \"weight\": 5\n    \"cluster\": green\n").replace('\n', "\r\n")),
    ] {
        let green = if before.contains("green-sub") { "green-sub" } else { "green" };
        let (said, bytes) = changed("c.yaml", &before, &["color", &format!("{green}=5")]);
        assert_eq!(said.status, 0, "{before}: {said:?}");
        assert_eq!(bytes, after);
    }
    let (said, bytes) = changed(
        "c.yaml",
        &block("  - cluster: green\n"),
        &["color", "green=0"],
    );
    assert_eq!(
        (said, bytes),
        (
            Said::ok("color: blue 75 (100 %), green 0 (0 %) (unchanged)"),
            block("  - cluster: green\n")
        )
    );
}

#[test]
fn the_rule_is_found_in_the_only_configuration_that_has_it() {
    let two = format!(
        "{}---\n{}",
        plugin("75", "25"),
        plugin("1", "1").replace("name: color", "name: other")
    );
    let (said, bytes) = changed("two.yaml", &two, &["color", "blue-sub=0"]);
    assert_eq!(
        said,
        Said::ok("color: blue-sub 0 (0 %), green-sub 25 (100 %)")
    );
    assert_eq!(bytes, two.replacen("75 # blue", "0 # blue", 1));
    let (said, bytes) = changed("c.yaml", &plugin("75", "25"), &["http-1", "rest=7"]);
    assert_eq!(said, Said::ok("http-1: rest 7 (100 %)"));
    assert_eq!(
        bytes,
        plugin("75", "25").replace("{cluster: rest}", "{weight: 7, cluster: rest}")
    );
}

#[test]
fn a_change_that_cannot_be_made_is_refused_in_one_line_and_the_file_stays() {
    let two = format!("{}---\n{}", plugin("75", "25"), plugin("1", "1"));
    let yaml = |blue: &str| {
        format!(
            "http:\n- name: color\n  route:\n  - {{cluster: blue, {blue}}}\n  - {{cluster: green, weight: 25}}\n"
        )
    };
    let by_hand = "the weight cannot be edited safely: edit it by hand";
    let there = ", which others may use too: write it out here, or change it there";
    let elsewhere =
        ", which is used elsewhere too: write it without, so that it can be changed alone";
    for (content, arguments, line) in [
        (ecds("75", "25"), vec!["colour", "blue-sub=1"], "f.yaml: there is no rule `colour`: the rules are color".to_owned()),
        (ecds("75", "25"), vec!["color", "blue=1"], "f.yaml: rule `color` has no destination `blue`: its destinations are blue-sub, green-sub".to_owned()),
        (ecds("75", "25"), vec!["color", "blue-sub=0", "green-sub=0"], "f.yaml:18:15: the filter would refuse these weights: http[0].route: ".to_owned()),
        (ecds("75", "-5"), vec!["color", "green-sub=5"], "f.yaml:20:127: nothing was changed, because the filter refuses it as it is: http[0].route[1].weight: -5 is negative".to_owned()),
        (ecds("75", "\"25\""), vec!["color", "green-sub=5"], "f.yaml:20:127: nothing was changed, because the filter refuses it as it is: http[0].route[1].weight: ".to_owned()),
        (two, vec!["color", "blue-sub=1"], "f.yaml: several configurations have a rule `color`: those on lines 12, 42".to_owned()),
(plugin("*w", "25").replace("{name: canary,", "{labels: {w: &w 75}, name: canary,"), vec!["color", "blue-sub=1"], format!("f.yaml:17:9: http[0].route[0]: weight comes from the anchor `&w` on line 8{there}")),
        (ecds("75", "25").replace("value: |", "value: &v |") + "again: *v\n", vec!["color", "blue-sub=1"], format!("f.yaml:19:17: http[0].route[0]: has the anchor `&v`{elsewhere}")),
        (yaml("weight: 75").replace("weight: 25", "weight: *w").replace("75", "&w 75"), vec!["color", "blue=1"], format!("f.yaml:4:5: http[0].route[0]: weight has the anchor `&w`{elsewhere}")),
        (yaml("weight: 75").replace("weight: 25", "weight: *w").replace("75", "&w 75"), vec!["color", "green=1"], format!("f.yaml:5:5: http[0].route[1]: weight comes from the anchor `&w` on line 4{there}")),
        (yaml("weight: 75").replace("name: color", "name: &c color").replace("route:", "route: &r") + "- name: other\n  route: *r\n", vec!["other", "blue=1"], format!("f.yaml:7:3: http[1].route[0]: comes from the anchor `&r` on line 3{there}")),
        ("kind: WasmPlugin\nx: &base {cluster: blue, weight: 75}\nspec:\n pluginConfig:\n  http:\n  - {name: color, route: [{<<: *base}, {cluster: green, weight: 25}]}\n".to_owned(), vec!["color", "blue=1"], format!("f.yaml:6:27: http[0].route[0]: weight comes from the anchor `&base` on line 2{there}")),
        (yaml("weight: 75").replace("- {cluster: green, weight: 25}", "- &a cluster: green"), vec!["color", "green=1"], format!("f.yaml:5:5: http[0].route[1]: {by_hand}")),
        (yaml("weight: 75").replace("- {cluster: green, weight: 25}", "- ? cluster\n    : green"), vec!["color", "green=1"], format!("f.yaml:5:5: http[0].route[1]: {by_hand}")),
        ("a: 1\n".to_owned(), vec!["color", "green=1"], "f.yaml: contains no configuration of the filter: no Wasm filter of Envoy, no WasmPlugin, TrafficExtension or EnvoyExtensionPolicy, no top-level `http`".to_owned()),
        ("a: [\n".to_owned(), vec!["color", "green=1"], "f.yaml:1:4: is not valid YAML: ".to_owned()),
    ] {
        let (said, bytes) = changed("f.yaml", &content, &arguments);
        assert_eq!((said.status, said.stdout.as_str(), said.stderr.lines().count()), (1, "", 1), "{said:?}");
        assert!(said.stderr.starts_with(&line), "{said:?}\nis not\n{line}");
        assert_eq!(bytes, content);
    }
}

#[test]
fn a_weight_of_the_mapping_itself_is_changed_beside_what_a_merge_brings() {
    let file = "kind: WasmPlugin\nx: &base {weight: 75, cluster: blue}\nspec:\n pluginConfig:\n  http:\n  - name: color\n    route:\n    - <<: *base\n      weight: 70\n    - {cluster: green, weight: 30}\n";
    let (said, bytes) = changed("f.yaml", file, &["color", "blue=1"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(bytes, file.replace("weight: 70", "weight: 1"));
    // An anchor that nothing refers to is as good as none.
    let file = "http:\n- {name: color, route: [{cluster: blue, weight: &w 7}, {cluster: green, weight: 1}]}\n";
    let (said, bytes) = changed("f.yaml", file, &["color", "blue=1"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert_eq!(bytes, file.replace("&w 7", "&w 1"), "{bytes}");
}

#[test]
fn a_file_that_cannot_be_read_is_refused() {
    let folder = Folder::with("latin1.yaml", b"a: 1\n# \xe4\n");
    for (name, line) in [
        ("latin1.yaml", "latin1.yaml:2:3: is not valid UTF-8"),
        (
            "none.yaml",
            "none.yaml: No such file or directory (os error 2)",
        ),
        (".", ".: is not a regular file"),
    ] {
        assert_eq!(
            folder.canary(["weights", name, "r", "a=1"]),
            Said::refused(line)
        );
    }
}

#[test]
fn a_read_only_file_is_not_changed() {
    let folder = Folder::with("canary.json", BARE);
    let path = folder.path("canary.json");
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    let said = folder.canary(["weights", "canary.json", "color", "blue=1"]);
    assert_eq!(said, Said::refused("canary.json: is read-only"));
    assert_eq!(folder.read("canary.json"), BARE);
}

#[test]
fn wrong_usage_has_status_2_before_the_file_is_read() {
    let folder = Folder::new();
    let not_a_weight = |text: &str| {
        format!(
            "invalid value 'a={text}' for '[LABEL=WEIGHT]...': `{text}` is not a valid weight: use an integer from 0 to 2147483647"
        )
    };
    let missing = |names| format!("the following required arguments were not provided: {names}");
    for (arguments, line) in [
        ("", "a command is missing".to_owned()),
        (
            "wieghts",
            "unrecognized subcommand 'wieghts'; tip: a similar subcommand exists: 'weights'"
                .to_owned(),
        ),
        ("check", missing("<FILE>...")),
        (
            "check --fast f",
            "unexpected argument '--fast' found; tip: to pass '--fast' as a value, use '-- --fast'"
                .to_owned(),
        ),
        ("weights", missing("<FILE> <RULE> <LABEL=WEIGHT>...")),
        ("weights f", missing("<RULE> <LABEL=WEIGHT>...")),
        ("weights f r", missing("<LABEL=WEIGHT>...")),
        (
            "weights f r a",
            "invalid value 'a' for '[LABEL=WEIGHT]...': `a` is not LABEL=WEIGHT".to_owned(),
        ),
        (
            "weights f r =1",
            "invalid value '=1' for '[LABEL=WEIGHT]...': `=1` is not LABEL=WEIGHT".to_owned(),
        ),
        ("weights f r a=", not_a_weight("")),
        ("weights f r a=-1", not_a_weight("-1")),
        ("weights f r a=1.5", not_a_weight("1.5")),
        ("weights f r a=2147483648", not_a_weight("2147483648")),
        (
            "weights f r a=1 b=2 a=1",
            "weights: `a` appears twice".to_owned(),
        ),
        (
            "weights - r a=1",
            "weights: cannot change standard input: name a file".to_owned(),
        ),
        (
            "man wieghts",
            "man: there is no command `wieghts`".to_owned(),
        ),
    ] {
        let said = folder.canary(arguments.split_whitespace());
        let stderr = format!("canary: {line} (see canary --help)\n");
        assert_eq!(
            said,
            Said {
                status: 2,
                stdout: String::new(),
                stderr
            },
            "{arguments}"
        );
    }
}

#[test]
fn every_command_has_help_and_a_version() {
    let folder = Folder::new();
    for (arguments, start) in [
        ("--help", "Know what a configuration"),
        ("help", "Know what a configuration"),
        ("check -h", "Check whether the filter accepts"),
        ("weights f --help", "Change the weights of a rule"),
        ("--version", "canary 0.1.0\n"),
    ] {
        let said = folder.canary(arguments.split_whitespace());
        assert!(
            said.status == 0 && said.stdout.starts_with(start) && said.stderr.is_empty(),
            "{arguments}: {said:?}"
        );
    }
}

#[test]
fn every_shell_gets_completions_and_every_command_a_manual_page() {
    let folder = Folder::new();
    for (arguments, has) in [
        ("completions bash", "complete -F _canary"),
        ("completions zsh", "#compdef canary"),
        ("completions fish", "complete -c canary"),
        ("man", ".TH canary 1"),
        ("man check", ".TH canary-check 1"),
        ("man weights", "LABEL=WEIGHT"),
    ] {
        let said = folder.canary(arguments.split_whitespace());
        assert!(
            said.status == 0 && said.stdout.contains(has) && said.stderr.is_empty(),
            "{arguments}: {said:?}"
        );
    }
}

#[test]
fn a_rule_with_a_ramp_says_what_holds_now() {
    let file = |start: &str| {
        format!(
            "http:\n- name: color\n  route: [{{cluster: blue, weight: 3}}, {{cluster: green, weight: 1}}]\n  ramp: {{start: {start:?}, steps: [{{after: 0s, weights: [0, 1]}}]}}\n"
        )
    };
    for (start, now) in [
        ("2001-01-01T00:00:00Z", "color: blue 0 %, green 100 %"),
        ("9001-01-01T00:00:00Z", "color: blue 50 %, green 50 %"),
    ] {
        let (said, _) = changed("f.yaml", &file(start), &["color", "green=3"]);
        assert_eq!(said.status, 0, "{said:?}");
        assert!(
            said.stderr.ends_with(&format!("Now it is {now}\n")),
            "{said:?}"
        );
    }
}
