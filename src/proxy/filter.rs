//! The contexts that the proxy drives: read the request, ask the core, write the decision.

use std::cell::RefCell;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

use crate::policy::metrics::{self, MetricId, Registry};
use crate::proxy::host;
use crate::{
    Choice, DEFAULT_CLUSTER_HEADER, InvalidConfig, Outputs, Policy, Random, Request, is_shared,
};

/// `refuse` in this variable of the VM's environment lets Envoy deal with a bad configuration in its own way.
const ON_BAD_CONFIG: &str = "CANARY_ON_BAD_CONFIG";

/// The key of the access log's `%FILTER_STATE(wasm.canary:PLAIN)%`.
const FILTER_STATE: &str = "canary";

/// What outlives configurations: one for every VM, which is one for every worker thread.
struct Vm {
    random: RefCell<fastrand::Rng>,
    metrics: Registry,
}

thread_local! {
    static VM: Vm = Vm {
        random: RefCell::new(fastrand::Rng::with_seed(seed())),
        metrics: Registry::default(),
    };
}

/// Called once when the proxy has loaded the module.
pub(crate) fn start() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}

/// One configuration of the plugin; a changed one gets a context of its own.
#[derive(Default)]
struct Root {
    /// What is in force.
    policy: Option<Rc<Policy>>,
}

/// One request.
struct Stream {
    policy: Option<Rc<Policy>>,
    /// The value of the response header, where one is configured and a rule matched.
    told: Option<String>,
    /// The value of the `Set-Cookie` header, for a user who is new.
    set_cookie: Option<String>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let bytes = host::plugin_configuration();
        let plugin = Plugin::current();
        let policy = Policy::from_json(&bytes);
        record_refused(policy.is_err());
        match policy {
            Ok(policy) => {
                plugin.remember(&bytes, &policy);
                self.policy = Some(Rc::new(policy));
                true
            }
            Err(fault) => {
                let refuse = std::env::var(ON_BAD_CONFIG).is_ok_and(|choice| choice == "refuse");
                if !refuse {
                    self.policy = plugin.remembered().map(Rc::new);
                }
                plugin.complain(&fault, self.policy.is_some(), refuse);
                !refuse
            }
        }
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            policy: self.policy.clone(),
            told: None,
            set_cookie: None,
        }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// The plugin that is being configured, and what all its workers share: the last configuration that was accepted.
struct Plugin {
    name: String,
    key: String,
}

impl Plugin {
    fn current() -> Self {
        let name = host::plugin_name();
        let key = format!("canary-filter.accepted.{name}");
        Self { name, key }
    }

    fn remember(&self, bytes: &[u8], policy: &Policy) {
        // Every worker comes here with the same bytes; the first one says so.
        if host::shared_data(&self.key).as_deref() != Some(bytes) {
            host::set_shared_data(&self.key, bytes);
            log::info!(
                "canary-filter {}: configuration taken, rules: {}",
                self.name,
                policy.router().rules().len()
            );
        }
    }

    fn remembered(&self) -> Option<Policy> {
        Policy::from_json(&host::shared_data(&self.key)?).ok()
    }

    fn complain(&self, fault: &InvalidConfig, remembered: bool, refuse: bool) {
        let consequence = match (refuse, remembered) {
            (true, _) => "the proxy is told to refuse it",
            (false, true) => "the last accepted one stays in force",
            (false, false) => "there is no earlier one, so nothing is chosen",
        };
        log::error!(
            "canary-filter {}: configuration refused, {consequence}: {fault}",
            self.name
        );
    }
}

/// Writes the decision where the configuration wants it.
fn write(outputs: &Outputs, choice: &Choice<'_>) {
    if let Some(name) = outputs.cluster_header() {
        host::set_request_header(name, choice.destination.cluster());
    }
    if let Some(name) = outputs.subset_header() {
        host::set_request_header(name, choice.destination.label());
    }
    if outputs.filter_state() {
        host::set_filter_state(FILTER_STATE, choice.filter_state());
    }
}

fn count(choice: &Choice<'_>) {
    let resolve = |name: &str| VM.with(|vm| vm.metrics.id(name, host::define_counter));
    if let Some(counter) = choice.counter(resolve) {
        host::increment(counter);
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let Some(policy) = &self.policy else {
            host::remove_request_header(DEFAULT_CLUSTER_HEADER);
            return Action::Continue;
        };
        let outputs = policy.outputs();
        let request = Request::new(host::RequestHeaders);
        let rule = policy.router().route(&request);
        match rule.and_then(|rule| rule.choose(&request, &mut VmRandom)) {
            Some(choice) => {
                write(outputs, &choice);
                count(&choice);
                self.told = outputs.response_header().map(|_| choice.response_header());
                self.set_cookie = choice.set_cookie;
            }
            None => {
                let named = [outputs.cluster_header(), outputs.subset_header()];
                named
                    .into_iter()
                    .flatten()
                    .for_each(host::remove_request_header);
            }
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        if let Some(name) = self
            .policy
            .as_ref()
            .and_then(|policy| policy.outputs().response_header())
        {
            host::set_response_header(name, self.told.as_deref());
        }
        if let Some(cookie) = &self.set_cookie {
            issue(cookie);
        }
        Action::Continue
    }
}

/// Gives a new user the cookie, unless others may get this very answer from a cache and become the same user.
fn issue(cookie: &str) {
    let headers = host::response_headers();
    let cache_control = headers
        .iter()
        .filter(|(name, _)| name == "cache-control")
        .map(|(_, value)| &**value);
    if !is_shared(cache_control) {
        host::add_response_header("set-cookie", cookie);
    }
}

/// The small generator of the VM; a new user's key comes from the proxy itself, since it must be unique for ever.
struct VmRandom;

impl Random for VmRandom {
    fn below(&mut self, total: u64) -> u64 {
        VM.with(|vm| vm.random.borrow_mut().u64(0..total.max(1)))
    }

    fn key(&mut self) -> u128 {
        host::random().map_or_else(
            || VM.with(|vm| vm.random.borrow_mut().u128(..)),
            u128::from_le_bytes,
        )
    }
}

/// Where the proxy gives no random bits the time has to do: the shares are even, only not unpredictable.
fn seed() -> u64 {
    host::random().map_or_else(|| host::now() as u64, u64::from_le_bytes)
}

fn record_refused(refused: bool) {
    let gauge: Option<MetricId> =
        VM.with(|vm| vm.metrics.id(metrics::CONFIG_REFUSED, host::define_gauge));
    if let Some(gauge) = gauge {
        host::record(gauge, refused.into());
    }
}
