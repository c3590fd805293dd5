//! The filter accepts a configuration as a whole or not at all, and the last accepted one stays in force.

use crate::color;
use crate::support::{Proxy, Shared, Vm, Worker};

const GREEN: &str = "outbound|80|green-sub|c.d";

fn refused() -> Option<u64> {
    Proxy::metric("canary_config_refused.plugin=.=demo;.;")
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
        assert!(vm.configure(bad), "the proxy must not reject it: {bad}");
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

/// Another team's canary may use the default header in the same proxy.
#[test]
fn a_start_with_a_bad_configuration_leaves_other_plugins_headers_alone() {
    let client = [
        (":path", "/color"),
        ("x-canary-cluster", "a"),
        ("x-c", "b"),
        ("x-s", "c"),
    ];
    for (bad, kept) in [
        (
            r#"{"clusterHeader": "x-c", "http": []}"#,
            &["x-canary-cluster", "x-s"][..],
        ),
        (
            r#"{"subsetHeader": "X-S", "http": [{}]}"#,
            &["x-canary-cluster", "x-c"],
        ),
        (
            r#"{"subsetHeader": "x-s", "clusterHeader": "x-c", "http": [}"#,
            &["x-canary-cluster"],
        ),
        (r#"{"clusterHeader": "host", "http": []}"#, &["x-c", "x-s"]),
        ("bad", &["x-c", "x-s"]),
    ] {
        let mut vm = Vm::start();
        assert!(vm.configure(bad));
        let exchange = vm.send(&client);
        let sent = |name: &&&str| !exchange.sent(name).is_empty();
        let left: Vec<_> = ["x-canary-cluster", "x-c", "x-s"]
            .iter()
            .filter(sent)
            .copied()
            .collect();
        assert_eq!(left, kept, "{bad}");
    }
}

#[test]
fn every_plugin_has_a_gauge_of_its_own() {
    let mut vm = Vm::start();
    let gauge =
        |plugin: &str| Proxy::metric(&format!("canary_config_refused.plugin=.={plugin};.;"));
    assert!(vm.configure_plugin("one", "bad") && vm.configure_plugin("two", "bad"));
    assert!(vm.configure_plugin("two", color("")));
    assert_eq!((gauge("one"), gauge("two")), (Some(1), Some(0)));
    assert!(vm.configure_plugin("a;b", color("")));
    assert_eq!(gauge("a_b"), Some(0));
}

/// The host reuses the first root for the same bytes without configuring it, although this VM last published the verdict
/// on the configuration in between.
#[test]
fn a_root_that_is_in_force_again_publishes_its_own_verdict() {
    for between in ["bad", &color(r#""clusterHeader": "x-between","#)] {
        let shared = Shared::default();
        let between = between.to_owned();
        Worker::start(&shared).run(move |vm| {
            vm.configure(color(""));
            let open = vm.open();
            vm.configure(&between);
            vm.configure(color(""));
            assert_eq!(vm.roots().len(), 1, "the first root is reused");
            vm.send(&[(":path", "/color")]);
            assert_eq!(refused(), Some(0), "{between}");
            open.delete();
        });
        let remembered = Worker::start(&shared).run(|vm| {
            vm.configure("bad");
            vm.send(&[(":path", "/color")]).sent("x-canary-cluster")
        });
        assert_eq!(remembered, [GREEN]);
    }
}

/// While a listener drains, both configurations get requests in turn.
#[test]
fn two_configurations_that_alternate_do_not_publish_with_every_request() {
    let mut vm = Vm::with(&color(""));
    let stream = vm.open();
    vm.configure("bad");
    let calls: Vec<_> = (0..100)
        .flat_map(|turn| {
            vm.configure(if turn % 2 == 0 {
                color("")
            } else {
                "bad".to_owned()
            });
            let stream = vm.open();
            let calls = stream
                .request(crate::support::lines(&[(":path", "/color")]))
                .1;
            stream.delete();
            calls
        })
        .filter(|call| call.starts_with("record"))
        .collect();
    assert!(calls.len() <= 51, "{calls:?}");
    stream.delete();
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
        "the key is a prefix and the plugin's name"
    );
}

#[test]
fn another_plugins_configuration_is_not_used() {
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
fn an_accepted_configuration_is_logged_once() {
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
fn requests_in_flight_keep_the_configuration_that_they_began_with() {
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
    // These are the gauge and one counter. `metric` panics if a metric is defined twice.
    assert_eq!(Proxy::with(|proxy| proxy.metrics.len()), 2);
    let counter = "canary_requests_total.route=.=color;.;subset=.=green-sub;.;reason=.=only;.;";
    assert_eq!(Proxy::metric(counter), Some(100));
    assert_eq!(refused(), Some(1));
}
