//! What a change replaces in the file, and what the configuration has to be afterwards.

use canary_filter::{Rule, Step};
use serde_json::Value;

use super::{retry, unsure};
use crate::document::configuration::Configuration;
use crate::document::splice::{Splice, steps_to, steps_to_rollback};
use crate::fault::Fault;

/// A change of one rule.
pub(super) struct Edit {
    /// None if the file has these weights already.
    pub(super) splices: Vec<Splice>,
    /// The configuration after the change.
    pub(super) expected: Value,
    /// The new text of `rollback.retry`.
    pub(super) retry: Option<String>,
}

impl Edit {
    /// `rule` comes with its index; `targets` are its weights after the change.
    ///
    /// # Errors
    /// Something cannot be edited in place, or there is no rollback to retry.
    pub(super) fn new(
        configuration: &Configuration<'_>,
        (index, rule): (usize, &Rule),
        targets: &[u32],
        with_retry: bool,
    ) -> Result<Self, Fault> {
        let mut edit = Self {
            splices: Vec::new(),
            expected: configuration.value()?.clone(),
            retry: None,
        };
        for (place, (now, &weight)) in rule.weights().iter().zip(targets).enumerate() {
            if *now != weight {
                let splice = Splice::weight(configuration, index, place, weight)?;
                edit.splices.push(splice);
                let expected = weight_in(&mut edit.expected, index, place);
                *expected.ok_or_else(unsure)? = weight.into();
            }
        }
        if with_retry {
            edit.add_retry(configuration, index)?;
        }
        Ok(edit)
    }

    fn add_retry(&mut self, configuration: &Configuration<'_>, rule: usize) -> Result<(), Fault> {
        let rollback = part(&mut self.expected, &steps_to_rollback(rule));
        let rollback = rollback.and_then(Value::as_object_mut);
        let rollback = rollback.ok_or_else(|| retry::no_rollback(configuration, rule))?;
        let new = retry::after(rollback.get("retry").and_then(Value::as_str));
        let splice = Splice::retry(configuration, rule, &new)?;
        rollback.insert("retry".to_owned(), new.as_str().into());
        self.splices.push(splice);
        self.retry = Some(new);
        Ok(())
    }
}

fn weight_in(configuration: &mut Value, rule: usize, destination: usize) -> Option<&mut Value> {
    let route = part(configuration, &steps_to(rule, destination))?;
    Some(
        route
            .as_object_mut()?
            .entry("weight")
            .or_insert(Value::Null),
    )
}

fn part<'v>(configuration: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps
        .iter()
        .try_fold(configuration, |part, step| match step {
            Step::Field(name) => part.get_mut(name.as_ref()),
            Step::Item(index) => part.get_mut(*index),
        })
}
