//! The options of the kinds of panels, and of their fields, as in Grafana's published schemas.

#![allow(dead_code, reason = "the fields only have to have the right form")]

use serde::Deserialize;
use serde_json::Value;

use super::model::{Kind, Panel};

/// Checks the parts of a panel whose form depends on its kind.
pub(super) fn check(panel: &Panel) -> Result<(), serde_json::Error> {
    let custom = panel.field_config.defaults.custom.clone();
    let (options, custom) = (panel.options.clone(), custom.unwrap_or(Value::Null));
    match panel.r#type {
        Kind::Stat => {
            serde_json::from_value::<Stat>(options)?;
            serde_json::from_value::<()>(custom)
        }
        Kind::Timeseries => {
            serde_json::from_value::<Timeseries>(options)?;
            serde_json::from_value::<Graph>(custom).map(drop)
        }
        Kind::StateTimeline => {
            serde_json::from_value::<StateTimeline>(options)?;
            serde_json::from_value::<States>(custom).map(drop)
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stat {
    graph_mode: GraphMode,
    color_mode: ColorMode,
    justify_mode: Auto,
    text_mode: TextMode,
    wide_layout: bool,
    show_percent_change: bool,
    percent_change_color_mode: PercentChange,
    orientation: Auto,
    reduce_options: Reduce,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Reduce {
    calcs: Vec<Calculation>,
    values: bool,
    fields: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timeseries {
    legend: Legend,
    tooltip: Tooltip,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StateTimeline {
    show_value: Visibility,
    row_height: f64,
    merge_values: bool,
    legend: Legend,
    tooltip: Tooltip,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Legend {
    display_mode: DisplayMode,
    placement: Placement,
    show_legend: bool,
    calcs: Vec<Calculation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tooltip {
    mode: TooltipMode,
    sort: Sort,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Graph {
    draw_style: DrawStyle,
    line_width: f64,
    fill_opacity: f64,
    show_points: Visibility,
    span_nulls: bool,
    thresholds_style: Option<ThresholdsStyle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdsStyle {
    mode: ThresholdsStyleMode,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct States {
    fill_opacity: u32,
    line_width: u32,
}

macro_rules! words {
    ($($name:ident: $($variant:ident)*;)*) => {$(
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        enum $name { $($variant,)* }
    )*};
}

words! {
    GraphMode: None Line Area;
    ColorMode: None Value Background;
    Auto: Auto;
    TextMode: Auto Value Name None;
    PercentChange: Standard Inverted;
    Calculation: LastNotNull;
    DisplayMode: List Table Hidden;
    Placement: Bottom Right;
    TooltipMode: Single Multi None;
    Sort: None Asc Desc;
    DrawStyle: Line Bars Points;
    Visibility: Auto Never Always;
    ThresholdsStyleMode: Off Line Dashed Area;
}
