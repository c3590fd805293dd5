//! The example of docs/cli.md in the demo's Envoy.

use std::collections::BTreeMap;

use canary::{Input, convert};
use harness::{Echo, Envoy, Setup};

/// A file of the page.
fn file(page: &str, name: &str) -> String {
    let marker = format!("<!-- file: {name} -->\n```yaml\n");
    let (_, rest) = page.split_once(&marker).unwrap();
    rest.split_once("```\n").unwrap().0.to_owned()
}

#[test]
fn the_example_of_the_page_splits_in_the_demo() {
    let page = std::fs::read_to_string(harness::root().join("docs/cli.md")).unwrap();
    let files = ["virtual-service.yaml", "service.yaml"].map(|name| (name, file(&page, name)));
    let inputs = files.each_ref().map(|(name, content)| Input {
        name,
        content: content.as_bytes(),
        must_be_json: false,
    });
    let converted = convert(&inputs, None).unwrap();
    let (blue, green) = (Echo::start("blue"), Echo::start("green"));
    let setup = Setup::new(converted.configuration.to_string());
    let envoy = Envoy::start(&setup, blue.address(), green.address());
    let mut connection = envoy.connect();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..1000 {
        let answer = connection.get("/color", &[]).unwrap();
        let version = answer.body.lines().next().unwrap_or_default().to_owned();
        *seen.entry(version).or_default() += 1;
        let tester = connection.get("/color", &[("x-tester", b"1")]).unwrap();
        assert!(tester.body.starts_with("green"), "{tester:?}");
    }
    // Five standard deviations of 1000 requests at 75 %.
    assert!((682..=818).contains(&seen["blue"]), "{seen:?}");
}
