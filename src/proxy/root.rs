//! The context of one configuration of the plugin.

use std::cell::Cell;
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

use crate::config::invalid::InvalidConfig;
use crate::policy::Policy;
use crate::policy::outputs::Outputs;
use crate::policy::refusal::ON_BAD_CONFIG;
use crate::policy::steering::RAMP_PERIOD;
use crate::proxy::host;
use crate::proxy::metrics::Slot;
use crate::proxy::plugin::{Plugin, Verdict};
use crate::proxy::serving::Serving;
use crate::proxy::stream::{Role, Stream};
use crate::proxy::tick::Ticker;

/// Called once when the proxy has loaded the module.
pub(crate) fn start() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}

/// One configuration of the plugin; a changed one gets a context of its own.
#[derive(Default)]
struct Root(Option<Configured>);

/// What the configuration has led to.
struct Configured {
    plugin: Rc<Plugin>,
    verdict: Verdict,
    role: Role,
    /// Whether a stream has begun since the last tick. The newest root is not always the one that gets them.
    current: Cell<bool>,
    ticker: Ticker,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let bytes = host::plugin_configuration();
        let plugin = Plugin::named(&host::plugin_name());
        match Policy::with_slots(&bytes) {
            Ok(policy) => {
                self.take(plugin, bytes, policy);
                true
            }
            Err(fault) => self.refuse(plugin, &bytes, &fault),
        }
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        let configured = self.0.as_ref()?;
        configured.plugin.follow(&configured.verdict);
        configured.current.set(true);
        Some(Box::new(Stream::new(configured.role.clone())))
    }

    fn on_tick(&mut self) {
        if let Some(configured) = &self.0
            && let Role::Serve(serving) = &configured.role
        {
            let current = configured.current.take();
            if !current && configured.plugin.follows_another(&configured.verdict) {
                serving.drop_answers();
            }
            serving.tick(&configured.ticker, &configured.plugin, current);
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Root {
    fn take(&mut self, plugin: Rc<Plugin>, bytes: Vec<u8>, policy: Policy<Slot>) {
        let verdict = Verdict::new(Some((bytes, policy.rules().len())));
        let role = serve(policy, &plugin);
        self.configure(plugin, verdict, role);
    }

    /// Goes on with the last configuration that was accepted, or leaves it to the proxy to reject this one: then the answer
    /// is `false`, and the proxy keeps the root that it has.
    fn refuse(&mut self, plugin: Rc<Plugin>, bytes: &[u8], fault: &InvalidConfig) -> bool {
        if std::env::var(ON_BAD_CONFIG).is_ok_and(|choice| choice == "refuse") {
            plugin.complain(fault, false, true);
            plugin.show_refused(true);
            return false;
        }
        let remembered = plugin.remembered();
        plugin.complain(fault, remembered.is_some(), false);
        let role = match remembered {
            Some(policy) => serve(policy, &plugin),
            None => Role::StandBy(Outputs::request_headers_of_refused(bytes).into()),
        };
        self.configure(plugin, Verdict::new(None), role);
        true
    }

    fn configure(&mut self, plugin: Rc<Plugin>, verdict: Verdict, role: Role) {
        plugin.publish(&verdict);
        self.0 = Some(Configured {
            plugin,
            verdict,
            role,
            current: Cell::default(),
            ticker: Ticker::default(),
        });
    }
}

fn serve(policy: Policy<Slot>, plugin: &Plugin) -> Role {
    let serving = Serving::new(policy, plugin);
    // Without anything that moves, a tick is still what sets the gauges of the configuration before to 0.
    let last = plugin.has_gauges().then_some(RAMP_PERIOD);
    if let Some(period) = serving.period().or(last) {
        host::set_tick_period(period);
    }
    Role::Serve(Rc::new(serving))
}
