//! How a rule splits its requests: keys that users may lack, a rollback without a comparison, a ramp that is over.

use canary_filter::{Rule, Step};
use serde_json::Value;

use super::subject::{Subject, in_rule};
use crate::fault::Fault;

/// 5 %, in 1/10 000. With less, the errors of the stable version are a matter of chance.
const FEW: u64 = 500;

/// `now` is in seconds since 1970.
pub(super) fn warnings(subject: &Subject<'_>, now: i64) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for (number, rule) in subject.policy.rules().iter().enumerate() {
        warnings.extend(without_key(subject, number));
        warnings.extend(rarely_stable(subject, number, rule, now));
        warnings.extend(ended(subject, number, rule, now));
    }
    warnings
}

/// The last key of the rule may be missing in a request.
fn without_key(subject: &Subject<'_>, number: usize) -> Option<Fault> {
    let (_, last) = subject.items(number, "consistentHash").last()?;
    let is_issued = last
        .get("httpCookie")
        .is_some_and(|cookie| cookie.get("ttl").is_some());
    if is_issued || last.get("useSourceIp") == Some(&Value::Bool(true)) {
        return None;
    }
    let steps = in_rule(number, ["consistentHash".into()]);
    let reason =
        "a user may have none of these keys, and then gets a version at random with each request";
    Some(subject.warning(steps, reason).and(
        "end the list with a key that everybody has: `httpCookie` with a `ttl`, or `useSourceIp: true`",
    ))
}

/// The stable version of a rule with `rollback` gets nothing, or so little that the comparison takes long.
fn rarely_stable(subject: &Subject<'_>, number: usize, rule: &Rule, now: i64) -> Option<Fault> {
    let stable = subject.policy.stable_of(u32::try_from(number).ok()?)?;
    let label = rule.destinations().get(stable)?.label();
    let weights = rule.weights_at(now);
    let weight = u64::from(*weights.get(stable)?);
    let total: u64 = weights.iter().copied().map(u64::from).sum();
    let reason = if weight == 0 {
        format!(
            "`{label}` has the weight 0, so nothing is compared with it and nothing is rolled back"
        )
    } else if weight * 10_000 < total * FEW {
        format!(
            "`{label}` gets less than 5 % of the requests, so it takes long until its errors can be compared with others"
        )
    } else {
        return None;
    };
    Some(subject.warning(in_rule(number, ["rollback".into()]), reason))
}

fn ended(subject: &Subject<'_>, number: usize, rule: &Rule, now: i64) -> Option<Fault> {
    let (reached, next) = rule.ramp()?.position(now);
    let last = reached.filter(|_| next.is_none())?;
    let steps = in_rule(number, ["ramp".into()]);
    let reason = format!("has ended: the weights of `steps[{last}]` hold from now on");
    let weights: Vec<_> = rule.weights_at(now).iter().map(u32::to_string).collect();
    Some(subject.warning(steps, reason).and(format!(
        "write its weights ({}) into `route` and remove `ramp`",
        weights.join(", ")
    )))
}

/// What makes a rule's cookies `Secure`, so that browsers drop them when they come without https: the steps to it, and its
/// name.
pub(super) fn secure_cookies(subject: &Subject<'_>, number: usize) -> Vec<(Vec<Step>, String)> {
    let mut found = Vec::new();
    for (place, key) in subject.items(number, "consistentHash") {
        let Some(cookie) = key.get("httpCookie") else {
            continue;
        };
        let start = [
            "consistentHash".into(),
            Step::Item(place),
            Step::from("httpCookie"),
        ];
        let steps = |rest: Vec<Step>| in_rule(number, start.clone().into_iter().chain(rest));
        let attributes = cookie.get("attributes").and_then(Value::as_array);
        for (index, attribute) in attributes.into_iter().flatten().enumerate() {
            let text = |field: &str| attribute.get(field).and_then(Value::as_str).unwrap_or("");
            let words = match text("name").to_ascii_lowercase().as_str() {
                "samesite" if text("value").eq_ignore_ascii_case("none") => "SameSite=None",
                "secure" => "Secure",
                "partitioned" => "Partitioned",
                _ => continue,
            };
            let rest = vec!["attributes".into(), Step::Item(index)];
            found.push((steps(rest), words.to_owned()));
        }
        let name = cookie.get("name").and_then(Value::as_str).unwrap_or("");
        let is_issued = cookie.get("ttl").is_some();
        for prefix in ["__Secure-", "__Host-"].into_iter().filter(|_| is_issued) {
            if name.starts_with(prefix) {
                found.push((steps(vec!["name".into()]), format!("{prefix}…")));
            }
        }
    }
    found
}
