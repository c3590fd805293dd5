//! A configuration is taken whole or not at all, and the last good one stays.

use crate::color;
use crate::support::{Proxy, Shared, Vm, Worker};

const GREEN: &str = "outbound|80|green-sub|c.d";

fn refused() -> Option<u64> {
    Proxy::metric("canary_config_refused")
}

fn last_line() -> (u32, String) {
    Proxy::with(|proxy| proxy.log.last().unwrap().clone())
}

#[test]
fn a_bad_configuration_leaves_the_good_one_in_force() {
    let mut vm = Vm::with(&color(""));
    for (bad, fault) in [
        ("", "the configuration is empty"),
        (
            "{\"http\": 1}",
            "http: invalid type: integer `1`, expected a sequence",
        ),
        (
            r#"{"http": [{"route": [{"cluster": "a", "weight": -5}]}]}"#,
            "http[0].route[0].weight: -5 is negative",
        ),
    ] {
        assert!(vm.configure(bad), "the proxy must not hear of it: {bad}");
        assert_eq!(refused(), Some(1));
        let line = format!(
            "canary-filter demo: configuration refused, the last accepted one stays in force: {fault}"
        );
        assert_eq!(last_line(), (4, line));
        assert_eq!(
            vm.send(&[(":path", "/color")]).sent("x-canary-cluster"),
            [GREEN]
        );
    }
    assert!(vm.configure(color(r#""clusterHeader": "x-c","#)));
    assert_eq!(refused(), Some(0));
    assert_eq!(vm.send(&[(":path", "/color")]).sent("x-c"), [GREEN]);
}

#[test]
fn a_start_with_a_bad_configuration_chooses_nothing() {
    let mut vm = Vm::start();
    assert!(vm.configure(r#"{"http": {}}"#));
    assert_eq!(refused(), Some(1));
    let (level, line) = last_line();
    assert_eq!(level, 4);
    assert!(
        line.contains("there is no earlier one, so nothing is chosen: http: "),
        "{line}"
    );
    let answer = vm.send(&[
        (":path", "/color"),
        ("x-canary-cluster", "a"),
        ("x-canary-cluster", "b"),
    ]);
    assert!(
        answer.sent("x-canary-cluster").is_empty(),
        "the routes decide, not the client"
    );
}

#[test]
fn another_virtual_machine_finds_the_last_accepted_configuration() {
    let shared = Shared::default();
    let vm = |shared: &Shared, configuration: &str| {
        let configuration = configuration.to_owned();
        Worker::start(shared).run(move |vm| {
            assert!(vm.configure(configuration));
            vm.send(&[(":path", "/color")]).sent("x-canary-cluster")
        })
    };
    assert!(vm(&shared, "bad").is_empty());
    assert_eq!(vm(&shared, &color("")), [GREEN]);
    assert_eq!(vm(&shared, "bad"), [GREEN]);
    assert_eq!(
        shared.keys(),
        ["canary-filter.accepted.demo"],
        "under a prefix and the plugin's name"
    );
}

#[test]
fn another_plugins_configuration_is_not_taken() {
    let shared = Shared::default();
    let other = "canary-filter.accepted.other";
    shared.set(other, color("").as_bytes(), 0).unwrap();
    let mut vm = Vm::start_in(shared);
    vm.configure("bad");
    assert!(
        vm.send(&[(":path", "/color")])
            .sent("x-canary-cluster")
            .is_empty()
    );
}

#[test]
fn an_accepted_configuration_is_told_once() {
    let shared = Shared::default();
    let log = |worker: Worker| {
        worker.run(|vm| {
            assert!(vm.configure(color("")));
            Proxy::with(|proxy| proxy.log.clone())
        })
    };
    let line = "canary-filter demo: configuration taken, rules: 1".to_owned();
    assert_eq!(log(Worker::start(&shared)), [(2, line)]);
    assert_eq!(log(Worker::start(&shared)), []);
}

#[test]
fn requests_in_flight_end_under_the_configuration_that_they_came_under() {
    let mut vm = Vm::with(&color(r#""responseHeader": "x-old","#));
    let stream = vm.open();
    stream.request(crate::support::lines(&[(":path", "/color")]));
    vm.configure(color(r#""responseHeader": "x-new","#));
    let answer = stream.response(crate::support::lines(&[(":status", "200")]));
    assert_eq!(answer[1].0, "x-old");
    stream.delete();
    assert_eq!(vm.send(&[(":path", "/color")]).answered("x-new").len(), 1);
}

#[test]
fn a_metric_is_defined_once_in_a_virtual_machine() {
    let mut vm = Vm::with(&color(""));
    for update in 0..100 {
        let header = format!(r#""clusterHeader": "x-{update}","#);
        vm.configure(if update % 3 == 0 {
            "bad".to_owned()
        } else {
            color(&header)
        });
        vm.send(&[(":path", "/color")]);
    }
    // The gauge and one counter; `metric` panics where one is there twice.
    assert_eq!(Proxy::with(|proxy| proxy.metrics.len()), 2);
    let counter = "canary_requests_total.route=.=color;.;subset=.=green-sub;.;reason=.=only;.;";
    assert_eq!(Proxy::metric(counter), Some(100));
    assert_eq!(refused(), Some(1));
}
