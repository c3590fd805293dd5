use proptest::prelude::*;

use crate::policy::Policy;
use crate::request::{Lines, Request};
use crate::{InForce, KeyKind, Reason};

fn policy(weights: &[u32], keys: &str) -> Policy {
    let route: Vec<_> = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| format!(r#"{{"cluster": "c{index}", "weight": {weight}}}"#))
        .collect();
    let text = format!(
        r#"{{"http": [{{"name": "r", "consistentHash": {keys}, "route": [{}]}}]}}"#,
        route.join(",")
    );
    Policy::from_json(text.as_bytes()).unwrap()
}

const ISSUED: &str = r#"[{"httpCookie": {"name": "id", "ttl": "1h"}}]"#;

proptest! {
    #[test]
    fn a_new_user_gets_a_key_that_leads_to_where_the_request_went(
        weights in prop::collection::vec(1_u32..50, 2..5),
        chosen in 0_usize..5,
        seed in any::<u64>(),
    ) {
        let chosen = chosen % weights.len();
        let policy = policy(&weights, ISSUED);
        let mut random = fastrand::Rng::with_seed(seed);
        let lines = Lines::new(&[(":path", "/")]);
        let in_force = InForce::default();
        let cluster = format!("c{chosen}");
        let adopted = policy
            .adopt(&Request::new(&lines), &in_force, cluster.as_bytes(), &mut random)
            .unwrap();
        prop_assert_eq!(adopted.destination as usize, chosen);
        prop_assert_eq!((adopted.reason, adopted.key), (Reason::Sticky, Some(KeyKind::Cookie)));
        let cookie = policy.describe(&adopted).unwrap().cookie(&Request::new(&lines)).unwrap();
        let lines = Lines::new(&[(":path", b"/".to_vec()), ("cookie", cookie)]);
        let next = policy.decide(&Request::new(&lines), &in_force, &mut random).unwrap();
        prop_assert_eq!(next.destination as usize, chosen);
        prop_assert_eq!(next.user, adopted.user);
    }

    #[test]
    fn what_the_core_has_chosen_is_explained_as_the_core_does(
        weights in prop::collection::vec(0_u32..50, 1..5),
        user in prop::option::of("[a-z]{1,8}"),
        seed in any::<u64>(),
    ) {
        prop_assume!(weights.len() == 1 || weights.iter().any(|weight| *weight > 0));
        let policy = policy(&weights, r#"[{"httpHeaderName": "x-user"}]"#);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut lines = vec![(":path", "/".to_owned())];
        lines.extend(user.map(|user| ("x-user", user)));
        let lines = Lines::new(&lines);
        let in_force = InForce::default();
        let decision = policy.decide(&Request::new(&lines), &in_force, &mut random).unwrap();
        let cluster = format!("c{}", decision.destination);
        let adopted = policy.adopt(&Request::new(&lines), &in_force, cluster.as_bytes(), &mut random);
        prop_assert_eq!(adopted, Some(decision));
    }
}

#[test]
fn no_key_is_issued_that_would_lead_elsewhere() {
    let lines = Lines::new(&[(":path", "/")]);
    let mut random = fastrand::Rng::with_seed(1);
    let policy = policy(&[1, 0, 1], ISSUED);
    let mut adopt = |cluster: &str| {
        policy.adopt(
            &Request::new(&lines),
            &InForce::default(),
            cluster.as_bytes(),
            &mut random,
        )
    };
    let decision = adopt("c1").unwrap();
    assert_eq!(
        (decision.reason, decision.cookie, decision.share),
        (Reason::Weighted, None, 0)
    );
    assert_eq!(adopt("other"), None, "the cluster is not of this rule");
}
