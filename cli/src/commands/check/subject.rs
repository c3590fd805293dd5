//! A configuration that the filter accepts, as the warnings look at it.

use canary_filter::{Policy, Step};
use serde_json::Value;

use crate::document::configuration::Configuration;
use crate::fault::{Fault, path_of};

/// A configuration with the filter's reading of it.
#[derive(Debug)]
pub(crate) struct Subject<'d> {
    pub(super) configuration: Configuration<'d>,
    pub(super) policy: Policy,
}

impl<'d> Subject<'d> {
    /// # Errors
    /// All faults of a configuration that the filter refuses.
    pub(super) fn new(configuration: Configuration<'d>) -> Result<Self, Vec<Fault>> {
        let policy = configuration.policy_or_faults()?;
        Ok(Self {
            configuration,
            policy,
        })
    }

    /// The field of a rule, by the index of the rule. Its form is known, since the filter accepts it.
    fn field(&self, rule: usize, field: &str) -> Option<&Value> {
        let http = self.configuration.value().ok()?.get("http")?;
        http.get(rule)?.get(field)
    }

    /// The entries of a list of a rule, with their indices.
    pub(super) fn items(&self, rule: usize, field: &str) -> impl Iterator<Item = (usize, &Value)> {
        let items = self.field(rule, field).and_then(Value::as_array);
        items.into_iter().flatten().enumerate()
    }

    /// The names of the rules, with their indices.
    pub(super) fn rules(&self) -> impl Iterator<Item = (usize, &str)> {
        let rules = self.policy.rules().iter().map(|rule| rule.name());
        rules.enumerate()
    }

    /// The request headers that the filter writes.
    pub(super) fn headers(&self) -> impl Iterator<Item = String> {
        let outputs = self.policy.outputs();
        let headers = [outputs.cluster_header(), outputs.subset_header()];
        headers.into_iter().flatten().map(str::to_owned)
    }

    /// A warning about the part that these steps lead to.
    pub(super) fn warning(&self, steps: Vec<Step>, reason: impl Into<String>) -> Fault {
        let place = self.configuration.place_of(&steps);
        Fault::at(place, reason).on(path_of(&steps)).into_warning()
    }
}

/// The steps to a part of a rule.
pub(super) fn in_rule(rule: usize, rest: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let start = ["http".into(), Step::Item(rule)];
    start.into_iter().chain(rest).collect()
}

/// A step to a field with this name.
pub(super) fn field(name: &str) -> Step {
    Step::Field(name.to_owned().into())
}
