//! The filter's rules, in their order: one for each route that splits, and one for each earlier route that keeps requests
//! from it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::destination::{Destination, Ports, Target};
use super::entry::Entry;
use super::hash::{self, Hashes};
use super::object::Refusal;
use super::service::{Action, Http, VirtualService};
use super::{CANARY, STABLE};

/// Longest name of a rule.
const LONGEST_NAME: usize = 63;

/// A rule, made from one route.
#[derive(Debug)]
pub(super) struct Rule {
    /// Indices of the VirtualService and of its route.
    pub(super) service: usize,
    pub(super) http: usize,
    pub(super) name: String,
    /// The entries of the route whose requests it decides, by their positions in the route's list.
    pub(super) entries: Vec<usize>,
    pub(super) targets: Vec<Target>,
    pub(super) form: Form,
    /// The key by which Envoy chooses an endpoint of each of its destinations.
    pub(super) key: Option<Value>,
}

/// How the VirtualService reads what the rule writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One route that takes its cluster from the header. `stable` is the position of its own destination.
    Header { stable: usize },
    /// One route per version, because its destinations differ in more than their cluster.
    PerVersion { stable: usize },
    /// Not at all: the route stays, and the rule keeps later rules from its requests.
    Shield,
}

/// What the rules are made from.
#[derive(Debug)]
pub(super) struct Sources<'s, 'o> {
    pub(super) services: &'s [VirtualService<'o>],
    pub(super) ports: &'s Ports,
    pub(super) hashes: &'s Hashes<'o>,
}

impl Form {
    /// Whether the VirtualService has routes that read the header.
    pub(super) fn is_read(self) -> bool {
        self != Self::Shield
    }
}

impl Rule {
    /// The conditions and destinations as the filter's configuration has them.
    pub(super) fn wire(&self, services: &[VirtualService<'_>]) -> Result<Value, Refusal> {
        let mut matches = Vec::new();
        if let Some(service) = services.get(self.service) {
            let others = super::order::narrower(services, self.service);
            for entry in self.entries_of(services) {
                matches.push(entry.conditions(&service.hosts, &others)?);
            }
        }
        let labels: BTreeSet<_> = self.targets.iter().map(Target::label).collect();
        let by_cluster = labels.len() < self.targets.len();
        let route: Vec<_> = self.targets.iter().map(|it| it.wire(by_cluster)).collect();
        // An entry without conditions takes every request, whatever the others say.
        Ok(if matches.iter().all(|entry| *entry != json!({})) {
            json!({"name": self.name, "match": matches, "route": route})
        } else {
            json!({"name": self.name, "route": route})
        })
    }

    pub(super) fn entries_of<'s, 'o>(
        &'s self,
        services: &'s [VirtualService<'o>],
    ) -> impl Iterator<Item = &'s Entry<'o>> {
        let http = services
            .get(self.service)
            .and_then(|service| service.http.get(self.http));
        let entries = http.map(|http| http.entries.as_slice()).unwrap_or_default();
        self.entries.iter().filter_map(|index| entries.get(*index))
    }
}

impl Sources<'_, '_> {
    /// The rules of all VirtualServices, which are in order already. `prepare`: no route splits, so that every route with
    /// a destination becomes one to which versions can be added.
    ///
    /// # Errors
    /// A port is not known, or a destination's options cannot be kept.
    pub(super) fn rules(&self, prepare: bool) -> Result<Vec<Rule>, Refusal> {
        let mut rules = Vec::new();
        for (number, service) in self.services.iter().enumerate() {
            if !service.is_at_a_gateway() {
                continue;
            }
            let mut own: Vec<Rule> = Vec::new();
            // From the last one back, because a route needs a shield only if one after it splits.
            for (index, http) in service.http.iter().enumerate().rev() {
                let wanted = http.is_split() || prepare && !http.destinations().is_empty();
                let rule = if wanted && http.entries.iter().any(Entry::is_claimed) {
                    Some(self.split(service, (number, index), http)?)
                } else {
                    self.shield(service, (number, index), http, &own)?
                };
                own.extend(rule);
            }
            own.reverse();
            rules.append(&mut own);
        }
        name(&mut rules, self.services);
        Ok(rules)
    }

