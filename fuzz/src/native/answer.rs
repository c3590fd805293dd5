//! What the HTTP filter does with an answer.

use canary_filter::{Class, Policy, metrics};
use fake_envoy::{Fields, Stream};

use super::filter::{Decided, without};
use super::input::{Answer, Input, Rest, named};

/// Sends the answer of the input through the filter, if it has one, and ends the stream.
///
/// The client gets the decision and the cookie, and everything else as the upstream has sent it. The answer is counted once.
pub(crate) fn is_written(
    stream: &mut Stream,
    decided: Option<&Decided<'_>>,
    policy: &Policy,
    input: &Input,
) {
    if let Some(answer) = &input.answer {
        stream.answer(answer.headers.clone(), matches!(answer.rest, Rest::Nothing));
        let expected = written(stream, decided, policy, &answer.headers);
        assert_eq!(stream.answered(), expected);
        if let Rest::Trailers(trailers) = &answer.rest {
            stream.trailers(trailers.clone());
        }
    }
    stream.complete(input.details.as_deref());
    is_counted(stream, decided, input);
}

/// The answer's fields as the client should get them.
fn written(
    stream: &Stream,
    decided: Option<&Decided<'_>>,
    policy: &Policy,
    own: &Fields,
) -> Fields {
    let answered = stream.answered();
    let name = policy.outputs().response_header();
    let mut expected = without(own, name.as_slice());
    if let (Some(name), Some(decided)) = (name, decided) {
        let mut values = answered.iter().filter(|(key, _)| key == name.as_bytes());
        let value = values.next().map(|(_, value)| value.clone());
        let value = value.expect("the decision is written");
        let text = decided.description().response_header();
        if decided.is_exact {
            assert_eq!(value, text.as_bytes());
        } else {
            // The share is that of the weights in force.
            let label = text.split(";reason=").next().unwrap_or_default();
            assert!(value.starts_with(label.as_bytes()), "{text}");
        }
        expected.push((name.as_bytes().to_vec(), value));
    }
    if let Some(decided) = decided
        && let Some(text) = decided.description().set_cookie(&named(&expected))
    {
        let (name, value) = answered.last().expect("there is a cookie");
        assert_eq!(name, b"set-cookie");
        let key = decided.same_but_key(text.as_bytes(), value);
        assert_eq!(
            Some(key),
            decided.key,
            "the upstream and the client get the same key"
        );
        expected.push((name.clone(), value.clone()));
    }
    expected
}

/// A watched rule's answer is counted once, by how it went.
fn is_counted(stream: &Stream, decided: Option<&Decided<'_>>, input: &Input) {
    let found = stream.filter().metrics();
    let total = found.sum("canary_responses_total");
    let watch = decided.and_then(|decided| {
        let place = decided.policy.watch_of(decided.decision.rule)?;
        Some((decided, decided.policy.watches().get(place)?))
    });
    let (Some((decided, watch)), Some(answer)) = (watch, &input.answer) else {
        let is_slow = watch.is_some_and(|(_, watch)| watch.slower_than.is_some());
        assert!(total == 0 || is_slow, "there is nothing to count");
        return;
    };
    assert_eq!(total, 1, "an answer is counted once");
    let destination = decided.decision.destination as usize;
    let label = decided.rule().destinations()[destination].label();
    let is_stable = watch.settings.stable() == destination;
    let count = |class| {
        let name = metrics::responses_total(decided.rule().name(), label, is_stable, class);
        found.value(&name)
    };
    let class = class(answer, input.details.as_deref());
    // The headers of a slow answer have counted it, however it ends.
    let may_be_slow = watch.slower_than.is_some() && by_headers(answer) == Class::Ok;
    assert!(
        count(class) == Some(1) || may_be_slow && count(Class::Slow) == Some(1),
        "{class:?}: {:?}",
        found.values()
    );
}

/// How an answer went that was fast enough.
fn class(answer: &Answer, details: Option<&[u8]>) -> Class {
    let by_headers = by_headers(answer);
    let is_upgrade = first(&answer.headers, ":status").as_deref() == Some(b"101");
    if by_headers != Class::Ok || is_upgrade {
        return by_headers;
    }
    match &answer.rest {
        Rest::Nothing => Class::Ok,
        Rest::Body if details.is_some_and(is_cut_off) => Class::Error,
        Rest::Body => Class::Ok,
        Rest::Trailers(trailers) => {
            let grpc_status = first(trailers, "grpc-status");
            Class::of_headers(None, grpc_status.as_deref(), false)
        }
    }
}

/// Whether Envoy says that the upstream did not finish the answer.
fn is_cut_off(details: &[u8]) -> bool {
    let details = String::from_utf8_lossy(details);
    details.starts_with("upstream_reset_after_response_started")
        || details.starts_with("response_timeout")
        || details.starts_with("upstream_per_try_timeout")
}

fn by_headers(answer: &Answer) -> Class {
    let is_end = matches!(answer.rest, Rest::Nothing);
    let status = first(&answer.headers, ":status");
    let grpc_status = first(&answer.headers, "grpc-status").filter(|_| is_end);
    Class::of_headers(status.as_deref(), grpc_status.as_deref(), false)
}

/// The value of the first field of this name.
fn first(fields: &Fields, name: &str) -> Option<Vec<u8>> {
    let mut fields = fields.iter().filter(|(key, _)| key == name.as_bytes());
    fields.next().map(|(_, value)| value.clone())
}
