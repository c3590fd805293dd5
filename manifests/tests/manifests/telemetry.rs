//! The files for Prometheus and for Istio's statistics.

use manifests::{Documents, schema, text as string};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::repository::{read, text};
use crate::schema::check_all;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    duration: Option<String>,
    #[serde(default)]
    labels: serde_json::Map<String, Value>,
    #[serde(default)]
    annotations: serde_json::Map<String, Value>,
}

fn rule_file() -> RuleFile {
    let file = Documents::parse(&text("istio/telemetry/prometheus-rules.yaml"))
        .unwrap()
        .0
        .remove(0);
    serde_json::from_value(file).unwrap()
}

/// The series that the rules record.
pub(crate) fn recorded() -> Vec<String> {
    let groups = rule_file().groups;
    let rules = groups.into_iter().flat_map(|group| group.rules);
    rules.filter_map(|rule| rule.record).collect()
}

#[test]
fn the_rules_are_about_metrics_that_the_filter_has() {
    let groups = rule_file().groups;
    let names_of_groups: Vec<_> = groups.iter().map(|group| &group.name).collect();
    assert_eq!(names_of_groups, ["canary", "canary-fleet"]);
    let recorded = recorded();
    for rule in groups.iter().flat_map(|group| &group.rules) {
        assert_ne!(rule.record.is_some(), rule.alert.is_some(), "{}", rule.expr);
        assert_eq!(rule.alert.is_some(), rule.duration.is_some());
        assert_eq!(rule.alert.is_some(), rule.labels.contains_key("severity"));
        assert_eq!(
            rule.alert.is_some(),
            rule.annotations.contains_key("summary")
        );
        let names = names(&rule.expr);
        assert!(!names.is_empty(), "{}", rule.expr);
        names.iter().for_each(|name| known(name, &recorded));
    }
}

/// The filter's metrics and the recorded series in a query.
pub(crate) fn names(query: &str) -> Vec<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = query.split(|c| !legal(c));
    words
        .filter(|word| word.starts_with("canary_") || word.starts_with("canary:"))
        .map(str::to_owned)
        .collect()
}

/// The filter has this metric, or the rules record this series.
pub(crate) fn known(name: &str, recorded: &[String]) {
    let metrics = text("src/policy/metrics.rs");
    if name.contains(':') {
        assert!(
            recorded.iter().any(|series| series == name),
            "no rule records {name}"
        );
    } else {
        assert!(
            [format!("\"{name}\""), format!("\"{name}.")]
                .iter()
                .any(|text| metrics.contains(text)),
            "{name} is not a metric of the filter"
        );
    }
}

#[test]
fn istio_makes_labels_of_the_same_tags_as_envoy_does() {
    let mut patch = Documents::parse(&text("istio/telemetry/stat-tags.yaml"))
        .unwrap()
        .0
        .remove(0);
    // A patch of a Deployment, which already has these fields in the cluster.
    patch["apiVersion"] = "apps/v1".into();
    patch["kind"] = "Deployment".into();
    patch["metadata"] = json!({"name": "istio-ingressgateway"});
    schema::check(&patch).unwrap();
    let annotations = &patch["spec"]["template"]["metadata"]["annotations"];
    let proxy = Documents::parse(annotations["proxy.istio.io/config"].as_str().unwrap()).unwrap();
    let envoy = Documents::parse(&text("envoy/envoy.yaml")).unwrap();
    // One further tag there is for Envoy's own metrics of clusters.
    let tags = envoy.0[0]["stats_config"]["stats_tags"]
        .as_array()
        .unwrap()
        .iter();
    let tags: Vec<_> = tags
        .filter(|tag| !tag["regex"].as_str().unwrap().starts_with("^cluster"))
        .collect();
    let names: Vec<_> = tags.iter().map(|tag| tag["tag_name"].clone()).collect();
    assert_eq!(proxy.0[0]["extraStatTags"], Value::from(names.clone()));
    for (tag, name) in tags.iter().zip(names) {
        // The expression that istiod generates for a name in `extraStatTags`.
        assert_eq!(
            tag["regex"],
            format!(r"({}=\.=(.*?);\.;)", name.as_str().unwrap())
        );
    }
}

/// The query of a template for a controller, with these values for its variables.
pub(crate) fn query(file: &str, at: &str, variable: &str) -> String {
    let template = Documents::parse(&text(file)).unwrap().0.remove(0);
    let query = string(template.pointer(at).unwrap()).to_owned();
    let values = [
        ("route", "color"),
        ("subset", "green-sub"),
        ("answers", "50"),
    ];
    let filled = values.iter().fold(query, |query, (name, value)| {
        query.replace(&variable.replace("NAME", name), value)
    });
    assert!(!filled.contains("{{"), "{filled}");
    filled
}

/// The query by which Argo Rollouts judges the canary `green-sub` of the rule `color`, at 50 answers.
pub(crate) fn analysis() -> String {
    let at = "/spec/metrics/0/provider/prometheus/query";
    query(
        "istio/telemetry/analysis-template.yaml",
        at,
        "{{args.NAME}}",
    )
}

#[test]
fn the_controllers_ask_for_the_same_judgement() {
    let flagger = query(
        "istio/telemetry/metric-template.yaml",
        "/spec/query",
        "{{ variables.NAME }}",
    );
    assert_eq!(analysis(), flagger);
    let recorded = recorded();
    names(&flagger)
        .iter()
        .for_each(|name| known(name, &recorded));
}

#[test]
fn the_templates_have_only_fields_that_their_schema_has() {
    for file in ["analysis-template.yaml", "metric-template.yaml"] {
        let documents = read(&[&format!("telemetry/{file}")]);
        check_all(&documents);
        for at in [
            "/spec",
            "/spec/metrics/0",
            "/spec/metrics/0/provider/prometheus",
            "/spec/provider",
        ] {
            let mut document = documents.0[0].clone();
            if let Some(place) = document.pointer_mut(at) {
                place["adress"] = "http://prometheus".into();
                schema::check(&document).unwrap_err();
            }
        }
    }
}
