//! The test host behaves as Envoy does. A plugin of the test, `Probe`, takes the filter's place and logs every callback
//! with what it can read there.

use std::panic::catch_unwind;
use std::time::{Duration, SystemTime};

use proxy_wasm::hostcalls::{get_map_bytes, get_shared_data, set_shared_data};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, MapType, Status};

use crate::support::{CasMismatch, Proxy, START, Shared, Vm, Worker, lines};

/// A context that logs each callback by its name, with what it can read in it. The text is the context's own name.
struct Probe(&'static str);

impl Probe {
    fn log(&self, callback: &str) {
        let property = |name| proxy_wasm::hostcalls::get_property(vec!["response", name]).unwrap();
        let details = property("code_details").unwrap_or_default();
        let details = String::from_utf8(details).unwrap();
        let line = format!("{} {callback} {details}", self.0);
        proxy_wasm::hostcalls::log(LogLevel::Info, line.trim_end()).unwrap();
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.log("delete");
    }
}

impl Context for Probe {
    fn on_done(&mut self) -> bool {
        self.log("done");
        true
    }
}

impl RootContext for Probe {
    fn on_configure(&mut self, size: usize) -> bool {
        self.set_tick_period(Duration::from_millis(250));
        // The tests use the configurations "A" and "BB", and "refused", which the plugin refuses.
        self.0 = if size == 1 { "root" } else { "other" };
        size != "refused".len()
    }

    fn on_tick(&mut self) {
        self.log("tick");
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Self("stream")))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl HttpContext for Probe {
    fn on_http_response_headers(&mut self, _: usize, end: bool) -> Action {
        let status = self.get_http_response_header(":status").unwrap();
        self.log(&format!("{status} end={end}"));
        Action::Continue
    }

    fn on_http_response_trailers(&mut self, size: usize) -> Action {
        let status = self.get_http_response_trailer("grpc-status").unwrap();
        self.log(&format!("grpc-status={status} of {size}"));
        Action::Continue
    }

    fn on_log(&mut self) {
        let absent = get_map_bytes(MapType::HttpRequestHeaders).unwrap();
        let status = self.get_http_response_header(":status").unwrap_or_default();
        self.log(&format!("log {status} {}", absent.len()));
    }
}

/// A virtual machine with the probe as its plugin.
fn probed() -> Vm {
    let mut vm = Vm::start();
    proxy_wasm::set_root_context(|_| Box::new(Probe("root")));
    assert!(vm.configure("A"));
    vm
}

/// What has been logged since the last call.
fn logged() -> Vec<String> {
    let log = Proxy::with(|proxy| std::mem::take(&mut proxy.log));
    log.into_iter().map(|(_, line)| line).collect()
}

#[test]
fn a_write_needs_the_number_of_the_last_write_or_zero() {
    let shared = Shared::default();
    let number = |key| shared.get(key).map(|(_, number)| number);
    assert_eq!(number("a"), None);
    assert_eq!(shared.set("a", b"1", 0), Ok(()));
    assert_eq!(number("a"), Some(1));
    assert_eq!(shared.set("a", b"2", 1), Ok(()));
    assert_eq!(shared.set("a", b"3", 1), Err(CasMismatch));
    assert_eq!(shared.get("a"), Some((b"2".to_vec(), 2)));
    assert_eq!(shared.set("a", b"4", 0), Ok(()), "0 always overwrites");
    assert_eq!(shared.set("b", b"1", u32::MAX), Ok(()), "`b` is absent");
    assert_eq!(
        number("b"),
        Some(4),
        "the numbers count the writes of all keys"
    );
    assert_eq!(shared.set("b", b"2", u32::MAX), Err(CasMismatch));
}

#[test]
fn the_plugin_sees_numbers_and_mismatches_of_shared_data() {
    let _vm = Vm::start();
    assert_eq!(get_shared_data("a"), Ok((None, None)));
    assert_eq!(set_shared_data("a", Some(b"1"), Some(u32::MAX)), Ok(()));
    let (value, number) = get_shared_data("a").unwrap();
    assert_eq!((value.as_deref(), number), (Some(&b"1"[..]), Some(1)));
    assert_eq!(set_shared_data("a", Some(b"2"), number), Ok(()));
    let late = set_shared_data("a", Some(b"3"), number);
    assert_eq!(late, Err(Status::CasMismatch));
    assert_eq!(set_shared_data("a", None, None), Ok(()));
    assert_eq!(get_shared_data("a"), Ok((None, Some(3))), "empty");
}

#[test]
fn workers_that_retry_lose_no_write() {
    let shared = Shared::default();
    let add = |_: &mut Vm| {
        for _ in 0..1_000 {
            loop {
                let (value, number) = get_shared_data("sum").unwrap();
                let sum = value.map_or(0, |value| u64::from_le_bytes(value.try_into().unwrap()));
                let next = (sum + 1).to_le_bytes();
                if set_shared_data("sum", Some(&next), number.or(Some(u32::MAX))).is_ok() {
                    break;
                }
            }
        }
    };
    let workers: Vec<_> = (0..4).map(|_| Worker::start(&shared)).collect();
    std::thread::scope(|scope| {
        for worker in &workers {
            scope.spawn(move || worker.run(add));
        }
    });
    let (sum, _) = shared.get("sum").unwrap();
    assert_eq!(sum, 4_000_u64.to_le_bytes());
}

#[test]
fn a_response_is_shown_in_envoys_order() {
    let mut vm = probed();
    let stream = vm.open();
    stream.request(lines(&[(":path", "/")]));
    stream.response_headers(lines(&[(":status", "200")]), false);
    let trailers = stream.response_trailers(lines(&[("grpc-status", "14")]));
    assert_eq!(trailers, lines(&[("grpc-status", "14")]));
    stream.delete();
    let expected = [
        "stream 200 end=false",
        "stream grpc-status=14 of 1",
        "stream log 200 1",
        "stream done",
        "stream delete",
    ];
    assert_eq!(logged(), expected);

    let cut = vm.open();
    cut.response_headers(lines(&[(":status", "200")]), false);
    cut.set_property("response.code_details", "cut");
    vm.open().delete();
    cut.delete();
    let expected = [
        "stream 200 end=false",
        "stream log  0",
        "stream done",
        "stream delete",
        "stream log 200 0 cut",
        "stream done cut",
        "stream delete cut",
    ];
    assert_eq!(logged(), expected, "only its own stream reads a property");
}

#[test]
fn header_maps_are_gone_after_their_callback() {
    let mut vm = probed();
    vm.send(&[(":path", "/")]);
    for map in [
        MapType::HttpRequestHeaders,
        MapType::HttpResponseHeaders,
        MapType::HttpResponseTrailers,
    ] {
        let read = catch_unwind(|| get_map_bytes(map));
        let panic = read.unwrap_err();
        assert_eq!(*panic.downcast::<String>().unwrap(), "unexpected status: 2");
    }
}

#[test]
fn an_old_root_ticks_and_lives_as_long_as_its_streams() {
    let mut vm = probed();
    let first = vm.roots()[0];
    assert_eq!(Proxy::with(|proxy| proxy.tick_period(first)), Some(250));
    let stream = vm.open();
    assert!(vm.configure("BB"));
    let [_, second] = vm.roots()[..] else {
        panic!("there are two roots");
    };
    assert_eq!(vm.tick(), ["property response.code_details"; 2]);
    assert_eq!(logged(), ["root tick", "other tick"]);
    vm.tick_root(second);
    assert_eq!(logged(), ["other tick"]);

    assert!(
        vm.configure("A"),
        "the first root is reused, since its stream is still open"
    );
    assert_eq!(vm.roots(), [first]);
    assert_eq!(logged(), ["other done", "other delete"]);
    assert_eq!(vm.open().root(), first);
    assert_eq!(Proxy::with(|proxy| proxy.tick_period(second)), None);

    assert!(vm.configure("BB"));
    assert_eq!(vm.roots().len(), 2);
    assert!(logged().is_empty());
    stream.delete();
    let expected = ["stream log  0", "stream done", "stream delete"];
    assert_eq!(logged()[..3], expected);
    assert_eq!(vm.roots().len(), 1);
}

#[test]
fn a_refused_configuration_keeps_the_previous_root() {
    let mut vm = probed();
    let roots = vm.roots();
    assert!(!vm.configure("refused"));
    assert_eq!(vm.roots(), roots);
    assert_eq!(logged(), ["other done", "other delete"]);
}

#[test]
fn plugins_of_one_virtual_machine_have_roots_and_names_of_their_own() {
    let mut vm = probed();
    let name = || proxy_wasm::hostcalls::get_property(vec!["plugin_name"]).unwrap();
    assert!(vm.configure_plugin("second", "A"));
    assert_eq!(name().as_deref(), Some(&b"second"[..]));
    assert_eq!(vm.roots().len(), 2);
    let (one, other) = (vm.open(), vm.open_in("second"));
    assert_eq!([one.root(), other.root()], vm.roots()[..]);
    one.request(lines(&[(":path", "/")]));
    assert_eq!(name().as_deref(), Some(&b"demo"[..]));
}

#[test]
fn all_workers_share_the_clock_and_the_metrics_of_their_proxy() {
    let shared = Shared::default();
    let workers = [Worker::start(&shared), Worker::start(&shared)];
    let now = |worker: &Worker| {
        let now = worker.run(|_| proxy_wasm::hostcalls::get_current_time().unwrap());
        now.duration_since(SystemTime::UNIX_EPOCH).unwrap()
    };
    assert_eq!(now(&workers[0]), START);
    shared.advance(Duration::from_millis(250));
    assert_eq!(now(&workers[1]), START + Duration::from_millis(250));
    shared.set_now(Duration::from_secs(1));
    for worker in &workers {
        assert_eq!(now(worker), Duration::from_secs(1));
        worker.run(|vm| {
            vm.configure(crate::color(""));
            vm.send(&[(":path", "/color")]);
        });
    }
    let counter = "canary_requests_total.route=.=color;.;subset=.=green-sub;.;reason=.=only;.;";
    assert_eq!(shared.metric(counter), Some(2));
    assert_eq!(
        shared.metric("canary_config_refused.plugin=.=demo;.;"),
        Some(0)
    );
}

#[test]
fn a_stream_can_stay_open_between_two_turns_of_its_worker() {
    let worker = Worker::start(&Shared::default());
    let stream = worker.run(|vm| {
        vm.configure(crate::color(""));
        vm.open()
    });
    worker.run(|vm| vm.configure(crate::color(r#""clusterHeader": "x-c","#)));
    assert_eq!(worker.run(|vm| vm.roots().len()), 2);
    worker.run(move |_| stream.delete());
    assert_eq!(worker.run(|vm| vm.roots().len()), 1);
}
