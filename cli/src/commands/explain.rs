//! `canary explain`: which rule takes a request, and why the rules before do not; which version it gets, and why.
//!
//! The filter's own code decides and explains; this module gives the answer its names, texts and lines of the file.

pub(crate) mod answer;
mod curl;
pub(crate) mod request;
mod shell;
pub(crate) mod text;

use canary_filter::{InForce, Policy, Request};

use crate::commands::accepted::{Refused, accepted, can_be_out};
use crate::commands::explain::answer::{About, Explained};
use crate::commands::explain::request::HttpRequest;
use crate::document::Document;

/// What is asked about a file.
#[derive(Clone, Debug)]
pub struct Question {
    /// The request.
    pub request: HttpRequest,
    /// When, in seconds since 1970: a ramp has the weights of this time.
    pub at: i64,
    /// The labels of the destinations that are rolled back.
    pub out: Vec<String>,
}

/// Explains the decision of every configuration in a file. `must_be_json`: its name says that it is JSON, not YAML.
///
/// # Errors
/// The faults of the configurations that are refused, or a label in `out` that cannot be rolled back in any.
pub fn explain(
    file: &[u8],
    must_be_json: bool,
    question: &Question,
) -> Result<Vec<Explained>, Refused> {
    let document = Document::parse(file, must_be_json).map_err(|fault| vec![fault])?;
    let accepted = accepted(&document)?;
    can_be_out(&accepted, &question.out)?;
    let lines = question.request.lines();
    let explained = accepted.iter().map(|(configuration, policy)| {
        let in_force = in_force(policy, question);
        let explanation = policy.explain(&Request::new(&lines), &in_force);
        About::new(configuration, policy, question).explained(explanation)
    });
    Ok(explained.collect())
}

/// The splits in force, with those labels out that this policy can have rolled back.
fn in_force(policy: &Policy, question: &Question) -> InForce {
    let out = question.out.iter();
    let out = out.filter(|label| policy.can_be_out(label).is_ok());
    let out: Vec<_> = out.collect();
    policy.in_force_at(question.at, &out).unwrap_or_default()
}
