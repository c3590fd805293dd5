//! The JSON Schema refuses the mistakes that a real Envoy's filter refuses, as far as a schema can say them.

#[path = "../../../cli/tests/support/unsayable.rs"]
mod unsayable;

use std::fs;

use canary_filter::Policy;
use harness::root;
use serde_json::Value;

use crate::bad_table::table;

#[test]
fn the_schema_refuses_every_mistake_in_the_table_that_a_schema_can_say() {
    let schema = fs::read(root().join("docs/schema.json")).unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let mut refused = 0;
    for bad in table() {
        // JSON that names a field twice, or is too deep, is not a value for a schema.
        let Ok(value) = serde_json::from_str::<Value>(&bad.text) else {
            continue;
        };
        let faults = Policy::faults(value.to_string().as_bytes());
        let can_be_said = |line: &String| !unsayable::is_unsayable(line);
        let Some(fault) = faults.iter().map(ToString::to_string).find(can_be_said) else {
            continue;
        };
        assert!(!schema.is_valid(&value), "{fault}: {}", bad.text);
        refused += 1;
    }
    assert!(refused >= 80, "{refused}");
}
