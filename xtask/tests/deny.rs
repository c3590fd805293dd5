//! What `cargo deny check bans licenses sources` checks, by the same `deny.toml`. cargo-deny takes minutes to build, so most
//! machines do not have it; these tests always run. They look at the packages of this machine's builds, and cargo-deny at
//! those of every platform and feature, and at advisories.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: a failure ends the test and names the line"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn toml(name: &str) -> toml::Table {
    fs::read_to_string(root().join(name))
        .unwrap()
        .parse()
        .unwrap()
}

/// The packages of the builds on this machine. All of them are downloaded already, since this test was built.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", "host-tuple"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether an expression such as `MIT OR Apache-2.0` (or the older `MIT/Apache-2.0`) can be met by these licences.
fn is_allowed(expression: &str, allowed: &[Licensee]) -> bool {
    let expression = Expression::parse_mode(expression, ParseMode::LAX);
    expression.is_ok_and(|expression| {
        expression.evaluate(|licence| allowed.iter().any(|allowed| allowed.satisfies(licence)))
    })
}

fn allowed(licences: &[&str]) -> Vec<Licensee> {
    let parsed = licences.iter().map(|licence| Licensee::parse(licence));
    parsed.collect::<Result<_, _>>().unwrap()
}

/// The entries of `skip`, as name and beginning of the version.
fn skipped() -> BTreeSet<(String, String)> {
    let deny = toml("deny.toml");
    let bans = &deny["bans"];
    assert_eq!(bans["multiple-versions"].as_str(), Some("deny"));
    let skip = bans["skip"].as_array().unwrap().iter();
    skip.map(|entry| {
        assert!(
            entry["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty())
        );
        let (name, version) = entry["crate"].as_str().unwrap().split_once('@').unwrap();
        (name.to_owned(), version.to_owned())
    })
    .collect()
}

/// Whether `2.0.119` is a version `2`, and not a version `20`.
fn is_version(version: &str, beginning: &str) -> bool {
    version
        .strip_prefix(beginning)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[test]
fn every_licence_is_allowed() {
    let deny = toml("deny.toml");
    let list = deny["licenses"]["allow"].as_array().unwrap().iter();
    let list: Vec<_> = list.map(|licence| licence.as_str().unwrap()).collect();
    let allowed = allowed(&list);
    let refused: Vec<_> = packages()
        .iter()
        .filter(|package| !is_allowed(text(&package["license"]), &allowed))
        .map(|package| format!("{} {}", package["name"], package["license"]))
        .collect();
    assert_eq!(refused, [""; 0]);
}

#[test]
fn a_licence_expression_needs_all_of_and_and_one_of_or() {
    let mit = allowed(&["MIT"]);
    for (expression, expected) in [
        ("MIT", true),
        ("MIT OR GPL-3.0-only", true),
        ("MIT/GPL-3.0", true),
        ("MIT AND GPL-3.0-only", false),
        ("GPL-3.0-only", false),
        ("Apache-2.0 WITH LLVM-exception", false),
        ("", false),
        ("none at all", false),
    ] {
        assert_eq!(is_allowed(expression, &mit), expected, "{expression}");
    }
    let with_exception = allowed(&["Apache-2.0 WITH LLVM-exception"]);
    assert!(is_allowed(
        "Apache-2.0 WITH LLVM-exception",
        &with_exception
    ));
    assert!(!is_allowed("Apache-2.0", &with_exception));
}

/// `Cargo.lock` has the packages of every platform and feature.
#[test]
fn every_package_is_this_repositorys_or_from_crates_io() {
    let own: BTreeSet<_> = packages()
        .iter()
        .filter(|package| package["source"].is_null())
        .map(|package| text(&package["name"]).to_owned())
        .collect();
    for package in toml("Cargo.lock")["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        match package.get("source").and_then(toml::Value::as_str) {
            Some(source) => assert_eq!(source, CRATES_IO, "{name}"),
            None => assert!(own.contains(name), "{name} has no source"),
        }
    }
}

#[test]
fn a_package_has_one_version_or_its_others_are_skipped() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in toml("Cargo.lock")["package"].as_array().unwrap() {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        versions
            .entry(text("name"))
            .or_default()
            .push(text("version"));
    }
    let skipped = skipped();
    let is_skipped = |name: &str, version: &str| {
        skipped
            .iter()
            .any(|(other, beginning)| other == name && is_version(version, beginning))
    };
    for (name, versions) in &versions {
        let counted = versions.iter().filter(|version| !is_skipped(name, version));
        assert!(counted.count() <= 1, "{name}: {versions:?}");
    }
    for (name, beginning) in &skipped {
        let needed = versions.get(name).is_some_and(|versions| {
            versions.len() > 1
                && versions
                    .iter()
                    .any(|version| is_version(version, beginning))
        });
        assert!(needed, "deny.toml skips {name}@{beginning} without need");
    }
}

#[test]
fn every_dependency_names_a_version_or_a_path() {
    for package in packages()
        .iter()
        .filter(|package| package["source"].is_null())
    {
        for dependency in package["dependencies"].as_array().unwrap() {
            let named = dependency["req"] != "*" || dependency["path"].is_string();
            assert!(named, "{}: {}", package["name"], dependency["name"]);
        }
    }
}
