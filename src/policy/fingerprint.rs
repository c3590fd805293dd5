//! What a rollback depends on, as a number: when it changes, a rollback ends.
//!
//! A later version of the filter must compute the same number for the same configuration, or its rollout would end all
//! rollbacks. So the number is that of bytes which are written here field by field: an absent field writes nothing, a field
//! that has its default is written with it, and a field that a later version adds gets a tag of its own.

use xxhash_rust::xxh3::xxh3_64;

use crate::choosing::rule::Rule;
use crate::config::wire;
use crate::rollback::Given;

/// The fingerprint of the rule's `match`, its destinations (labels and clusters, in any order) and its `rollback`. Weights,
/// ramp and keys are not part of it: a rollback survives their changes.
pub(crate) fn fingerprint<S>(
    rule: &Rule<S>,
    wire: &wire::Rule,
    given: &Given<'_>,
    slower_than_ms: Option<u64>,
) -> u64 {
    let mut bytes = Bytes::default();
    for entry in wire.r#match.iter().flatten() {
        bytes.tag(b'm');
        bytes.entry(entry);
    }
    // A sum does not depend on the order of its parts.
    let destinations = rule.destinations().iter().map(|destination| {
        let mut bytes = Bytes::default();
        bytes.text(b'd', Some(destination.label()));
        bytes.text(b'c', destination.cluster());
        xxh3_64(&bytes.0)
    });
    bytes.number(b'D', destinations.fold(0, u64::wrapping_add));
    let rollback = wire.rollback.as_ref();
    bytes.text(
        b's',
        rollback.and_then(|rollback| rollback.stable.as_deref()),
    );
    bytes.number(b'e', given.threshold.into());
    bytes.number(b'i', given.interval_ms);
    if let Some(slower_than) = slower_than_ms {
        bytes.number(b'l', slower_than);
    }
    if let Some(retry_after) = given.retry_after_ms {
        bytes.number(b'a', retry_after);
    }
    bytes.text(
        b'r',
        rollback.and_then(|rollback| rollback.retry.as_deref()),
    );
    bytes.number(b'o', given.observe.into());
    xxh3_64(&bytes.0)
}

