//! The same user gets the same version: users with cookies, while the weights and the proxy change.

use harness::{Browser, Envoy, Filter, Setup, eventually};
use serde_json::json;

use crate::load::generation;
use crate::split::is_share;
use crate::support::{World, no_vm_restarted, policy, rule, who};

const USERS: u32 = 300;

/// This share of the users on green, by a cookie. The rule's name is its generation, so that an answer shows which
/// configuration decided. The salt stays the same, and with it everybody's version.
fn users(name: &str, green: u32) -> String {
    let mut rule = rule(name, 100 - green, green);
    rule["salt"] = json!("color");
    rule["consistentHash"] = json!([{"httpCookie": {"name": "canary-id", "ttl": "720h"}}]);
    policy(&rule)
}

fn browsers(envoy: &Envoy) -> Vec<Browser> {
    (0..USERS).map(|_| Browser::new(envoy.address())).collect()
}

/// The version of every user. Each user repeats the request until this generation decides it.
fn versions(browsers: &mut [Browser], newest: u64) -> Vec<String> {
    let ask = |browser: &mut Browser| {
        eventually("the newest configuration decides", || {
            let answer = browser.get("/color").unwrap();
            (generation(&answer) == Some(newest)).then(|| who(&answer).to_owned())
        })
    };
    browsers.iter_mut().map(ask).collect()
}

fn cookies(browsers: &[Browser]) -> Vec<String> {
    browsers
        .iter()
        .map(|browser| browser.cookie("canary-id").unwrap().to_owned())
        .collect()
}

fn greens(versions: &[String]) -> u32 {
    u32::try_from(
        versions
            .iter()
            .filter(|version| *version == "green")
            .count(),
    )
    .unwrap()
}

#[test]
fn browsers_keep_their_version_on_every_worker() {
    let world = World::start(&Setup {
        concurrency: 4,
        ..Setup::new(users("g0", 25))
    });
    let mut browsers = browsers(&world.envoy);
    let first = versions(&mut browsers, 0);
    let issued = cookies(&browsers);
    for _ in 1..20 {
        assert_eq!(versions(&mut browsers, 0), first);
    }
    assert_eq!(cookies(&browsers), issued, "a cookie is issued once");
    assert!(is_share(greens(&first), USERS, 0.25), "{}", greens(&first));
    let stats = world.envoy.stats();
    for worker in 0..4 {
        let name = format!(".worker_{worker}.downstream_cx_total");
        let connections: u64 = stats
            .iter()
            .filter(|(stat, _)| stat.starts_with("listener.127.") && stat.ends_with(&name))
            .map(|(_, count)| count)
            .sum();
        assert!(
            connections >= 20,
            "worker {worker} had {connections} of 6000 connections"
        );
    }
    no_vm_restarted(&world.envoy);
}

#[test]
fn a_ramp_returns_nobody_and_a_rollback_returns_everybody_with_the_same_cookie() {
    let world = World::start(&Setup {
        concurrency: 4,
        ..Setup::new(users("g0", 5))
    });
    let mut browsers = browsers(&world.envoy);
    let start = versions(&mut browsers, 0);
    let issued = cookies(&browsers);
    let (mut before, mut at_25) = (start.clone(), Vec::new());
    for (n, percent) in (1..).zip([25, 75, 100]) {
        world
            .envoy
            .update(&Filter::new(users(&format!("g{n}"), percent)));
        let now = versions(&mut browsers, n);
        for (user, (was, is)) in before.iter().zip(&now).enumerate() {
            assert!(
                was == "blue" || is == "green",
                "user {user} went back at {percent}"
            );
        }
        if percent < 100 {
            assert!(
                is_share(greens(&now), USERS, f64::from(percent) / 100.0),
                "{percent}: {}",
                greens(&now)
            );
        } else {
            assert_eq!(greens(&now), USERS);
        }
        if percent == 25 {
            at_25.clone_from(&now);
        }
        before = now;
    }

    world.envoy.update(&Filter::new(users("g4", 0)));
    assert_eq!(greens(&versions(&mut browsers, 4)), 0);
    assert_eq!(cookies(&browsers), issued);
    // The cookie holds the user and not the version, so the same canary gets the same users again.
    world.envoy.update(&Filter::new(users("g5", 25)));
    assert_eq!(versions(&mut browsers, 5), at_25);
    assert_eq!(cookies(&browsers), issued);
}

#[test]
fn a_restart_and_a_second_proxy_give_everybody_the_same_version() {
    let setup = Setup::new(users("g0", 50));
    let world = World::start(&setup);
    let mut browsers = browsers(&world.envoy);
    let first = versions(&mut browsers, 0);
    let issued = cookies(&browsers);
    assert!(is_share(greens(&first), USERS, 0.5));

    let World { envoy, blue, green } = world;
    let second = Envoy::start(
        &Setup {
            concurrency: 1,
            ..setup.clone()
        },
        blue.address(),
        green.address(),
    );
    browsers
        .iter_mut()
        .for_each(|browser| browser.moved(second.address()));
    assert_eq!(
        versions(&mut browsers, 0),
        first,
        "a second proxy beside it"
    );

    drop((envoy, second));
    let restarted = Envoy::start(&setup, blue.address(), green.address());
    browsers
        .iter_mut()
        .for_each(|browser| browser.moved(restarted.address()));
    assert_eq!(versions(&mut browsers, 0), first, "after a restart");
    assert_eq!(cookies(&browsers), issued);
}
