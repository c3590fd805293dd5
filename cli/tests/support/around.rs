//! The files of the repository around the filter, with changes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's support"
)]

use std::fs;
use std::path::Path;

use crate::support::Folder;

/// A file of the repository.
pub(crate) fn file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).unwrap()
}

pub(crate) fn envoy() -> [(&'static str, String); 3] {
    [
        ("canary.yaml", file("envoy/canary.yaml")),
        ("envoy.yaml", file("envoy/envoy.yaml")),
        ("clusters.yaml", file("envoy/clusters.yaml")),
    ]
}

pub(crate) fn istio() -> [(&'static str, String); 7] {
    [
        ("plugin.yaml", file("istio/base/plugin.yaml")),
        ("header.yaml", file("istio/base/header.yaml")),
        ("route.yaml", file("istio/base/route.yaml")),
        ("vs.yaml", file("istio/color/virtual-service.yaml")),
        ("dr.yaml", file("istio/color/destination-rule.yaml")),
        ("services.yaml", file("istio/color/services.yaml")),
        ("gateway.yaml", file("istio/color/gateway.yaml")),
    ]
}

/// Checks the first file with the others, after these replacements (file, from, to), and returns the problems.
pub(crate) fn check(files: &[(&str, String)], changes: &[(&str, &str, &str)]) -> Vec<String> {
    let folder = Folder::new();
    for (name, content) in files {
        let mut content = content.clone();
        for (_, from, to) in changes.iter().filter(|(file, ..)| file == name) {
            assert!(content.contains(from), "{name}: {from}");
            content = content.replace(from, to);
        }
        fs::write(folder.path(name), content).unwrap();
    }
    let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
    let said = folder.canary([&["check", names[0], "--with"], &names[1..]].concat());
    assert_eq!(said.status, 0, "{said:?}");
    // The rule of the repository takes `/color2` as well, which is what a prefix does.
    let lines = said.stderr.lines();
    lines
        .filter(|line| !line.contains("`/color` also takes `/color2`"))
        .map(str::to_owned)
        .collect()
}

/// The files and paths, and the beginning of each reason. The places in the repository's files may change.
pub(crate) fn assert_problems(found: &[String], expected: &[&str]) {
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        let (position, rest) = found.split_once(": ").unwrap();
        let parts: Vec<_> = position.split(':').collect();
        assert_eq!(parts.len(), 3, "line and column: {found}");
        let found = format!("{}: {rest}", parts[0]);
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}
