//! `canary check`: whether the filter accepts the configurations in a file.

use canary_filter::Policy;

use crate::commands::share::Shares;
use crate::document::Document;
use crate::document::configuration::Configuration;
use crate::fault::Fault;

/// What a file has that the filter accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// At least one.
    pub configurations: Vec<Accepted>,
    /// What is likely to be a mistake although the filter accepts it.
    pub warnings: Vec<Fault>,
}

/// A configuration that the filter accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The line of the file on which it begins, from 1.
    pub line: usize,
    /// Its rules in their order.
    rules: Vec<Shares>,
}

/// Checks every configuration of the filter in a file. `must_be_json`: its name says that it is JSON, not YAML.
///
/// # Errors
/// All faults of each configuration that is refused, or the one of the whole file.
pub fn check(file: &[u8], must_be_json: bool) -> Result<Checked, Vec<Fault>> {
    let document = Document::parse(file, must_be_json).map_err(|fault| vec![fault])?;
    let configurations = document.configurations().map_err(|fault| vec![fault])?;
    let (mut accepted, mut faults) = (Vec::new(), Vec::new());
    for configuration in configurations {
        match configuration {
            Ok(configuration) => match configuration.policy() {
                Ok(policy) => accepted.push((configuration, policy)),
                Err(first) => faults.extend(all(&configuration, first)),
            },
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(Checked {
            configurations: accepted.iter().map(Accepted::from).collect(),
            warnings: [without_effect(&accepted), conflicts(&accepted)].concat(),
        })
    } else {
        Err(faults)
    }
}

fn all(configuration: &Configuration<'_>, first: Fault) -> Vec<Fault> {
    let faults = configuration.faults();
    if faults.is_empty() {
        vec![first]
    } else {
        faults
    }
}

/// Rollbacks that cannot happen now: there is nothing to compare with.
fn without_effect(accepted: &[(Configuration<'_>, Policy)]) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for (configuration, policy) in accepted {
        for (number, rule) in (0_u32..).zip(policy.rules()) {
            let Some(stable) = policy.stable_of(number) else {
                continue;
            };
            let label = rule.destinations().get(stable).map_or("", |it| it.label());
            if rule.weights().get(stable) == Some(&0) {
                let reason = format!(
                    "http[{number}].rollback: `{label}` has the weight 0, so nothing is compared with it and nothing is rolled back"
                );
                warnings.push(Fault::at(configuration.place(), reason).because("warning"));
            }
        }
    }
    warnings
}

/// What the configurations of one file take from each other.
fn conflicts(accepted: &[(Configuration<'_>, Policy)]) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for (number, (later, later_policy)) in accepted.iter().enumerate() {
        let mut warn =
            |reason: String| warnings.push(Fault::at(later.place(), reason).because("warning"));
        for (earlier, earlier_policy) in accepted.iter().take(number) {
            let line = earlier.place().line;
            let name = later.plugin().shared_name(earlier.plugin());
            // The same configuration may be remembered twice.
            if let Some(name) = name
                && later.value().ok() != earlier.value().ok()
            {
                let whose = if name.is_empty() {
                    "has no name, like the plugin".to_owned()
                } else {
                    format!("has the same name as the plugin `{name}`")
                };
                warn(format!(
                    "{whose} on line {line}: in one Envoy, each would take over the last good configuration of the other, so give them different names"
                ));
            }
            let header = later_policy.outputs().response_header();
            if let Some(header) = header
                && Some(header) == earlier_policy.outputs().response_header()
                && later.plugin().may_meet(earlier.plugin())
            {
                warn(format!(
                    "responseHeader: `{header}` is also that of the configuration on line {line}: in one proxy, the one that matches no rule removes what the other has written"
                ));
            }
        }
    }
    warnings
}

impl From<&(Configuration<'_>, Policy)> for Accepted {
    fn from((configuration, policy): &(Configuration<'_>, Policy)) -> Self {
        Self {
            line: configuration.place().line,
            rules: policy.rules().iter().map(Shares::from).collect(),
        }
    }
}

impl Accepted {
    /// The text that is printed: one line if there is one rule, otherwise an additional line for each rule.
    pub fn report(&self) -> String {
        match self.rules.as_slice() {
            [rule] => format!("ok: 1 rule, {rule}"),
            rules => {
                let lines: String = rules.iter().map(|rule| format!("\n  {rule}")).collect();
                format!("ok: {} rules{lines}", rules.len())
            }
        }
    }
}
