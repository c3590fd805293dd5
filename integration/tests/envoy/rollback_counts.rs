//! What the filter counts for a rollback, in a real Envoy: the rows of the table in docs/semantics.md.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use harness::http1::Response;
use harness::{Behaviour, Setup, eventually, manager};
use serde_json::{Value, json};

use crate::rollback::{configuration, plain};
use crate::support::{World, no_vm_restarted, routes};

/// What the filter has counted, as `rule/version/class`, next to what it should have. docs/semantics.md has the table.
struct Tally {
    world: World,
    expected: BTreeMap<String, u64>,
}

impl Tally {
    fn start(setup: &Setup) -> Self {
        Self {
            world: World::start(setup),
            expected: BTreeMap::new(),
        }
    }

    fn counted(&self) -> BTreeMap<String, u64> {
        let counted = |(name, count): (String, u64)| {
            let labels = name.strip_prefix("wasmcustom.canary_responses_total.")?;
            let values: Vec<_> = labels
                .split(".;.;")
                .flat_map(|label| label.split(";."))
                .filter_map(|label| label.split_once("=.=").map(|(_, value)| value))
                .collect();
            let [rule, version, _, class] = values[..] else {
                panic!("{name}");
            };
            (count > 0).then(|| (format!("{rule}/{version}/{class}"), count))
        };
        let stats = self.world.envoy.stats();
        stats.into_iter().filter_map(counted).collect()
    }

    /// Expects that one more answer is counted, as this.
    fn expect(&mut self, what: &str, class: &str) {
        println!("{what}");
        *self.expected.entry(class.to_owned()).or_default() += 1;
        eventually(what, || (self.counted() == self.expected).then_some(()));
    }

    /// Sends a request that green answers like this. Returns the last answer, if the client got a whole one.
    fn send(
        &mut self,
        what: &str,
        request: &str,
        behaviour: Behaviour,
        class: &str,
    ) -> Option<Response> {
        self.world.green.behave(behaviour);
        let answer = self.world.envoy.connect().send(request.as_bytes()).ok();
        self.expect(what, class);
        answer
    }

    /// Nothing else is counted by the ticks that follow.
    fn finish(self) {
        thread::sleep(Duration::from_millis(700));
        assert_eq!(self.counted(), self.expected);
        no_vm_restarted(&self.world.envoy);
    }
}

const GET: &str = "GET /color HTTP/1.1\r\nhost: color.test\r\n\r\n";
const OK: &str = "color/green-sub/ok";
const ERROR: &str = "color/green-sub/error";

/// Changes every route to a cluster.
fn each_route(bootstrap: &mut Value, change: impl Fn(&mut Value)) {
    let routes = routes(bootstrap).iter_mut();
    routes
        .map(|route| &mut route["route"])
        .filter(|action| action.is_object())
        .for_each(change);
}

#[test]
fn several_tries_count_once_and_head_counts() {
    let mut tally = Tally::start(&Setup {
        change: |bootstrap| {
            each_route(bootstrap, |action| {
                action["retry_policy"] = json!({"retry_on": "5xx", "num_retries": 2});
            });
        },
        ..Setup::new(plain([0, 100]))
    });
    tally.send("an answer", GET, Behaviour::Good, OK);
    tally.send("three tries", GET, Behaviour::Status(503), ERROR);
    let head = GET.replace("GET", "HEAD");
    tally.send("HEAD", &head, Behaviour::Status(200), OK);
    assert_eq!(tally.world.green.served(), 5, "there were three tries");
    tally.finish();
}

/// `/color/first` is green's, which redirects; everything else is blue's.
#[test]
fn an_internal_redirect_counts_for_the_version_that_gives_the_last_answer() {
    let first = json!({"name": "first", "match": [{"uri": {"prefix": "/color/first"}}]});
    let rules = [(first, [0, 100]), (json!({}), [100, 0])]
        .map(|(members, weights)| configuration(weights, &json!({"stable": "blue-sub"}), &members));
    let mut tally = Tally::start(&Setup {
        change: |bootstrap| {
            each_route(bootstrap, |action| {
                action["internal_redirect_policy"] = json!({"max_internal_redirects": 1});
            });
        },
        ..Setup::new(json!({"http": rules, "responseHeader": "x-canary-decision"}).to_string())
    });
    let get = GET.replace("/color", "/color/first");
    let on = Behaviour::Redirect("/color/next");
    for (status, class) in [(200, "color/blue-sub/ok"), (503, "color/blue-sub/error")] {
        tally.world.blue.behave(Behaviour::Status(status));
        let answer = tally.send("a redirect to the other version", &get, on, class);
        let answer = answer.unwrap();
        let decision = answer.header("x-canary-decision").unwrap();
        assert_eq!(answer.status, status);
        assert!(
            decision.starts_with("route=color;subset=blue-sub;"),
            "{decision}"
        );
    }
    assert_eq!(tally.world.green.served(), 2);
    let back = Behaviour::Redirect("/color/first");
    let answer = tally.send("one redirect too many", &get, back, "first/green-sub/ok");
    assert_eq!(answer.unwrap().status, 302);
    assert_eq!(tally.world.green.served(), 4);
    tally.finish();
}