/// Every field is its tag and its content, and a text has its length before it, so that no two configurations write the
/// same bytes.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    fn number(&mut self, tag: u8, number: u64) {
        self.tag(tag);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, tag: u8, text: Option<&str>) {
        if let Some(text) = text {
            self.number(tag, text.len() as u64);
            self.0.extend_from_slice(text.as_bytes());
        }
    }

    fn entry(&mut self, entry: &wire::Match) {
        let fields = [
            (b'U', &entry.uri),
            (b'S', &entry.scheme),
            (b'M', &entry.method),
            (b'A', &entry.authority),
        ];
        for (tag, condition) in fields {
            if let Some(condition) = condition {
                self.tag(tag);
                self.condition(condition);
            }
        }
        let named = [
            (b'H', &entry.headers),
            (b'W', &entry.without_headers),
            (b'Q', &entry.query_params),
        ];
        for (tag, entries) in named {
            for (name, condition) in &entries.0 {
                self.text(tag, Some(name));
                self.condition(condition);
            }
        }
        if entry.ignore_uri_case {
            self.tag(b'I');
        }
    }

    fn condition(&mut self, condition: &wire::StringMatch) {
        self.text(b'x', condition.exact.as_deref());
        self.text(b'p', condition.prefix.as_deref());
        self.text(b'g', condition.regex.as_deref());
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    /// Of a rule with these members, with the destinations blue and green.
    fn of(members: &str, rollback: &str, route: [&str; 2]) -> u64 {
        let text = format!(
            r#"{{"http": [{{"name": "color", {members} "rollback": {{"stable": "blue"{rollback}}}, "route": [{}, {}]}}]}}"#,
            route[0], route[1]
        );
        let policy = Policy::from_json(text.as_bytes()).unwrap();
        policy.watches()[0].settings.fingerprint()
    }

    const BLUE: &str = r#"{"cluster": "blue", "weight": 75}"#;
    const GREEN: &str = r#"{"cluster": "green", "weight": 25}"#;
    const MATCH: &str = r#""match": [{"uri": {"prefix": "/color"}}],"#;

    #[test]
    fn what_a_rollback_survives_does_not_change_it() {
        let fingerprint = of(MATCH, "", [BLUE, GREEN]);
        for (members, rollback, route) in [
            (MATCH, "", [GREEN, BLUE]),
            (MATCH, "", [BLUE, r#"{"cluster": "green", "weight": 50}"#]),
            (
                MATCH,
                r#", "errorPercent": 5.0, "interval": "1m", "observe": false"#,
                [BLUE, GREEN],
            ),
            (
                r#""match": [{"uri": {"prefix": "/color"}}], "consistentHash": [{"useSourceIp": true}],"#,
                "",
                [BLUE, GREEN],
            ),
            (
                r#""match": [{"name": "n", "headers": null, "uri": {"prefix": "/color"}}],
                   "ramp": {"start": "2026-12-01T09:00:00Z", "steps": [{"after": "0s", "weights": [1, 1]}]},"#,
                "",
                [BLUE, GREEN],
            ),
        ] {
            assert_eq!(
                of(members, rollback, route),
                fingerprint,
                "{members} {rollback}"
            );
        }
    }

    #[test]
    fn what_ends_a_rollback_changes_it() {
        let mut seen = vec![of(MATCH, "", [BLUE, GREEN])];
        for (members, rollback, route) in [
            ("", "", [BLUE, GREEN]),
            (
                r#""match": [{"uri": {"exact": "/color"}}],"#,
                "",
                [BLUE, GREEN],
            ),
            (
                r#""match": [{"uri": {"prefix": "/colors"}}],"#,
                "",
                [BLUE, GREEN],
            ),
            (
                r#""match": [{"uri": {"prefix": "/color"}, "ignoreUriCase": true}],"#,
                "",
                [BLUE, GREEN],
            ),
            (
                r#""match": [{"headers": {"x": {"prefix": "/color"}}}],"#,
                "",
                [BLUE, GREEN],
            ),
            (
                r#""match": [{"withoutHeaders": {"x": {"prefix": "/color"}}}],"#,
                "",
                [BLUE, GREEN],
            ),
            (r#""match": [{"headers": {"x": {}}}],"#, "", [BLUE, GREEN]),
            (
                r#""match": [{"uri": {"prefix": "/color"}}, {"method": {"exact": "GET"}}],"#,
                "",
                [BLUE, GREEN],
            ),
            (MATCH, "", [BLUE, r#"{"cluster": "green2", "weight": 25}"#]),
            (MATCH, r#", "errorPercent": 6"#, [BLUE, GREEN]),
            (MATCH, r#", "interval": "61s""#, [BLUE, GREEN]),
            (MATCH, r#", "slowerThan": "1s""#, [BLUE, GREEN]),
            (MATCH, r#", "retryAfter": "1s""#, [BLUE, GREEN]),
            (MATCH, r#", "retry": "again""#, [BLUE, GREEN]),
            (MATCH, r#", "observe": true"#, [BLUE, GREEN]),
        ] {
            seen.push(of(members, rollback, route));
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    /// Another number would end all rollbacks when the module is updated.
    #[test]
    fn it_stays_the_same_from_version_to_version() {
        let rollback = r#", "slowerThan": "2s", "retryAfter": "5s", "retry": "one""#;
        let members = r#""match": [{"uri": {"prefix": "/color"}, "headers": {"x": {}}, "ignoreUriCase": true}],"#;
        assert_eq!(
            of(members, rollback, [BLUE, GREEN]),
            195_031_688_524_526_304
        );
    }
}
