use super::*;

mod refused;

fn input(content: &str) -> Input<'_> {
    Input {
        name: "f.yaml",
        content: content.as_bytes(),
        must_be_json: false,
    }
}

/// A VirtualService of the gateway `istio-system/public` with these hosts and this `http` in flow style.
fn service(name: &str, hosts: &str, http: &str) -> String {
    format!(
        "kind: VirtualService\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  hosts: {hosts}\n  gateways: [istio-system/public]\n  http: {http}\n---\n"
    )
}

fn converted(content: &str) -> Converted {
    convert(&[input(content)], Some(80)).unwrap_or_else(|refusal| panic!("{refusal}\n{content}"))
}

/// A route over two versions of `web`, with more fields.
fn split(fields: &str) -> String {
    format!(
        "{{{fields}route: [{{destination: {{host: web, subset: a, port: {{number: 80}}}}, weight: 1}}, {{destination: {{host: web, subset: b, port: {{number: 80}}}}, weight: 3}}]}}"
    )
}

const ONE: &str = "route: [{destination: {host: web, subset: c, port: {number: 80}}}]";

#[test]
fn a_plain_canary_becomes_a_rule_and_two_routes() {
    let http = format!("[{}]", split("match: [{uri: {prefix: /a}}], "));
    let converted = converted(&service("web", "[a.example.com]", &http));
    assert_eq!(
        converted.configuration,
        json!({"clusterHeader": "x-canary-cluster", "http": [{
            "name": "web",
            "match": [{"uri": {"prefix": "/a"}, "authority": {"regex": r"(?i)a\.example\.com(:\d+)?"}}],
            "route": [
                {"destination": {"host": "web.shop.svc.cluster.local", "subset": "a", "port": {"number": 80}}, "weight": 1},
                {"destination": {"host": "web.shop.svc.cluster.local", "subset": "b", "port": {"number": 80}}, "weight": 3}
            ]
        }]})
    );
    let stable = json!([{"destination": {"host": "web", "subset": "b", "port": {"number": 80}}}]);
    let headers = json!({"request": {"remove": ["x-canary-cluster"]}});
    assert_eq!(
        converted.virtual_services[0]["spec"]["http"],
        json!([
            {"name": "canary", "match": [{"uri": {"prefix": "/a"}, "headers": {"x-canary-cluster": {}}}],
             "headers": headers, "route": stable},
            {"name": "stable", "match": [{"uri": {"prefix": "/a"}}], "headers": headers, "route": stable}
        ])
    );
}

