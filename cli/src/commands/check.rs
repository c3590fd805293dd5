//! `canary check`: whether the filter accepts the configurations in a file.

use crate::commands::share::Shares;
use crate::document::Document;
use crate::fault::Fault;

/// A configuration that the filter accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The line of the file on which it begins, from 1.
    pub line: usize,
    /// Its rules in their order.
    pub rules: Vec<Shares>,
}

/// Checks every configuration of the filter in a file. `must_be_json`: its name says that it is JSON, not YAML.
///
/// # Errors
/// The first fault of each configuration that is refused, or the one of the whole file.
pub fn check(file: &[u8], must_be_json: bool) -> Result<Vec<Checked>, Vec<Fault>> {
    let document = Document::parse(file, must_be_json).map_err(|fault| vec![fault])?;
    let configurations = document.configurations().map_err(|fault| vec![fault])?;
    let (mut checked, mut faults) = (Vec::new(), Vec::new());
    for configuration in configurations {
        let verdict = configuration
            .and_then(|configuration| Ok((configuration.line(), configuration.policy()?)));
        match verdict {
            Ok((line, policy)) => checked.push(Checked {
                line,
                rules: policy.rules().iter().map(Shares::from).collect(),
            }),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(checked)
    } else {
        Err(faults)
    }
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
