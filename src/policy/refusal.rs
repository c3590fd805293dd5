//! What happens when a configuration is refused.

/// `refuse` in this variable of the environment lets Envoy deal with a bad configuration in its own way.
pub const ON_BAD_CONFIG: &str = "CANARY_ON_BAD_CONFIG";

/// What the log says will happen: whether the proxy is asked to `refuse` the configuration, and whether the filter has
/// `remembered` one that it accepted.
pub fn consequence(refuse: bool, remembered: bool) -> &'static str {
    match (refuse, remembered) {
        (true, _) => "the proxy is asked to reject it",
        (false, true) => "the last accepted one stays in force",
        (false, false) => "there is no earlier one, so nothing is chosen",
    }
}
