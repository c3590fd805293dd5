//! The filter compared with Envoy's own stickiness: `weighted_clusters` with `use_hash_policy`.
//!
//! Users and hashes are fixed, and so are the numbers. Envoy's numbers are those of the formula in `tests/stickiness.rs`,
//! from which the column in docs/stickiness.md comes.

use harness::http1::Connection;
use harness::{BLUE, GREEN, Setup};
use serde_json::{Value, json};

use crate::support::{World, routes, rule, who};

const USERS: u32 = 2_000;

/// Envoy's routes with these weights.
fn weighted_clusters(bootstrap: &mut Value) {
    let route = |path: &str, blue: u32, green: u32| {
        let clusters = json!([{"name": BLUE, "weight": blue}, {"name": GREEN, "weight": green}]);
        json!({
            "match": {"prefix": path},
            "route": {
                "weighted_clusters": {"clusters": clusters, "use_hash_policy": true},
                "hash_policy": [{"header": {"header_name": "x-user"}}]
            }
        })
    };
    routes(bootstrap).splice(0..0, [route("/envoy/9-1", 9, 1), route("/envoy/3-1", 3, 1)]);
}

/// The filter's rules with these weights.
fn rules() -> String {
    let sticky = |name: &str, blue: u32, green: u32| {
        let mut rule = rule(name, blue, green);
        rule["match"] = json!([{"uri": {"exact": format!("/color/{name}")}}]);
        rule["consistentHash"] = json!([{"httpHeaderName": "x-user"}]);
        rule["salt"] = json!("color");
        rule
    };
    json!({"http": [sticky("9-1", 9, 1), sticky("3-1", 3, 1)]}).to_string()
}

/// Whether each user is on blue.
fn on_blue(connection: &mut Connection, path: &str) -> Vec<bool> {
    (0..USERS)
        .map(|user| {
            let user = format!("user-{user}");
            who(&connection
                .get(path, &[("x-user", user.as_bytes())])
                .unwrap())
                == "blue"
        })
        .collect()
}

#[test]
fn from_9_1_to_3_1_only_envoy_s_own_way_moves_users_who_need_not_move() {
    let world = World::start(&Setup {
        change: weighted_clusters,
        ..Setup::new(rules())
    });
    let mut connection = world.envoy.connect();
    let mut steps = |way: &str| {
        let before = on_blue(&mut connection, &format!("{way}/9-1"));
        let after = on_blue(&mut connection, &format!("{way}/3-1"));
        let count = |step| {
            before
                .iter()
                .zip(&after)
                .filter(|&(one, other)| (*one, *other) == step)
                .count()
        };
        [count((true, false)), count((false, true))]
    };
    assert_eq!(steps("/color"), [303, 0], "15 % of them, to green alone");
    assert_eq!(steps("/envoy"), [406, 93], "25 % of them, some from green");
}
