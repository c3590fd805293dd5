//! The cluster specifier and the HTTP filter together: what the filter reports is where the request went, whatever other
//! filters do meanwhile.

use std::thread;

use harness::http1::Response;
use harness::{BLUE, Envoy, Filter, GREEN, Kind, Setup, manager};
use serde_json::{Value, json};

use crate::native::lua;
use crate::support::{World, header_route, policy, reached, rule, who};

fn both(policy: &str) -> Filter {
    Filter::new(policy).of(Kind::Both)
}

/// 75/25 with a cookie for new users, and rollback.
fn shipped_rule() -> Value {
    let mut rule = rule("color", 75, 25);
    rule["consistentHash"] = json!([{"httpCookie": {"name": "canary-id", "ttl": "1h"}}]);
    rule["rollback"] = json!({"stable": "blue-sub"});
    rule
}

/// The version that the response header names.
fn reported(answer: &Response) -> Option<&str> {
    let decision = answer.header("x-canary-decision")?;
    let subset = decision
        .split(';')
        .find_map(|part| part.strip_prefix("subset="));
    subset?.strip_suffix("-sub")
}

/// Sends requests of new users on several connections at once, and each user's key again. The versions of the first answers.
fn new_users(envoy: &Envoy, per_connection: usize) -> Vec<String> {
    let mut seen = Vec::new();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = envoy.connect();
                    let mut seen = Vec::new();
                    for _ in 0..per_connection {
                        let first = connection.get("/color/x", &[]).unwrap();
                        let version = who(&first).to_owned();
                        assert_eq!(reported(&first), Some(&*version), "{first:?}");
                        let issued = first
                            .header("set-cookie")
                            .expect("a new user gets a cookie");
                        let pair = issued.split(';').next().unwrap();
                        assert_eq!(reached(&first, "cookie"), [pair]);
                        let again = connection
                            .get("/color/x", &[("cookie", pair.as_bytes())])
                            .unwrap();
                        assert_eq!(
                            (who(&again), reported(&again)),
                            (&*version, Some(&*version))
                        );
                        assert_eq!(again.header("set-cookie"), None);
                        assert!(
                            again
                                .header("x-canary-decision")
                                .unwrap()
                                .contains("reason=sticky;key=cookie")
                        );
                        seen.push(version);
                    }
                    seen
                })
            })
            .collect();
        for client in clients {
            seen.extend(client.join().unwrap());
        }
    });
    seen
}

/// 800 new users, of whom a quarter is on green within five standard deviations, and every one where the filter says.
fn holds(change: fn(&mut Value)) -> World {
    let world = World::start(&Setup {
        change,
        ..Setup::with(both(&policy(&shipped_rule())))
    });
    let seen = new_users(&world.envoy, 100);
    let green = seen.iter().filter(|version| *version == "green").count();
    assert!(green.abs_diff(200) < 62, "{green} of {}", seen.len());
    let stats = world.envoy.stats();
    let counted: u64 = stats
        .iter()
        .filter(|(name, _)| name.starts_with("wasmcustom.canary_requests_total."))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(counted, 1_600, "each request is counted once");
    world
}

#[test]
fn the_filter_reports_where_the_specifier_sent_the_request() {
    holds(|_| {});
}

#[test]
fn a_filter_that_pauses_the_stream_before_ours_changes_nothing() {
    // While one stream waits for the answer, others of its worker run.
    holds(|bootstrap| {
        let call = format!(
            "function envoy_on_request(handle) handle:httpCall('{BLUE}', \
             {{[':method']='GET', [':path']='/', [':authority']='x'}}, '', 5000) end"
        );
        lua(bootstrap, 0, &call);
    });
}

#[test]
fn a_route_that_is_picked_again_leads_to_the_same_version() {
    holds(|bootstrap| {
        let clear = "function envoy_on_request(handle) handle:clearRouteCache() end";
        lua(bootstrap, 1, clear);
        lua(bootstrap, 0, clear);
    });
}

