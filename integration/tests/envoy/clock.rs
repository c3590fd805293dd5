//! The wall clock jumps while Envoy runs. A library that is preloaded shifts it for this one process (`clock.c`); libfaketime
//! cannot, because it waits for itself when Envoy's allocator reads the clock.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harness::{Behaviour, Scratch, Setup, eventually};
use serde_json::json;

use crate::ramp::rfc3339;
use crate::rollback::{RATE, broken, configuration, metric, warnings};
use crate::steady::{Seen, Steady};
use crate::support::{World, no_vm_restarted, policy, skipped};

/// The wall clock of one Envoy.
struct Clock {
    /// By how many seconds it is ahead of the real one.
    shift: File,
    _dir: Scratch,
}

impl Clock {
    /// Lets it be this many seconds ahead. Returns once Envoy shows it in the dates of its answers.
    fn jump(&self, world: &World, seconds: i64) {
        self.shift.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
        eventually("the dates of the answers have jumped", || {
            let answer = world.envoy.get("/elsewhere");
            let ahead = seconds_of(answer.header("date")?) - now();
            (ahead.abs_diff(seconds) <= 3).then_some(())
        });
    }
}

/// An Envoy with a wall clock of its own, if this machine has a C compiler.
fn world(policy: String) -> Option<(World, Clock)> {
    let dir = Scratch::new();
    let (library, shift) = (dir.join("clock.so"), dir.join("shift"));
    let source = harness::root().join("integration/tests/envoy/clock.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O2", "-o"]);
    let compiled = compiler.arg(&library).arg(source).status().ok()?;
    assert!(compiled.success());
    let clock = Clock {
        shift: File::create(&shift).unwrap(),
        _dir: dir,
    };
    clock.shift.write_all_at(&[0; 8], 0).unwrap();
    let path = |path: PathBuf| path.to_str().unwrap().to_owned();
    let world = World::start(&Setup {
        concurrency: 4,
        environment: vec![("LD_PRELOAD", path(library)), ("CANARY_CLOCK", path(shift))],
        ..Setup::new(policy)
    });
    Some((world, clock))
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

/// A date of HTTP in seconds since 1970, which `date` knows.
fn seconds_of(date: &str) -> i64 {
    let seconds = Command::new("date")
        .args(["-u", "-d", date, "+%s"])
        .output()
        .unwrap();
    let seconds = String::from_utf8(seconds.stdout).unwrap();
    seconds.trim().parse().unwrap()
}

#[test]
fn windows_and_waits_go_on_when_the_wall_clock_jumps() {
    const HOUR: i64 = 3_600;
    let rollback = json!({"stable": "blue-sub", "retryAfter": "4s", "interval": "1s"});
    let policy = policy(&configuration([50, 50], &rollback, &json!({})));
    let Some((world, clock)) = world(policy) else {
        return skipped(
            "windows_and_waits_go_on_when_the_wall_clock_jumps",
            "this machine has no C compiler",
        );
    };
    let load = Steady::start(&world.envoy, RATE, 8);
    // Before green breaks, and while it is out.
    for (before, during) in [(HOUR, -HOUR), (-2 * HOUR, 2 * HOUR)] {
        clock.jump(&world, before);
        let start = Instant::now();
        let seen = broken(&world, &load, Behaviour::Status(503));
        world.green.behave(Behaviour::Good);
        let last = seen.iter().rfind(|seen| !seen.is_good()).unwrap().at;
        assert!(last - start < Duration::from_secs(3), "{:?}", last - start);

        clock.jump(&world, during);
        load.wait_for("green is back", Seen::is_green);
        let since = load.since(last);
        let back = since.iter().find(|seen| seen.is_green() && seen.is_good());
        let waited = back.unwrap().at - last;
        assert!(
            (Duration::from_secs(3)..Duration::from_secs(8)).contains(&waited),
            "{waited:?}"
        );
        // Having served for longer than it waited, it is judged as if for the first time.
        load.wait_for_row("it has proved itself", 500, Seen::is_good);
    }
    let waits = warnings(&world);
    let waits = waits
        .iter()
        .filter(|line| line.contains("no longer rolled back after 4 s: retryAfter"));
    assert_eq!(waits.count(), 2);
    no_vm_restarted(&world.envoy);
}

#[test]
fn a_ramp_follows_the_wall_clock_wherever_it_jumps() {
    let start = u64::try_from(now()).unwrap() + 1_800;
    let ramp = json!({
        "start": rfc3339(start),
        "steps": [{"after": "0s", "weights": [60, 40]}, {"after": "1h", "weights": [30, 70]}]
    });
    let rollback = json!({"stable": "blue-sub"});
    let policy = policy(&configuration([90, 10], &rollback, &json!({"ramp": ramp})));
    let Some((world, clock)) = world(policy) else {
        return skipped(
            "a_ramp_follows_the_wall_clock_wherever_it_jumps",
            "this machine has no C compiler",
        );
    };
    let load = Steady::start(&world.envoy, RATE, 8);
    for (seconds, share) in [(0, 1_000), (3_600, 4_000), (7_200, 7_000), (-3_600, 1_000)] {
        clock.jump(&world, seconds);
        world.envoy.wait_for("the share of this time", |stats| {
            stats.get(&metric("canary_weight")) == Some(&share)
        });
        let all = format!(";share={share}");
        load.wait_for_row("every worker has it", 60, |seen| {
            !seen.is_green() || seen.decision.ends_with(&all)
        });
    }
    assert!(load.all(Seen::is_good));
    no_vm_restarted(&world.envoy);
}
