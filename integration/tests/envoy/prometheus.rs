//! What a real Prometheus with the shipped rules makes of two gateways, and what the dashboard shows of it: a canary that
//! breaks and is rolled back, comes back when it is mended, new weights, and a configuration that one gateway refuses.
//!
//! `make dashboard` also writes the picture for the documentation, to the file that `CANARY_PICTURE` names.

mod dashboard;
mod picture;
mod server;

use std::thread;
use std::time::Duration;
use std::{env, fs};

use harness::{Behaviour, Echo, Envoy, Filter, Setup, root};
use serde_json::json;

use self::dashboard::{Dashboard, Panel};
use self::server::{Prometheus, Series};
use crate::rollback::{RATE, configuration};
use crate::steady::{Seen, Steady};
use crate::support::skipped;

const PODS: [&str; 2] = ["gateway-a", "gateway-b"];

/// The rule `color` with these weights. A rule that only observes comes first.
fn policy(weights: [u32; 2]) -> String {
    // For one interval after a rollback, green gets no larger share than before.
    let rollback = json!({"stable": "blue-sub", "retryAfter": "5s", "interval": "3s"});
    let observe = json!({"stable": "blue-sub", "observe": true});
    let mut observed = configuration([1, 1], &observe, &json!({}));
    observed["name"] = json!("observed");
    observed["match"] = json!([{"uri": {"prefix": "/color/observed"}}]);
    let rules = [observed, configuration(weights, &rollback, &json!({}))];
    json!({"http": rules, "responseHeader": "x-canary-decision"}).to_string()
}

/// Two gateways with the same configuration in front of the same service.
struct Fleet {
    gateways: [Envoy; 2],
    green: Echo,
}

impl Fleet {
    fn start() -> Self {
        let (blue, green) = (Echo::start("blue"), Echo::start("green"));
        let setup = Setup::new(policy([75, 25]));
        let gateways = PODS.map(|_| Envoy::start(&setup, blue.address(), green.address()));
        Self { gateways, green }
    }

    fn update(&self, gateways: &[Envoy], policy: &str) {
        for gateway in gateways {
            gateway.update(&Filter::new(policy));
        }
    }

    /// What the dashboard is about, in about half a minute.
    fn play(&self) {
        let loads = self
            .gateways
            .each_ref()
            .map(|gateway| Steady::start(gateway, RATE, 4));
        let wait = |seconds| thread::sleep(Duration::from_secs(seconds));
        wait(6);
        self.green.behave(Behaviour::Status(503));
        let mut connection = self.gateways[0].connect();
        for _ in 0..100 {
            connection.get("/color/observed", &[]).unwrap();
        }
        for load in &loads {
            load.wait_for_row("green is out", RATE as usize, |seen| !seen.is_green());
        }
        self.green.behave(Behaviour::Good);
        for load in &loads {
            load.wait_for("green is back", Seen::is_green);
        }
        wait(4);
        self.update(&self.gateways, &policy([50, 50]));
        wait(4);
        self.update(&self.gateways[1..], &policy([50, 50]).replace("50", "-5"));
        wait(4);
        self.update(&self.gateways[1..], &policy([50, 50]));
        wait(3);
    }
}

fn panel<'p>(panels: &'p [Panel], title: &str) -> &'p Panel {
    let found = panels.iter().find(|panel| panel.title() == title);
    found.unwrap_or_else(|| panic!("no panel {title}"))
}

/// The series of a panel under this name.
fn line<'p>(panels: &'p [Panel], title: &str, name: &str) -> &'p Series {
    let panel = panel(panels, title);
    let found = panel.lines.iter().find(|line| line.name == name);
    let names = || {
        panel
            .lines
            .iter()
            .map(|line| line.name.as_str())
            .collect::<Vec<_>>()
    };
    &found
        .unwrap_or_else(|| panic!("{title}: {name} is not in {:?}", names()))
        .series
}

#[test]
fn the_dashboard_shows_a_rollback_new_weights_and_a_refused_configuration() {
    if !Prometheus::installed() {
        return skipped(
            "the dashboard in a real Prometheus",
            "prometheus is not installed",
        );
    }
    let fleet = Fleet::start();
    let pods: Vec<_> = PODS.into_iter().zip(&fleet.gateways).collect();
    let prometheus = Prometheus::start(&pods);
    fleet.play();

    let dashboard = Dashboard::read("color", ".*");
    let panels = dashboard.panels(&prometheus);
    shares_and_errors(&panels);
    states(&panels);
    judgement(&panels);
    annotations(&dashboard, &prometheus);
    choices(&dashboard, &prometheus);
    alerts(&prometheus);
    documented_queries(&prometheus);

    let annotations = dashboard.annotations(&prometheus);
    let end = panels[4].lines[0].series.points.last().unwrap().0;
    let picture = picture::draw(&panels, &annotations, prometheus.since(), end);
    if let Some(path) = env::var_os("CANARY_PICTURE") {
        fs::write(root().join(path), picture).unwrap();
    }
    the_documented_picture_has_the_same_panels(&panels);
}

