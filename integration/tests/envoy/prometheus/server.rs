//! A real Prometheus that scrapes Envoys with the rules of `istio/telemetry`.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{self, Stdio};
use std::time::SystemTime;

use harness::{Envoy, Process, Scratch, eventually, http1, root};
use serde_json::{Value, json};

/// How often it scrapes and evaluates the rules, in milliseconds. It is also the step of the answers.
pub(crate) const STEP_MS: u32 = 500;

/// One time series of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: BTreeMap<String, String>,
    /// Unix times in seconds, and values that are numbers.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Series {
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// The largest value.
    pub(crate) fn max(&self) -> f64 {
        self.points
            .iter()
            .map(|point| point.1)
            .fold(f64::MIN, f64::max)
    }

    pub(crate) fn last(&self) -> f64 {
        self.points.last().unwrap().1
    }
}

/// A running Prometheus.
pub(crate) struct Prometheus {
    process: Process,
    address: SocketAddr,
    start: f64,
    _dir: Scratch,
}

impl Prometheus {
    /// Whether the program is installed.
    pub(crate) fn installed() -> bool {
        let mut command = process::Command::new("prometheus");
        let quiet = command
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }

    /// Scrapes these gateway pods, with the labels that Istio's Prometheus gives to a pod.
    pub(crate) fn start(pods: &[(&str, &Envoy)]) -> Self {
        let dir = Scratch::new();
        let targets: Vec<_> = pods
            .iter()
            .map(|(name, envoy)| {
                json!({
                    "targets": [envoy.admin_address().to_string()],
                    "labels": {"namespace": "istio-system", "pod": name}
                })
            })
            .collect();
        let interval = format!("{STEP_MS}ms");
        let configuration = json!({
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": [root().join("istio/telemetry/prometheus-rules.yaml")],
            "scrape_configs": [
                {"job_name": "envoy", "metrics_path": "/stats/prometheus", "static_configs": targets}
            ]
        });
        fs::write(dir.join("prometheus.yaml"), configuration.to_string()).unwrap();
        // Prometheus does not say which port it has got for port 0.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = port.local_addr().unwrap();
        drop(port);
        let mut command = process::Command::new("prometheus");
        command
            .arg(format!("--web.listen-address={address}"))
            .arg(format!(
                "--config.file={}",
                dir.join("prometheus.yaml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.join("data").display()
            ));
        let mut process = Process::start("prometheus", &command, &dir.join("log")).unwrap();
        eventually("Prometheus is ready", || {
            if let Some(ended) = process.ended() {
                panic!("Prometheus ended: {}", ended.log);
            }
            let ready = http1::get(address, "/-/ready").ok()?;
            (ready.status == 200).then_some(())
        });
        let mut prometheus = Self {
            process,
            address,
            start: 0.0,
            _dir: dir,
        };
        // It begins some seconds after it is ready.
        eventually("Prometheus scrapes all pods", || {
            (prometheus.instant("up == 1").len() == pods.len()).then_some(())
        });
        prometheus.start = now();
        prometheus
    }

    /// The Unix time in seconds since when it scrapes.
    pub(crate) fn since(&self) -> f64 {
        self.start
    }

    /// The answer to a query for the whole time. Values that are not numbers are left out, as Grafana does.
    pub(crate) fn range(&self, query: &str) -> Vec<Series> {
        let (start, end) = (self.start, now());
        let step = f64::from(STEP_MS) / 1000.0;
        let path = format!(
            "query_range?start={start}&end={end}&step={step}&query={}",
            encoded(query)
        );
        self.series(&path, query)
    }

    /// The answer to a query for now.
    pub(crate) fn instant(&self, query: &str) -> Vec<Series> {
        self.series(&format!("query?query={}", encoded(query)), query)
    }

    /// The values of a label in the series of this selector.
    pub(crate) fn label_values(&self, selector: &str, label: &str) -> Vec<String> {
        let path = format!("label/{label}/values?match[]={}", encoded(selector));
        let values = self.ask(&path, selector);
        serde_json::from_value(values).unwrap()
    }

    fn series(&self, path: &str, query: &str) -> Vec<Series> {
        let data = self.ask(path, query);
        let series = data["result"].as_array().unwrap().iter().map(|series| {
            let points = match &series["values"] {
                Value::Array(points) => points.clone(),
                _ => vec![series["value"].clone()],
            };
            let point = |point: &Value| {
                let value: f64 = point[1].as_str().unwrap().parse().unwrap();
                value
                    .is_finite()
                    .then(|| (point[0].as_f64().unwrap(), value))
            };
            Series {
                labels: serde_json::from_value(series["metric"].clone()).unwrap(),
                points: points.iter().filter_map(point).collect(),
            }
        });
        series.filter(|series| !series.points.is_empty()).collect()
    }

    fn ask(&self, path: &str, query: &str) -> Value {
        let answer = http1::get(self.address, &format!("/api/v1/{path}")).unwrap();
        assert_eq!(
            answer.status,
            200,
            "{query}\n{}\n{}",
            answer.body,
            self.process.log()
        );
        let mut answer: Value = serde_json::from_str(&answer.body).unwrap();
        answer["data"].take()
    }
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs_f64()
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
