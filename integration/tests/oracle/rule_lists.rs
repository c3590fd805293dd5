//! Random rule lists and random requests.

use canary_filter::Policy;
use fastrand::Rng;

use crate::arena::{Arena, Site, refused};
use crate::coverage::Coverage;
use crate::request::{Request, Verdict};
use crate::rules::{Rule, policy};
use crate::shrink::smallest;
use crate::vocabulary::{request, rule_list};
use crate::{seed, setting};

/// The number of lists that share an Envoy.
const AT_ONCE: usize = 150;
const REQUESTS: usize = 60;

/// A rule list and a request.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) rules: Vec<Rule>,
    pub(crate) request: Request,
}

/// The outcome of a comparison.
#[derive(Debug, Default)]
struct Count {
    pairs: usize,
    matched: usize,
    refused: usize,
    had: Coverage,
}

#[test]
fn every_request_goes_where_envoys_own_router_sends_it() {
    let pairs = setting("CANARY_ORACLE_PAIRS", 10_000) as usize;
    let mut rng = Rng::with_seed(seed());
    let mut count = Count::default();
    while count.pairs < pairs {
        let lists: Vec<_> = (0..AT_ONCE).map(|_| taken(&mut rng)).collect();
        if let Some((case, _)) = compare(&lists, &mut rng, &mut count) {
            let (case, verdict) = smallest(case);
            let rules: Vec<_> = case
                .rules
                .iter()
                .enumerate()
                .map(|(n, rule)| format!("  {n}: {rule}\n"))
                .collect();
            panic!(
                "seed {}: {verdict:?}\n  {:?}\n{}",
                seed(),
                case.request,
                rules.concat()
            );
        }
    }
    println!("rule lists: {count:#?}");
    assert!(
        count.matched * 3 > count.pairs,
        "too few requests match: {count:?}"
    );
    assert!(
        count.refused * 10 < count.pairs,
        "Envoy refuses too many requests: {count:?}"
    );
    count.had.at_least(250, count.pairs);
}

/// A list that the filter accepts. It often refuses random patterns.
fn taken(rng: &mut Rng) -> Vec<Rule> {
    loop {
        let mut rules = rule_list(rng);
        rules.retain(|rule| is_taken(std::slice::from_ref(rule)));
        if !rules.is_empty() {
            return rules;
        }
    }
}

fn is_taken(rules: &[Rule]) -> bool {
    Policy::from_json(policy(rules).to_string().as_bytes()).is_ok()
}

/// The first difference.
fn compare(lists: &[Vec<Rule>], rng: &mut Rng, count: &mut Count) -> Option<(Case, Verdict)> {
    let arena = start(lists);
    for (site, rules) in lists.iter().enumerate() {
        let mut client = arena.client(site);
        for _ in 0..REQUESTS {
            let request = request(rules, rng);
            let Some(verdict) = client.ask(&request) else {
                count.refused += 1;
                continue;
            };
            count.pairs += 1;
            count.matched += usize::from(verdict.envoy.is_some());
            count.had.add(rules, &request);
            if !verdict.agree() {
                return Some((
                    Case {
                        rules: rules.clone(),
                        request,
                    },
                    verdict,
                ));
            }
        }
    }
    arena.no_vm_restarted();
    None
}

fn start(lists: &[Vec<Rule>]) -> Arena {
    let sites = |lists: &[Vec<Rule>]| {
        lists
            .iter()
            .map(|rules| Site::new(rules))
            .collect::<Vec<_>>()
    };
    Arena::start(&sites(lists)).unwrap_or_else(|_| {
        let (rules, log) =
            refused(lists, &sites).expect("Envoy takes the parts, so it takes the whole");
        let (rule, log) = refused(&rules, &|rules: &[Rule]| vec![Site::new(rules)])
            .unwrap_or((rules[0].clone(), log));
        panic!(
            "seed {}: the filter takes this rule, Envoy does not: {rule}\n{log}",
            seed()
        )
    })
}

/// The outcomes of all cases, in one Envoy.
pub(crate) fn verdicts(cases: &[Case]) -> Vec<Option<Verdict>> {
    let lists: Vec<_> = cases.iter().map(|case| case.rules.clone()).collect();
    let arena = start(&lists);
    cases
        .iter()
        .enumerate()
        .map(|(site, case)| arena.client(site).ask(&case.request))
        .collect()
}
