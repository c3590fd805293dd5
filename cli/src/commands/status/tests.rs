use proptest::prelude::*;
use serde_json::{Value, json};

use super::report::{Proxy, Report};
use super::table::Tone;
use super::*;

/// Recorded from Envoy 1.40 with the configuration of the demo, whose green answered with errors.
const ROLLED_BACK: &[u8] = include_bytes!("tests/rolled-back.stats.json");
/// The same Envoy after a configuration with a weight of -5.
const REFUSED: &[u8] = include_bytes!("tests/refused.stats.json");
const ECDS: &[u8] = include_bytes!("tests/ecds.json");
const REFUSED_ECDS: &[u8] = include_bytes!("tests/refused.ecds.json");

fn read(stats: &[u8], dump: &[u8]) -> Snapshot {
    Snapshot::read(stats, &[dump.to_vec(), b"{}".to_vec()], 0).unwrap()
}

fn report(proxies: &[(&str, Result<Snapshot, String>)]) -> Report {
    let proxies = proxies.iter().map(|(name, state)| Proxy {
        name: (*name).to_owned(),
        state: state.clone(),
    });
    Report {
        proxies: proxies.collect(),
    }
}

fn text(report: &Report) -> Vec<String> {
    report.lines().into_iter().map(|line| line.text).collect()
}

/// The recorded dump with other weights.
fn weights(blue: u32, green: u32) -> Vec<u8> {
    let dump = String::from_utf8(ECDS.to_vec()).unwrap();
    let dump = dump.replace("\\\"weight\\\": 75", &format!("\\\"weight\\\": {blue}"));
    dump.replace("\\\"weight\\\": 25", &format!("\\\"weight\\\": {green}"))
        .into_bytes()
}

/// The recorded statistics of a proxy that has rolled nothing back.
fn quiet() -> Vec<u8> {
    let mut stats: Value = serde_json::from_slice(ROLLED_BACK).unwrap();
    for stat in stats["stats"].as_array_mut().unwrap() {
        if stat["name"]
            .as_str()
            .is_some_and(|name| name.contains("canary_roll"))
        {
            stat["value"] = json!(0);
        }
    }
    stats.to_string().into_bytes()
}

#[test]
fn a_version_that_is_rolled_back_has_no_weight_and_stable_has_it_all() {
    let report = report(&[("http://a", Ok(read(ROLLED_BACK, ECDS)))]);
    assert_eq!(
        text(&report),
        [
            "PROXY     PLUGIN  MODULE  UPDATED               CONFIGURATION",
            "http://a  canary  loaded  2026-11-26T02:13:34Z  accepted",
            "",
            "RULE   VERSION    WEIGHT  REQUESTS      ERRORS  ROLLED BACK",
            "color  blue-sub    100 %       289  1 (0.34 %)  no",
            "color  green-sub     0 %        16  16 (100 %)  yes",
        ]
    );
    assert_eq!(report.lines()[5].tone, Tone::Error);
    assert!(report.is_well());
}

#[test]
fn a_refused_configuration_has_its_reason_and_the_weights_before_it() {
    let state = read(REFUSED, REFUSED_ECDS);
    let reason = "http[0].route[1].weight: -5 is negative";
    assert_eq!(
        state.plugins[0].verdict,
        Verdict::Refused(Some(reason.to_owned()))
    );
    assert_eq!(state.versions[0].share, Some(10_000));
    let report = report(&[("a", Ok(state))]);
    assert!(text(&report)[1].ends_with(&format!("refused: {reason}")));
    assert_eq!(report.lines()[1].tone, Tone::Error);
    assert!(!report.is_well());
}

