//! `docs/istio.md` against the manifests.

use manifests::{Documents, list};
use serde_json::Value;

use crate::repository::{read, text};

/// The text of the page between the two.
fn between(start: &str, end: &str) -> String {
    let page = text("docs/istio.md");
    let (_, after) = page
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start:?}"));
    after
        .split_once(end)
        .unwrap_or_else(|| panic!("no {end:?}"))
        .0
        .to_owned()
}

#[test]
fn the_patch_changes_the_two_weights_of_the_plugin_and_nothing_else() {
    let patch = between("patch wasmplugin canary --type=json -p '", "'");
    let patch: Value = serde_json::from_str(&patch).unwrap();
    let plugin = read(&["base/plugin.yaml"]).0.remove(0);
    let [test, weights @ ..] = list(&patch) else {
        panic!("{patch}")
    };
    assert_eq!(test["op"], "test");
    assert_eq!(
        plugin.pointer(test["path"].as_str().unwrap()),
        test.get("value")
    );
    assert_eq!(
        weights.len(),
        list(&plugin["spec"]["pluginConfig"]["http"][0]["route"]).len()
    );
    for (index, weight) in weights.iter().enumerate() {
        assert_eq!(weight["op"], "replace");
        assert_eq!(
            weight["path"],
            format!("/spec/pluginConfig/http/0/route/{index}/weight")
        );
        assert!(weight["value"].is_u64());
    }
}

#[test]
fn the_query_of_the_share_is_the_recorded_one() {
    let rules = Documents::parse(&text("istio/telemetry/prometheus-rules.yaml")).unwrap();
    let share = list(&rules.0[0]["groups"][0]["rules"])
        .iter()
        .find(|rule| rule["record"].is_string())
        .unwrap();
    let query = between("As a query:\n\n```text\n", "```");
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&query), words(share["expr"].as_str().unwrap()));
}
