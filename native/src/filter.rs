//! The HTTP filter: one configuration, and what it does with a stream.

use std::sync::Arc;

use canary_filter::edge::{Answer, Credit, Own};
use canary_filter::{
    DEFAULT_CLUSTER_HEADER, Decision, Description, Fields, InForce, Outputs, Request, metrics,
};

use crate::abi::{self, Owner};
use crate::guard::planted;
use crate::host::{self, ThreadRandom};
use crate::metrics::{Chooser, Metric, Metrics};
use crate::plugin::{Form, Plugin, Verdict};
use crate::serving::{Outcome, Serving};

/// After the plugin's name: the cluster specifier of that name has chosen already.
const BESIDE_SPECIFIER: &str = "/specifier";

/// The key of the access log's `%FILTER_STATE(wasm.canary:PLAIN)%`, the same as that of the wasm module.
const FILTER_STATE: &str = "wasm.canary";

/// One configuration of the filter, for all workers.
#[derive(Debug)]
pub(crate) struct Config {
    owner: Owner,
    plugin: Arc<Plugin>,
    role: Role,
    /// Whether the cluster specifier chooses, and the filter reports.
    beside_specifier: bool,
    metrics: Metrics,
    panics: Metric,
}

/// What a configuration does with requests.
#[derive(Debug)]
enum Role {
    Serve(Arc<Serving>),
    /// There has never been a good configuration: nothing is chosen, and no client may choose by these headers either.
    StandBy(Vec<String>),
}

/// One request.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    decision: Option<Decision>,
    answer: Answer,
}

impl Config {
    /// The configuration in these bytes; `None` leaves it to Envoy to reject it.
    pub(crate) fn new(owner: Owner, name: &[u8], bytes: &[u8]) -> Option<Self> {
        let name = String::from_utf8_lossy(name);
        let alone = name.strip_suffix(BESIDE_SPECIFIER);
        let plugin = Plugin::named(alone.unwrap_or(&name));
        let (role, refused) = match plugin.judge(bytes, Form::Filter) {
            Verdict::Taken(serving) => (Role::Serve(serving), false),
            Verdict::Refused(Some(last)) => (Role::Serve(last), true),
            Verdict::Refused(None) => (
                Role::StandBy(Outputs::request_headers_of_refused(bytes)),
                true,
            ),
            Verdict::Rejected => return None,
        };
        if let Some(gauge) = owner.gauge(&metrics::config_refused(plugin.name())) {
            owner.set(gauge, refused.into());
        }
        let chooser = match alone {
            Some(_) => Chooser::SpecifierBesideFilter,
            None => Chooser::Filter,
        };
        let metrics = match &role {
            Role::Serve(serving) => {
                let metrics = Metrics::new(&owner, serving, chooser, &plugin);
                plugin.accept(serving);
                metrics
            }
            Role::StandBy(_) => Metrics::default(),
        };
        Some(Self {
            panics: owner.counter("canary_panics_total").unwrap_or_default(),
            beside_specifier: alone.is_some(),
            owner,
            plugin,
            role,
            metrics,
        })
    }

    /// Decides about a request, and writes the decision where the configuration wants it.
    pub(crate) fn request_headers(&self, stream: &mut Stream, host: &abi::Stream<'_>, _: bool) {
        let Role::Serve(serving) = &self.role else {
            self.remove_headers(host);
            return;
        };
        if let Some(outcome) = serving.pass(&self.plugin) {
            self.carry_out(&outcome);
        }
        if self.beside_specifier {
            self.metrics.show_endpoints(&self.owner, serving);
        }
        let held = serving.in_force();
        let own = InForce::default();
        let in_force = held.as_ref().map_or(&own, |held| held);
        planted(|| host.first(":path"));
        let request = Request::new(host);
        let policy = serving.policy();
        // Without a known cluster nothing was chosen: Envoy itself answers, as with a redirect.
        let chosen = self.beside_specifier.then(|| host.cluster()).flatten();
        let decision = match chosen {
            Some(cluster) => policy.adopt(&request, in_force, &cluster, &mut ThreadRandom),
            None => policy.decide(&request, in_force, &mut ThreadRandom),
        };
        let description = decision.and_then(|decision| policy.describe(&decision));
        let changes = policy.request_changes(description.as_ref(), &request);
        if let Some(cookie) = changes.cookie {
            host.set_request_header("cookie", &cookie);
        }
        if self.write(changes.own, host) {
            host.clear_route_cache();
        }
        if let (Some(decision), Some(description)) = (&decision, &description) {
            self.report(serving, decision, description, host);
            stream.answer = policy.awaits(decision, host::instant);
        }
        stream.decision = decision;
    }