#[test]
fn an_internal_redirect_is_chosen_for_anew() {
    let world = World::start(&Setup {
        change: |bootstrap| {
            header_route(bootstrap)["route"]["internal_redirect_policy"] = json!({
                "max_internal_redirects": 1, "redirect_response_codes": [302]
            });
        },
        ..Setup::with(both(&policy(&shipped_rule())))
    });
    let mut connection = world.envoy.connect();
    for _ in 0..40 {
        let answer = connection.get("/color/first", &[]).unwrap();
        assert_eq!(reported(&answer), Some(who(&answer)));
    }
}

#[test]
fn an_answer_of_an_earlier_filter_has_no_decision() {
    let world = World::start(&Setup {
        change: |bootstrap| {
            let answer = "function envoy_on_request(handle) if handle:headers():get('x-deny') then \
                 handle:respond({[':status']='403'}, 'no') end end";
            lua(bootstrap, 0, answer);
        },
        ..Setup::with(both(&policy(&shipped_rule())))
    });
    let mut connection = world.envoy.connect();
    let answer = connection.get("/color", &[("x-deny", b"1")]).unwrap();
    assert_eq!((answer.status, reported(&answer)), (403, None));
    let answer = connection.get("/color", &[]).unwrap();
    assert_eq!(reported(&answer), Some(who(&answer)));
}

#[test]
fn if_the_rule_changes_between_the_two_the_version_that_is_reported_is_the_one_that_was_chosen() {
    // The route is picked by the client's header. A filter changes it and has the route picked again, or does not.
    let mut by_header = rule("by-header", 0, 1);
    by_header["match"] = json!([{"headers": {"x-beta": {"exact": "1"}}}]);
    let rules =
        json!({"http": [by_header, rule("color", 1, 0)], "responseHeader": "x-canary-decision"});
    let changes: [fn(&mut Value); 2] = [
        |bootstrap| {
            lua(
                bootstrap,
                0,
                "function envoy_on_request(handle) handle:headers():replace('x-beta', '1') end",
            )
        },
        |bootstrap| {
            // Unlike Lua, this filter keeps the route.
            let header = json!({"header": {"key": "x-beta", "value": "1"}});
            let filter = json!({"name": "write", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
                "mutations": {"request_mutations": [{"append": header}]}
            }});
            let filters = manager(bootstrap)["http_filters"].as_array_mut().unwrap();
            filters.insert(0, filter);
        },
    ];
    for (change, version, decision) in [
        (
            changes[0],
            "green",
            "route=by-header;subset=green-sub;reason=only;share=10000",
        ),
        // The filter names the rule that matches now, and the version that the request went to.
        (
            changes[1],
            "blue",
            "route=by-header;subset=blue-sub;reason=weighted;share=0",
        ),
    ] {
        let world = World::start(&Setup {
            change,
            ..Setup::with(both(&rules.to_string()))
        });
        for _ in 0..5 {
            let answer = world.envoy.get("/color");
            assert_eq!(
                (who(&answer), answer.header("x-canary-decision")),
                (version, Some(decision))
            );
        }
    }
}

#[test]
fn a_header_that_the_configuration_names_is_still_written() {
    let policy = json!({"http": [rule("color", 0, 1)], "clusterHeader": "x-cluster", "subsetHeader": "x-subset"});
    let world = World::start(&Setup::with(both(&policy.to_string())));
    let mut connection = world.envoy.connect();
    let spoofed: [(&str, &[u8]); 2] = [("x-cluster", b"a"), ("x-subset", b"b")];
    let answer = connection.get("/color", &spoofed).unwrap();
    assert_eq!(who(&answer), "green");
    assert_eq!(reached(&answer, "x-cluster"), [GREEN]);
    assert_eq!(reached(&answer, "x-subset"), ["green-sub"]);
}

#[test]
fn a_listener_without_the_filter_still_gets_the_specifiers_choice() {
    let world = World::start(&Setup {
        change: |bootstrap| {
            let filters = manager(bootstrap)["http_filters"].as_array_mut().unwrap();
            filters.remove(0);
        },
        ..Setup::with(both(&policy(&rule("color", 0, 1))))
    });
    // Nothing has given the plugin a policy, so everything goes to stable.
    assert_eq!(who(&world.envoy.get("/color")), "blue");
}