#[test]
fn a_route_that_stays_is_shielded_only_from_rules_that_could_take_its_requests() {
    let names = |http: &str| {
        let converted = converted(&service("web", "['*']", http));
        let rules = converted.configuration["http"].as_array().unwrap().clone();
        let names = rules
            .iter()
            .map(|rule| rule["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    let one = |fields: &str| format!("{{name: one, {fields}, {ONE}}}");
    for (before, rules) in [
        (one("match: [{uri: {prefix: /a/b}}]"), "one web-1"),
        (one("match: [{uri: {prefix: /b}}]"), "web"),
        (one("match: [{headers: {x: {exact: z}}}]"), "one web-1"),
        (
            one("match: [{uri: {prefix: /a}, method: {exact: PUT}}]"),
            "web",
        ),
        // Only Istio knows whether it is there.
        (one("match: [{uri: {prefix: /a/b}, port: 443}]"), "web"),
        (
            one("match: [{uri: {prefix: /a/b}, sourceLabels: {app: x}}]"),
            "web",
        ),
        (
            "{name: old, match: [{uri: {exact: /a/old}}], redirect: {uri: /a}}".to_owned(),
            "old web-1",
        ),
        (
            "{match: [{uri: {prefix: /a}}], delegate: {name: x}}".to_owned(),
            "web",
        ),
    ] {
        let after = split("match: [{uri: {prefix: /a}, method: {exact: GET}}], ");
        assert_eq!(names(&format!("[{before}, {after}]")), rules, "{before}");
        // After it, it needs none.
        assert_eq!(names(&format!("[{after}, {before}]")), "web", "{before}");
    }
}

#[test]
fn a_wider_host_excludes_the_hosts_of_a_narrower_one() {
    let every = format!("[{}]", split(""));
    let file = service("wide", "['*.example.com']", &every)
        + &service("narrow", "[a.example.com, b.org]", &every);
    let http = &converted(&file).configuration["http"];
    assert_eq!(http[0]["name"], "narrow");
    assert_eq!(
        http[1]["match"],
        json!([{
            "authority": {"regex": r"(?i).+\.example\.com(:\d+)?"},
            "withoutHeaders": {":authority": {"regex": r"(?i)a\.example\.com(:\d+)?"}}
        }])
    );
}

#[test]
fn versions_with_options_of_their_own_get_a_route_each() {
    let routes = |route: &str| {
        let http = format!("[{{route: [{route}]}}]");
        let converted = converted(&service("web", "['*']", &http));
        let http = converted.virtual_services[0]["spec"]["http"].clone();
        http.as_array().map(Vec::len)
    };
    let a = "{destination: {host: a, subset: v}, weight: 1}";
    let b = "{destination: {host: a, subset: w}, weight: 1}";
    assert_eq!(routes(&format!("{a}, {b}")), Some(2));
    assert_eq!(
        routes(&format!("{a}, {}", b.replace("host: a", "host: b"))),
        Some(3)
    );
    let headers =
        "{destination: {host: a, subset: w}, weight: 1, headers: {request: {set: {x: z}}}}";
    assert_eq!(routes(&format!("{a}, {headers}")), Some(3));
}

#[test]
fn ports_come_from_the_destination_then_the_service_then_the_option() {
    let port = |destination: &str, services: &str, option: Option<u16>| {
        let http = format!("[{{route: [{{destination: {{host: a{destination}}}}}]}}]");
        let file = service("a", "['*']", &http) + services;
        convert(&[input(&file)], option)
            .map(|it| {
                it.configuration["http"][0]["route"][0]["destination"]["port"]["number"]
                    .as_u64()
                    .unwrap()
            })
            .map_err(|refusal| refused::without_column(&refusal))
    };
    let with_ports = |ports: &str| {
        format!(
            "kind: Service\nmetadata: {{name: a, namespace: shop}}\nspec: {{ports: [{ports}]}}\n"
        )
    };
    let one = with_ports("{port: 9000}");
    let two = with_ports("{port: 9000}, {port: 9001}");
    assert_eq!(port(", port: {number: 7}", &one, Some(8)), Ok(7));
    assert_eq!(port("", &one, Some(8)), Ok(9000));
    assert_eq!(port("", "", Some(8)), Ok(8));
    assert_eq!(port("", &two, Some(9001)), Ok(9001));
    for (services, option, reason) in [
        (
            "",
            None,
            "the port of `a.shop.svc.cluster.local` is not known: add port.number, the file of its Service, or --port",
        ),
        (
            &*two,
            None,
            "the Service `a.shop.svc.cluster.local` has several ports: add port.number or --port",
        ),
        (
            &*two,
            Some(8),
            "the Service `a.shop.svc.cluster.local` has several ports, but not 8",
        ),
    ] {
        let place = "f.yaml:6: spec.http[0].route[0].destination: ";
        assert_eq!(port("", services, option), Err(format!("{place}{reason}")));
    }
}

#[test]
fn the_order_of_virtual_services_of_one_host_does_not_matter_if_their_paths_exclude_each_other() {
    let of = |name: &str| {
        let http = format!(
            "[{}]",
            split(&format!("match: [{{uri: {{prefix: /{name}}}}}], "))
        );
        service(name, "[a.example.com]", &http)
    };
    assert_eq!(
        converted(&(of("one") + &of("two"))).virtual_services.len(),
        2
    );
}

#[test]
fn names_are_unique_and_valid() {
    let long = "n".repeat(200);
    let http = format!(
        "[{}, {}]",
        split("name: same, match: [{uri: {exact: /}}], "),
        split("name: same, ")
    );
    let other = format!("[{}]", split("name: 'not valid', "));
    let file = service("web", "[a.com]", &http) + &service(&long, "[b.com]", &other);
    let http = converted(&file).configuration["http"].clone();
    let names: Vec<_> = http
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    assert_eq!(names, [json!("same"), json!("same-2"), json!(&long[..63])]);
}

#[test]
fn a_route_that_is_already_called_canary_gets_another_name() {
    let named = format!("[{{name: canary, {ONE}}}]");
    let file = service("web", "[a.com]", &named)
        + &service("other", "[b.com]", &format!("[{}]", split("")));
    let converted = converted(&file);
    let names: Vec<_> = converted
        .virtual_services
        .iter()
        .map(|it| it["spec"]["http"][0]["name"].clone())
        .collect();
    assert_eq!(names, [json!("canary-0"), json!("canary")]);
    let note = "VirtualService shop/web: spec.http[0]: is now called `canary-0`";
    assert!(
        converted.notes.iter().any(|it| it.starts_with(note)),
        "{:?}",
        converted.notes
    );
}
