//! A picture of the dashboard, drawn from Prometheus' answers: panels where and as Grafana puts them.

use std::fmt::Write;

use serde_json::Value;

use super::dashboard::{Line, Panel};
use super::server::Series;

const COLUMN: f64 = 50.0;
const ROW: f64 = 27.0;
/// The frame of a plot inside its panel: left, top, right, bottom.
const FRAME: [f64; 4] = [62.0, 34.0, 14.0, 58.0];
/// Colours that colour-blind people can tell apart, on white.
const PALETTE: [&str; 6] = [
    "#0b62a4", "#1f7a1f", "#b35900", "#7b3fa0", "#8a1538", "#4d4d4d",
];

/// A longer time in seconds without a value interrupts a line.
const PAUSE: f64 = 1.1;

/// What is drawn over all panels of time series.
pub(crate) type Annotations = [(String, String, Vec<Series>)];

/// The picture for the times from `start` to `end`, Unix times in seconds.
pub(crate) fn draw(panels: &[Panel], annotations: &Annotations, start: f64, end: f64) -> String {
    let place = |panel: &Panel, name: &str| panel.json["gridPos"][name].as_f64().unwrap();
    let bottom = panels
        .iter()
        .map(|panel| place(panel, "y") + place(panel, "h"));
    let height = bottom.fold(0.0, f64::max) * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {height:.0}\" \
         font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n<title>The dashboard</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#f4f5f5\"/>\n",
        24.0 * COLUMN
    );
    for panel in panels {
        let [x, y] = [place(panel, "x") * COLUMN, place(panel, "y") * ROW];
        let [w, h] = [
            place(panel, "w") * COLUMN - 8.0,
            place(panel, "h") * ROW - 8.0,
        ];
        let mut canvas = Canvas {
            svg: String::new(),
            w,
            h,
            start,
            end,
        };
        canvas.panel(panel, annotations);
        writeln!(
            svg,
            "<g transform=\"translate({:.0} {:.0})\">\n{}</g>",
            x + 4.0,
            y + 4.0,
            canvas.svg
        )
        .unwrap();
    }
    svg + "</svg>\n"
}

/// One panel.
struct Canvas {
    svg: String,
    w: f64,
    h: f64,
    start: f64,
    end: f64,
}

impl Canvas {
    fn panel(&mut self, panel: &Panel, annotations: &Annotations) {
        let (w, h) = (self.w, self.h);
        self.add(format!(
            "<rect width=\"{w:.0}\" height=\"{h:.0}\" fill=\"white\" stroke=\"#ccc\"/>"
        ));
        self.text(10.0, 20.0, "font-weight=\"bold\"", panel.title());
        match panel.json["type"].as_str().unwrap() {
            "stat" => self.stat(panel),
            "state-timeline" => {
                self.times();
                self.states(panel);
            }
            _ => {
                annotations
                    .iter()
                    .for_each(|(_, color, series)| self.regions(color, series));
                self.times();
                self.lines(panel);
            }
        }
    }

    fn add(&mut self, element: String) {
        self.svg += &element;
        self.svg.push('\n');
    }

    fn text(&mut self, x: f64, y: f64, attributes: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.add(format!(
            "<text x=\"{x:.0}\" y=\"{y:.0}\" fill=\"#222\" {attributes}>{text}</text>"
        ));
    }

    fn x(&self, time: f64) -> f64 {
        let width = self.w - FRAME[0] - FRAME[2];
        FRAME[0] + (time - self.start).max(0.0) / (self.end - self.start) * width
    }

    fn y(&self, part: f64) -> f64 {
        let height = self.h - FRAME[1] - FRAME[3];
        FRAME[1] + (1.0 - part) * height
    }

    fn stat(&mut self, panel: &Panel) {
        let defaults = &panel.json["fieldConfig"]["defaults"];
        let value = panel.lines[0].series.last();
        let bad = defaults["thresholds"].is_object() && value >= 1.0;
        let mapped = &defaults["mappings"][0]["options"][format!("{value}")]["text"];
        let text = match mapped.as_str() {
            Some(text) => text.to_owned(),
            None => label(value, &defaults["unit"]),
        };
        let color = if bad { "#b00020" } else { "#1f7a1f" };
        let (x, y) = (self.w / 2.0, self.h / 2.0 + 24.0);
        self.add(format!(
            "<text x=\"{x:.0}\" y=\"{y:.0}\" font-size=\"32\" text-anchor=\"middle\" fill=\"{color}\">{text}</text>"
        ));
    }

    /// The axis of time, every five seconds.
    fn times(&mut self) {
        let (low, high) = (self.y(0.0), self.y(1.0));
        let length = self.end - self.start;
        let seconds = (0..).step_by(5).map(f64::from);
        for second in seconds.take_while(|second| *second <= length) {
            let x = self.x(self.start + second);
            self.add(format!(
                "<path d=\"M{x:.1} {low:.1}V{high:.1}\" stroke=\"#e3e3e3\"/>"
            ));
            self.text(
                x,
                low + 15.0,
                "font-size=\"11\" text-anchor=\"middle\"",
                &format!("{second} s"),
            );
        }
    }

    fn regions(&mut self, color: &str, series: &[Series]) {
        let (top, height) = (self.y(1.0), self.y(0.0) - self.y(1.0));
        for (from, to) in series
            .iter()
            .flat_map(|series| runs(series, |value| value > 0.0))
        {
            let (x, width) = (self.x(from), self.x(to) - self.x(from));
            self.add(format!(
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{color}\" opacity=\"0.1\"/>",
                width.max(1.0)
            ));
        }
    }

