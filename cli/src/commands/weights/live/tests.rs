use super::*;
use crate::Weight;
use json_patch::Patch;
use proptest::prelude::*;
use serde_json::json;

fn plugin(rules: &Value) -> Value {
    json!({
        "apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
        "metadata": {"name": "canary", "namespace": "istio-system"},
        "spec": {"url": "oci://registry.example.com/canary-filter", "pluginConfig": {"http": rules}},
    })
}

fn color(weights: [u32; 2]) -> Value {
    json!({
        "name": "color",
        "route": [{"cluster": "blue", "weight": weights[0]}, {"cluster": "green", "weight": weights[1]}],
        "rollback": {"stable": "blue"},
    })
}

fn to(blue: u32, green: u32) -> Change {
    let weight = |(label, weight): (&str, u32)| Weight {
        label: label.to_owned(),
        weight,
    };
    Change::new(
        "color",
        [("blue", blue), ("green", green)].map(weight).into(),
    )
    .unwrap()
}

fn made(object: &Value, change: &Change) -> LiveChange {
    change_live(object.to_string().as_bytes(), change).unwrap()
}

/// The object after the patch, or why it does not apply.
fn patched(object: &Value, patch: &str) -> Result<Value, json_patch::PatchError> {
    let patch: Patch = serde_json::from_str(patch).unwrap();
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch).map(|()| object)
}

#[test]
fn the_patch_changes_the_weights_and_nothing_else() {
    let other = json!({"name": "other", "route": [{"cluster": "blue"}]});
    let before = plugin(&json!([other, color([75, 25])]));
    let change = made(&before, &to(50, 50));
    let after = patched(&before, &change.patch.unwrap()).unwrap();
    assert_eq!(after, plugin(&json!([other, color([50, 50])])));
    assert_eq!(
        change.changed.shares.with_weights(),
        "color: blue 50 (50 %), green 50 (50 %)"
    );
}

#[test]
fn weights_that_are_there_already_need_no_patch() {
    assert_eq!(
        made(&plugin(&json!([color([75, 25])])), &to(75, 25)).patch,
        None
    );
}

#[test]
fn a_rule_that_was_changed_in_the_meantime_is_not_overwritten() {
    let mine = made(&plugin(&json!([color([75, 25])])), &to(50, 50).and_retry());
    let mine = mine.patch.unwrap();
    let mut swapped = color([75, 25]);
    swapped["route"][0]["cluster"] = "green".into();
    swapped["route"][1]["cluster"] = "blue".into();
    let mut longer = color([75, 25]);
    longer["route"]
        .as_array_mut()
        .unwrap()
        .push(json!({"cluster": "red"}));
    let mut retried = color([75, 25]);
    retried["rollback"]["retry"] = "1".into();
    let mut renamed = color([75, 25]);
    renamed["name"] = "colour".into();
    for theirs in [
        color([74, 25]),
        color([75, 26]),
        swapped,
        longer,
        retried,
        renamed,
    ] {
        let object = plugin(&json!([theirs]));
        assert!(patched(&object, &mine).is_err(), "{object}");
    }
    let moved = plugin(&json!([{"name": "new", "route": [{"cluster": "blue"}]}, color([75, 25])]));
    assert!(patched(&moved, &mine).is_err());
    assert!(patched(&plugin(&json!([])), &mine).is_err());
}

#[test]
fn what_others_change_elsewhere_stays() {
    let before = plugin(&json!([color([75, 25])]));
    let mine = made(&before, &to(50, 50)).patch.unwrap();
    let mut theirs = before;
    theirs["metadata"]["resourceVersion"] = "8".into();
    theirs["spec"]["pluginConfig"]["http"][0]["rollback"]["retryAfter"] = "10m".into();
    let after = patched(&theirs, &mine).unwrap();
    theirs["spec"]["pluginConfig"]["http"][0]["route"] = color([50, 50])["route"].clone();
    assert_eq!(after, theirs);
}