#[test]
fn proxies_that_agree_are_summed_up_and_others_are_shown_one_by_one() {
    let one = read(&quiet(), &weights(75, 25));
    let agreed = report(&[("a", Ok(one.clone())), ("b", Ok(one.clone()))]);
    assert_eq!(agreed.disagreements(), [""; 0]);
    assert!(text(&agreed)[5].contains("all 2"));
    let other = read(&quiet(), &weights(50, 50));
    let report = report(&[("a", Ok(one.clone())), ("b", Ok(other)), ("c", Ok(one))]);
    assert_eq!(
        report.disagreements(),
        [
            "plugin canary: the configurations are not the same",
            "rule color, version blue-sub: weight 75 % at a, c; weight 50 % at b",
            "rule color, version green-sub: weight 25 % at a, c; weight 50 % at b",
        ]
    );
    assert_eq!(
        report
            .lines()
            .iter()
            .filter(|line| line.text.starts_with("color"))
            .count(),
        6
    );
}

#[test]
fn a_rule_or_a_plugin_that_one_proxy_lacks_is_a_disagreement() {
    let one = read(&quiet(), ECDS);
    let report = report(&[
        ("a", Ok(one)),
        ("b", Ok(Snapshot::default())),
        ("c", Err("x".to_owned())),
    ]);
    let lines = report.disagreements();
    assert_eq!(lines[0], "plugin canary: accepted at a; is missing at b");
    assert_eq!(
        lines[1],
        "rule color, version blue-sub: weight 75 % at a; is missing at b"
    );
    assert_eq!(lines.len(), 3);
    assert_eq!(report.silent().collect::<Vec<_>>(), [("c", "x")]);
}

#[test]
fn the_example_in_the_documentation_is_what_is_printed() {
    let version = |label: &str, share, requests, errors, is_out| Version {
        rule: "color".to_owned(),
        label: label.to_owned(),
        share: Some(share),
        requests,
        answers: Some((requests, errors)),
        is_out,
        rollbacks: is_out.into(),
        ..Version::default()
    };
    let plugin = |verdict, updated: &str, configuration: &str| Plugin {
        name: "canary".to_owned(),
        is_loaded: true,
        restarts: 0,
        verdict,
        updated: Some(updated.to_owned()),
        configuration: Some(configuration.to_owned()),
    };
    let reason = "http[0].route[1].weight: -5 is negative".to_owned();
    let one = Snapshot {
        plugins: vec![plugin(Verdict::Accepted, "2026-11-26T02:52:31.631Z", "a")],
        versions: vec![
            version("blue-sub", 10_000, 275, 0, false),
            version("green-sub", 0, 9, 9, true),
        ],
    };
    let other = Snapshot {
        plugins: vec![plugin(
            Verdict::Refused(Some(reason)),
            "2026-11-26T02:52:51.1Z",
            "b",
        )],
        versions: vec![
            version("blue-sub", 7_500, 5, 0, false),
            version("green-sub", 2_500, 2, 2, false),
        ],
    };
    let report = report(&[
        ("http://127.0.0.1:9901", Ok(one)),
        ("http://127.0.0.1:9902", Ok(other)),
    ]);
    let page = include_str!("../../../../docs/cli.md");
    let shown = text(&report).join("\n");
    assert!(
        page.contains(&shown),
        "docs/cli.md has another example:\n{shown}"
    );
}

#[test]
fn a_configuration_that_one_proxy_refuses_is_a_disagreement() {
    let one = read(ROLLED_BACK, ECDS);
    let other = read(REFUSED, REFUSED_ECDS);
    let report = report(&[("a", Ok(one)), ("b", Ok(other))]);
    assert_eq!(
        report.disagreements(),
        ["plugin canary: accepted at a; refused at b"]
    );
}

#[test]
fn without_a_dump_the_gauges_show_the_weights() {
    let state = read(ROLLED_BACK, b"not found");
    let shares: Vec<_> = state.versions.iter().map(|version| version.share).collect();
    assert_eq!(shares, [Some(10_000), Some(0)]);
    assert_eq!(state.plugins[0].verdict, Verdict::Accepted);
}

