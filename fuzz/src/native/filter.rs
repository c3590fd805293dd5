//! What the HTTP filter does with one request and its answer.

use std::sync::Arc;

use canary_filter::{
    DEFAULT_CLUSTER_HEADER, Decision, Description, InForce, KeyKind, Line, Outputs, Policy, Reason,
    Request, Rule, metrics,
};
use fake_envoy::{Fields, Filter, Stream};
use fastrand::Rng;

use super::answer;
use super::input::{Input, lines, named};
use super::no_panic;
use super::specifier::moves;

/// Who has chosen the cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Chooser<'c> {
    /// The filter does.
    Filter,
    /// The cluster specifier has chosen this one.
    Specifier(&'c [u8]),
    /// The filter stands beside a specifier, but the route has no cluster.
    Nobody,
}

/// What the filter has decided, as far as its counters and the cookie show it.
pub(crate) struct Decided<'p> {
    pub(crate) policy: &'p Policy,
    pub(crate) decision: Decision,
    /// The key of the cookie that was issued, in place of the one in `decision`.
    pub(crate) key: Option<[u8; 32]>,
    /// Whether the weights are the rule's own, so that every text is known.
    pub(crate) is_exact: bool,
}

/// Sends a request and its answer through the filter.
pub(crate) fn decides(filter: &Arc<Filter>, policy: &Policy, input: &Input, chooser: Chooser<'_>) {
    let cluster = match chooser {
        Chooser::Specifier(cluster) => Some(cluster),
        Chooser::Filter | Chooser::Nobody => None,
    };
    let mut stream = filter.stream(input.request.clone(), cluster);
    let is_seen = !(input.is_answered_before && input.answer.is_some());
    let decided = if is_seen {
        stream.request();
        let decided = decided(&stream, policy, input, chooser);
        request_is_written(&stream, &decided, policy, input, chooser);
        decided
    } else {
        assert_eq!(stream.sent(), input.request.headers);
        None
    };
    let counted = filter.metrics().sum("canary_requests_total");
    assert_eq!(counted, u64::from(decided.is_some()));
    answer::is_written(&mut stream, decided.as_ref(), policy, input);
    no_panic(filter.metrics());
}

/// With a configuration that is refused, and none before it: nothing is chosen, and no client chooses.
pub(crate) fn stands_by(filter: &Arc<Filter>, input: &Input) {
    let mut stream = filter.stream(input.request.clone(), None);
    stream.request();
    let removed = Outputs::request_headers_of_refused(&input.configuration);
    let removed: Vec<_> = removed.iter().map(String::as_str).collect();
    let left = without(&input.request.headers, &removed);
    assert_eq!(stream.sent(), left);
    let is_less = left.len() < input.request.headers.len();
    assert_eq!(stream.picks(), usize::from(is_less));
    if let Some(answer) = &input.answer {
        stream.answer(answer.headers.clone(), true);
        assert_eq!(stream.answered(), answer.headers);
    }
    stream.complete(input.details.as_deref());
    no_panic(filter.metrics());
}

/// The fields of other names.
pub(crate) fn without(fields: &Fields, names: &[&str]) -> Fields {
    let is_other = |(name, _): &&(Vec<u8>, Vec<u8>)| !names.iter().any(|it| it.as_bytes() == name);
    fields.iter().filter(is_other).cloned().collect()
}

/// The decision, which the counters name.
fn decided<'p>(
    stream: &Stream,
    policy: &'p Policy,
    input: &Input,
    chooser: Chooser<'_>,
) -> Option<Decided<'p>> {
    let own = input.lines();
    let request = Request::new(&own);
    let in_force = InForce::default();
    let random = &mut Rng::with_seed(1);
    let by_core = policy.decide(&request, &in_force, random);
    let expected = match chooser {
        Chooser::Specifier(cluster) => policy.adopt(&request, &in_force, cluster, random),
        Chooser::Filter | Chooser::Nobody => by_core,
    };
    let (expected, by_core) = (expected?, by_core?);
    let rule = &policy.rules()[expected.rule as usize];
    let (destination, reason) = counted(stream, rule)?;
    let sent = named(&stream.sent());
    let cookies = |lines: &[Line]| {
        let lines = lines.iter().filter(|(name, _)| name == "cookie");
        lines.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let (before, after) = (cookies(&named(&input.request.headers)), cookies(&sent));
    let is_issued = before != after;
    let key = match (reason, is_issued) {
        (Reason::Sticky, true) => Some(KeyKind::Cookie),
        (Reason::Sticky, false) => expected.key,
        (Reason::Weighted | Reason::Only, _) => None,
    };
    let decision = Decision {
        destination,
        reason,
        key,
        cookie: by_core.cookie.filter(|_| is_issued),
        share: rule.share(destination),
        ..expected
    };
    let mut decided = Decided {
        policy,
        decision,
        key: None,
        is_exact: !moves(policy, &expected),
    };
    if is_issued {
        let whole = decided.description().cookie(&request);
        let whole = whole.expect("a user who has a key gets no cookie");
        let [cookie] = &after[..] else {
            panic!("the cookies are in one line: {after:?}")
        };
        decided.key = Some(decided.same_but_key(&whole, cookie));
    }
    decided.is_as_expected(&expected, &by_core, input, chooser);
    Some(decided)
}

