//! Grafana's dashboard: its form, and its queries against the filter's metrics and the recorded series. The integration
//! tests run the queries in a real Prometheus.

mod model;
mod options;

use std::collections::BTreeSet;

use serde_json::Value;

use self::model::{Dashboard, Variable};
use crate::repository::text;
use crate::telemetry::{known, names, recorded};

const FILE: &str = "istio/telemetry/dashboard.json";

fn parse(dashboard: Value) -> Result<Dashboard, String> {
    let dashboard: Dashboard =
        serde_json::from_value(dashboard).map_err(|error| error.to_string())?;
    for panel in &dashboard.panels {
        options::check(panel).map_err(|error| format!("{}: {error}", panel.title))?;
    }
    Ok(dashboard)
}

fn file() -> Value {
    serde_json::from_str(&text(FILE)).unwrap()
}

fn dashboard() -> Dashboard {
    parse(file()).unwrap()
}

/// Every query, those of the variables included.
fn queries(dashboard: &Dashboard) -> Vec<&str> {
    let variables = dashboard
        .templating
        .list
        .iter()
        .filter_map(|variable| match variable {
            Variable::Query { query, .. } => Some(query.query.as_str()),
            Variable::Datasource { .. } => None,
        });
    let annotations = dashboard
        .annotations
        .list
        .iter()
        .filter_map(|a| a.expr.as_deref());
    let targets = dashboard.panels.iter().flat_map(|panel| &panel.targets);
    variables
        .chain(annotations)
        .chain(targets.map(|target| target.expr.as_str()))
        .collect()
}

#[test]
fn the_dashboard_has_the_form_that_grafana_publishes() {
    let dashboard = dashboard();
    assert_eq!(dashboard.uid, "canary-filter");
    assert!(
        dashboard.schema_version >= 36,
        "state-timeline and typed data sources"
    );
}

#[test]
fn a_dashboard_that_breaks_the_schema_is_refused() {
    for (at, field, value) in [
        ("", "tittle", Value::from("x")),
        ("", "schemaVersion", Value::from("39")),
        ("/templating/list/0", "type", Value::from("prometheus")),
        ("/annotations/list/1", "iconColour", Value::from("red")),
        ("/panels/0", "type", Value::from("singlestat")),
        ("/panels/0/gridPos", "width", Value::from(1)),
        ("/panels/0/options", "colorMode", Value::from("text")),
        ("/panels/4/targets/0", "legend", Value::from("x")),
        (
            "/panels/4/fieldConfig/defaults",
            "unit",
            Value::from("percentage"),
        ),
        (
            "/panels/4/fieldConfig/defaults/custom",
            "drawStyle",
            Value::from("curve"),
        ),
        ("/panels/6/options", "rowHeight", Value::from("tall")),
    ] {
        let mut broken = file();
        broken.pointer_mut(at).unwrap()[field] = value;
        assert!(parse(broken).is_err(), "{at}/{field}");
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_exist_and_variables_that_it_has() {
    let dashboard = dashboard();
    let mut variables: BTreeSet<_> = ["__rate_interval".to_owned()].into();
    for variable in &dashboard.templating.list {
        let (Variable::Query { name, .. } | Variable::Datasource { name, .. }) = variable;
        variables.insert(name.clone());
    }
    let recorded = recorded();
    for query in queries(&dashboard) {
        let names = names(query);
        assert!(!names.is_empty(), "{query}");
        names.iter().for_each(|name| known(name, &recorded));
        for part in query.split('$').skip(1) {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = &part[..end.unwrap_or(part.len())];
            assert!(variables.contains(name), "{name} in {query}");
        }
    }
}

#[test]
fn every_query_goes_to_the_chosen_data_source() {
    let dashboard = dashboard();
    let annotations = dashboard
        .annotations
        .list
        .iter()
        .filter(|a| a.built_in.is_none());
    let panels = dashboard.panels.iter().map(|panel| &panel.datasource);
    let targets = dashboard.panels.iter().flat_map(|panel| &panel.targets);
    let sources = annotations
        .map(|annotation| &annotation.datasource)
        .chain(panels)
        .chain(targets.map(|target| &target.datasource));
    for source in sources {
        assert_eq!(
            (source.r#type.as_str(), source.uid.as_str()),
            ("prometheus", "${datasource}")
        );
    }
}

#[test]
fn the_panels_have_a_place_each_and_say_what_they_show() {
    let dashboard = dashboard();
    let mut ids = BTreeSet::new();
    let mut cells = BTreeSet::new();
    for panel in &dashboard.panels {
        assert!(
            ids.insert(panel.id),
            "{}: the id {} twice",
            panel.title,
            panel.id
        );
        assert!(
            !panel.title.is_empty() && panel.description.ends_with('.'),
            "{}",
            panel.title
        );
        let place = &panel.grid_pos;
        assert!(
            place.x + place.w <= 24,
            "{}: wider than the page",
            panel.title
        );
        for x in place.x..place.x + place.w {
            for y in place.y..place.y + place.h {
                assert!(cells.insert((x, y)), "{} overlaps", panel.title);
            }
        }
        let mut references = BTreeSet::new();
        for target in &panel.targets {
            assert!(references.insert(&target.ref_id), "{}", panel.title);
            assert_ne!(target.instant, target.range, "{}", panel.title);
            assert_eq!(
                target.instant,
                target.legend_format.is_none(),
                "{}",
                panel.title
            );
        }
    }
}

#[test]
fn the_documentation_names_every_panel() {
    let page = text("docs/operations.md");
    for panel in dashboard().panels {
        assert!(
            page.contains(&panel.title),
            "{} is not in docs/operations.md",
            panel.title
        );
    }
    for annotation in dashboard()
        .annotations
        .list
        .iter()
        .filter(|a| a.built_in.is_none())
    {
        assert!(page.contains(&annotation.name), "{}", annotation.name);
    }
}
