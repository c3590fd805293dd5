//! The manifests in `gateway-api/` in a real Envoy, with the routes that their control planes make of them.

use harness::http1::Response;
use harness::{Delivery, Filter, Setup, manager};
use serde_json::{Value, json};

use crate::control_plane::{
    CLUSTER_HEADER, ControlPlane, ENVOY_GATEWAY, Form, ISTIO, VIRTUAL_SERVICE, WAYPOINT,
    enable_by_route,
};
use crate::istio::get;
use crate::support::{World, is_both, reached, who};

type Translation = fn(&mut Value);

/// Why nothing here is about the specifier and the filter together.
const NO_SPECIFIER: &str = "the Gateway API's routes have no cluster specifier";

/// Each form, and its translation.
const FORMS: &[(Form, Translation)] = &[
    (ISTIO, |bootstrap| ISTIO.translate(bootstrap)),
    (CLUSTER_HEADER, |bootstrap| {
        CLUSTER_HEADER.translate(bootstrap);
    }),
    (WAYPOINT, |bootstrap| WAYPOINT.translate(bootstrap)),
    (VIRTUAL_SERVICE, |bootstrap| {
        VIRTUAL_SERVICE.translate(bootstrap);
    }),
    (ENVOY_GATEWAY, |bootstrap| {
        ENVOY_GATEWAY.translate(bootstrap);
    }),
];

fn setup(form: Form, change: Translation, weights: [u32; 2]) -> Setup {
    let filter = Filter {
        failure_policy: "FAIL_OPEN",
        ..Filter::new(form.policy(weights))
    };
    let delivery = match form.by {
        ControlPlane::EnvoyGateway => Delivery::Static,
        _ => Delivery::DiscoveryWithoutDefault,
    };
    Setup {
        delivery,
        early_mutation: false,
        clusters: form.clusters(),
        change,
        ..Setup::with(filter)
    }
}

/// A request of a user, by the header or the cookie that the form uses.
fn of_user(world: &World, user: u32) -> Response {
    let host = "color-service";
    let request = format!(
        "GET /color HTTP/1.1\r\nhost: {host}\r\nx-user-id: {user}\r\ncookie: canary-id={user}\r\n\r\n"
    );
    world.envoy.connect().send(request.as_bytes()).unwrap()
}

#[test]
fn every_form_splits_the_users_and_keeps_them() {
    if is_both("every_form_splits_the_users_and_keeps_them", NO_SPECIFIER) {
        return;
    }
    for (form, change) in FORMS {
        let world = World::start(&setup(*form, *change, [75, 25]));
        let mut blue = 0;
        for user in 0..300 {
            let first = of_user(&world, user);
            blue += usize::from(who(&first) == "blue");
            if user < 20 {
                assert_eq!(who(&of_user(&world, user)), who(&first), "{form:?} {user}");
            }
        }
        // The expected 225, and five standard deviations. The hash of these keys is always the same.
        assert!((188..=262).contains(&blue), "{form:?}: {blue}");
    }
}

#[test]
fn with_the_plugin_a_client_cannot_choose() {
    if is_both("with_the_plugin_a_client_cannot_choose", NO_SPECIFIER) {
        return;
    }
    for (form, change) in FORMS {
        let world = World::start(&setup(*form, *change, [0, 1]));
        for values in [
            &[][..],
            &["blue"],
            &["blue", "blue"],
            &["outbound|8000||color-blue.default.svc.cluster.local"],
            &["x"],
        ] {
            let answer = get(&world.envoy, "/color", form.header, values);
            assert_eq!(who(&answer), "green", "{form:?} {values:?}");
            let left = reached(&answer, form.header);
            // The rules of the waypoint's HTTPRoute remove no header, so the version gets its own label.
            let expected = if *form == WAYPOINT {
                &["green"][..]
            } else {
                &[]
            };
            assert_eq!(left, expected, "{form:?} {values:?}");
        }
        assert_eq!(world.blue.served(), 0, "{form:?}");
    }
}

#[test]
fn without_the_plugin_everybody_gets_stable_and_no_client_leaves_its_versions() {
    if is_both(
        "without_the_plugin_everybody_gets_stable_and_no_client_leaves_its_versions",
        NO_SPECIFIER,
    ) {
        return;
    }
    for (form, change) in FORMS {
        let world = World::start(&Setup {
            delivery: Delivery::Absent,
            ..setup(*form, *change, [0, 1])
        });
        for value in [
            "",
            "x",
            "outbound|8000||color-green.default.svc.cluster.local",
        ] {
            let answer = get(&world.envoy, "/color", form.header, &[value]);
            assert_eq!(who(&answer), "blue", "{form:?} {value}");
        }
        // Where nothing removes the header before the filter, the client chooses between the versions.
        let protected = [CLUSTER_HEADER, ENVOY_GATEWAY].contains(form);
        let answer = get(&world.envoy, "/color", form.header, &["green"]);
        let expected = if protected { "blue" } else { "green" };
        assert_eq!(who(&answer), expected, "{form:?}");
    }
}

