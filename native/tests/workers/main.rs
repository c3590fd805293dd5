//! What workers share, under load: several threads with streams through all forms of the module, while configurations are
//! replaced and the old ones end with their last streams. `make tsan` runs it with ThreadSanitizer.

#![allow(
    clippy::disallowed_methods,
    reason = "the module has the machine's clock, and so has the test"
)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod configuration;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use canary_native as _;

use configuration::{Configuration, Counts, Probe, configuration};
use worker::{Done, work};

const WORKERS: usize = 6;
/// Configurations that the module takes. Each is followed by one that it refuses.
const TAKEN: usize = 4;
/// How many streams a configuration decides at least.
const STREAMS: u64 = 2_000;
const LONGEST: Duration = Duration::from_secs(60);

/// Has the workers stop, also if an assertion fails meanwhile.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn workers_lose_nothing_while_configurations_come_and_go_and_canaries_are_rolled_back() {
    let stop = AtomicBool::new(false);
    let mut counts = Vec::new();
    let done: Vec<Done> = thread::scope(|scope| {
        let stopping = Stop(&stop);
        let mut senders = Vec::new();
        let mut workers = Vec::new();
        for number in 0..WORKERS {
            let (sender, receiver) = channel();
            let stop = &stop;
            senders.push(sender);
            workers.push(scope.spawn(move || work(number, &receiver, stop)));
        }
        for number in 0..TAKEN {
            let text = configuration(number);
            let taken = replace(&senders, &text, &mut counts);
            let probe = Probe::load(&text);
            wait(|| taken.streams() > STREAMS && probe.sends_all_to_stable());
            // The worker that has judged counts it after the weights are in force.
            wait(|| taken.rollbacks() + probe.rollbacks() >= 2);

            let refused = replace(&senders, "{\"http\": [", &mut counts);
            wait(|| refused.streams() > STREAMS && taken.has_ended());
            assert!(
                probe.sends_all_to_stable(),
                "a refused configuration ends no rollback"
            );
        }
        drop(stopping);
        let workers = workers.into_iter();
        workers.map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(counts.len(), 2 * TAKEN);
    for (place, found) in counts.iter().enumerate() {
        assert_eq!(found.panics(), [0; 4]);
        assert!(found.has_ended());
        assert_eq!(found.by_form(), by_form(place, &done), "{place}");
    }
}

/// Has the workers go on with another configuration.
fn replace(senders: &[Sender<Arc<Configuration>>], text: &str, counts: &mut Vec<Counts>) -> Counts {
    let new = Arc::new(Configuration::load(text));
    for sender in senders {
        sender.send(Arc::clone(&new)).unwrap();
    }
    counts.push(Counts::of(&new));
    Counts::of(&new)
}

fn wait(until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < LONGEST, "nothing happens");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What all workers have done with the configuration at this place.
fn by_form(place: usize, done: &[Done]) -> BTreeMap<&'static str, u64> {
    let mut sums = BTreeMap::new();
    for worker in done {
        for ((of, name), count) in &worker.counts {
            if *of == place {
                *sums.entry(*name).or_insert(0) += count;
            }
        }
    }
    sums
}
