//! The plugin that is being configured, and what all its workers share: the last configuration that was accepted.

use crate::config::invalid::InvalidConfig;
use crate::policy::Policy;
use crate::proxy::host;
use crate::proxy::metrics::Slot;

/// The plugin that is being configured.
pub(crate) struct Plugin {
    name: String,
    key: String,
}

impl Plugin {
    pub(crate) fn current() -> Self {
        let name = host::plugin_name();
        let key = format!("canary-filter.accepted.{name}");
        Self { name, key }
    }

    /// Shares a configuration that was accepted.
    pub(crate) fn remember(&self, bytes: &[u8], policy: &Policy<Slot>) {
        // Every worker comes here with the same bytes; the one that is first logs it.
        let shared = host::shared_data(&self.key);
        if shared.value.as_deref() != Some(bytes)
            && host::replace_shared_data(&self.key, &shared, bytes).is_ok()
        {
            log::info!(
                "canary-filter {}: configuration taken, rules: {}",
                self.name,
                policy.rules().len()
            );
        }
    }

    /// The last configuration that was accepted.
    pub(crate) fn remembered(&self) -> Option<Policy<Slot>> {
        Policy::with_slots(&host::shared_data(&self.key).value?).ok()
    }

    /// Logs why a configuration is refused, and what happens then.
    pub(crate) fn complain(&self, fault: &InvalidConfig, remembered: bool, refuse: bool) {
        let consequence = match (refuse, remembered) {
            (true, _) => "the proxy is asked to reject it",
            (false, true) => "the last accepted one stays in force",
            (false, false) => "there is no earlier one, so nothing is chosen",
        };
        log::error!(
            "canary-filter {}: configuration refused, {consequence}: {fault}",
            self.name
        );
    }
}
