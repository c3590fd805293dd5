//! Random VirtualServices, whose routes overlap more than those that people write.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Up to three VirtualServices of one gateway.
pub(crate) fn services(rng: &mut Rng) -> Vec<Value> {
    const HOSTS: [&[&str]; 5] = [
        &["*"],
        &["*.example.com"],
        &["shop.example.com"],
        &["Beta.example.com", "api.example.org"],
        &["*.org", "shop.example.com"],
    ];
    let mut hosts = HOSTS.to_vec();
    rng.shuffle(&mut hosts);
    let count = [1, 1, 2, 3][rng.usize(..4)];
    hosts
        .iter()
        .take(count)
        .enumerate()
        .map(|(number, hosts)| {
            let gateways = [
                json!(["istio-system/public"]),
                json!(["istio-system/public", "mesh"]),
            ];
            json!({
                "apiVersion": "networking.istio.io/v1",
                "kind": "VirtualService",
                "metadata": {"name": format!("random-{number}"), "namespace": "shop"},
                "spec": {
                    "hosts": hosts,
                    "gateways": gateways[rng.usize(..2)],
                    "http": (0..rng.usize(1..6)).map(|_| route(rng)).collect::<Vec<_>>()
                }
            })
        })
        .collect()
}

fn route(rng: &mut Rng) -> Value {
    let mut route = json!({});
    if rng.u8(..5) > 0 {
        let entries: Vec<_> = (0..rng.usize(1..4)).map(|_| entry(rng)).collect();
        route["match"] = entries.into();
    }
    if rng.u8(..3) == 0 {
        route["name"] = json!(["canary", "a", "b"][rng.usize(..3)]);
    }
    match rng.u8(..8) {
        0 => route["redirect"] = json!({"uri": "/elsewhere"}),
        1 => route["directResponse"] = json!({"status": 418, "body": {"string": "short"}}),
        2 | 3 => route["route"] = json!([destination(rng.usize(..6), 0)]),
        _ => {
            let mut all: Vec<_> = (0..6).collect();
            rng.shuffle(&mut all);
            let count = rng.usize(2..4);
            let weighted = all.iter().take(count);
            route["route"] = weighted.map(|it| destination(*it, rng.u32(1..9))).collect();
        }
    }
    if route["route"].is_array() {
        options(&mut route, rng);
    }
    route
}

fn options(route: &mut Value, rng: &mut Rng) {
    match rng.u8(..6) {
        0 => route["rewrite"] = json!({"uri": "/rewritten"}),
        1 => route["timeout"] = json!("5s"),
        2 => route["headers"] = json!({"request": {"set": {"x-via": "gateway"}}}),
        3 => {
            for (number, it) in route["route"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .enumerate()
            {
                it["headers"] = json!({"response": {"set": {"x-version": number.to_string()}}});
            }
        }
        _ => {}
    }
}

/// A destination of the Services in `services.yaml`. Some need the port of their Service.
fn destination(number: usize, weight: u32) -> Value {
    let mut value = [
        json!({"host": "catalog", "subset": "v1"}),
        json!({"host": "catalog", "subset": "v2", "port": {"number": 9080}}),
        json!({"host": "cart.shop.svc.cluster.local", "subset": "stable"}),
        json!({"host": "web", "subset": "blue", "port": {"number": 80}}),
        json!({"host": "web", "subset": "blue", "port": {"number": 9000}}),
        json!({"host": "pay-v1"}),
    ];
    json!({"destination": value[number].take(), "weight": weight})
}

fn entry(rng: &mut Rng) -> Value {
    let mut entry = Map::new();
    let mut add = |field: &str, values: &[Value], rng: &mut Rng| {
        entry.insert(field.to_owned(), rng.choice(values).unwrap().clone());
    };
    if rng.u8(..3) > 0 {
        let uris = [
            json!({"prefix": "/"}),
            json!({"prefix": "/a"}),
            json!({"prefix": "/a/b"}),
            json!({"exact": "/a"}),
            json!({"exact": "/b"}),
            json!({"regex": "/(de|fr)/shop(/.*)?"}),
        ];
        add("uri", &uris, rng);
        if rng.u8(..4) == 0 {
            add("ignoreUriCase", &[json!(true), json!(false)], rng);
        }
    }
    let texts = [
        json!({"exact": "1"}),
        json!({"prefix": "1"}),
        json!({}),
        json!({"regex": "2(\\.[0-9]+)?"}),
    ];
    for (field, chance) in [("headers", 3), ("withoutHeaders", 6), ("queryParams", 6)] {
        if rng.u8(..chance) == 0 {
            let name = ["x-a", "x-b"][rng.usize(..2)];
            let text = rng.choice(&texts).unwrap().clone();
            add(field, &[json!({ (name): text })], rng);
        }
    }
    if rng.u8(..6) == 0 {
        add(
            "method",
            &[json!({"exact": "GET"}), json!({"exact": "POST"})],
            rng,
        );
    }
    if rng.u8(..8) == 0 {
        let hosts = [
            json!({"exact": "shop.example.com"}),
            json!({"regex": "(de|at)[.]example[.]com(:[0-9]+)?"}),
        ];
        add("authority", &hosts, rng);
    }
    match rng.u8(..16) {
        0 => add("port", &[json!(80), json!(443)], rng),
        1 => add(
            "gateways",
            &[json!(["mesh"]), json!(["istio-system/public"])],
            rng,
        ),
        2 => add("sourceLabels", &[json!({"app": "other"})], rng),
        3 => add("name", &[json!("entry")], rng),
        _ => {}
    }
    entry.into()
}
