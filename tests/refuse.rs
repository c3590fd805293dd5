//! The filter under `CANARY_ON_BAD_CONFIG=refuse`, which is a variable of a whole process: hence a binary of its own.

#![cfg(feature = "proxy")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test and its support"
)]

use canary_filter as _;

mod support;

use support::{Proxy, Vm, set_environment};

#[test]
fn a_bad_configuration_is_left_to_the_proxy() {
    set_environment("CANARY_ON_BAD_CONFIG", "refuse");
    let mut vm = Vm::start();
    for bad in ["", "{", r#"{"http": []}"#] {
        assert!(!vm.configure(bad), "{bad}");
        assert_eq!(
            Proxy::metric("canary_config_refused.plugin=.=demo;.;"),
            Some(1)
        );
    }
    let line = Proxy::with(|proxy| proxy.log.last().unwrap().1.clone());
    assert_eq!(
        line,
        "canary-filter demo: configuration refused, the proxy is asked to reject it: http: needs at least one rule"
    );
    assert!(vm.configure(r#"{"http": [{"route": [{"cluster": "a"}]}]}"#));
    assert_eq!(
        Proxy::metric("canary_config_refused.plugin=.=demo;.;"),
        Some(0)
    );
    assert_eq!(vm.send(&[(":path", "/")]).sent("x-canary-cluster"), ["a"]);
}
