//! The JSON Schemas are those of this version, and agree with the filter as far as a schema can say it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "support/markdown.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod markdown;
#[path = "schema/mutation.rs"]
mod mutation;
mod support;
#[path = "support/unsayable.rs"]
mod unsayable;

use std::fs;
use std::path::{Path, PathBuf};

use canary_filter::Policy;
use jsonschema::Validator;
use markdown::Page;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Folder, Said};
use unsayable::is_unsayable;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn committed(name: &str) -> Value {
    let text = fs::read_to_string(root().join("docs").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn validator(name: &str) -> Validator {
    jsonschema::draft202012::new(&committed(name)).unwrap()
}

/// The schema accepts what the filter accepts, and refuses what the filter refuses unless every fault is unsayable.
fn agree(schema: &Validator, configuration: &Value) -> Result<(), String> {
    let faults = Policy::faults(configuration.to_string().as_bytes());
    let first = schema.iter_errors(configuration).next();
    let sayable = faults
        .iter()
        .find(|fault| !is_unsayable(&fault.to_string()));
    match (first, sayable) {
        (Some(error), _) if faults.is_empty() => Err(format!(
            "the schema refuses what the filter accepts: {}: {error}\n{configuration}",
            error.instance_path()
        )),
        (None, Some(fault)) => Err(format!(
            "the schema accepts what the filter refuses: {fault}\n{configuration}"
        )),
        _ => Ok(()),
    }
}

#[test]
fn the_committed_files_are_what_the_command_prints() {
    for (name, arguments) in [
        ("schema.json", &["schema"][..]),
        ("schema-wasmplugin.json", &["schema", "--wasm-plugin"]),
    ] {
        let said = Folder::new().canary(arguments);
        let file = fs::read_to_string(root().join("docs").join(name)).unwrap();
        assert!(
            said == Said {
                status: 0,
                stdout: file,
                stderr: String::new()
            },
            "write it anew: canary {} >docs/{name}",
            arguments.join(" ")
        );
        assert!(jsonschema::draft202012::meta::is_valid(&committed(name)));
    }
}

/// All definitions of the configuration itself.
fn definitions(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let own = schema["$defs"].as_object().unwrap().iter();
    own.map(|(name, definition)| (name.as_str(), definition))
        .chain([("Config", schema)])
        .filter(|(_, definition)| definition.get("properties").is_some())
}

#[test]
fn every_field_has_a_description_and_no_other_field_is_allowed() {
    let schema = committed("schema.json");
    assert!(definitions(&schema).count() >= 13);
    for (name, definition) in definitions(&schema) {
        assert_eq!(definition["additionalProperties"], json!(false), "{name}");
        for (field, property) in definition["properties"].as_object().unwrap() {
            let description = property["description"].as_str().unwrap_or_default();
            let is_sentence = description.len() > 10 && description.ends_with(['.', '`']);
            assert!(is_sentence, "{name}.{field}: {description}");
        }
    }
}

#[test]
fn the_stored_inputs_of_the_fuzzer_agree() {
    let (schema, mut read) = (validator("schema.json"), 0);
    for entry in fs::read_dir(root().join("fuzz/seeds/config")).unwrap() {
        let text = fs::read(entry.unwrap().path()).unwrap();
        if let Ok(value) = serde_json::from_slice(&text) {
            agree(&schema, &value).unwrap();
            read += 1;
        }
    }
    assert!(read >= 10, "{read}");
}

/// A configuration with these members in one of its objects, as in the tables of mistakes.
fn around(place: &str, members: &str) -> String {
    let route = "route: [{cluster: a}]";
    let rule = match place {
        "top" => return format!("{{http: [{{{route}}}], {members}}}"),
        "rule" => format!("{route}, {members}"),
        "match" => format!("match: [{{{members}}}], {route}"),
        "route" => format!("route: [{{cluster: a, weight: 75}}, {{{members}}}]"),
        _ => format!(
            "name: color, consistentHash: [{{httpHeaderName: x-user}}, {{{members}}}], {route}"
        ),
    };
    format!("{{http: [{{{rule}}}]}}")
}

#[test]
fn the_configurations_and_the_mistakes_of_the_documentation_agree() {
    let (schema, mut bare, mut mistakes) = (validator("schema.json"), 0, 0);
    for folder in ["", "docs"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let page = Page::read(path);
            for block in page.blocks() {
                if block.info.starts_with("yaml") && block.text.starts_with("http:") {
                    agree(&schema, &serde_yaml_ng::from_str(&block.text).unwrap()).unwrap();
                    bare += 1;
                }
            }
            for row in page.refused() {
                let text = around(&row.place, &row.members);
                agree(&schema, &serde_yaml_ng::from_str(&text).unwrap()).unwrap();
                mistakes += 1;
            }
        }
    }
    assert!(bare >= 3 && mistakes >= 40, "{bare} and {mistakes}");
}

#[test]
fn the_shipped_wasm_plugin_is_accepted_and_a_mistake_in_it_is_refused() {
    let schema = validator("schema-wasmplugin.json");
    let file = fs::read_to_string(root().join("istio/base/plugin.yaml")).unwrap();
    let plugin: Value = serde_yaml_ng::from_str(&file).unwrap();
    schema.validate(&plugin).map_err(|e| e.to_string()).unwrap();
    for folder in ["istio", "istio-cluster-header", "waypoint"] {
        let path = root().join("gateway-api").join(folder).join("plugin.yaml");
        let plugin: Value = serde_yaml_ng::from_slice(&fs::read(path).unwrap()).unwrap();
        schema.validate(&plugin).map_err(|e| e.to_string()).unwrap();
    }
    for (pointer, value) in [
        ("/kind", json!("Wasm")),
        ("/spec/pluginConfig", json!({})),
        ("/spec/pluginConfig/http/0/route/0/weight", json!(-5)),
        ("/spec/pluginConfig/http/0/rollback", json!({})),
        ("/spec/phase", json!("authn")),
    ] {
        let mut wrong = plugin.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!schema.is_valid(&wrong), "{pointer}");
    }
}

#[test]
fn every_shipped_file_that_a_schema_describes_names_it() {
    for folder in [
        "istio/base",
        "gateway-api/istio",
        "gateway-api/istio-cluster-header",
        "gateway-api/waypoint",
    ] {
        let file = fs::read_to_string(root().join(folder).join("plugin.yaml")).unwrap();
        let line = "# yaml-language-server: $schema=../../docs/schema-wasmplugin.json";
        assert_eq!(file.lines().next(), Some(line), "{folder}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_changes_of_a_full_configuration_agree(changes in prop::collection::vec(mutation::change(), 1..4)) {
        thread_local!(static SCHEMA: Validator = validator("schema.json"));
        let mut value: Value = serde_json::from_str(mutation::FULL).unwrap();
        for change in &changes {
            change.apply(&mut value);
        }
        let agreed = SCHEMA.with(|schema| agree(schema, &value));
        prop_assert!(agreed.is_ok(), "{}", agreed.unwrap_err());
    }
}

#[test]
fn the_full_configuration_is_accepted() {
    assert_eq!(Policy::faults(mutation::FULL.as_bytes()), []);
}
