//! The answer: what the core explains, with names, lines of the file and words.

use canary_filter::{Choice, Decision, Explanation, Failure, LookedUp, Path, Policy, Rule, Step};
use serde::Serialize;
use serde_json::Value;

use crate::commands::explain::{Question, text};
use crate::commands::status::utc;
use crate::document::configuration::Configuration;

/// The answer of one configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The line of the file on which the configuration begins, from 1.
    pub line: usize,
    /// The request in one line.
    pub request: String,
    /// The rules before the one that matches, or all rules.
    pub passed: Vec<PassedRule>,
    /// The rule that matches, and its choice.
    pub chosen: Option<Chosen>,
    /// The request headers that are removed where no rule matches.
    pub removes: Vec<String>,
}

/// A rule that does not match.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassedRule {
    /// Its name.
    pub rule: String,
    /// Its place in `http`, from 0.
    pub index: u32,
    /// Its line in the file.
    pub line: usize,
    /// The first condition of each entry of its `match` that does not hold.
    pub failed: Vec<FailedCondition>,
}

/// A condition that does not hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailedCondition {
    /// Where the configuration has it.
    pub path: String,
    /// Its line in the file.
    pub line: usize,
    /// The condition as the configuration writes it.
    pub condition: Value,
    /// What the request has there.
    pub found: Vec<String>,
    /// The whole in words.
    pub reason: String,
}

/// The choice of the rule that matches.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// The rule's name.
    pub rule: String,
    /// Its place in `http`, from 0.
    pub index: u32,
    /// Its line in the file.
    pub line: usize,
    /// The entry of its `match` that holds, from 0.
    pub r#match: Option<usize>,
    /// The keys that were looked for, up to the one that was found.
    pub keys: Vec<KeyTried>,
    /// The cookie that a new user gets, with a random key.
    pub issues: Option<String>,
    /// Whether chance decides: every destination with a share is then possible.
    pub random: bool,
    /// The time whose weights of the ramp are in force, if the rule has a ramp.
    pub ramp_at: Option<String>,
    /// `weighted`, `sticky` or `only`.
    pub reason: &'static str,
    /// Every destination of the rule.
    pub destinations: Vec<Candidate>,
    /// The label of the destination that the request gets, unless chance decides.
    pub destination: Option<String>,
    /// Whether `rollback` of the rule only observes, so that what is rolled back keeps its share.
    pub observes: bool,
    /// What is written for each destination that is possible.
    pub writes: Vec<Written>,
}

/// A key that was looked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyTried {
    /// `header`, `cookie`, `query` or `source-ip`.
    pub kind: &'static str,
    /// The name of the header, the cookie or the query parameter.
    pub name: Option<String>,
    /// The value. An empty one counts as absent.
    pub value: Option<String>,
}

/// A destination that takes part in the choice.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Its label.
    pub label: String,
    /// Its cluster, if the configuration names one.
    pub cluster: Option<String>,
    /// Its weight in force.
    pub weight: u32,
    /// Its share in force, in 1/10 000.
    pub share: u16,
    /// Its score for the key. The smallest one wins.
    pub score: Option<f64>,
    /// Whether it is rolled back, as asked.
    pub rolled_back: bool,
}

/// What is written for one destination.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// The label of the destination.
    pub destination: String,
    /// Names and values of the request headers.
    pub request_headers: Vec<(String, String)>,
    /// Name and value of the response header.
    pub response_header: Option<(String, String)>,
    /// The value in filter state.
    pub filter_state: Option<String>,
}

/// A configuration, and what is asked about it.
pub(super) struct About<'a> {
    configuration: &'a Configuration<'a>,
    policy: &'a Policy,
    question: &'a Question,
}

impl<'a> About<'a> {
    pub(super) fn new(
        configuration: &'a Configuration<'a>,
        policy: &'a Policy,
        question: &'a Question,
    ) -> Self {
        Self {
            configuration,
            policy,
            question,
        }
    }

