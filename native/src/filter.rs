//! The HTTP filter: one configuration, and what it does with a stream.

use std::sync::Arc;
use std::time::Instant;

use canary_filter::edge::{Answer, is_cut_off, is_grpc_error};
use canary_filter::{
    Class, DEFAULT_CLUSTER_HEADER, Decision, Fields, InForce, Outputs, Request, metrics,
};

use crate::abi::{self, Owner};
use crate::guard::planted;
use crate::host::{self, ThreadRandom};
use crate::metrics::{Metric, Metrics};
use crate::plugin::{Plugin, Verdict};
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
        let (role, refused) = match plugin.judge(bytes, || None) {
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
        let metrics = match &role {
            Role::Serve(serving) => {
                Metrics::define(&owner, serving.policy(), serving.gauges(), alone.is_some())
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
        if self.beside_specifier
            && let Some(empty) = serving.empty()
        {
            self.metrics.show_empty(&self.owner, &empty);
        }
        let held = serving.in_force();
        let own = InForce::default();
        let in_force = held.as_deref().unwrap_or(&own);
        planted(|| host.first(":path"));
        let request = Request::new(host);
        let policy = serving.policy();
        // Without a known cluster nothing was chosen: Envoy itself answers, as with a redirect.
        let chosen = self.beside_specifier.then(|| host.cluster()).flatten();
        let decision = match chosen {
            Some(cluster) => policy.adopt(&request, in_force, &cluster, &mut ThreadRandom),
            None => policy.decide(&request, in_force, &mut ThreadRandom),
        };
        match &decision {
            Some(decision) => self.write(serving, decision, &request, host),
            None => self.remove_headers(host),
        }
        if let Some(watched) = decision.as_ref().and_then(|it| serving.watched(it)) {
            stream.answer = Answer::Awaited(serving.times(watched).then(host::instant));
        }
        stream.decision = decision;
    }

    fn write<'r>(
        &self,
        serving: &'r Serving,
        decision: &Decision,
        request: &Request<'r, &abi::Stream<'_>>,
        host: &abi::Stream<'_>,
    ) {
        let policy = serving.policy();
        let Some(description) = policy.describe(decision) else {
            return;
        };
        if let Some(cookie) = description.cookie(request) {
            host.set_request_header("cookie", &cookie);
        }
        let [cluster_header, subset_header] = self.request_headers_of(serving);
        let destination = description.destination();
        if let (Some(name), Some(cluster)) = (cluster_header, destination.cluster()) {
            host.set_request_header(name, cluster.as_bytes());
        }
        if let Some(name) = subset_header {
            host.set_request_header(name, destination.label().as_bytes());
        }
        if !self.beside_specifier {
            host.clear_route_cache();
        }
        if policy.outputs().filter_state() {
            host.set_filter_state(FILTER_STATE, &description.filter_state());
        }
        self.increment(self.metrics.requests(decision));
    }

    /// Writes what the answer gets, and counts it by its headers.
    pub(crate) fn response_headers(&self, stream: &mut Stream, host: &abi::Stream<'_>, end: bool) {
        let Role::Serve(serving) = &self.role else {
            return;
        };
        if let Answer::Awaited(started) = stream.answer {
            stream.answer = Answer::Uncounted;
            self.count(serving, stream, host, started, end);
        }
        let described = || serving.policy().describe(stream.decision.as_ref()?);
        if let Some(name) = serving.policy().outputs().response_header() {
            let value = described().map(|description| description.response_header());
            host.set_response_header(name, value.as_deref());
        }
        if stream
            .decision
            .is_some_and(|decision| decision.cookie.is_some())
            && let Some(description) = described()
            && let Some(cookie) = description.set_cookie(&host.response_headers())
        {
            host.add_response_header("set-cookie", &cookie);
        }
    }

    /// Counts an answer by its headers.
    fn count(
        &self,
        serving: &Serving,
        stream: &mut Stream,
        host: &abi::Stream<'_>,
        started: Option<Instant>,
        end_of_stream: bool,
    ) {
        let Some((watched, decision)) = watched(serving, stream) else {
            return;
        };
        let status = host.response_header(":status");
        // Where nothing follows the headers, they have what a gRPC answer has in its trailers.
        let grpc_status = end_of_stream.then(|| host.response_header("grpc-status"));
        let slow = started.is_some_and(|started| serving.is_slow(watched, started));
        let class = Class::of_headers(status.as_deref(), grpc_status.flatten().as_deref(), slow);
        serving.count(watched, |answers| {
            answers.add(decision.destination as usize, class.is_bad(), decision.user);
        });
        stream.answer = Answer::after_headers(class, status.as_deref(), end_of_stream);
        if matches!(stream.answer, Answer::Uncounted) {
            self.increment(self.metrics.responses(watched, decision.destination, class));
        }
    }

    /// Counts the end of an answer that has trailers.
    pub(crate) fn response_trailers(&self, stream: &mut Stream, host: &abi::Stream<'_>, _: bool) {
        if matches!(stream.answer, Answer::Good) {
            let status = host.response_trailer("grpc-status");
            self.finish(stream, status.is_some_and(|status| is_grpc_error(&status)));
        }
    }

    /// The stream has ended. The headers may be gone now, but how it ended can still be asked.
    pub(crate) fn end(&self, stream: &mut Stream, host: &abi::Stream<'_>, _: bool) {
        match stream.answer {
            Answer::Uncounted => {}
            Answer::Good => {
                let details = host.response_code_details();
                self.finish(stream, details.is_some_and(|details| is_cut_off(&details)));
            }
            Answer::Awaited(started) => {
                stream.answer = Answer::Uncounted;
                if let Role::Serve(serving) = &self.role
                    && let Some((watched, decision)) = watched(serving, stream)
                    && started.is_some_and(|started| serving.is_slow(watched, started))
                {
                    serving.count(watched, |answers| {
                        answers.add(decision.destination as usize, true, decision.user);
                    });
                    let destination = decision.destination;
                    self.increment(self.metrics.responses(watched, destination, Class::Slow));
                }
            }
        }
    }

    /// Counts the end of an answer that was good until then.
    fn finish(&self, stream: &mut Stream, is_error: bool) {
        stream.answer = Answer::Uncounted;
        let Role::Serve(serving) = &self.role else {
            return;
        };
        let Some((watched, decision)) = watched(serving, stream) else {
            return;
        };
        let class = if is_error { Class::Error } else { Class::Ok };
        if is_error {
            serving.count(watched, |answers| {
                answers.worsen(decision.destination as usize, decision.user);
            });
        }
        self.increment(self.metrics.responses(watched, decision.destination, class));
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
                let named = self.request_headers_of(serving);
                named
                    .into_iter()
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

    /// The request headers that get the cluster and the label. Beside the specifier, the default one is not needed.
    fn request_headers_of<'s>(&self, serving: &'s Serving) -> [Option<&'s str>; 2] {
        let outputs = serving.policy().outputs();
        let cluster = outputs.cluster_header();
        let needless = |name: &&str| self.beside_specifier && *name == DEFAULT_CLUSTER_HEADER;
        [
            cluster.filter(|name| !needless(name)),
            outputs.subset_header(),
        ]
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

/// The place of the watched rule that the request belongs to, and its decision.
fn watched(serving: &Serving, stream: &Stream) -> Option<(usize, Decision)> {
    let decision = stream.decision?;
    Some((serving.watched(&decision)?, decision))
}
