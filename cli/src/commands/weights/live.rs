//! The change of a WasmPlugin in a cluster, as a JSON patch (RFC 6902) that applies to the rule as it was read and to no
//! other one: if two people change the same weights, the second patch is refused.

use serde::Serialize;
use serde_json::Value;

use super::{Change, Changed, change_weights, unsure};
use crate::fault::Fault;

/// A change of a live object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveChange {
    /// The patch in JSON, or none if the object has these weights already.
    pub patch: Option<String>,
    /// The rule after the change.
    pub changed: Changed,
}

/// An operation of a JSON patch.
#[derive(Debug, Serialize)]
struct Operation<'v> {
    op: &'static str,
    path: String,
    value: &'v Value,
}

/// Makes the patch for a WasmPlugin, which is given in JSON as `kubectl get --output json` prints it. The filter accepts
/// the result. The patch begins with tests that hold only while the rule has its name, its destinations and its weights.
///
/// # Errors
/// Why the change cannot be made, without a position in the object.
pub fn change_live(object: &[u8], change: &Change) -> Result<LiveChange, Fault> {
    let before: Value =
        serde_json::from_slice(object).map_err(|_| Fault::new("kubectl has not printed JSON"))?;
    match before.pointer("/spec/pluginConfig") {
        None | Some(Value::Null) => {
            return Err(Fault::new(
                "the WasmPlugin has no `spec.pluginConfig`, so it has no weights",
            ));
        }
        Some(config) if config.get("http").is_none() => {
            return Err(Fault::new(
                "`spec.pluginConfig` has no `http`: the WasmPlugin is not one of this filter",
            ));
        }
        Some(_) => {}
    }
    let changed = change_weights(object, true, change).map_err(Fault::nowhere)?;
    let patch = match &changed.text {
        None => None,
        Some(text) => {
            let after = serde_json::from_str(text).map_err(|_| unsure())?;
            Some(patch(&before, &after, changed.rule).ok_or_else(unsure)?)
        }
    };
    Ok(LiveChange { patch, changed })
}

/// What differs in the rule, in JSON with an operation on each line.
fn patch(before: &Value, after: &Value, rule: usize) -> Option<String> {
    let path = format!("/spec/pluginConfig/http/{rule}");
    let (before, after) = (before.pointer(&path)?, after.pointer(&path)?);
    let operations: Vec<_> = guards(&path, before, after)?
        .into_iter()
        .chain(changes(&path, before, after)?)
        .map(|operation| serde_json::to_string(&operation))
        .collect::<Result<_, _>>()
        .ok()?;
    Some(format!("[\n  {}\n]\n", operations.join(",\n  ")))
}

/// What must not have changed in the meantime.
fn guards<'v>(path: &str, before: &'v Value, after: &Value) -> Option<Vec<Operation<'v>>> {
    let test = |path: String, value| Operation {
        op: "test",
        path,
        value,
    };
    let Some(name) = before.get("name") else {
        // An index alone does not identify a rule.
        return Some(vec![test(path.to_owned(), before)]);
    };
    // The whole route, because a test of an absent weight has no form that every server understands, and because the same
    // weights may belong to other destinations by now.
    let mut guards = vec![
        test(format!("{path}/name"), name),
        test(format!("{path}/route"), before.get("route")?),
    ];
    let rollback = before.get("rollback");
    if rollback != after.get("rollback") {
        guards.push(test(format!("{path}/rollback"), rollback?));
    }
    Some(guards)
}

fn changes<'v>(path: &str, before: &Value, after: &'v Value) -> Option<Vec<Operation<'v>>> {
    let mut changes = Vec::new();
    let mut note = |path: String, old: Option<&Value>, new: Option<&'v Value>| {
        if let Some(value) = new.filter(|_| old != new) {
            let op = if old.is_some() { "replace" } else { "add" };
            changes.push(Operation { op, path, value });
        }
    };
    let old = before.get("route").and_then(Value::as_array)?;
    let new = after.get("route").and_then(Value::as_array)?;
    for (index, (old, new)) in old.iter().zip(new).enumerate() {
        let path = format!("{path}/route/{index}/weight");
        note(path, old.get("weight"), new.get("weight"));
    }
    let old = before.pointer("/rollback/retry");
    let new = after.pointer("/rollback/retry");
    note(format!("{path}/rollback/retry"), old, new);
    Some(changes)
}

#[cfg(test)]
mod tests;
