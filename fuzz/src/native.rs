//! The native module in all its forms, with bytes at every place where Envoy shows it some.

mod answer;
mod filter;
mod input;
mod specifier;

use std::sync::{Arc, Mutex, PoisonError};

use canary_filter::edge::stable_of_refused;
use canary_filter::{Policy, metrics};
use fake_envoy::{Filter, Level, Logged, Metrics, Specifier, take_log};

use canary_native as _;
use filter::Chooser;
use input::Input;

/// The last configuration that each plugin has accepted before a run.
const GOOD: &str = r#"{"http": [{"name": "good", "route": [{"cluster": "good"}]}]}"#;

/// The configuration of the specifier beside the filter.
const OTHERWISE: &str = r#"{"http": [{"route": [{"cluster": "otherwise"}]}]}"#;

/// A configuration, a request and its answer, as [`Input`](input::Input) reads them, through the HTTP filter, the cluster
/// specifier and both together.
///
/// Nothing panics. What the module writes is what the core decides about the same request, and everything else stays as it
/// is. What no client may choose by is removed. A refused configuration leaves the last good one in force, or none.
pub fn native(bytes: &[u8]) {
    // Runs at the same time would replace the last good configuration of each other.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let input = Input::read(bytes);
    let good = policy(GOOD.as_bytes()).expect("it is good");
    let taken = policy(&input.configuration);
    let by_specifier = Policy::for_specifier(&input.configuration).ok();
    take_log();
    for (form, taken) in [
        (Form::Filter, taken.as_ref()),
        (Form::Both, taken.as_ref()),
        (Form::Specifier, by_specifier.as_ref()),
    ] {
        form.runs(&input, taken, &good);
    }
    if taken.is_none() {
        stands_by(&input);
    }
}

fn policy(configuration: &[u8]) -> Option<Policy> {
    Policy::from_json(configuration).ok()
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Filter,
    Specifier,
    Both,
}

impl Form {
    /// Runs the input. `taken` is its policy unless this form refuses it.
    fn runs(self, input: &Input, taken: Option<&Policy>, good: &Policy) {
        let is_refused = taken.is_none();
        let policy = taken.unwrap_or(good);
        match self {
            Self::Filter => {
                let plugin = [input.name];
                load_filter(&plugin, GOOD);
                let filter = load_filter(&plugin, &input.configuration);
                verdict(filter.metrics(), &plugin, is_refused);
                filter::decides(&filter, policy, input, Chooser::Filter);
            }
            Self::Both => {
                let plugin = [input.name];
                let [name, chooser] =
                    ["/specifier", "/filter"].map(|form| [&plugin, form.as_bytes()].concat());
                load_filter(&name, GOOD);
                let filter = load_filter(&name, &input.configuration);
                verdict(filter.metrics(), &plugin, is_refused);
                let chooser = Specifier::load(&chooser, OTHERWISE).expect("it is good");
                let cluster = specifier::chooses(&chooser, policy, input);
                let cluster = cluster.unwrap_or_else(|| b"otherwise".to_vec());
                no_panic(chooser.metrics());
                filter::decides(&filter, policy, input, Chooser::Specifier(&cluster));

                let another = load_filter(&name, &input.configuration);
                verdict(another.metrics(), &plugin, is_refused);
                filter::decides(&another, policy, input, Chooser::Nobody);
            }
            Self::Specifier => {
                let plugin = [input.name, b'!'];
                specifier::forgets(&load_specifier(&plugin, GOOD), input);
                let specifier = load_specifier(&plugin, &input.configuration);
                verdict(specifier.metrics(), &plugin, is_refused);
                let chosen = specifier::chooses(&specifier, policy, input);
                let counted = specifier.metrics().sum("canary_requests_total");
                assert_eq!(
                    counted,
                    u64::from(chosen.is_some()),
                    "a stream is counted once, however often its route is picked"
                );
                no_panic(specifier.metrics());
            }
        }
    }
}

/// With a configuration that is refused, and none before it.
fn stands_by(input: &Input) {
    let plugin = vec![input.name, b'?'];
    let filter = load_filter(&plugin, &input.configuration);
    verdict(filter.metrics(), &plugin, true);
    filter::stands_by(&filter, input);
    let stable = stable_of_refused(&input.configuration);
    let specifier = Specifier::load(&plugin, &input.configuration);
    assert_eq!(
        specifier.is_some(),
        stable.is_some(),
        "it is rejected if no stable version can be read"
    );
    if let (Some(specifier), Some(stable)) = (specifier, stable) {
        verdict(specifier.metrics(), &plugin, true);
        specifier::sends_to_stable(&specifier, &stable, input);
        no_panic(specifier.metrics());
    }
    take_log();
}

fn load_filter(plugin: &[u8], configuration: impl AsRef<[u8]>) -> Arc<Filter> {
    Filter::load(plugin, configuration).expect("no configuration takes the filter down")
}

fn load_specifier(plugin: &[u8], configuration: impl AsRef<[u8]>) -> Specifier {
    Specifier::load(plugin, configuration).expect("the last good one is in force")
}

/// Whether the newest configuration is refused, by the gauge and the log.
fn verdict(metrics: &Metrics, plugin: &[u8], is_refused: bool) {
    let gauge = metrics::config_refused(&String::from_utf8_lossy(plugin));
    assert_eq!(metrics.value(&gauge), Some(u64::from(is_refused)));
    let log = take_log();
    let is_error = |(level, _): &&Logged| *level == Level::Error;
    let errors: Vec<_> = log.iter().filter(is_error).collect();
    assert_eq!(errors.len(), usize::from(is_refused), "{log:?}");
    for (_, line) in errors {
        assert!(line.contains(": configuration refused, "), "{line}");
    }
}

fn no_panic(metrics: &Metrics) {
    assert_eq!(metrics.value("canary_panics_total"), Some(0));
    let log: Vec<_> = take_log();
    assert!(
        log.iter().all(|(level, _)| *level != Level::Error),
        "{log:?}"
    );
}
