//! The configurations of a file that the filter accepts: what `explain` and `simulate` need of it.

use std::fmt;

use canary_filter::Policy;

use crate::document::Document;
use crate::document::configuration::Configuration;
use crate::fault::{Fault, one_line};

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A file is refused, for all of these reasons.
    File(Vec<Fault>),
    /// An argument does not fit the file.
    Argument(Unusable),
}

/// An argument that cannot be used: one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(String);

impl From<Vec<Fault>> for Refused {
    fn from(faults: Vec<Fault>) -> Self {
        Self::File(faults)
    }
}

impl From<Unusable> for Refused {
    fn from(unusable: Unusable) -> Self {
        Self::Argument(unusable)
    }
}

impl Unusable {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The reason quotes arguments, which must not break the line.
        f.write_str(&one_line(&self.0))
    }
}

impl std::error::Error for Unusable {}

/// Every configuration with its policy.
///
/// # Errors
/// All faults of those that are refused.
pub(crate) fn accepted<'d>(
    document: &'d Document<'_>,
) -> Result<Vec<(Configuration<'d>, Policy)>, Vec<Fault>> {
    let (mut accepted, mut faults) = (Vec::new(), Vec::new());
    for configuration in document.configurations().map_err(|fault| vec![fault])? {
        match configuration {
            Ok(configuration) => match configuration.policy_or_faults() {
                Ok(policy) => accepted.push((configuration, policy)),
                Err(all) => faults.extend(all),
            },
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(accepted)
    } else {
        Err(faults)
    }
}

/// Checks that some configuration has a rule that can have each of these labels rolled back.
///
/// # Errors
/// The first label that none has, and why the first configuration has none.
pub(crate) fn can_be_out<'l>(
    accepted: &[(Configuration<'_>, Policy)],
    labels: impl IntoIterator<Item = &'l String>,
) -> Result<(), Unusable> {
    for label in labels {
        let refusals = accepted
            .iter()
            .map(|(_, policy)| policy.can_be_out(label).err());
        let reasons = refusals.collect::<Option<Vec<_>>>().unwrap_or_default();
        if let Some(reason) = reasons.first() {
            return Err(Unusable::new(format!("`{label}` {reason}")));
        }
    }
    Ok(())
}
