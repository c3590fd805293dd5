//! The client's address as a key: without its port, and as Envoy trusts it.

use std::net::{Ipv6Addr, TcpListener};

use harness::{Setup, manager};
use serde_json::{Value, json};

use crate::sticky_keys::{decided, keyed, known, setup};
use crate::support::{World, skipped, who};

fn by_address() -> Setup {
    setup(&json!([{"useSourceIp": true}]))
}

fn one_trusted_hop(bootstrap: &mut Value) {
    assert_eq!(manager(bootstrap)["use_remote_address"], true);
    manager(bootstrap).insert("xff_num_trusted_hops".to_owned(), json!(1));
}

#[test]
fn behind_a_trusted_hop_it_is_the_address_that_the_hop_saw() {
    let world = World::start(&Setup {
        change: one_trusted_hop,
        ..by_address()
    });
    let mut connection = world.envoy.connect();
    for n in 1..60 {
        for (forwarded, address) in [
            (format!("203.0.113.{n}"), format!("203.0.113.{n}")),
            // What stands before it, the client may have made up.
            (
                format!("198.51.100.{n}, 10.0.0.1, 203.0.113.{n}"),
                format!("203.0.113.{n}"),
            ),
            (format!("2001:db8::{n:x}"), format!("2001:db8::{n:x}")),
            // One address, one spelling.
            (format!("2001:DB8:0:0::{n:x}"), format!("2001:db8::{n:x}")),
        ] {
            let version = known(&mut connection, address.as_bytes());
            let answer = connection
                .get("/color", &[("x-forwarded-for", forwarded.as_bytes())])
                .unwrap();
            assert_eq!(
                decided(&answer),
                ("source-ip", version.as_str()),
                "{forwarded}"
            );
        }
    }
}

#[test]
fn without_a_trusted_hop_it_is_the_connections_whatever_the_client_says() {
    let world = World::start(&by_address());
    let version = known(&mut world.envoy.connect(), b"127.0.0.1");
    for n in 1..60 {
        let forwarded = format!("203.0.113.{n}");
        // A connection each: a port in the key would give half of them the other version.
        let answer = world
            .envoy
            .connect()
            .get("/color", &[("x-forwarded-for", forwarded.as_bytes())])
            .unwrap();
        assert_eq!(decided(&answer), ("source-ip", version.as_str()));
    }
}

#[test]
fn an_ipv6_client_is_known_without_brackets_and_port() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return skipped(
            "an_ipv6_client_is_known_without_brackets_and_port",
            "this machine has no ::1",
        );
    }
    // With one client there is one key: by forty salts it is told from any other.
    let rules: Vec<_> = (0..40)
        .flat_map(|n| {
            [
                ("known", json!([{"httpHeaderName": "x-user"}])),
                ("tested", json!([{"useSourceIp": true}])),
            ]
            .map(|(kind, keys)| {
                let mut rule = keyed(
                    &format!("{kind}-{n}"),
                    &format!("/color/{kind}/{n}/"),
                    &keys,
                );
                rule["salt"] = json!(format!("salt {n}"));
                rule
            })
        })
        .collect();
    let policy = json!({"http": rules, "responseHeader": "x-canary-decision"}).to_string();
    let world = World::start(&Setup {
        change: on_ipv6,
        ..Setup::new(policy)
    });
    assert!(world.envoy.address().is_ipv6());
    for n in 0..40 {
        let mut connection = world.envoy.connect();
        let known = connection
            .get(format!("/color/known/{n}/"), &[("x-user", b"::1")])
            .unwrap();
        let tested = connection.get(format!("/color/tested/{n}/"), &[]).unwrap();
        assert_eq!(decided(&tested), ("source-ip", who(&known)));
    }
}

fn on_ipv6(bootstrap: &mut Value) {
    bootstrap["static_resources"]["listeners"][0]["address"]["socket_address"]["address"] =
        json!("::1");
}
