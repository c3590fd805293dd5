//! What an edge writes about a decision: the changes of the request's headers and of the answer's.

use crate::choosing::decision::Decision;
use crate::policy::Policy;
use crate::policy::description::Description;
use crate::request::{Fields, Line, Request};

/// A header that is the filter's alone: this value replaces all of its lines, or none is left.
pub type Own<'p, V> = (&'p str, Option<V>);

/// The changes of a request's headers.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestChanges<'p> {
    /// The `Cookie` header of a new user.
    pub cookie: Option<Vec<u8>>,
    /// The headers that name the cluster and the version, as far as the configuration has them.
    pub own: [Option<Own<'p, &'p str>>; 2],
}

/// The changes of an answer's headers.
#[derive(Debug, PartialEq, Eq)]
pub struct AnswerChanges<'p> {
    /// The header that reports the decision, if the configuration has it.
    pub own: Option<Own<'p, String>>,
    /// A new user's `Set-Cookie` header, beside the others of this name.
    pub set_cookie: Option<String>,
}

impl<S> Policy<S> {
    /// What a request gets whose decision this describes. Without one, no client may choose by the filter's own headers.
    pub fn request_changes<'p, 'r, F: Fields>(
        &'p self,
        description: Option<&Description<'p, S>>,
        request: &Request<'r, F>,
    ) -> RequestChanges<'p> {
        let outputs = self.outputs();
        let destination = description.map(Description::destination);
        let cluster = destination.and_then(|destination| destination.cluster());
        let label = destination.map(|destination| destination.label());
        RequestChanges {
            cookie: description.and_then(|description| description.cookie(request)),
            own: [
                outputs.cluster_header().map(|name| (name, cluster)),
                outputs.subset_header().map(|name| (name, label)),
            ],
        }
    }

    /// What the answer to a request with this decision gets. `headers` reads all of its headers, which only a new user's
    /// cookie depends on.
    pub fn answer_changes(
        &self,
        decision: Option<&Decision>,
        headers: impl FnOnce() -> Vec<Line>,
    ) -> AnswerChanges<'_> {
        let name = self.outputs().response_header();
        let is_new = decision.is_some_and(|decision| decision.cookie.is_some());
        let description = if name.is_some() || is_new {
            decision.and_then(|decision| self.describe(decision))
        } else {
            None
        };
        let description = description.as_ref();
        AnswerChanges {
            own: name.map(|name| (name, description.map(Description::response_header))),
            set_cookie: description
                .filter(|_| is_new)
                .and_then(|description| description.set_cookie(&headers())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choosing::split::InForce;
    use crate::request::Lines;

    const RULE: &str = r#""http": [{"name": "r", "match": [{"uri": {"prefix": "/a"}}],
        "consistentHash": [{"httpCookie": {"name": "id", "ttl": "1h"}}],
        "route": [{"destination": {"host": "h.ns", "subset": "v1", "port": {"number": 80}}}]}]"#;

    fn policy(members: &str) -> Policy {
        Policy::from_json(format!("{{{members} {RULE}}}").as_bytes()).unwrap()
    }

    /// The changes of a request with this path and these further lines, and its decision.
    fn changed<'p>(
        policy: &'p Policy,
        path: &str,
        cookie: Option<&str>,
    ) -> (RequestChanges<'p>, Option<Decision>) {
        let mut lines = vec![(":path", path), (":scheme", "http")];
        lines.extend(cookie.map(|cookie| ("cookie", cookie)));
        let lines = Lines::new(&lines);
        let request = Request::new(&lines);
        let mut random = fastrand::Rng::with_seed(1);
        let decision = policy.decide(&request, &InForce::default(), &mut random);
        let description = decision.and_then(|decision| policy.describe(&decision));
        (
            policy.request_changes(description.as_ref(), &request),
            decision,
        )
    }

    #[test]
    fn the_headers_of_the_filter_name_the_choice_or_are_removed() {
        let cluster = "outbound|80|v1|h.ns";
        for (members, chosen) in [
            ("", [Some(("x-canary-cluster", cluster)), None]),
            (r#""clusterHeader": "x-c","#, [Some(("x-c", cluster)), None]),
            (r#""subsetHeader": "x-s","#, [None, Some(("x-s", "v1"))]),
            (
                r#""clusterHeader": "x-c", "subsetHeader": "x-s","#,
                [Some(("x-c", cluster)), Some(("x-s", "v1"))],
            ),
        ] {
            let policy = policy(members);
            let (found, _) = changed(&policy, "/a", Some("id=known"));
            let value = |own: Option<(&'static str, &'static str)>| {
                own.map(|(name, value)| (name, Some(value)))
            };
            assert_eq!(found.own, chosen.map(value), "{members}");
            assert_eq!(found.cookie, None, "the user is known");
            let (none, _) = changed(&policy, "/b", None);
            let removed =
                |own: Option<(&'static str, &'static str)>| own.map(|(name, _)| (name, None));
            assert_eq!(none.own, chosen.map(removed), "{members}");
            assert_eq!(none.cookie, None, "no rule matches");
        }
    }

    #[test]
    fn a_new_user_gets_the_same_key_in_the_request_and_in_the_answer() {
        let policy = policy("");
        let (changes, decision) = changed(&policy, "/a", Some("theme=dark"));
        let cookie = String::from_utf8(changes.cookie.unwrap()).unwrap();
        let key = cookie.strip_suffix("; theme=dark").unwrap();
        let answer = policy.answer_changes(decision.as_ref(), Vec::new);
        assert!(answer.set_cookie.unwrap().starts_with(key));
        let shared = || vec![("cache-control".to_owned(), b"public".to_vec())];
        let answer = policy.answer_changes(decision.as_ref(), shared);
        assert_eq!(answer.set_cookie, None, "a cache would give it to others");
    }

    #[test]
    fn the_headers_of_an_answer_are_read_only_for_a_new_user() {
        let policy = policy(r#""responseHeader": "x-r","#);
        let (_, known) = changed(&policy, "/a", Some("id=known"));
        let answer = policy.answer_changes(known.as_ref(), || unreachable!());
        let (name, value) = answer.own.unwrap();
        assert_eq!((name, answer.set_cookie), ("x-r", None));
        assert!(value.unwrap().starts_with("route=r;subset=v1;"));
        let none = policy.answer_changes(None, || unreachable!());
        assert_eq!(
            none.own,
            Some(("x-r", None)),
            "the header is the filter's alone"
        );
    }
}