    /// Writes the headers that are the filter's alone, and says whether the route has to be picked again: by the choice, or
    /// without what a client has named. Beside the specifier the choice is made, and the default header is not needed.
    fn write(&self, own: [Option<Own<'_, &str>>; 2], host: &abi::Stream<'_>) -> bool {
        let mut pick = false;
        for (name, value) in own.into_iter().flatten() {
            pick |= match value {
                _ if self.beside_specifier && name == DEFAULT_CLUSTER_HEADER => false,
                Some(value) => {
                    host.set_request_header(name, value.as_bytes());
                    !self.beside_specifier
                }
                None => host.remove_request_header(name),
            };
        }
        pick
    }

    /// Writes the filter state, and counts the request.
    fn report(
        &self,
        serving: &Serving,
        decision: &Decision,
        description: &Description<'_, ()>,
        host: &abi::Stream<'_>,
    ) {
        if serving.policy().outputs().filter_state() {
            host.set_filter_state(FILTER_STATE, &description.filter_state());
        }
        self.increment(self.metrics.requests(decision));
    }

    /// Writes what the answer gets, and counts it by its headers.
    pub(crate) fn response_headers(&self, stream: &mut Stream, host: &abi::Stream<'_>, end: bool) {
        let Role::Serve(serving) = &self.role else {
            return;
        };
        let header = |name: &str| host.response_header(name);
        let credit = stream.answer.headers(end, header, host::instant);
        self.take(stream, credit);
        let decision = stream.decision.as_ref();
        let headers = || host.response_headers();
        let changes = serving.policy().answer_changes(decision, headers);
        if let Some((name, value)) = changes.own {
            host.set_response_header(name, value.as_deref());
        }
        if let Some(cookie) = changes.set_cookie {
            host.add_response_header("set-cookie", &cookie);
        }
    }

    /// Counts the end of an answer that has trailers.
    pub(crate) fn response_trailers(&self, stream: &mut Stream, host: &abi::Stream<'_>, _: bool) {
        let grpc_status = || host.response_trailer("grpc-status");
        let credit = stream.answer.trailers(grpc_status);
        self.take(stream, credit);
    }

    /// The stream has ended. The headers may be gone now, but how it ended can still be asked.
    pub(crate) fn end(&self, stream: &mut Stream, host: &abi::Stream<'_>, _: bool) {
        let details = || host.response_code_details();
        let credit = stream.answer.end(details, host::instant);
        self.take(stream, credit);
    }

    /// Counts what a step of an answer adds.
    fn take(&self, stream: &Stream, credit: Option<Credit>) {
        let (Role::Serve(serving), Some(decision), Some(credit)) =
            (&self.role, &stream.decision, credit)
        else {
            return;
        };
        serving.take(decision, credit);
        if let Some(class) = credit.class {
            let (watched, destination) = (credit.watched, decision.destination);
            self.increment(self.metrics.responses(watched, destination, class));
        }
    }

    /// After a panic: the stream has no decision, and the request goes to stable.
    pub(crate) fn give_up(&self, stream: &mut Stream, host: &abi::Stream<'_>) {
        self.increment(Some(self.panics));
        *stream = Stream::default();
        self.remove_headers(host);
    }

    /// Removes what no client may choose by.
    fn remove_headers(&self, host: &abi::Stream<'_>) {
        let remove = |name: &str| host.remove_request_header(name);
        let removed = match &self.role {
            Role::Serve(serving) => {
                let outputs = serving.policy().outputs();
                let own = [outputs.cluster_header(), outputs.subset_header()];
                own.into_iter()
                    .flatten()
                    .filter(|name| remove(name))
                    .count()
            }
            Role::StandBy(headers) => headers.iter().filter(|name| remove(name)).count(),
        };
        if removed > 0 {
            host.clear_route_cache();
        }
    }

    fn carry_out(&self, outcome: &Outcome) {
        for (level, line) in &outcome.lines {
            self.plugin.log(*level, line);
        }
        for (watched, destination) in &outcome.rollbacks {
            self.increment(self.metrics.rollbacks(*watched, *destination));
        }
        self.metrics.set_gauges(&self.owner, &outcome.gauges);
    }

    fn increment(&self, counter: Option<Metric>) {
        if let Some(counter) = counter {
            self.owner.increment(counter, 1);
        }
    }
}
