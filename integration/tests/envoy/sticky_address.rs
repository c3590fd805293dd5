//! The client's address as a key: without its port, and the one that Envoy trusts.

use std::io::{Read, Write};
use std::net::{Ipv6Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;

use harness::{Setup, manager};
use serde_json::{Value, json};

use crate::sticky_keys::{decided, keyed, known, setup};
use crate::support::{World, no_vm_restarted, skipped, who};

fn by_address() -> Setup {
    setup(&json!([{"useSourceIp": true}]))
}

/// Envoy believes what the proxy in front of it wrote into the forwarding headers.
pub(crate) fn one_trusted_hop(bootstrap: &mut Value) {
    assert_eq!(manager(bootstrap)["use_remote_address"], true);
    manager(bootstrap).insert("xff_num_trusted_hops".to_owned(), json!(1));
}

#[test]
fn after_a_trusted_hop_the_key_is_the_address_that_the_hop_saw() {
    let world = World::start(&Setup {
        change: one_trusted_hop,
        ..by_address()
    });
    let mut connection = world.envoy.connect();
    for n in 1..60 {
        for (forwarded, address) in [
            (format!("203.0.113.{n}"), format!("203.0.113.{n}")),
            // The client may have forged everything before it.
            (
                format!("198.51.100.{n}, 10.0.0.1, 203.0.113.{n}"),
                format!("203.0.113.{n}"),
            ),
            (format!("2001:db8::{n:x}"), format!("2001:db8::{n:x}")),
            // An IPv4 address in IPv6 form is the IPv4 address.
            (format!("::ffff:203.0.113.{n}"), format!("203.0.113.{n}")),
            // Different spellings of one address are one key.
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
fn without_a_trusted_hop_the_key_is_the_connections_address() {
    let world = World::start(&by_address());
    let version = known(&mut world.envoy.connect(), b"127.0.0.1");
    for n in 1..60 {
        let forwarded = format!("203.0.113.{n}");
        // One connection each: with the port in the key, half of them would get the other version.
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
    // One client is one key. Forty salts distinguish it from any other key.
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

/// docs/stickiness.md says that it has none.
#[test]
fn a_client_on_a_unix_socket_has_no_address_and_every_request_is_drawn_anew() {
    let world = World::start(&Setup {
        change: on_a_unix_socket,
        ..by_address()
    });
    let mut stream = UnixStream::connect(world.envoy.file(SOCKET)).unwrap();
    let requests = 200;
    for left in (0..requests).rev() {
        let connection = if left == 0 { "close" } else { "keep-alive" };
        // Nothing that the client says about its address stands in for it.
        write!(
            stream,
            "GET /color HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 203.0.113.1\r\nconnection: {connection}\r\n\r\n"
        )
        .unwrap();
    }
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let decided = |version: &str| {
        let decision =
            format!("x-canary-decision: route=tested;subset={version}-sub;reason=weighted;");
        answers.matches(&decision).count()
    };
    let (blue, green) = (decided("blue"), decided("green"));
    assert_eq!(blue + green, requests, "{answers}");
    // Six standard deviations of a fair draw.
    assert!(green.abs_diff(requests / 2) < 43, "{green} of {requests}");
    no_vm_restarted(&world.envoy);
}

/// The socket's name in the folder of the bootstrap.
const SOCKET: &str = "client.sock";

/// A second listener, the same but for its address.
fn on_a_unix_socket(bootstrap: &mut Value) {
    let clusters = &bootstrap["dynamic_resources"]["cds_config"]["path_config_source"]["path"];
    let path = Path::new(clusters.as_str().unwrap()).with_file_name(SOCKET);
    let listeners = bootstrap["static_resources"]["listeners"]
        .as_array_mut()
        .unwrap();
    let mut second = listeners[0].clone();
    second["name"] = json!("unix");
    second["address"] = json!({"pipe": {"path": path}});
    listeners.push(second);
}