    pub(super) fn explained(&self, explanation: Explanation) -> Explained {
        let outputs = self.policy.outputs();
        let written = [outputs.cluster_header(), outputs.subset_header()];
        let passed = explanation.passed.into_iter();
        let passed = passed.map(|passed| PassedRule {
            rule: self.rule(passed.rule).map_or("", Rule::name).to_owned(),
            index: passed.rule,
            line: self.configuration.line_of_rule(passed.rule),
            failed: passed.failures.iter().map(|it| self.failed(it)).collect(),
        });
        Explained {
            line: self.configuration.place().line,
            request: self.question.request.summary(),
            passed: passed.collect(),
            removes: match explanation.choice {
                Some(_) => Vec::new(),
                None => written.into_iter().flatten().map(str::to_owned).collect(),
            },
            chosen: explanation.choice.and_then(|choice| self.chosen(choice)),
        }
    }

    fn rule(&self, number: u32) -> Option<&'a Rule> {
        self.policy.rules().get(number as usize)
    }

    fn failed(&self, failure: &Failure) -> FailedCondition {
        let condition = self.part(&failure.path).cloned().unwrap_or_default();
        let found = failure.found.iter().map(|value| text::shown(value));
        let found: Vec<_> = found.collect();
        FailedCondition {
            reason: text::reason(&failure.path, &condition, &found),
            path: failure.path.to_string(),
            line: self.configuration.place_of(failure.path.steps()).line,
            condition,
            found,
        }
    }

    /// The part of the configuration that the path leads to.
    fn part(&self, path: &Path) -> Option<&Value> {
        let whole = self.configuration.value().ok()?;
        path.steps().try_fold(whole, |value, step| match step {
            Step::Field(name) => value.get(&**name),
            Step::Item(index) => value.get(index),
        })
    }

    fn chosen(&self, choice: Choice) -> Option<Chosen> {
        let rule = self.rule(choice.rule)?;
        let first = choice.decisions.first()?;
        let destinations = rule.destinations().iter().enumerate();
        let split = canary_filter::Split::new(&choice.weights).ok()?;
        let is_watched = |place| {
            self.policy
                .stable_of(choice.rule)
                .is_some_and(|it| it != place)
        };
        let candidates = destinations.map(|(place, destination)| Candidate {
            label: destination.label().to_owned(),
            cluster: destination.cluster().map(str::to_owned),
            weight: choice.weights.get(place).copied().unwrap_or(0),
            share: u32::try_from(place).map_or(0, |place| split.share(place)),
            score: choice
                .scores
                .as_ref()
                .and_then(|scores| *scores.get(place)?),
            rolled_back: is_watched(place)
                && self
                    .question
                    .out
                    .iter()
                    .any(|out| out == destination.label()),
        });
        let is_random = choice.decisions.len() > 1;
        let label = |decision: &Decision| {
            let destination = rule.destinations().get(decision.destination as usize);
            destination.map(|it| it.label().to_owned())
        };
        Some(Chosen {
            rule: rule.name().to_owned(),
            index: choice.rule,
            line: self.configuration.line_of_rule(choice.rule),
            r#match: choice.entry,
            random: is_random,
            ramp_at: rule.ramp().map(|_| utc(self.question.at)),
            reason: first.reason.as_str(),
            destination: label(first).filter(|_| !is_random),
            destinations: candidates.collect(),
            writes: choice
                .decisions
                .iter()
                .filter_map(|it| self.written(it))
                .collect(),
            observes: self.policy.only_observes(choice.rule) && !self.question.out.is_empty(),
            keys: choice.keys.into_iter().map(KeyTried::from).collect(),
            issues: choice.issued,
        })
    }

    fn written(&self, decision: &Decision) -> Option<Written> {
        let description = self.policy.describe(decision)?;
        let (outputs, destination) = (self.policy.outputs(), description.destination());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let cluster = outputs.cluster_header().zip(destination.cluster());
        let subset = outputs
            .subset_header()
            .map(|name| (name, destination.label()));
        let headers = [cluster, subset].into_iter().flatten();
        Some(Written {
            destination: destination.label().to_owned(),
            request_headers: headers.map(|(name, value)| pair(name, value)).collect(),
            response_header: outputs
                .response_header()
                .map(|name| pair(name, &description.response_header())),
            filter_state: outputs.filter_state().then(|| description.filter_state()),
        })
    }
}

impl From<LookedUp> for KeyTried {
    fn from(key: LookedUp) -> Self {
        Self {
            kind: key.kind.as_str(),
            name: key.name,
            value: key.value.map(|value| text::shown(&value)),
        }
    }
}