#[test]
fn a_missing_weight_and_a_missing_retry_are_added() {
    let mut rule = color([0, 100]);
    rule["route"][0] = json!({"cluster": "blue"});
    let before = plugin(&json!([rule]));
    let change = made(&before, &to(50, 100).and_retry());
    let patch = change.patch.unwrap();
    let mut expected = color([50, 100]);
    expected["rollback"]["retry"] = "1".into();
    assert_eq!(
        patched(&before, &patch).unwrap(),
        plugin(&json!([expected]))
    );
    assert_eq!(patch.matches(r#"{"op":"add""#).count(), 2, "{patch}");
}

#[test]
fn a_rule_without_a_name_is_known_by_all_that_it_has() {
    let mut rule = color([75, 25]);
    rule.as_object_mut()
        .unwrap()
        .retain(|field, _| field == "route");
    let before = plugin(&json!([rule]));
    let weights = vec!["green=5".parse().unwrap()];
    let patch = made(&before, &Change::new("http-0", weights).unwrap())
        .patch
        .unwrap();
    assert!(patched(&before, &patch).is_ok());
    let mut other = before;
    other["spec"]["pluginConfig"]["http"][0]["match"] = json!([{"uri": {"exact": "/"}}]);
    assert!(patched(&other, &patch).is_err());
}

#[test]
fn an_object_without_these_weights_is_refused_in_one_line() {
    let ours = plugin(&json!([color([75, 25])]));
    let without = |config: Option<Value>| {
        let mut object = ours.clone();
        let spec = object["spec"].as_object_mut().unwrap();
        spec.remove("pluginConfig");
        spec.extend(config.map(|config| ("pluginConfig".to_owned(), config)));
        object
    };
    let broken =
        plugin(&json!([color([75, 25]), {"name": "x", "route": [{"cluster": "a", "weight": -5}]}]));
    for (object, change, line) in [
        (
            ours.clone(),
            Change::only_retry("colour"),
            "there is no rule `colour`: the rules are color",
        ),
        (
            ours.clone(),
            Change::new("color", vec!["red=1".parse().unwrap()]).unwrap(),
            "rule `color` has no destination `red`: its destinations are blue, green",
        ),
        (
            ours.clone(),
            to(0, 0),
            "the filter would refuse these weights: http[0].route: the weights sum to 0",
        ),
        (
            without(None),
            to(1, 1),
            "the WasmPlugin has no `spec.pluginConfig`, so it has no weights",
        ),
        (
            without(Some(Value::Null)),
            to(1, 1),
            "the WasmPlugin has no `spec.pluginConfig`, so it has no weights",
        ),
        (
            without(Some(json!({"rules": []}))),
            to(1, 1),
            "`spec.pluginConfig` has no `http`: the WasmPlugin is not one of this filter",
        ),
        (
            broken,
            to(1, 1),
            "nothing was changed, because the filter refuses it as it is: http[1].route[0].weight: -5 is negative",
        ),
    ] {
        let fault = change_live(object.to_string().as_bytes(), &change).unwrap_err();
        assert_eq!(fault.in_file("x"), format!("x: {line}"));
    }
    let fault = change_live(b"<html>", &to(1, 1)).unwrap_err();
    assert_eq!(fault.to_string(), "kubectl has not printed JSON");
}

proptest! {
    #[test]
    fn the_patch_leads_to_the_weights_that_were_asked_for(
        old in any::<[u16; 2]>(), new in any::<[u16; 2]>(), position in 0_usize..4,
    ) {
        prop_assume!(old != [0, 0] && new != [0, 0]);
        let rules = |weights: [u16; 2]| {
            let mut rules: Vec<_> = (0..3)
                .map(|index| json!({"name": format!("r{index}"), "match": [{"uri": {"exact": format!("/{index}")}}], "route": [{"cluster": "c"}]}))
                .collect();
            rules.insert(position, color(weights.map(u32::from)));
            plugin(&Value::from(rules))
        };
        let change = made(&rules(old), &to(new[0].into(), new[1].into()));
        match change.patch {
            None => prop_assert_eq!(old, new),
            Some(patch) => prop_assert_eq!(patched(&rules(old), &patch).unwrap(), rules(new)),
        }
    }
}
