//! The demo's page in a real browser: it shows the decision, and the browser stays on its version.

use harness::{Color, Envoy, Setup};
use serde_json::{Value, json};

use crate::support::{chromium, rule};

/// Two Colors at equal weights, with the decision in the header that the demo's page reads.
fn start(members: &Value) -> (Envoy, [Color; 2]) {
    let mut rule = rule("color", 1, 1);
    rule.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    let policy = json!({"http": [rule], "responseHeader": "x-canary"}).to_string();
    let colors = [Color::start("blue"), Color::start("green")];
    let envoy = Envoy::start(
        &Setup::new(policy),
        colors[0].address(),
        colors[1].address(),
    );
    (envoy, colors)
}

/// The text of a row, without markup; `None` if the row is hidden.
fn shown(page: &str, term: &str) -> Option<String> {
    let (before, after) = page
        .split_once(&format!("<dt>{term}</dt>"))
        .unwrap_or_else(|| panic!("no {term} in {page}"));
    let (row, _) = after.split_once("</dd>").unwrap();
    let text = row
        .split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| text)
        .collect();
    (!before.ends_with("<div hidden=\"\">")).then_some(text)
}

fn color(page: &str) -> &str {
    page.split_once("<h1>")
        .unwrap()
        .1
        .split_once("</h1>")
        .unwrap()
        .0
}

#[test]
fn a_browser_stays_on_its_colour_and_sees_why() {
    let Some(chromium) = chromium("a_browser_stays_on_its_colour_and_sees_why") else {
        return;
    };
    let keys = json!({"consistentHash": [{"httpCookie": {"name": "canary-id", "ttl": "720h"}}]});
    let (envoy, _colors) = start(&keys);
    let url = format!("http://{}/color", envoy.address());
    let first = chromium.open(&url);
    for visit in 1..=5 {
        let page = if visit == 1 {
            first.clone()
        } else {
            chromium.open(&url)
        };
        assert_eq!(color(&page), color(&first));
        let version = format!("{}-sub", color(&first));
        assert_eq!(shown(&page, "Version"), Some(version));
        assert_eq!(
            shown(&page, "Why").as_deref(),
            Some("sticky the same user gets the same version")
        );
        assert_eq!(
            shown(&page, "Known by").as_deref(),
            Some("cookie this browser keeps it")
        );
        // The page's own request does not count.
        assert_eq!(shown(&page, "Requests served"), Some(visit.to_string()));
    }
}

#[test]
fn after_a_rollback_the_page_says_that_there_is_no_other_version() {
    let Some(chromium) = chromium("after_a_rollback_the_page_says_that_there_is_no_other_version")
    else {
        return;
    };
    let keys = json!([{"httpCookie": {"name": "canary-id", "ttl": "720h"}}]);
    let rolled_back = rule("color", 1, 0)["route"].clone();
    let (envoy, _colors) = start(&json!({"consistentHash": keys, "route": rolled_back}));
    let page = chromium.open(&format!("http://{}/color", envoy.address()));
    assert_eq!(shown(&page, "Version").as_deref(), Some("blue-sub"));
    assert_eq!(
        shown(&page, "Why").as_deref(),
        Some("only no other version has a share")
    );
    assert_eq!(shown(&page, "Known by"), None);
}

#[test]
fn a_page_chosen_by_weight_says_so_and_never_names_another_version() {
    let test = "a_page_chosen_by_weight_says_so_and_never_names_another_version";
    let Some(chromium) = chromium(test) else {
        return;
    };
    let (envoy, _colors) = start(&json!({}));
    for _ in 0..4 {
        let page = chromium.open(&format!("http://{}/color", envoy.address()));
        assert_eq!(
            shown(&page, "Why").as_deref(),
            Some("weighted every request is drawn by weight")
        );
        assert_eq!(shown(&page, "Known by"), None);
        let own = format!("{}-sub", color(&page));
        assert!(
            shown(&page, "Version").is_none_or(|version| version == own),
            "{page}"
        );
    }
}

#[test]
fn without_the_filter_the_page_shows_no_decision() {
    let Some(chromium) = chromium("without_the_filter_the_page_shows_no_decision") else {
        return;
    };
    let blue = Color::start("blue");
    let page = chromium.open(&format!("http://{}/color", blue.address()));
    assert_eq!(color(&page), "blue");
    for term in ["Version", "Why", "Known by"] {
        assert_eq!(shown(&page, term), None, "{page}");
    }
}