fn shares_and_errors(panels: &[Panel]) {
    let title = "Shares of the requests, and weights in force";
    let green = line(panels, title, "green-sub");
    assert!((0.1..0.45).contains(&green.points[0].1), "25 %: {green:?}");
    assert!((0.3..0.7).contains(&green.last()), "50 %: {green:?}");
    assert!(
        green.points.iter().any(|point| point.1 == 0.0),
        "out: {green:?}"
    );
    let weight = line(panels, title, "green-sub weight");
    for value in [0.25, 0.0, 0.5] {
        assert!(
            weight.points.iter().any(|point| point.1 == value),
            "{value}: {weight:?}"
        );
    }
    let errors = "Errors by version";
    assert!(line(panels, errors, "green-sub (canary)").max() > 0.3);
    assert_eq!(line(panels, errors, "blue-sub (stable)").max(), 0.0);
    assert!(line(panels, "Answers by class", "green-sub error").max() > 0.0);
    assert!(line(panels, "Reasons of the choice", "weighted").max() > 0.0);
    for pod in PODS {
        let requests = line(panels, "Requests, by gateway pod", pod).max();
        assert!(requests > f64::from(RATE) / 2.0, "{pod}: {requests}");
        let weight = line(
            panels,
            "Weights in force, by gateway pod",
            &format!("{pod} green-sub"),
        );
        assert_eq!(weight.last(), 0.5);
    }
}

fn states(panels: &[Panel]) {
    for pod in PODS {
        let out = line(
            panels,
            "Rolled back, by gateway pod",
            &format!("{pod} green-sub"),
        );
        assert_eq!((out.max(), out.last()), (1.0, 0.0), "{pod}");
        let refused = line(
            panels,
            "Refused configuration, by gateway pod",
            &format!("{pod} canary"),
        );
        let expected = if pod == PODS[1] { 1.0 } else { 0.0 };
        assert_eq!((refused.max(), refused.last()), (expected, 0.0), "{pod}");
    }
}

/// All of it is half a minute, so each window has seen the broken canary until the end.
fn judgement(panels: &[Panel]) {
    for window in ["1m", "5m", "15m"] {
        let name = format!("green-sub {window}");
        assert!(
            line(panels, "Evidence over the fleet", &name).max() > 20.0,
            "{window}"
        );
        assert!(
            line(panels, "Excess over the fleet", &name).max() > 0.05,
            "{window}"
        );
    }
    let stat = |title| panel(panels, title).lines[0].series.last();
    assert!(stat("Requests") > f64::from(RATE) / 10.0);
    assert_eq!(stat("Versions out"), 0.0);
    assert_eq!(stat("Pods with a refused configuration"), 0.0);
}

fn annotations(dashboard: &Dashboard, prometheus: &Prometheus) {
    let pods = |name: &str, dashboard: &Dashboard| -> Vec<String> {
        let all = dashboard.annotations(prometheus);
        let (_, _, series) = all.into_iter().find(|found| found.0 == name).unwrap();
        series
            .iter()
            .map(|series| series.label("pod").to_owned())
            .collect()
    };
    assert_eq!(pods("Rolled back", dashboard), PODS);
    assert_eq!(pods("Refused configuration", dashboard), [PODS[1]]);
    assert_eq!(pods("Would be rolled back", dashboard), [""; 0]);
    let observed = Dashboard::read("observed", ".*");
    assert_eq!(pods("Would be rolled back", &observed), [PODS[0]]);
    let one = Dashboard::read("color", PODS[0]);
    assert_eq!(pods("Rolled back", &one), [PODS[0]], "the pod is chosen");
}

fn choices(dashboard: &Dashboard, prometheus: &Prometheus) {
    let expected = [
        ("namespace", vec!["istio-system"]),
        ("pod", PODS.to_vec()),
        ("route", vec!["color", "observed"]),
    ];
    for (found, expected) in dashboard.choices(prometheus).iter().zip(expected) {
        assert_eq!(
            (found.0.as_str(), found.1.as_slice()),
            (
                expected.0,
                &expected
                    .1
                    .iter()
                    .map(|text| (*text).to_owned())
                    .collect::<Vec<_>>()[..]
            )
        );
    }
}

fn alerts(prometheus: &Prometheus) {
    for (alert, state) in [
        ("CanaryRolledBack", "firing"),
        ("CanaryWorseThanStable", "firing"),
        ("CanaryWouldBeRolledBack", "firing"),
        // It waits for a minute.
        ("CanaryConfigRefused", "pending"),
    ] {
        let query = format!("ALERTS{{alertname=\"{alert}\",alertstate=\"{state}\"}}");
        assert!(!prometheus.range(&query).is_empty(), "{alert}");
    }
}

/// The queries in the tables of docs/operations.md. Those for alerts need not have an answer.
fn documented_queries(prometheus: &Prometheus) {
    let page = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let table = |heading: &str, column: usize| -> Vec<String> {
        let rows = page.split_once(heading).unwrap().1.lines().skip(2);
        let cells = rows
            .take_while(|row| row.starts_with('|'))
            .map(|row| row.split(" | ").nth(column).unwrap().to_owned());
        cells
            .map(|cell| cell.split('`').nth(1).unwrap().to_owned())
            .collect()
    };
    let questions = table("| question | query |", 1);
    let alerts = table("| alert on | meaning |", 0);
    assert!(questions.len() >= 6 && alerts.len() >= 6);
    for query in questions {
        assert!(!prometheus.instant(&query).is_empty(), "{query}");
    }
    for query in alerts {
        prometheus.instant(&query);
    }
}

fn the_documented_picture_has_the_same_panels(panels: &[Panel]) {
    let picture = fs::read_to_string(root().join("docs/dashboard.svg")).unwrap_or_default();
    for panel in panels {
        assert!(
            picture.contains(&format!(">{}</text>", panel.title())),
            "docs/dashboard.svg has no panel {}; run make dashboard",
            panel.title()
        );
    }
}
