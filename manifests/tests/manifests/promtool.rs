//! The rules in Prometheus' own tool: their syntax, the alerts, and the judgement over the fleet against the golden cases.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use serde_json::{Value, json};

use crate::repository::{root, text};
use crate::telemetry::analysis;

const RULES: &str = "istio/telemetry/prometheus-rules.yaml";

/// The windows of the rules, and how many samples 15 s apart fill each.
const WINDOWS: &[(&str, u32)] = &[("1m", 4), ("5m", 20), ("15m", 60)];

/// How many cases fit into one test of promtool, which takes at most 10,000 samples.
const CHUNK: usize = 20;

/// Runs promtool, or prints why it cannot run. It prints around the capture of output, so that the reason is seen.
#[allow(clippy::explicit_write, reason = "eprintln! would be captured")]
fn promtool(arguments: &[&str], path: &Path) {
    let output = Command::new("promtool").args(arguments).arg(path).output();
    match output {
        Ok(output) => assert!(
            output.status.success(),
            "promtool {arguments:?}:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let test = thread::current().name().unwrap_or_default().to_owned();
            writeln!(io::stderr(), "skipped: {test}: promtool is not installed").unwrap();
        }
        Err(error) => panic!("promtool: {error}"),
    }
}

fn rules() -> PathBuf {
    root().join(RULES)
}

/// Runs these tests of the rules, which look at the minute 20.
fn run(tests: &[Value]) {
    let file = json!({"rule_files": [rules()], "evaluation_interval": "20m", "tests": tests});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tests.yaml");
    fs::write(&path, file.to_string()).unwrap();
    promtool(&["test", "rules"], &path);
}

#[test]
fn prometheus_accepts_the_rules() {
    promtool(&["check", "rules", "--lint-fatal"], &rules());
}

#[test]
fn the_alerts_fire_when_they_should_and_only_then() {
    promtool(
        &["test", "rules"],
        &root().join("manifests/tests/manifests/alerts.yaml"),
    );
}

#[test]
fn the_fleet_is_judged_as_the_golden_cases_say() {
    let cases: Value = serde_json::from_str(&text("tests/vectors/evidence.json")).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    let tests: Vec<_> = cases.chunks(CHUNK).map(test).collect();
    run(&tests);
}

/// The controllers get 1 for a bad canary, 0 for a good one with enough answers, and otherwise nothing.
#[test]
fn the_controllers_get_the_judgement_once_the_canary_has_answered_often_enough() {
    let cases = [
        // requests and errors of the canary in five minutes
        (40.0, 0.0, json!([])),
        (60.0, 0.0, json!([{"labels": "{}", "value": 0}])),
        (40.0, 30.0, json!([{"labels": "{}", "value": 1}])),
        (60.0, 30.0, json!([{"labels": "{}", "value": 1}])),
    ];
    let tests: Vec<_> = cases
        .into_iter()
        .map(|(requests, errors, samples)| {
            let canary = json!({"requests": requests, "errors": errors});
            let stable = json!({"requests": 400.0, "errors": 0.0});
            let counters = [counters("color", "canary", &canary, 20), counters("color", "stable", &stable, 20)];
            json!({
                "interval": "15s",
                "input_series": counters.concat(),
                "promql_expr_test": [{"expr": analysis(), "eval_time": "20m", "exp_samples": samples}]
            })
        })
        .collect();
    run(&tests);
}

/// These cases in every window.
fn test(cases: &[Value]) -> Value {
    let mut series = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        for (window, samples) in WINDOWS {
            let route = format!("case-{number}-{window}");
            for role in ["canary", "stable"] {
                series.extend(counters(&route, role, &case[role], *samples));
            }
            series.extend(expectations(&route, window, case));
        }
    }
    let none = || json!([]);
    let all = json!([{"labels": "{}", "value": cases.len() * WINDOWS.len()}]);
    let on = "on (route, subset, window)";
    // A comparison with NaN has no result, so there are queries for NaN and for missing series.
    let queries = [
        (
            format!("abs(canary:evidence - {on} expected_evidence) > {on} tolerance"),
            none(),
        ),
        (
            format!("abs(canary:excess - {on} expected_excess) > 1e-9"),
            none(),
        ),
        (
            format!("canary:worse_than_stable != {on} expected_worse"),
            none(),
        ),
        ("canary:evidence != canary:evidence".to_owned(), none()),
        ("canary:excess != canary:excess".to_owned(), none()),
        (
            format!("count(canary:evidence and {on} expected_evidence)"),
            all,
        ),
        (format!("expected_excess unless {on} canary:excess"), none()),
        (format!("expected_no_excess and {on} canary:excess"), none()),
        (
            format!("expected_worse unless {on} canary:worse_than_stable"),
            none(),
        ),
    ];
    let queries: Vec<_> = queries
        .into_iter()
        .map(|(expr, samples)| json!({"expr": expr, "eval_time": "20m", "exp_samples": samples}))
        .collect();
    json!({"interval": "15s", "input_series": series, "promql_expr_test": queries})
}

/// The counters of two gateway pods that together count the case in every window of so many samples. The two pods see
/// different shares of it.
fn counters(route: &str, role: &str, counts: &Value, samples: u32) -> Vec<Value> {
    let subset = match role {
        "canary" => "green-sub",
        _ => "blue-sub",
    };
    let [requests, errors] = ["requests", "errors"].map(|name| counts[name].as_f64().unwrap());
    [
        ("a", "ok", (requests - errors) * 0.25),
        ("b", "ok", (requests - errors) * 0.75),
        ("a", "error", errors * 0.5),
        ("b", "slow", errors * 0.5),
    ]
    .map(|(pod, class, count)| {
        let mut labels = format!("route=\"{route}\",subset=\"{subset}\",role=\"{role}\"");
        write!(labels, ",class=\"{class}\",pod=\"{pod}\"").unwrap();
        json!({
            "series": format!("canary_responses_total{{{labels}}}"),
            "values": format!("0+{}x80", count / f64::from(samples))
        })
    })
    .to_vec()
}

/// What the vectors say about the case, as series.
fn expectations(route: &str, window: &str, case: &Value) -> Vec<Value> {
    let labels = format!("{{route=\"{route}\",subset=\"green-sub\",window=\"{window}\"}}");
    let series = |name: &str, value: f64| json!({"series": format!("{name}{labels}"), "values": format!("{value}x80")});
    let requests = ["canary", "stable"].map(|role| case[role]["requests"].as_f64().unwrap());
    // What double precision leaves of sums as large as the number of requests.
    let tolerance = 1e-6 + 1e-12 * requests.iter().sum::<f64>();
    let mut all = vec![
        series("expected_evidence", case["evidence"].as_f64().unwrap()),
        series("tolerance", tolerance),
        match case["excess"].as_f64() {
            Some(excess) => series("expected_excess", excess),
            None => series("expected_no_excess", 1.0),
        },
    ];
    // The threshold of the rules.
    if case["errorPercent"] == 5 {
        let worse = case["rolledBack"].as_bool().unwrap();
        all.push(series("expected_worse", f64::from(u8::from(worse))));
    }
    all
}
