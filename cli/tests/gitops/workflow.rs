//! A workflow of GitHub Actions as far as the example uses it: a field that is not here is refused.

use std::collections::BTreeMap;

use serde::Deserialize;

type Values = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workflow {
    #[allow(dead_code, reason = "its form is checked")]
    name: String,
    pub(crate) on: On,
    pub(crate) permissions: BTreeMap<Scope, Access>,
    pub(crate) defaults: Defaults,
    pub(crate) env: Values,
    pub(crate) jobs: BTreeMap<String, Job>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct On {
    pub(crate) pull_request: PullRequest,
    pub(crate) workflow_dispatch: WorkflowDispatch,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PullRequest {
    pub(crate) paths: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkflowDispatch {
    pub(crate) inputs: BTreeMap<String, Input>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    pub(crate) description: String,
    pub(crate) required: bool,
    #[allow(dead_code, reason = "its form is checked")]
    default: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scope {
    Contents,
    PullRequests,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Access {
    Read,
    Write,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Defaults {
    pub(crate) run: Run,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    pub(crate) shell: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Job {
    pub(crate) r#if: String,
    pub(crate) runs_on: String,
    pub(crate) timeout_minutes: u32,
    pub(crate) permissions: BTreeMap<Scope, Access>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Step {
    Run(Script),
    Uses(Action),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) r#if: Option<String>,
    pub(crate) run: String,
    #[serde(default)]
    pub(crate) env: Values,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Action {
    pub(crate) uses: String,
    #[serde(default)]
    pub(crate) with: Checkout,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Checkout {
    pub(crate) persist_credentials: Option<bool>,
    pub(crate) fetch_depth: Option<u32>,
}
