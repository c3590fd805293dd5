//! `canary status`.

use std::sync::Arc;
use std::time::Duration;

use canary::status::{History, Report};

use crate::output::{Output, complain, unix_seconds};
use crate::run::Ended;

mod children;
mod fetch;
mod kube;
mod screen;
mod signals;

use children::Children;
use fetch::Client;
use kube::{Kube, Pods};
use screen::Screen;

/// The port of Istio's admin interface.
const ISTIO_ADMIN: u16 = 15_000;

/// Show what running proxies do
///
/// Asks the admin interface of each Envoy whether the module is loaded and the configuration accepted, and for each rule
/// and version the weight in force, the requests, the errors that the judge of a rollback has seen, and whether it is
/// rolled back. Proxies that disagree are shown one by one.
///
/// The exit status is 1 if a proxy does not answer, does not run the module, or has not accepted its newest configuration.
#[derive(Debug, clap::Args)]
#[command(
    after_long_help = "Examples:\n  $ canary status http://127.0.0.1:9901\n  $ canary status --watch --kube istio-system/istio=ingressgateway"
)]
pub(crate) struct Arguments {
    /// The admin interfaces, as http://HOST:PORT
    #[arg(value_name = "URL", required_unless_present = "kube", value_parser = fetch::url)]
    urls: Vec<String>,

    /// Ask every running pod that the label selector finds, through `kubectl port-forward`
    #[arg(long, value_name = "NAMESPACE/SELECTOR")]
    kube: Option<Pods>,

    /// The port of the admin interface in these pods
    #[arg(long, value_name = "PORT", requires = "kube", default_value_t = ISTIO_ADMIN)]
    admin_port: u16,

    /// Ask again every SECONDS until Ctrl-C; 2 unless said
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2",
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    watch: Option<u64>,

    /// How long to wait for each answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,

    /// The form of the output; with --watch, one JSON document a line
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

pub(crate) fn run(arguments: &Arguments) -> Ended {
    let children = Arc::new(Children::default());
    let is_watching = arguments.watch.is_some();
    if let Err(error) = signals::end_on_signal(Arc::clone(&children), is_watching) {
        complain(&format!(
            "canary status: signals cannot be handled: {error}"
        ));
        return Ended::Badly;
    }
    let ended = ask(arguments, &children);
    children.end();
    ended
}

fn ask(arguments: &Arguments, children: &Arc<Children>) -> Ended {
    let timeout = Duration::from_secs(arguments.timeout);
    let client = Client::new(timeout);
    let mut kube = arguments
        .kube
        .clone()
        .map(|pods| Kube::new(pods, arguments.admin_port, timeout, Arc::clone(children)));
    let mut history = History::default();
    let mut screen = Screen::new(arguments.output, arguments.watch.is_some());
    loop {
        let mut targets: Vec<_> = arguments
            .urls
            .iter()
            .map(|url| (url.clone(), Ok(url.clone())))
            .collect();
        if let Some(kube) = &mut kube {
            match kube.forwarded() {
                Ok(pods) => targets.extend(pods),
                Err(reason) => targets.push((kube.name(), Err(reason))),
            }
        }
        let now = unix_seconds();
        let mut report = Report {
            proxies: client.ask_all(targets, now),
        };
        if arguments.watch.is_some() {
            for proxy in &mut report.proxies {
                if let Ok(state) = &mut proxy.state {
                    history.note(&proxy.name, state, now);
                }
            }
        }
        let is_shown = screen.show(&report, now);
        match arguments.watch {
            Some(seconds) if is_shown => signals::wait(Duration::from_secs(seconds)),
            _ => return Ended::of(is_shown && report.is_well()),
        }
    }
}
