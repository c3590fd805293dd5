//! The form of a Grafana dashboard, as far as this repository uses it: names, types, required fields and permitted values
//! as in Grafana's published schemas (the dashboard kind, the panel options of `stat`, `timeseries` and `state-timeline`,
//! and the query of the Prometheus data source). A field that is not here is an error.

#![allow(dead_code, reason = "many fields only have to have the right form")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Dashboard {
    pub(super) uid: String,
    title: String,
    description: String,
    tags: Vec<String>,
    pub(super) schema_version: u16,
    version: u32,
    editable: bool,
    graph_tooltip: u8,
    timezone: String,
    refresh: String,
    time: Time,
    pub(super) templating: List<Variable>,
    pub(super) annotations: List<Annotation>,
    links: Vec<Value>,
    pub(super) panels: Vec<Panel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Time {
    from: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List<T> {
    pub(super) list: Vec<T>,
}

#[derive(Deserialize, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct DataSource {
    pub(super) r#type: String,
    pub(super) uid: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Variable {
    Datasource {
        name: String,
        label: String,
        query: String,
        refresh: u8,
        multi: bool,
        #[serde(rename = "includeAll")]
        include_all: bool,
    },
    Query {
        name: String,
        label: String,
        datasource: DataSource,
        query: VariableQuery,
        definition: String,
        refresh: u8,
        sort: u8,
        multi: bool,
        #[serde(rename = "includeAll")]
        include_all: bool,
        #[serde(rename = "allValue")]
        all_value: Option<String>,
        current: Option<Choice>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct VariableQuery {
    pub(super) query: String,
    ref_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    text: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Annotation {
    pub(super) name: String,
    pub(super) datasource: DataSource,
    enable: bool,
    hide: bool,
    icon_color: String,
    pub(super) built_in: Option<u8>,
    r#type: Option<String>,
    pub(super) expr: Option<String>,
    title_format: Option<String>,
    text_format: Option<String>,
    tag_keys: Option<String>,
    use_value_for_time: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Panel {
    pub(super) id: u8,
    pub(super) r#type: Kind,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) datasource: DataSource,
    pub(super) grid_pos: Grid,
    pub(super) targets: Vec<Target>,
    pub(super) field_config: FieldConfig,
    pub(super) options: Value,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Stat,
    Timeseries,
    StateTimeline,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grid {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) w: u32,
    pub(super) h: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Target {
    pub(super) ref_id: String,
    pub(super) datasource: DataSource,
    pub(super) expr: String,
    pub(super) legend_format: Option<String>,
    #[serde(default)]
    pub(super) instant: bool,
    pub(super) range: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldConfig {
    pub(super) defaults: Defaults,
    overrides: Vec<Override>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    unit: Option<Unit>,
    decimals: Option<u8>,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    mappings: Vec<Mapping>,
    thresholds: Option<Thresholds>,
    pub(super) custom: Option<Value>,
}

/// Of Grafana's many units, those that fit the metrics.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Percentunit,
    Reqps,
    Short,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Mapping {
    Value { options: BTreeMap<String, Mapped> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapped {
    text: String,
    color: String,
    index: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thresholds {
    mode: ThresholdsMode,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ThresholdsMode {
    Absolute,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    color: String,
    value: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Override {
    matcher: Matcher,
    properties: Vec<Property>,
}

#[derive(Deserialize)]
#[serde(tag = "id", content = "options", rename_all = "camelCase")]
enum Matcher {
    ByRegexp(String),
}

#[derive(Deserialize)]
#[serde(tag = "id", content = "value")]
enum Property {
    #[serde(rename = "custom.lineStyle")]
    LineStyle(LineStyle),
    #[serde(rename = "custom.lineWidth")]
    LineWidth(f64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineStyle {
    fill: Fill,
    dash: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fill {
    Dash,
}