/// The destination and the reason of the only request that was counted.
fn counted(stream: &Stream, rule: &Rule) -> Option<(u32, Reason)> {
    let reasons = [Reason::Weighted, Reason::Sticky, Reason::Only];
    (0..).zip(rule.destinations()).find_map(|(place, it)| {
        let is_counted = |reason: &Reason| {
            let name = metrics::requests_total(rule.name(), it.label(), *reason);
            stream.filter().metrics().value(&name) == Some(1)
        };
        Some((place, reasons.into_iter().find(is_counted)?))
    })
}

impl<'p> Decided<'p> {
    pub(crate) fn rule(&self) -> &'p Rule {
        &self.policy.rules()[self.decision.rule as usize]
    }

    pub(crate) fn description(&self) -> Description<'p, ()> {
        let described = self.policy.describe(&self.decision);
        described.expect("a policy describes its own decisions")
    }

    /// The key in `found`, which is otherwise the same as `expected`.
    pub(crate) fn same_but_key(&self, expected: &[u8], found: &[u8]) -> [u8; 32] {
        let start = expected.iter().position(|byte| *byte == b'=');
        let start = start.expect("a cookie has a value") + 1;
        let key = found.get(start..start + 32).unwrap_or_default();
        assert_eq!(
            [&expected[..start], key, &expected[start + 32..]].concat(),
            found
        );
        assert!(key.iter().all(u8::is_ascii_hexdigit), "{key:?}");
        key.try_into().expect("32 digits")
    }

    fn is_as_expected(
        &self,
        expected: &Decision,
        by_core: &Decision,
        input: &Input,
        chooser: Chooser<'_>,
    ) {
        let Decision {
            destination,
            reason,
            ..
        } = self.decision;
        let is_issued = self.key.is_some();
        if let Chooser::Specifier(_) = chooser {
            assert_eq!(destination, expected.destination, "it reports the choice");
            // A small share may leave its new users without a cookie.
            let may_fail = self.decision.share < 100 || !self.is_exact;
            assert!(is_issued || by_core.cookie.is_none() || may_fail);
        } else {
            assert_eq!(
                is_issued,
                by_core.cookie.is_some(),
                "new users get a cookie"
            );
        }
        if !self.is_exact {
            return;
        }
        let weights = self.rule().weights();
        let by_specifier = matches!(chooser, Chooser::Specifier(_));
        assert!(by_specifier || weights.len() == 1 || weights[destination as usize] > 0);
        let by_chance = expected.reason == Reason::Weighted || by_core.cookie.is_some();
        if !by_chance {
            assert_eq!(
                (destination, reason),
                (expected.destination, expected.reason)
            );
        } else if by_core.cookie.is_none() || !by_specifier {
            assert_eq!(reason, expected.reason);
        }
        if let Some(key) = self.key {
            assert_eq!(
                self.leads_to(key, input),
                destination,
                "the key of a new user"
            );
        }
    }

    /// Where the user with this key comes next time.
    fn leads_to(&self, key: [u8; 32], input: &Input) -> u32 {
        let mut next = input.request.clone();
        next.headers = without(&next.headers, &["cookie"]);
        let text = self.description().set_cookie(&[]).expect("it was issued");
        let name = text.split('=').next().unwrap_or_default();
        let cookie = [name.as_bytes(), b"=", &key].concat();
        next.headers.push((b"cookie".to_vec(), cookie));
        let lines = lines(&next);
        let request = Request::new(&lines);
        let random = &mut Rng::with_seed(1);
        let rule = self.decision.rule;
        let next = self
            .policy
            .choose(rule, &request, &InForce::default(), random);
        next.expect("it is the same rule").destination
    }
}

/// The upstream gets the decision, and everything else as the client has sent it.
fn request_is_written(
    stream: &Stream,
    decided: &Option<Decided<'_>>,
    policy: &Policy,
    input: &Input,
    chooser: Chooser<'_>,
) {
    let outputs = policy.outputs();
    let alone = matches!(chooser, Chooser::Filter);
    let cluster = outputs
        .cluster_header()
        .filter(|name| alone || *name != DEFAULT_CLUSTER_HEADER);
    let names: Vec<_> = [cluster, outputs.subset_header()]
        .into_iter()
        .flatten()
        .collect();
    let (sent, own) = (stream.sent(), &input.request.headers);
    let Some(decided) = decided else {
        let left = without(own, &names);
        assert_eq!(sent, left, "nothing is chosen, and no client chooses");
        let is_less = left.len() < own.len();
        assert_eq!(stream.picks(), usize::from(is_less));
        assert_eq!(stream.filter_state("wasm.canary"), None);
        return;
    };
    let description = decided.description();
    let destination = description.destination();
    let mut written = names.clone();
    written.extend(decided.key.map(|_| "cookie"));
    assert_eq!(without(&sent, &written), without(own, &written));
    for (name, value) in [
        (cluster, destination.cluster()),
        (outputs.subset_header(), Some(destination.label())),
    ] {
        if let Some(name) = name {
            let values = sent.iter().filter(|(key, _)| key == name.as_bytes());
            let values: Vec<_> = values.map(|(_, value)| &**value).collect();
            assert_eq!(values, [value.unwrap_or_default().as_bytes()], "{name}");
        }
    }
    assert_eq!(stream.picks(), usize::from(alone));
    let state = outputs.filter_state().then(|| description.filter_state());
    let found = stream.filter_state("wasm.canary");
    assert_eq!(found.as_deref(), state.as_deref().map(str::as_bytes));
}
