//! `canary simulate` on the command line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{Folder, Said};

const USERS: f64 = 20_000.0;

fn color(blue: u32, green: u32) -> Value {
    json!({
        "name": "color",
        "route": [{"cluster": "blue", "weight": blue}, {"cluster": "green", "weight": green}],
        "consistentHash": [{"httpHeaderName": "x-user-id"}],
        "rollback": {"stable": "blue"}
    })
}

fn with(rule: &Value, members: Value) -> Value {
    let mut rule = rule.clone();
    let Value::Object(members) = members else {
        unreachable!("members are an object")
    };
    rule.as_object_mut().unwrap().extend(members);
    rule
}

/// Simulates the rules, which become the others.
fn simulate(rules: Value, to: Option<Value>, arguments: &[&str]) -> Said {
    let folder = Folder::with("old.json", json!({"http": rules}).to_string());
    let mut all = vec![
        "simulate",
        "old.json",
        "--users",
        "20000",
        "--at",
        "2026-12-01T09:00:00Z",
    ];
    if let Some(to) = to {
        std::fs::write(folder.path("new.json"), json!({"http": to}).to_string()).unwrap();
        all.extend(["--to", "new.json"]);
    }
    all.extend(arguments);
    folder.canary(all)
}

fn result(rules: Value, to: Option<Value>, arguments: &[&str]) -> Value {
    let said = simulate(rules, to, &[arguments, &["--output", "json"]].concat());
    assert_eq!((said.status, said.stderr.as_str()), (0, ""));
    let mut report: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(report["users"], 20_000);
    report["rules"].take()
}

fn is_share(seen: &Value, share: f64) -> bool {
    let deviation = (share * (1.0 - share) / USERS).sqrt();
    (seen.as_f64().unwrap() - share).abs() <= 5.0 * deviation
}

#[test]
fn the_shares_that_are_seen_are_those_that_are_expected() {
    let mut drawn = with(&color(9, 1), json!({"name": "drawn"}));
    drawn.as_object_mut().unwrap().remove("consistentHash");
    let rules = result(json!([color(75, 25), drawn]), None, &[]);
    for (rule, share) in [(0, 0.25), (1, 0.1)] {
        let green = &rules[rule]["destinations"][1];
        assert_eq!(green["expected"], share);
        assert!(is_share(&green["seen"], share), "{green}");
    }
    assert_eq!(rules[0]["keys"], json!(["header x-user-id"]));
    assert_eq!(rules[1]["keys"], json!([]));
    let again = result(json!([color(75, 25)]), None, &["--rule", "color"]);
    assert_eq!(again[0]["destinations"], rules[0]["destinations"]);
}

#[test]
fn when_a_share_grows_users_move_to_it_and_nobody_goes_back() {
    let rules = result(json!([color(75, 25)]), Some(json!([color(50, 50)])), &[]);
    let moves = &rules[0]["moves"];
    assert_eq!(moves["users"][1][0], 0);
    assert_eq!(
        (&moves["back"], &moves["stable"]),
        (&json!(0), &json!("blue"))
    );
    assert!(
        is_share(&json!(moves["moved"].as_f64().unwrap() / USERS), 0.25),
        "{moves}"
    );
    let users = moves["users"].as_array().unwrap().iter();
    let sum: u64 = users
        .flat_map(|row| row.as_array().unwrap())
        .map(|it| it.as_u64().unwrap())
        .sum();
    assert_eq!(sum, 20_000);
}

#[test]
fn with_another_salt_three_eighths_move_and_half_of_these_go_back() {
    let salted = with(&color(75, 25), json!({"salt": "other"}));
    let rules = result(json!([color(75, 25)]), Some(json!([salted])), &[]);
    let moves = &rules[0]["moves"];
    for (field, share) in [("moved", 0.375), ("back", 0.1875)] {
        assert!(
            is_share(&json!(moves[field].as_f64().unwrap() / USERS), share),
            "{moves}"
        );
    }
}

#[test]
fn users_who_cannot_be_followed_are_not_counted() {
    let mut drawn = color(1, 1);
    drawn.as_object_mut().unwrap().remove("consistentHash");
    let other = with(&color(1, 1), json!({"name": "other"}));
    for (to, reason) in [
        (drawn, "each request is drawn anew"),
        (other, "no rule of this name"),
    ] {
        let moves = &result(json!([color(1, 1)]), Some(json!([to])), &[])[0]["moves"];
        assert!(
            moves["unknown"].as_str().unwrap().contains(reason),
            "{moves}"
        );
        assert_eq!(moves["users"], json!([]));
    }
    let keyed = with(
        &color(1, 1),
        json!({"consistentHash": [{"useSourceIp": true}]}),
    );
    let moves = &result(json!([color(1, 1)]), Some(json!([keyed])), &[])[0]["moves"];
    assert_eq!(
        (&moves["unknown"], &moves["moved"]),
        (&Value::Null, &json!(0))
    );
    let note = moves["note"].as_str().unwrap();
    assert!(
        note.starts_with("the keys change from header x-user-id to source-ip"),
        "{note}"
    );
}

