//! The filter counts responses, the tick judges them, and every worker acts on the result.

use crate::rule;
use crate::support::{Proxy, Shared, Vm, Worker, lines};

mod answers;

const RECORD: &str = "canary-filter.rollback.demo/color";
const NUMBER: &str = "canary-filter.transitions.demo";

/// A rule with these members in its `rollback` and with these weights.
fn watched(rollback: &str, weights: [u32; 2]) -> String {
    let members = format!(r#""rollback": {{"stable": "blue-sub"{rollback}}},"#);
    rule(r#""responseHeader": "x-canary","#, &members, weights)
}

/// Sends a request, which green answers with the status `bad`. Returns whether green got it.
fn send(vm: &mut Vm, bad: &str) -> bool {
    let stream = vm.open();
    let (request, _) = stream.request(lines(&[(":path", "/")]));
    let green = to_green(&request);
    let status = if green { bad } else { "200" };
    stream.response_headers(lines(&[(":status", status)]), true);
    stream.delete();
    green
}

/// Whether the filter has chosen green for the request with these lines.
fn to_green(request: &[(String, Vec<u8>)]) -> bool {
    let to = |line: &(String, Vec<u8>)| String::from_utf8_lossy(&line.1).contains("green-sub");
    request
        .iter()
        .any(|line| line.0 == "x-canary-cluster" && to(line))
}

/// Enough of them for a rollback.
fn send_many(vm: &mut Vm) {
    for _ in 0..200 {
        send(vm, "503");
    }
}

fn greens(vm: &mut Vm, requests: usize) -> usize {
    (0..requests).filter(|_| send(vm, "200")).count()
}

fn metric(name: &str) -> Option<u64> {
    Proxy::metric(&format!("{name}.route=.=color;.;subset=.=green-sub;.;"))
}

fn log() -> Vec<String> {
    Proxy::with(|proxy| {
        let lines = proxy
            .log
            .iter()
            .filter(|(_, line)| line.contains(": rule "));
        lines
            .map(|(level, line)| format!("{level} {line}"))
            .collect()
    })
}

#[test]
fn a_canary_that_fails_is_out_after_the_next_tick() {
    let mut vm = Vm::with(&watched("", [1, 1]));
    assert_eq!(
        metric("canary_rollbacks_total"),
        Some(0),
        "the metric exists from the start"
    );
    for _ in 0..100 {
        send(&mut vm, "503");
    }
    assert!(greens(&mut vm, 100) > 0, "nobody judges before the tick");
    vm.tick();
    assert_eq!(greens(&mut vm, 100), 0);
    vm.tick();
    let lines = log();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let start = "3 canary-filter demo: rule color: green-sub rolled back: ";
    assert!(lines[0].starts_with(start), "{lines:?}");
    assert_eq!(metric("canary_rollbacks_total"), Some(1));
    assert_eq!(
        (metric("canary_rolled_back"), metric("canary_weight")),
        (Some(1), Some(0))
    );
    let answer = vm.send(&[(":path", "/")]);
    assert_eq!(
        answer.answered("x-canary"),
        ["route=color;subset=blue-sub;reason=only;share=10000"]
    );
}

#[test]
fn a_worker_without_traffic_learns_of_it_and_its_idle_tick_costs_one_read() {
    let shared = Shared::default();
    let (busy, idle) = (Worker::start(&shared), Worker::start(&shared));
    for worker in [&busy, &idle] {
        worker.run(|vm| assert!(vm.configure(watched("", [1, 1]))));
    }
    busy.run(|vm| {
        send_many(vm);
        vm.tick();
    });
    let (calls, lines) = idle.run(|vm| {
        vm.tick();
        assert_eq!(greens(vm, 100), 0);
        vm.tick();
        let mut calls = vm.tick();
        calls.retain(|call| !call.starts_with("time"));
        (calls, log())
    });
    assert_eq!(calls, [format!("get shared {NUMBER}")]);
    assert_eq!(
        lines, [""; 0],
        "only the worker that wrote the transition logs it"
    );
}

#[test]
fn a_root_without_new_streams_writes_nothing() {
    let shared = Shared::default();
    let worker = Worker::start(&shared);
    worker.run(|vm| {
        vm.configure(watched("", [1, 1]));
        let stream = vm.open();
        stream.request(lines(&[(":path", "/")]));
        vm.tick();
        stream.response_headers(lines(&[(":status", "503")]), true);
        vm.tick();
        stream.delete();
    });
    assert_eq!(shared.get(RECORD), None);
    worker.run(|vm| {
        send(vm, "200");
        vm.tick();
    });
    assert!(
        shared.get(RECORD).is_some(),
        "the counts were kept until there were new streams"
    );
}

/// The host reuses the first root for the same bytes, and the ticks of both roots may run.
#[test]
fn the_root_that_gets_the_streams_is_the_one_that_judges() {
    let shared = Shared::default();
    Worker::start(&shared).run(|vm| {
        let (one, other) = (
            watched("", [1, 1]),
            watched(r#", "retry": "other""#, [1, 1]),
        );
        vm.configure(&one);
        let open = vm.open();
        open.request(lines(&[(":path", "/")]));
        send_many(vm);
        vm.tick();
        assert_eq!(greens(vm, 50), 0);
        vm.configure(&other);
        assert!(greens(vm, 50) > 0, "another `retry` ends it");
        vm.tick();
        vm.configure(&one);
        assert_eq!(vm.roots().len(), 1, "the first root is taken again");
        vm.tick();
        assert!(
            greens(vm, 50) > 0,
            "a rollback that the configuration in between ended stays ended"
        );
        vm.tick();
        assert_eq!(metric("canary_rolled_back"), Some(0));
        open.delete();
    });
}

/// As above, but what comes late are errors of a time at which another configuration was in force.
#[test]
fn late_answers_of_a_configuration_that_was_replaced_do_not_count_when_it_comes_back() {
    let shared = Shared::default();
    Worker::start(&shared).run(|vm| {
        let one = watched("", [1, 1]);
        vm.configure(&one);
        let open: Vec<_> = (0..200)
            .map(|_| {
                let stream = vm.open();
                let (request, _) = stream.request(lines(&[(":path", "/")]));
                (stream, to_green(&request))
            })
            .collect();
        vm.tick();
        vm.configure(watched(r#", "retry": "other""#, [1, 1]));
        greens(vm, 50);
        for (stream, green) in &open {
            let status = if *green { "503" } else { "200" };
            stream.response_headers(lines(&[(":status", status)]), true);
        }
        vm.tick();
        vm.configure(&one);
        assert_eq!(vm.roots().len(), 1, "the first root is taken again");
        greens(vm, 50);
        vm.tick();
        assert!(greens(vm, 50) > 0);
        assert_eq!(metric("canary_rollbacks_total"), Some(0));
        open.into_iter().for_each(|(stream, _)| stream.delete());
    });
}

#[test]
fn two_plugins_in_one_vm_judge_for_themselves() {
    let shared = Shared::default();
    Worker::start(&shared).run(|vm| {
        vm.configure_plugin("demo", watched("", [1, 1]));
        vm.configure_plugin("other", watched("", [1, 1]));
        send_many(vm);
        vm.tick();
        assert_eq!(greens(vm, 50), 0);
        let stays = (0..50).any(|_| {
            let stream = vm.open_in("other");
            let (request, _) = stream.request(lines(&[(":path", "/")]));
            stream.delete();
            request
                .iter()
                .any(|line| String::from_utf8_lossy(&line.1).contains("green-sub"))
        });
        assert!(stays);
    });
}

#[test]
fn a_new_configuration_and_a_new_vm_begin_with_what_is_out() {
    let shared = Shared::default();
    Worker::start(&shared).run(|vm| {
        vm.configure(watched("", [1, 1]));
        send_many(vm);
        vm.tick();
        vm.configure(watched("", [1, 9]));
        assert_eq!(greens(vm, 100), 0, "before its first tick");
    });
    Worker::start(&shared).run(|vm| {
        vm.configure(watched("", [0, 1]));
        assert_eq!(greens(vm, 100), 0, "all to stable, also without a weight");
        vm.configure(watched("", [1, 0]));
        send(vm, "200");
        vm.tick();
        vm.configure(watched("", [1, 1]));
        assert!(greens(vm, 100) > 0);
    });
}

#[test]
fn garbage_in_the_shared_value_is_an_empty_record() {
    for garbage in [&b""[..], b"x", b"cnrb\x01\xff\xff\xff\xff", &[0xff; 5_000]] {
        let shared = Shared::default();
        shared.set(RECORD, garbage, 0).unwrap();
        shared.set(NUMBER, garbage, 0).unwrap();
        Worker::start(&shared).run(|vm| {
            assert!(vm.configure(watched("", [1, 1])));
            assert!(greens(vm, 50) > 0);
            send_many(vm);
            vm.tick();
            assert_eq!(greens(vm, 50), 0);
        });
    }
}

/// A rule is renamed, or loses its `rollback`; the VM may be another one by then, as after an update of the module.
#[test]
fn gauges_of_rules_that_are_gone_are_0_whichever_vm_has_set_them() {
    let renamed = watched("", [1, 1]).replace("\"color\"", "\"other\"");
    for (next, restarts) in [
        (renamed.clone(), false),
        (rule("", "", [1, 1]), false),
        (renamed, true),
        (rule("", "", [1, 1]), true),
    ] {
        let shared = Shared::default();
        let before = Worker::start(&shared);
        before.run(|vm| {
            vm.configure(watched("", [1, 1]));
            send_many(vm);
            vm.tick();
            assert_eq!(metric("canary_rolled_back"), Some(1));
        });
        let then = if restarts {
            Worker::start(&shared)
        } else {
            before
        };
        then.run(move |vm| {
            vm.configure(next);
            greens(vm, 10);
            vm.tick();
            assert_eq!(metric("canary_rolled_back"), Some(0));
            assert_eq!(metric("canary_weight"), Some(0));
        });
    }
}
