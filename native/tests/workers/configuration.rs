//! One configuration in all forms of the module.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use fake_envoy::{Filter, Level, Metrics, Request, Specifier, take_log};

/// The plugin of the filter and of both together, and that of the specifier alone.
const PLUGIN: &str = "workers";
const ALONE: &str = "workers alone";

/// A configuration as Envoy holds it: all workers share it.
pub(crate) struct Configuration {
    pub(crate) filter: Arc<Filter>,
    /// The filter and the specifier of both together.
    pub(crate) beside: Arc<Filter>,
    pub(crate) chooser: Specifier,
    pub(crate) alone: Specifier,
}

/// What a configuration has counted. It does not keep the configuration alive.
pub(crate) struct Counts {
    filters: [Weak<Filter>; 2],
    filter: Metrics,
    beside: Metrics,
    chooser: Metrics,
    alone: Metrics,
}

/// A filter with the same policy as the workers' and with metrics of its own.
pub(crate) struct Probe(Arc<Filter>);

/// Rules with all that moves weights. A bad canary is rolled back again in each configuration, since `retry` differs.
pub(crate) fn configuration(number: usize) -> String {
    rules(&format!(
        r#""rollback": {{"stable": "blue", "retry": "{number}"}},"#
    ))
}

fn rules(rollback: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let step = |second: u64| {
        let (after, blue) = (now.as_secs() + second, 40 + second % 2 * 20);
        let green = 100 - blue;
        format!(r#"{{"after": "{after}s", "weights": [{blue}, {green}]}}"#)
    };
    let steps: Vec<_> = (0..120).map(step).collect();
    let ramp = format!(
        r#""ramp": {{"start": "1970-01-01T00:00:00Z", "steps": [{}]}},"#,
        steps.join(",")
    );
    let keys = r#""consistentHash": [{"httpHeaderName": "x-user"}],"#;
    let rule = |name: &str, members: &[&str]| {
        let members = members.concat();
        format!(
            r#"{{"name": "{name}", "match": [{{"uri": {{"prefix": "/{name}"}}}}], {members}
                "route": [{{"cluster": "blue", "weight": 50}}, {{"cluster": "green", "weight": 50}}]}}"#
        )
    };
    let rules = [
        rule("judged", &[keys, rollback]),
        rule("both", &[rollback, &ramp]),
        rule("ramped", &[&ramp]),
        rule("plain", &[keys]),
    ];
    format!(r#"{{"http": [{}]}}"#, rules.join(","))
}

impl Configuration {
    /// Has the module take this text in all its forms, or refuse it in all of them.
    pub(crate) fn load(text: &str) -> Self {
        let form = |name: &str| Filter::load(name, text).unwrap();
        let stable = r#"{"http": [{"route": [{"cluster": "blue"}]}]}"#;
        let is_good = text.contains("rollback");
        // A specifier alone takes no rollback.
        let alone = if is_good { rules("") } else { text.to_owned() };
        let loaded = Self {
            filter: form(PLUGIN),
            beside: form("workers/specifier"),
            chooser: Specifier::load("workers/filter", stable).unwrap(),
            alone: Specifier::load(ALONE, alone).unwrap(),
        };
        let log = take_log();
        let faults = log.iter().filter(|(level, _)| *level == Level::Error);
        assert_eq!(faults.count(), if is_good { 0 } else { 3 }, "{log:?}");
        for (metrics, plugin) in [
            (loaded.filter.metrics(), PLUGIN),
            (loaded.beside.metrics(), PLUGIN),
            (loaded.alone.metrics(), ALONE),
        ] {
            let gauge = format!("canary_config_refused.plugin=.={plugin};.;");
            assert_eq!(metrics.value(&gauge), Some(u64::from(!is_good)));
        }
        loaded
    }
}

impl Counts {
    pub(crate) fn of(configuration: &Configuration) -> Self {
        Self {
            filters: [&configuration.filter, &configuration.beside].map(Arc::downgrade),
            filter: configuration.filter.metrics().clone(),
            beside: configuration.beside.metrics().clone(),
            chooser: configuration.chooser.metrics().clone(),
            alone: configuration.alone.metrics().clone(),
        }
    }

    /// Whether no worker has the configuration any longer, and all its streams have ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.filters.iter().all(|filter| filter.strong_count() == 0)
    }

    /// How many streams it has decided.
    pub(crate) fn streams(&self) -> u64 {
        let requests = [&self.filter, &self.beside, &self.alone];
        let sums = requests.map(|metrics| metrics.sum("canary_requests_total"));
        sums.iter().sum()
    }

    /// How many canaries its requests have rolled back.
    pub(crate) fn rollbacks(&self) -> u64 {
        [&self.filter, &self.beside]
            .map(|metrics| metrics.sum("canary_rollbacks_total"))
            .iter()
            .sum()
    }

    pub(crate) fn by_form(&self) -> BTreeMap<&'static str, u64> {
        let (requests, responses) = ("canary_requests_total", "canary_responses_total");
        BTreeMap::from([
            ("filter requests", self.filter.sum(requests)),
            ("filter responses", self.filter.sum(responses)),
            ("beside requests", self.beside.sum(requests)),
            ("beside responses", self.beside.sum(responses)),
            ("alone requests", self.alone.sum(requests)),
        ])
    }

    /// How many panics each form has caught.
    pub(crate) fn panics(&self) -> [u64; 4] {
        [&self.filter, &self.beside, &self.chooser, &self.alone]
            .map(|metrics| metrics.value("canary_panics_total").unwrap())
    }
}

impl Probe {
    /// With the text of a configuration that is in force.
    pub(crate) fn load(text: &str) -> Self {
        let probe = Filter::load(PLUGIN, text).unwrap();
        take_log();
        Self(probe)
    }

    /// How many canaries its requests have rolled back.
    pub(crate) fn rollbacks(&self) -> u64 {
        self.0.metrics().sum("canary_rollbacks_total")
    }

    /// Whether both rules whose canary is bad have rolled it back.
    pub(crate) fn sends_all_to_stable(&self) -> bool {
        ["/judged", "/both"].into_iter().all(|path| {
            (0..50).all(|user| {
                let request =
                    Request::new(&[(":path", path), ("x-user", &format!("probe-{user}"))]);
                let mut stream = self.0.stream(request, None);
                stream.request();
                let sent = stream.sent();
                sent.contains(&(b"x-canary-cluster".to_vec(), b"blue".to_vec()))
            })
        })
    }
}
