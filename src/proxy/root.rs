//! The context of one configuration of the plugin.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

use crate::choosing::split::InForce;
use crate::policy::{Policy, metrics};
use crate::proxy::host;
use crate::proxy::metrics::Slot;
use crate::proxy::plugin::Plugin;
use crate::proxy::stream::Stream;
use crate::proxy::vm;

/// `refuse` in this variable of the VM's environment lets Envoy deal with a bad configuration in its own way.
const ON_BAD_CONFIG: &str = "CANARY_ON_BAD_CONFIG";

/// Called once when the proxy has loaded the module.
pub(crate) fn start() {
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}

/// One configuration of the plugin; a changed one gets a context of its own.
#[derive(Default)]
struct Root {
    serving: Option<Rc<Serving>>,
}

/// What streams decide by.
pub(crate) struct Serving {
    pub(crate) policy: Policy<Slot>,
    pub(crate) in_force: InForce,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let bytes = host::plugin_configuration();
        let plugin = Plugin::current();
        let policy = Policy::with_slots(&bytes);
        record_refused(policy.is_err());
        match policy {
            Ok(policy) => {
                plugin.remember(&bytes, &policy);
                self.serve(Some(policy));
                true
            }
            Err(fault) => {
                let refuse = std::env::var(ON_BAD_CONFIG).is_ok_and(|choice| choice == "refuse");
                if !refuse {
                    self.serve(plugin.remembered());
                }
                plugin.complain(&fault, self.serving.is_some(), refuse);
                !refuse
            }
        }
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(self.serving.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Root {
    fn serve(&mut self, policy: Option<Policy<Slot>>) {
        let in_force = InForce::default();
        self.serving = policy.map(|policy| Rc::new(Serving { policy, in_force }));
    }
}

fn record_refused(refused: bool) {
    if let Some(gauge) = vm::gauge(metrics::CONFIG_REFUSED) {
        host::record(gauge, refused.into());
    }
}