    fn split(
        &self,
        service: &VirtualService<'_>,
        (number, index): (usize, usize),
        http: &Http<'_>,
    ) -> Result<Rule, Refusal> {
        let mut targets = self.targets(service, http)?;
        let stable = (0..targets.len())
            .rev()
            .max_by_key(|position| {
                targets
                    .get(*position)
                    .map(|it| (it.weight, it.label() == STABLE))
            })
            .unwrap_or_default();
        if targets.len() == 1 {
            targets = targets.into_iter().map(Target::alone).collect();
        }
        let hashes: Vec<_> = targets.iter().map(|it| self.hashes.of_target(it)).collect();
        let alike = hashes.windows(2).all(|pair| pair.first() == pair.last());
        let one_host = targets
            .windows(2)
            .all(|pair| pair.first().map(|it| &it.host) == pair.last().map(|it| &it.host));
        let plain = http.destinations().iter().all(|it| it.headers.is_none());
        let form = if alike && one_host && plain {
            Form::Header { stable }
        } else {
            Form::PerVersion { stable }
        };
        let key = hashes.first().copied().flatten().filter(|_| alike);
        let claimed =
            |(position, entry): (usize, &Entry<'_>)| entry.is_claimed().then_some(position);
        Ok(Rule {
            service: number,
            http: index,
            name: String::new(),
            entries: http
                .entries
                .iter()
                .enumerate()
                .filter_map(claimed)
                .collect(),
            targets,
            form,
            key: key.and_then(hash::key),
        })
    }

    /// The destinations with their ports.
    fn targets(
        &self,
        service: &VirtualService<'_>,
        http: &Http<'_>,
    ) -> Result<Vec<Target>, Refusal> {
        let object = service.object;
        let mut targets: Vec<Target> = Vec::new();
        for (position, destination) in http.destinations().iter().enumerate() {
            let target = destination.target(object, self.ports)?;
            if targets.iter().any(|it| it.cluster() == target.cluster()) {
                let at = http.at.field("route").item(position);
                return Err(object.refuse(&at, "names the same destination as an earlier one: write one with the sum of the weights"));
            }
            if let Some(name) = shared_header(http.value.get("headers"), destination) {
                let at = http.at.field("route").item(position).field("headers");
                let reason = format!(
                    "changes `{name}`, which the route changes, too: Envoy applies the route's change last with several destinations, and first with one"
                );
                return Err(object.refuse(&at, &reason));
            }
            targets.push(target);
        }
        Ok(targets)
    }

    /// A rule that keeps the requests of a route which stays from the rules after it; none if none of them would take any.
    fn shield(
        &self,
        service: &VirtualService<'_>,
        (number, index): (usize, usize),
        http: &Http<'_>,
        later: &[Rule],
    ) -> Result<Option<Rule>, Refusal> {
        // A delegate may leave requests to the routes after it.
        if matches!(http.action, Action::Delegate) || http.destinations().len() > 1 {
            return Ok(None);
        }
        let read: Vec<_> = later.iter().filter(|rule| rule.form.is_read()).collect();
        let needed = |entry: &Entry<'_>| {
            let mut taken = read
                .iter()
                .flat_map(|rule| rule.entries_of(self.services))
                .filter(|other| !entry.excludes(other))
                .peekable();
            entry.is_claimed()
                && taken.peek().is_some()
                && taken.all(|other| entry.is_wherever(other))
        };
        let entries: Vec<_> = (0..http.entries.len())
            .filter(|position| http.entries.get(*position).is_some_and(needed))
            .collect();
        // `later` is in reverse order, so the nearest is the last one.
        let Some(nearest) = read.last().filter(|_| !entries.is_empty()) else {
            return Ok(None);
        };
        let target = match http.destinations() {
            [only] => only.target(service.object, self.ports)?,
            // A redirect has no destination. The route answers before the header would be read.
            _ => match nearest.form {
                Form::Header { stable } | Form::PerVersion { stable } => {
                    let Some(target) = nearest.targets.get(stable) else {
                        return Ok(None);
                    };
                    Target {
                        host: target.host.clone(),
                        subset: target.subset.clone(),
                        ..*target
                    }
                }
                Form::Shield => return Ok(None),
            },
        };
        Ok(Some(Rule {
            service: number,
            http: index,
            name: String::new(),
            entries,
            targets: vec![target.alone()],
            form: Form::Shield,
            key: None,
        }))
    }
}

/// A header that both the route and the destination change.
fn shared_header(route: Option<&Value>, destination: &Destination) -> Option<String> {
    let names = |headers: &Value, part: &str| -> BTreeSet<String> {
        let part = headers.get(part);
        let operations = ["set", "add"].map(|it| part?.get(it)?.as_object());
        let removed = part.and_then(|it| it.get("remove")?.as_array());
        let removed = removed.into_iter().flatten().filter_map(Value::as_str);
        operations
            .into_iter()
            .flatten()
            .flat_map(|it| it.keys().map(String::as_str))
            .chain(removed)
            .map(str::to_ascii_lowercase)
            .collect()
    };
    let (route, own) = (route?, destination.headers.as_ref()?);
    ["request", "response"].iter().find_map(|part| {
        names(route, part)
            .intersection(&names(own, part))
            .next()
            .cloned()
    })
}

/// Gives every rule a name of its own: that of the route, else that of the VirtualService, with the route's index if it has
/// several rules.
fn name(rules: &mut [Rule], services: &[VirtualService<'_>]) {
    let mut used = BTreeSet::new();
    let counts: Vec<_> = (0..services.len())
        .map(|service| rules.iter().filter(|rule| rule.service == service).count())
        .collect();
    for rule in rules {
        let Some(service) = services.get(rule.service) else {
            continue;
        };
        let valid = |name: &&str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(allowed)
        };
        let own = service.http.get(rule.http).and_then(Http::name);
        let base = match own
            .filter(valid)
            .filter(|name| ![CANARY, STABLE].contains(name))
        {
            Some(name) => name.to_owned(),
            None if counts.get(rule.service) == Some(&1) => cut(service.object.name(), ""),
            None => cut(service.object.name(), &format!("-{}", rule.http)),
        };
        let mut name = base.clone();
        for number in 2.. {
            if used.insert(name.clone()) {
                break;
            }
            name = cut(&base, &format!("-{number}"));
        }
        rule.name = name;
    }
}

/// The name with the ending, shortened to what a rule's name may have.
fn cut(name: &str, ending: &str) -> String {
    let room = LONGEST_NAME.saturating_sub(ending.len());
    let name: String = name.chars().take(room).collect();
    format!("{name}{ending}")
}