#[test]
fn a_start_with_a_refused_configuration_serves_stable() {
    if is_both(
        "a_start_with_a_refused_configuration_serves_stable",
        NO_SPECIFIER,
    ) {
        return;
    }
    for (form, change) in FORMS {
        let mut setup = setup(*form, *change, [0, 1]);
        let refused = form
            .policy([0, 1])
            .replace(r#""weight":1"#, r#""weight":-1"#);
        setup.filter = Filter {
            failure_policy: "FAIL_OPEN",
            ..Filter::new(refused)
        };
        let world = World::start(&setup);
        let answer = get(&world.envoy, "/color", form.header, &["green"]);
        assert_eq!(who(&answer), "blue", "{form:?}");
        let stats = world.envoy.stats();
        let refused =
            |(name, value): (&String, &u64)| name.contains("canary_config_refused") && *value == 1;
        assert!(stats.iter().any(refused), "{form:?}");
    }
}

#[test]
fn a_refused_update_keeps_the_last_good_configuration() {
    if is_both(
        "a_refused_update_keeps_the_last_good_configuration",
        NO_SPECIFIER,
    ) {
        return;
    }
    for (form, change) in FORMS {
        // Envoy Gateway sends a new listener instead, which `make test-envoy-gateway` shows.
        if form.by == ControlPlane::EnvoyGateway {
            continue;
        }
        let world = World::start(&setup(*form, *change, [0, 1]));
        assert_eq!(who(&of_user(&world, 1)), "green", "{form:?}");
        let refused = form
            .policy([0, 1])
            .replace(r#""weight":1"#, r#""weight":-1"#);
        world.envoy.update(&Filter {
            failure_policy: "FAIL_OPEN",
            ..Filter::new(refused)
        });
        for user in 0..20 {
            assert_eq!(who(&of_user(&world, user)), "green", "{form:?}");
        }
    }
}

#[test]
fn the_gateway_api_takes_whole_path_elements() {
    if is_both("the_gateway_api_takes_whole_path_elements", NO_SPECIFIER) {
        return;
    }
    for (form, change) in FORMS {
        let world = World::start(&setup(*form, *change, [0, 1]));
        let answer = get(&world.envoy, "/color/deep?x=1", "accept", &[]);
        assert_eq!(who(&answer), "green", "{form:?}");
        // The filter's prefix is a prefix of the text, but only the routes of a VirtualService are, too. In the mesh, the
        // last rule takes what is left.
        let answer = get(&world.envoy, "/colorful", "accept", &[]);
        match *form {
            VIRTUAL_SERVICE => assert_eq!(who(&answer), "green"),
            WAYPOINT => assert_eq!(who(&answer), "blue"),
            _ => assert_eq!(answer.status, 404, "{form:?}"),
        }
    }
}

/// The first trap of Envoy Gateway: an EnvoyExtensionPolicy on one rule only.
#[test]
fn a_filter_on_the_route_of_one_version_sees_no_request() {
    if is_both(
        "a_filter_on_the_route_of_one_version_sees_no_request",
        NO_SPECIFIER,
    ) {
        return;
    }
    let with = setup(
        ENVOY_GATEWAY,
        |bootstrap| {
            ENVOY_GATEWAY.translate(bootstrap);
            enable_by_route(bootstrap, "canary", |cluster| cluster.ends_with("rule/1"));
        },
        [0, 1],
    );
    let world = World::start(&with);
    for user in 0..20 {
        assert_eq!(who(&of_user(&world, user)), "blue");
    }
}

/// A filter that denies everything, as Envoy Gateway adds authentication, and enabled on these routes.
fn deny(bootstrap: &mut Value, routes: fn(&str) -> bool) {
    ENVOY_GATEWAY.translate(bootstrap);
    let types = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3";
    let denies = json!({"@type": format!("{types}.RBAC"), "rules": {}});
    let filters = manager(bootstrap)["http_filters"].as_array_mut().unwrap();
    filters.insert(1, json!({"name": "deny", "typed_config": denies}));
    enable_by_route(bootstrap, "deny", routes);
}

/// The second trap: Envoy settles by the first route which filters run.
#[test]
fn a_policy_on_the_route_of_one_version_does_not_protect_it() {
    if is_both(
        "a_policy_on_the_route_of_one_version_does_not_protect_it",
        NO_SPECIFIER,
    ) {
        return;
    }
    let on_green = World::start(&setup(
        ENVOY_GATEWAY,
        |bootstrap| deny(bootstrap, |cluster| cluster.ends_with("rule/1")),
        [0, 1],
    ));
    assert_eq!(who(&of_user(&on_green, 1)), "green");
    let on_all = World::start(&setup(
        ENVOY_GATEWAY,
        |bootstrap| deny(bootstrap, |_| true),
        [0, 1],
    ));
    assert_eq!(of_user(&on_all, 1).status, 403);
}