#[test]
fn before_the_first_request_the_configuration_shows_the_weights() {
    let stats = br#"{"stats": [{"name": "wasmcustom.canary_config_refused.plugin=.=canary;.;", "value": 0}]}"#;
    let state = read(stats, ECDS);
    let shares: Vec<_> = state.versions.iter().map(|version| version.share).collect();
    assert_eq!(shares, [Some(7_500), Some(2_500)]);
    // As in the filter, a share above 0 is not shown as 0.
    let small = String::from_utf8(ECDS.to_vec()).unwrap();
    let small = small.replace(r#"\"weight\": 75"#, r#"\"weight\": 100000"#);
    let small = small.replace(r#"\"weight\": 25"#, r#"\"weight\": 1"#);
    let state = read(stats, small.as_bytes());
    let shares: Vec<_> = state.versions.iter().map(|version| version.share).collect();
    assert_eq!(shares, [Some(9_999), Some(1)]);
}

#[test]
fn a_module_that_envoy_could_not_load_is_not_loaded() {
    let state = read(br#"{"stats": []}"#, ECDS);
    assert!(!state.plugins[0].is_loaded);
    assert_eq!(state.plugins[0].verdict, Verdict::Unknown);
}

#[test]
fn an_update_that_envoy_did_not_take_is_rejected() {
    let dump = String::from_utf8(ECDS.to_vec()).unwrap();
    let later = dump.replace("2026-11-26T02:13:34", "2099-11-26T02:13:34");
    let state = read(ROLLED_BACK, later.as_bytes());
    assert_eq!(state.plugins[0].verdict, Verdict::Rejected);
}

#[test]
fn the_time_of_a_rollback_is_that_of_the_first_snapshot_that_shows_it() {
    let mut history = History::default();
    let mut since = |stats: &[u8], now| {
        let mut state = read(stats, ECDS);
        history.note("a", &mut state, now);
        state.versions[1].since
    };
    assert_eq!(since(ROLLED_BACK, 10), Some(Since::Before(10)));
    assert_eq!(since(ROLLED_BACK, 20), Some(Since::Before(10)));
    assert_eq!(since(&quiet(), 30), None);
    assert_eq!(since(ROLLED_BACK, 40), Some(Since::At(40)));
    assert_eq!(since(ROLLED_BACK, 50), Some(Since::At(40)));
}

#[test]
fn the_json_has_a_time_only_if_it_was_seen() {
    let state = read(ROLLED_BACK, ECDS);
    let json = report(&[("a", Ok(state)), ("b", Err("gone".to_owned()))]).json();
    assert_eq!(json["proxies"][0]["versions"][1]["rolledBack"], true);
    assert_eq!(
        json["proxies"][0]["versions"][1]["rolledBackSince"],
        Value::Null
    );
    assert_eq!(json["proxies"][0]["versions"][1]["errors"], 16);
    assert_eq!(json["proxies"][1]["error"], "gone");
}

#[test]
fn an_answer_of_another_server_is_refused() {
    for answer in [&b"<html>"[..], b"{}", b"[]", b"", b"\xff"] {
        assert!(Snapshot::read(answer, &[], 0).is_err(), "{answer:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_names_and_values_make_one_line_each(
        stats in prop::collection::vec(("(wasmcustom[.]canary_(weight|rolled_back|responses_total|requests_total|config_refused)[.])?(route=[.]=.{0,9};[.];)?(subset=[.]=.{0,9};[.];)?(plugin=[.]=.{0,9};[.];)?", any::<u64>()), 0..9),
        dump in prop::collection::vec(any::<u8>(), 0..40),
        at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let stats: Vec<_> = stats.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let stats = json!({"stats": stats}).to_string().into_bytes();
        let mut recorded = ECDS.to_vec();
        let at = at.index(recorded.len());
        recorded[at] = byte;
        let one = Snapshot::read(&stats, &[dump, recorded], i64::MAX).unwrap();
        let report = report(&[("a", Ok(one)), ("b", Ok(read(ROLLED_BACK, ECDS)))]);
        for line in report.lines() {
            prop_assert!(!line.text.chars().any(char::is_control), "{:?}", line.text);
        }
        let _ = report.json();
    }
}
