//! The `patches` of a kustomization, as far as the manifests use them. `kubectl kustomize` remains the reference.

use std::fmt;

use serde_json::Value;

use crate::{Documents, at, list, name, text};

/// A patch that cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpatchable(String);

impl fmt::Display for Unpatchable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unpatchable {}

/// Applies all `patches` of a kustomization: JSON patches (RFC 6902), and `$patch: delete`.
///
/// # Errors
/// A patch is not YAML, has an operation other than test, add, replace or remove, or does not fit the object.
pub fn patch(documents: &mut Documents, kustomization: &Value) -> Result<(), Unpatchable> {
    for patch in list(at(kustomization, "/patches")) {
        let target = at(patch, "/target");
        let meant = |object: &Value| {
            at(object, "/kind") == at(target, "/kind")
                && (at(target, "/name").is_null()
                    || at(object, "/metadata/name") == at(target, "/name"))
        };
        let body: Value = serde_yaml_ng::from_str(text(at(patch, "/patch")))
            .map_err(|error| Unpatchable(format!("the patch of {target}: {error}")))?;
        if at(&body, "/$patch") == "delete" {
            documents.0.retain(|object| !meant(object));
            continue;
        }
        for object in documents.0.iter_mut().filter(|object| meant(object)) {
            for operation in list(&body) {
                let object_name = name(object);
                apply(object, operation).ok_or_else(|| {
                    Unpatchable(format!("{object_name}: {operation} does not fit"))
                })?;
            }
        }
    }
    Ok(())
}

/// One operation of a JSON patch; `None` if it does not fit.
fn apply(object: &mut Value, operation: &Value) -> Option<()> {
    let path = at(operation, "/path").as_str()?;
    let value = at(operation, "/value");
    match at(operation, "/op").as_str()? {
        "test" => (object.pointer(path)? == value).then_some(()),
        "replace" => {
            *object.pointer_mut(path)? = value.clone();
            Some(())
        }
        "add" => {
            let (parent, key) = path.rsplit_once('/')?;
            match object.pointer_mut(parent)? {
                Value::Object(members) => drop(members.insert(unescaped(key), value.clone())),
                Value::Array(elements) if key == "-" => elements.push(value.clone()),
                Value::Array(elements) => {
                    let at = key.parse().ok().filter(|at| *at <= elements.len())?;
                    elements.insert(at, value.clone());
                }
                _ => return None,
            }
            Some(())
        }
        "remove" => {
            let (parent, key) = path.rsplit_once('/')?;
            match object.pointer_mut(parent)? {
                Value::Object(members) => members.remove(&unescaped(key)).map(drop),
                Value::Array(elements) => {
                    let at = key.parse().ok().filter(|at| *at < elements.len())?;
                    elements.remove(at);
                    Some(())
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// A key of a JSON pointer (RFC 6901, 4).
fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(patch: &str) -> Result<Vec<Value>, String> {
        let object =
            json!({"kind": "Service", "metadata": {"name": "color"}, "spec": {"ports": [80]}});
        let other = json!({"kind": "Service", "metadata": {"name": "other"}});
        let mut documents = Documents(vec![object, other]);
        let target = json!({"kind": "Service", "name": "color"});
        let kustomization = json!({"patches": [{"target": target, "patch": patch}]});
        match super::patch(&mut documents, &kustomization) {
            Ok(()) => Ok(documents.0),
            Err(unpatchable) => Err(unpatchable.to_string()),
        }
    }

    #[test]
    fn a_patch_changes_its_target_alone() {
        for (patch, spec) in [
            (
                "[{op: replace, path: /spec/ports/0, value: 81}]",
                json!({"ports": [81]}),
            ),
            (
                "[{op: add, path: /spec/a~1b, value: 1}]",
                json!({"ports": [80], "a/b": 1}),
            ),
            (
                "[{op: add, path: /spec/ports/0, value: 79}]",
                json!({"ports": [79, 80]}),
            ),
            (
                "[{op: add, path: /spec/ports/-, value: 81}]",
                json!({"ports": [80, 81]}),
            ),
            ("[{op: remove, path: /spec/ports}]", json!({})),
            ("[{op: remove, path: /spec/ports/0}]", json!({"ports": []})),
            (
                "[{op: test, path: /spec/ports/0, value: 80}]",
                json!({"ports": [80]}),
            ),
        ] {
            let documents = patched(patch).unwrap();
            assert_eq!(documents[0]["spec"], spec, "{patch}");
            assert!(documents[1]["spec"].is_null());
        }
        assert_eq!(patched("{$patch: delete}").unwrap().len(), 1);
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        for operation in [
            "{op: test, path: /spec/ports/0, value: 81}",
            "{op: replace, path: /spec/none, value: 1}",
            "{op: add, path: /spec/none/a, value: 1}",
            "{op: add, path: /spec/ports/2, value: 1}",
            "{op: remove, path: /spec/none}",
            "{op: remove, path: /spec/ports/1}",
            "{op: move, path: /spec, from: /metadata}",
            "{path: /spec}",
        ] {
            let refused = patched(&format!("[{operation}]")).unwrap_err();
            assert!(refused.starts_with("Service/color: "), "{refused}");
        }
        assert!(patched("[").unwrap_err().starts_with("the patch of "));
    }
}