    fn lines(&mut self, panel: &Panel) {
        let defaults = &panel.json["fieldConfig"]["defaults"];
        let values = || {
            panel
                .lines
                .iter()
                .flat_map(|line| &line.series.points)
                .map(|point| point.1)
        };
        let fixed = |name: &str| defaults[name].as_f64();
        let low = fixed("min").unwrap_or_else(|| values().fold(0.0, f64::min));
        let high = fixed("max").unwrap_or_else(|| nice(values().fold(0.0, f64::max)));
        let threshold = defaults["custom"]["thresholdsStyle"].is_object();
        let threshold = defaults["thresholds"]["steps"][1]["value"]
            .as_f64()
            .filter(|_| threshold);
        let part = |value: f64| (value - low) / (high - low);
        for value in [low, f64::midpoint(low, high), high] {
            let y = self.y(part(value));
            self.add(format!(
                "<path d=\"M{} {y:.1}H{:.1}\" stroke=\"#e3e3e3\"/>",
                FRAME[0],
                self.w - FRAME[2]
            ));
            self.text(
                FRAME[0] - 5.0,
                y + 4.0,
                "font-size=\"11\" text-anchor=\"end\"",
                &label(value, &defaults["unit"]),
            );
        }
        if let Some(value) = threshold.filter(|value| *value <= high) {
            let y = self.y(part(value));
            self.add(format!(
                "<path d=\"M{} {y:.1}H{:.1}\" stroke=\"#b00020\" stroke-dasharray=\"3 3\"/>",
                FRAME[0],
                self.w - FRAME[2]
            ));
        }
        for line in &panel.lines {
            let style = match line.name.ends_with(" weight") {
                true => "stroke-dasharray=\"6 4\"",
                false => "stroke-width=\"2\"",
            };
            let mut path = String::new();
            let mut before = f64::MIN;
            for (time, value) in &line.series.points {
                let command = if time - before > PAUSE { 'M' } else { 'L' };
                write!(
                    path,
                    "{command}{:.1} {:.1}",
                    self.x(*time),
                    self.y(part(*value))
                )
                .unwrap();
                before = *time;
            }
            self.add(format!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" {style}/>",
                color(line)
            ));
        }
        let legend = panel
            .lines
            .iter()
            .map(|line| (line.name.as_str(), color(line)));
        self.legend(legend.collect());
    }

    fn states(&mut self, panel: &Panel) {
        let mapped = &panel.json["fieldConfig"]["defaults"]["mappings"][0]["options"];
        let texts = ["0", "1"].map(|value| mapped[value]["text"].as_str().unwrap());
        let row = (self.y(0.0) - self.y(1.0)) / panel.lines.len() as f64;
        for (number, line) in panel.lines.iter().enumerate() {
            let top = self.y(1.0) + number as f64 * row + 2.0;
            for (value, color) in [(0.0, "#a9d5a9"), (1.0, "#d98080")] {
                for (from, to) in runs(&line.series, |found| found == value) {
                    let (x, width) = (self.x(from), self.x(to) - self.x(from));
                    self.add(format!(
                        "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{color}\"/>",
                        row - 4.0
                    ));
                }
            }
            self.text(FRAME[0] + 6.0, top + row / 2.0 + 3.0, "", &line.name);
        }
        self.legend(vec![(texts[0], "#a9d5a9"), (texts[1], "#d98080")]);
    }

    /// The names below the plot, in one line or two.
    fn legend(&mut self, entries: Vec<(&str, &str)>) {
        let (mut x, mut y) = (FRAME[0], self.h - 24.0);
        for (name, color) in entries {
            let width = 32.0 + 6.2 * name.len() as f64;
            if x + width > self.w {
                (x, y) = (FRAME[0], y + 16.0);
            }
            self.add(format!(
                "<rect x=\"{x:.0}\" y=\"{:.0}\" width=\"14\" height=\"5\" fill=\"{color}\"/>",
                y - 6.0
            ));
            self.text(x + 18.0, y, "font-size=\"11\"", name);
            x += width;
        }
    }
}

/// A version has the same colour in each panel that has one line for it.
fn color(line: &Line) -> &'static str {
    let labels = &line.series.labels;
    let version = ["pod", "class", "window"]
        .iter()
        .all(|name| !labels.contains_key(*name));
    let number = match line.series.label("subset") {
        "blue-sub" if version => 0,
        "green-sub" if version => 1,
        _ => line.number,
    };
    PALETTE[number % PALETTE.len()]
}

/// A value with its unit.
fn label(value: f64, unit: &Value) -> String {
    match unit.as_str() {
        Some("percentunit") => format!("{:.0} %", value * 100.0),
        Some("reqps") => format!("{value:.0} req/s"),
        _ => format!("{value:.0}"),
    }
}

/// The next larger of 1, 2 and 5, times a power of ten.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= value)
        .unwrap_or(value)
}

/// The times from and to which the values satisfy this, without a pause of more than a second.
fn runs(series: &Series, holds: impl Fn(f64) -> bool) -> Vec<(f64, f64)> {
    let mut runs: Vec<(f64, f64)> = Vec::new();
    let mut open = false;
    for (time, value) in &series.points {
        let good = holds(*value);
        match runs.last_mut() {
            // A state lasts until the next value.
            Some(last) if open && time - last.1 < PAUSE => last.1 = *time,
            _ if good => runs.push((*time, *time)),
            _ => {}
        }
        open = good;
    }
    runs
}