#[test]
fn an_interim_answer_does_not_count_but_the_one_after_it_does() {
    let proxied: fn(&mut Value) = |bootstrap| {
        manager(bootstrap).insert("proxy_100_continue".to_owned(), json!(true));
    };
    let dropped: fn(&mut Value) = |_| {};
    // By default Envoy keeps the upstream's interim answers to itself.
    for (change, interim) in [(dropped, &[][..]), (proxied, &[103])] {
        let mut tally = Tally::start(&Setup {
            change,
            ..Setup::new(plain([0, 100]))
        });
        for (then, class) in [(200, OK), (503, ERROR)] {
            tally.world.green.behave(Behaviour::EarlyHints(then));
            let mut connection = tally.world.envoy.connect();
            connection.begin(GET.as_bytes()).unwrap();
            for status in interim.iter().chain([&then]) {
                assert_eq!(connection.receive().unwrap().status, *status);
            }
            tally.expect("103 and then the answer", class);
        }
        tally.finish();
    }
}

#[test]
fn an_upgrade_counts_by_its_headers_alone() {
    let mut tally = Tally::start(&Setup {
        change: |bootstrap| {
            let upgrades = json!([{"upgrade_type": "websocket"}]);
            manager(bootstrap).insert("upgrade_configs".to_owned(), upgrades);
        },
        ..Setup::new(plain([0, 100]))
    });
    let upgrade = GET.replace(
        "\r\n\r\n",
        "\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    tally.world.green.behave(Behaviour::Upgrade);
    let mut connection = tally.world.envoy.connect();
    assert_eq!(connection.send(upgrade.as_bytes()).unwrap().status, 101);
    // The upstream closes the connection without reading this, so that Envoy sees a reset.
    connection.begin(b"a message").unwrap();
    assert!(connection.receive().is_err());
    tally.expect("101", OK);
    let refused = Behaviour::Status(503);
    tally.send("an upgrade that fails", &upgrade, refused, ERROR);
    let denied = Behaviour::Status(403);
    tally.send("an upgrade that is denied", &upgrade, denied, OK);
    tally.finish();
}

#[test]
fn a_client_that_leaves_before_the_answer_counts_nothing() {
    let tally = Tally::start(&Setup::new(plain([0, 100])));
    let mut connection = tally.world.envoy.connect();
    let held = GET.replace("\r\n\r\n", "\r\nx-hold-green: for ever\r\n\r\n");
    connection.begin(held.as_bytes()).unwrap();
    eventually("green has the request", || {
        (tally.world.green.served() == 1).then_some(())
    });
    drop(connection);
    tally.world.envoy.wait_for("Envoy has noticed it", |stats| {
        stats["http.ingress.downstream_rq_active"] == 0
    });
    tally.finish();
}

/// Places one of Envoy's filters among the filters of the listener.
fn add_filter(bootstrap: &mut Value, place: usize, kind: &str, mut configuration: Value) {
    configuration["@type"] = json!(format!(
        "type.googleapis.com/envoy.extensions.filters.http.{kind}"
    ));
    let filters = manager(bootstrap)["http_filters"].as_array_mut().unwrap();
    let filter = json!({"name": kind, "typed_config": configuration});
    filters.insert(place, filter);
}

#[test]
fn the_answer_of_a_later_filter_counts_and_that_of_an_earlier_one_does_not() {
    fn fault(bootstrap: &mut Value, place: usize) {
        let abort = json!({"abort": {"http_status": 503, "percentage": {"numerator": 100}}});
        add_filter(bootstrap, place, "fault.v3.HTTPFault", abort);
    }
    let earlier: fn(&mut Value) = |bootstrap| fault(bootstrap, 0);
    let later = |bootstrap: &mut Value| fault(bootstrap, 1);
    for (change, counts) in [(earlier, false), (later, true)] {
        let mut tally = Tally::start(&Setup {
            change,
            ..Setup::new(plain([0, 100]))
        });
        assert_eq!(tally.world.envoy.get("/color").status, 503);
        if counts {
            tally.expect("a later filter's 503", ERROR);
        }
        assert_eq!(tally.world.green.served(), 0);
        tally.finish();
    }
}

fn translate(bootstrap: &mut Value, place: usize) {
    add_filter(bootstrap, place, "grpc_web.v3.GrpcWeb", json!({}));
}

#[test]
fn grpc_web_counts_by_what_the_filter_sees_of_it() {
    let request = GET.replace("GET", "POST").replace(
        "\r\n\r\n",
        "\r\ncontent-type: application/grpc-web+proto\r\ncontent-length: 0\r\n\r\n",
    );
    // How a gRPC status counts in trailers, in the headers and in the body of green's answer.
    let before: fn(&mut Value) = |bootstrap| translate(bootstrap, 0);
    let after = |bootstrap: &mut Value| translate(bootstrap, 1);
    let changes = [
        (before, [ERROR, ERROR, OK]),
        // Answers pass the filters in reverse: here the status is in the body before the filter sees it.
        (after, [OK, ERROR, OK]),
        (|_| {}, [ERROR, ERROR, OK]),
    ];
    for (number, (change, [trailer, header, body])) in changes.into_iter().enumerate() {
        let mut tally = Tally::start(&Setup {
            trailers: true,
            change,
            ..Setup::new(plain([0, 100]))
        });
        let mut send = |behaviour, class| {
            let what = format!("{behaviour:?} with change {number}");
            tally.send(&what, &request, behaviour, class).unwrap()
        };
        send(Behaviour::GrpcTrailer(0), OK);
        send(Behaviour::GrpcTrailer(5), OK);
        let answer = send(Behaviour::GrpcTrailer(14), trailer);
        let translated = answer.body.ends_with("grpc-status:14\r\n");
        assert_eq!(translated, number < 2, "{answer:?}");
        send(Behaviour::GrpcHeader(14), header);
        send(Behaviour::GrpcBody(14), body);
        tally.finish();
    }
}
