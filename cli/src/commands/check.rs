//! `canary check`: whether the filter accepts the configurations in a file.

use crate::commands::share::Shares;
use crate::document::{Document, Found};
use crate::fault::Fault;

/// A configuration that the filter accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The line of the file on which it begins, from 1.
    pub line: usize,
    /// Its rules in their order.
    pub rules: Vec<Shares>,
    /// The name of the plugin that gets it, if the file says it.
    plugin: Option<String>,
    response_header: Option<String>,
}

/// What the filter would say about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The configurations, in their order.
    pub checked: Vec<Checked>,
    /// What the filter accepts and its user probably does not want.
    pub warnings: Vec<Fault>,
}

/// Checks every configuration of the filter in a file. `must_be_json`: its name says that it is JSON, not YAML.
///
/// # Errors
/// All faults of the configurations that are refused, or the one of the whole file.
pub fn check(file: &[u8], must_be_json: bool) -> Result<Report, Vec<Fault>> {
    let document = Document::parse(file, must_be_json).map_err(|fault| vec![fault])?;
    let configurations = document.configurations().map_err(|fault| vec![fault])?;
    let (mut checked, mut faults) = (Vec::new(), Vec::new());
    for found in configurations {
        match found.map_err(|fault| vec![fault]).and_then(checked_one) {
            Ok(one) => checked.push(one),
            Err(found) => faults.extend(found.into_iter().map(|fault| document.explained(fault))),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let warnings = conflicts(&checked);
    Ok(Report { checked, warnings })
}

fn checked_one(found: Found<'_>) -> Result<Checked, Vec<Fault>> {
    let policy = found.configuration.policy()?;
    Ok(Checked {
        line: found.configuration.line(),
        rules: policy.rules().iter().map(Shares::from).collect(),
        plugin: found.plugin,
        response_header: policy.outputs().response_header().map(str::to_owned),
    })
}

/// What two plugins of one proxy must not share.
fn conflicts(checked: &[Checked]) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for (at, later) in checked.iter().enumerate() {
        let before = checked.get(..at).unwrap_or_default();
        let same = |same: &dyn Fn(&Checked) -> bool| before.iter().find(|earlier| same(earlier));
        if let Some(plugin) = &later.plugin
            && let Some(earlier) = same(&|earlier| earlier.plugin.as_ref() == Some(plugin))
        {
            let name = if plugin.is_empty() {
                "has no name, like the plugin".to_owned()
            } else {
                format!("has the same name as the plugin `{plugin}`")
            };
            let line = earlier.line;
            warnings.push(Fault::at(
                later.line,
                format!(
                    "{name} on line {line}: in one Envoy, each would take over the last good configuration of the other, so give them different names"
                ),
            ));
        }
        if let Some(header) = &later.response_header
            && let Some(earlier) = same(&|earlier| earlier.response_header.as_ref() == Some(header))
        {
            let line = earlier.line;
            warnings.push(Fault::at(
                later.line,
                format!(
                    "responseHeader: `{header}` is also that of the configuration on line {line}: in one proxy, the one that matches no rule removes what the other has written"
                ),
            ));
        }
    }
    warnings
}

impl Checked {
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
