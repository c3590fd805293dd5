//! Which version gets which requests.

use harness::{Color, Delivery, Envoy, Filter, Setup};
use serde_json::{Value, json};

use crate::support::{World, reached, route_everything, rule, weights, who};

/// Whether `count` of `n` is within five standard deviations of the share. A correct split fails once in 1.7 million tests.
pub(crate) fn is_share(count: u32, n: u32, share: f64) -> bool {
    let (count, n) = (f64::from(count), f64::from(n));
    (count - n * share).abs() <= 5.0 * (n * share * (1.0 - share)).sqrt()
}

#[test]
fn the_shipped_configuration_gives_blue_75_and_green_25_percent() {
    let (blue, green) = (Color::start("blue"), Color::start("green"));
    let envoy = Envoy::start(
        &Setup::with(Filter::shipped()),
        blue.address(),
        green.address(),
    );
    let (mut blue, n) = (0, 6_000);
    // Over several connections, so that every worker gets some.
    for _ in 0..6 {
        let mut connection = envoy.connect();
        for _ in 0..n / 6 {
            let answer = connection
                .get("/color", &[("accept", b"application/json")])
                .unwrap();
            let answer: Value = serde_json::from_str(&answer.body).unwrap();
            match answer["color"].as_str() {
                Some("blue") => blue += 1,
                Some("green") => {}
                _ => panic!("{answer}"),
            }
        }
    }
    assert!(is_share(blue, n, 0.75), "{blue} of {n}");
}

#[test]
fn each_request_on_each_worker_is_chosen_for_independently() {
    // Two workers with the same seed would answer alike, and so would a worker that draws once per connection.
    let world = World::start(&Setup::new(weights(50, 50)));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let mut connection = world.envoy.connect();
        let answers: String = (0..60)
            .map(|_| {
                if who(&connection.get("/color", &[]).unwrap()) == "blue" {
                    'b'
                } else {
                    'g'
                }
            })
            .collect();
        assert!(answers.contains('b') && answers.contains('g'), "{answers}");
        seen.insert(answers);
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}

#[test]
fn with_all_weight_on_one_version_the_other_gets_no_request() {
    for (blue, green) in [(100, 0), (0, 100)] {
        let world = World::start(&Setup::new(weights(blue, green)));
        for _ in 0..4 {
            let mut connection = world.envoy.connect();
            for _ in 0..1_000 {
                connection.get("/color", &[]).unwrap();
            }
        }
        let served = (world.blue.served(), world.green.served());
        assert_eq!(served, (u64::from(blue) * 40, u64::from(green) * 40));
    }
}

#[test]
fn the_prefix_is_a_plain_string_prefix_of_the_normalized_path() {
    let world = World::start(&Setup {
        change: route_everything,
        ..Setup::new(weights(0, 1))
    });
    let cases = [
        ("/color", "green"),
        ("/color/a?b=c", "green"),
        ("/colorful", "green"),
        ("/%63olor", "green"),
        ("/x/../color", "green"),
        ("//color", "green"),
        ("/Color", "blue"),
        ("/colo", "blue"),
        ("/?/color", "blue"),
        ("/x/color", "blue"),
    ];
    let mut connection = world.envoy.connect();
    for (path, version) in cases {
        assert_eq!(who(&connection.get(path, &[]).unwrap()), version, "{path}");
    }
}

#[test]
fn outside_the_prefix_the_filter_changes_nothing() {
    let policy = json!({"http": [rule("color", 0, 1)], "filterState": true}).to_string();
    let with = Setup {
        change: route_everything,
        ..Setup::new(policy)
    };
    let without = Setup {
        delivery: Delivery::Absent,
        ..with.clone()
    };
    let worlds = [with, without].map(|setup| World::start(&setup));
    let headers: [(&str, &[u8]); 5] = [
        ("x-a", b"1"),
        ("x-a", b"2"),
        ("x-empty", b""),
        ("x-bytes", b"\xff\xfe"),
        ("cookie", b"a=b"),
    ];
    for path in ["/", "/other?x=%ff", "/colo/r", "/x/%2e%2e/y"] {
        let [with, without] = [&worlds[0], &worlds[1]].map(|world| {
            let mut response = world.envoy.connect().get(path, &headers).unwrap();
            assert_eq!(who(&response), "blue");
            // These differ between requests.
            response.headers.retain(|(name, _)| {
                !["date", "x-envoy-upstream-service-time"].contains(&name.as_str())
            });
            let id = reached(&response, "x-request-id").concat();
            response.body = response.body.replace(&id, "id");
            response
        });
        assert_eq!(with, without, "{path}");
    }
}

#[test]
fn without_a_route_outside_the_prefix_there_is_envoys_own_404() {
    let with = World::start(&Setup::new(weights(75, 25)));
    let without = World::start(&Setup {
        delivery: Delivery::Absent,
        ..Setup::new("")
    });
    for path in ["/", "/other", "/colo"] {
        let [with, without] = [&with, &without].map(|world| {
            let response = world.envoy.get(path);
            (response.status, response.body, response.headers.len())
        });
        assert_eq!(with.0, 404);
        assert_eq!(with, without, "{path}");
    }
}
