//! Shrinks a failing case: removes everything without which the difference remains.

use crate::request::{Request, Verdict};
use crate::rule_lists::{Case, verdicts};
use crate::rules::Rule;

/// Each step tries all possible removals in one Envoy and keeps the first that still differs.
pub(crate) fn smallest(mut case: Case) -> (Case, Option<Verdict>) {
    loop {
        let smaller = smaller(&case);
        let verdicts = verdicts(&smaller);
        let differs = |verdict: &Option<Verdict>| verdict.is_some_and(|verdict| !verdict.agree());
        match verdicts.iter().position(differs) {
            Some(number) => case = smaller[number].clone(),
            None => {
                let verdict = self::verdicts(std::slice::from_ref(&case))[0];
                return (case, verdict);
            }
        }
    }
}

fn smaller(case: &Case) -> Vec<Case> {
    let rules = smaller_rules(&case.rules).into_iter().map(|rules| Case {
        rules,
        ..case.clone()
    });
    let requests = smaller_requests(&case.request)
        .into_iter()
        .map(|request| Case {
            request,
            ..case.clone()
        });
    rules.chain(requests).collect()
}

fn smaller_rules(rules: &[Rule]) -> Vec<Vec<Rule>> {
    let mut all = Vec::new();
    let half = rules.len() / 2;
    if half > 0 {
        all.extend([rules[half..].to_vec(), rules[..half].to_vec()]);
        all.extend((0..rules.len()).map(|rule| without(rules, rule)));
    }
    for (number, rule) in rules.iter().enumerate() {
        let mut with = |change: &dyn Fn(&mut Rule)| {
            let mut rules = rules.to_vec();
            change(&mut rules[number]);
            all.push(rules);
        };
        for (entry, matched) in rule.matches.iter().enumerate() {
            if rule.matches.len() > 1 {
                with(&|rule| drop(rule.matches.remove(entry)));
            }
            if matched.ignore_uri_case {
                with(&|rule| rule.matches[entry].ignore_uri_case = false);
            }
            for condition in 0..matched.conditions.len() {
                with(&|rule| drop(rule.matches[entry].conditions.remove(condition)));
            }
        }
    }
    all
}

fn smaller_requests(request: &Request) -> Vec<Request> {
    let mut all = Vec::new();
    for header in 0..request.headers.len() {
        all.push(Request {
            headers: without(&request.headers, header),
            ..request.clone()
        });
    }
    let path = &request.path;
    let question = path.iter().position(|byte| *byte == b'?');
    let halves = [path.len() / 2, path.len().saturating_sub(1)]
        .into_iter()
        .chain(question);
    for end in halves.filter(|end| *end > 0 && *end < path.len()) {
        all.push(Request {
            path: path[..end].to_vec(),
            ..request.clone()
        });
    }
    if path.len() < 60 {
        all.extend((1..path.len()).map(|byte| Request {
            path: without(path, byte),
            ..request.clone()
        }));
    }
    let plain = Request {
        path: path.clone(),
        headers: request.headers.clone(),
        ..Request::get("/")
    };
    if request.http2 || request.method != plain.method || request.authority != plain.authority {
        all.push(plain);
    }
    all
}

fn without<T: Clone>(list: &[T], number: usize) -> Vec<T> {
    [&list[..number], &list[number + 1..]].concat()
}
