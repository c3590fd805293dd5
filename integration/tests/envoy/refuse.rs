//! `CANARY_ON_BAD_CONFIG=refuse`: the filter leaves a mistake to Envoy.

use harness::{Delivery, Filter, Setup, eventually};

use crate::support::{World, weights, who};

const REJECTED: &str = "extension_config_discovery.http_filter.canary.update_rejected";

fn refusing(policy: &str) -> Filter {
    Filter::new(policy).with_variable("CANARY_ON_BAD_CONFIG", "refuse")
}

#[test]
fn an_update_with_a_mistake_is_rejected_and_a_valid_one_is_accepted() {
    let world = World::start(&Setup::with(refusing(&weights(0, 1))));
    world.envoy.update(&refusing("{"));
    world.envoy.wait_for("the update is rejected", |stats| {
        stats.get(REJECTED) == Some(&1)
    });
    for _ in 0..50 {
        assert_eq!(who(&world.envoy.get("/color")), "green");
    }
    assert!(
        world.envoy.log().contains("the configuration is not JSON"),
        "{}",
        world.envoy.log()
    );

    world.envoy.update(&refusing(&weights(1, 0)));
    eventually("the good one is taken", || {
        (who(&world.envoy.get("/color")) == "blue").then_some(())
    });
    assert_eq!(world.envoy.stat(REJECTED), 1);
}

#[test]
fn a_static_start_with_a_mistake_fails() {
    let setup = Setup {
        delivery: Delivery::Static,
        ..Setup::with(refusing("{"))
    };
    let Err(ended) = World::try_start(&setup) else {
        panic!("Envoy has started")
    };
    assert!(!ended.status.success(), "{:?}", ended.status);
    assert!(
        ended.log.contains("the configuration is not JSON"),
        "{}",
        ended.log
    );
}

#[test]
fn a_start_by_discovery_with_a_mistake_has_the_default_and_accepts_a_valid_one() {
    let world = World::start(&Setup::with(refusing("{")));
    assert_eq!(world.envoy.stat(REJECTED), 1);
    assert_eq!(who(&world.envoy.get("/color")), "blue");
    world.envoy.update(&refusing(&weights(0, 1)));
    eventually("the good one is taken", || {
        (who(&world.envoy.get("/color")) == "green").then_some(())
    });
}

#[test]
fn only_the_word_refuse_refuses() {
    for value in ["", "keep", "Refuse", "1"] {
        let filter = Filter::new("{").with_variable("CANARY_ON_BAD_CONFIG", value);
        let world = World::start(&Setup {
            delivery: Delivery::Static,
            ..Setup::with(filter)
        });
        assert_eq!(who(&world.envoy.get("/color")), "blue", "{value}");
    }
}