#[test]
fn a_ramp_is_drawn_from_before_its_start_to_its_last_step() {
    let ramp = json!({"ramp": {
        "start": "2026-12-01T08:00:00Z", "linear": true,
        "steps": [{"after": "0s", "weights": [95, 5]}, {"after": "2h", "weights": [5, 95]}]
    }});
    let rule = with(&color(100, 0), ramp);
    let rules = result(json!([rule]), None, &[]);
    assert_eq!(rules[0]["destinations"][1]["expected"], 0.5);
    let moments = rules[0]["ramp"].as_array().unwrap();
    assert_eq!(moments.len(), 18);
    assert_eq!(moments[0]["time"], "2026-12-01T07:59:59Z");
    assert_eq!(
        (&moments[0]["shares"], &moments[17]["shares"]),
        (&json!([1.0, 0.0]), &json!([0.05, 0.95]))
    );
    let text = simulate(json!([rule]), None, &[]).stdout;
    let bar = format!("{}{}  50 % / 50 % <", "█".repeat(20), "░".repeat(20));
    assert!(text.contains(&bar), "{text}");
}

#[test]
fn a_version_that_fails_is_out_within_the_time_of_the_documentation_and_a_good_one_stays() {
    let failing = [
        "--errors",
        "green=20%",
        "--rate",
        "100",
        "--background",
        "1%",
    ];
    let rules = result(json!([color(75, 25)]), None, &failing);
    let found = &rules[0]["rollbacks"][0];
    assert_eq!(found["rolledBack"], found["trials"]);
    // CONFIG.md, rollback: an ideal judge takes 4.0 s and 20 errors.
    let median = |field: &str| found[field]["median"].as_f64().unwrap();
    assert!((2.0..=5.5).contains(&median("seconds")), "{found}");
    assert!((12.0..=30.0).contains(&median("failedRequests")), "{found}");
    assert!(median("failedUsers") <= median("failedRequests"), "{found}");
    assert_eq!(found["goodRolledBackInAWeek"], 0);
}

#[test]
fn what_has_no_share_is_not_judged() {
    let said = simulate(json!([color(1, 0)]), None, &["--errors", "green=20%"]);
    assert!(
        said.stdout
            .contains("green has the weight 0 then, so nothing is judged"),
        "{said:?}"
    );
}

#[test]
fn wrong_arguments_are_one_line_and_status_2() {
    for (arguments, line) in [
        (
            &["--errors", "gren=20%"][..],
            "simulate: `gren` is not the label of a destination",
        ),
        (
            &["--errors", "blue=20%"],
            "simulate: `blue` cannot be rolled back: it is stable",
        ),
        (
            &["--errors", "green=x"],
            "invalid value 'green=x' for '--errors <LABEL=PERCENT>': write a percentage from 0 to 100, such as 20%",
        ),
        (
            &["--rate", "0"],
            "invalid value '0' for '--rate <N>': write a number of requests a second, above 0 and at most 1000000",
        ),
        (&["--rule", "x"], "simulate: `x` is not the name of a rule"),
        (
            &["--background=-1"],
            "invalid value '-1' for '--background <PERCENT>'",
        ),
    ] {
        let said = simulate(json!([color(1, 1)]), None, arguments);
        assert_eq!(
            (said.status, said.stdout.as_str()),
            (2, ""),
            "{arguments:?}"
        );
        assert!(
            said.stderr.starts_with(&format!("canary: {line}")),
            "{}",
            said.stderr
        );
        assert_eq!(said.stderr.lines().count(), 1);
    }
}

#[test]
fn a_file_that_is_refused_is_named_with_its_faults() {
    let said = simulate(json!([color(1, 1)]), Some(json!([])), &[]);
    let wanted = "new.json:1:2: http: needs at least one rule\n";
    assert_eq!((said.status, said.stderr.as_str()), (1, wanted));
    let both = Folder::new().canary(["simulate", "-", "--to", "-"]);
    assert_eq!((both.status, both.stderr.lines().count()), (2, 1));
}
