//! Requests that continue while something changes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use harness::http1::{Connection, Response};
use harness::{Envoy, eventually};

/// The pause between the requests of a connection. It leaves some of two cores to Envoy and the other tests.
const PAUSE: Duration = Duration::from_millis(1);

/// The number of generations with names of their own; then the first name is used again. A new name is a new metric, and
/// Envoy keeps every metric for ever.
pub(crate) const RING: u64 = 32;

/// Connections that request `/color` all the time and record which rule decided.
///
/// The rules are named `g0`, `g1` … by the generation of the configuration, in a ring. A worker never goes back to an
/// older one.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    requests: Arc<AtomicU64>,
    generations: Vec<Arc<AtomicU64>>,
    failures: Arc<Mutex<Vec<String>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(envoy: &Envoy, connections: usize) -> Self {
        Self::with_pause(envoy, connections, PAUSE)
    }

    pub(crate) fn with_pause(envoy: &Envoy, connections: usize, pause: Duration) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            requests: Arc::default(),
            generations: Vec::new(),
            failures: Arc::default(),
            threads: Vec::new(),
        };
        for _ in 0..connections {
            let generation = Arc::new(AtomicU64::new(0));
            load.generations.push(Arc::clone(&generation));
            let (stop, requests, failures) = (
                Arc::clone(&load.stop),
                Arc::clone(&load.requests),
                Arc::clone(&load.failures),
            );
            let mut connection = envoy.connect();
            load.threads.push(thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Err(failure) = request(&mut connection, &generation) {
                        failures.lock().unwrap().push(failure);
                        return;
                    }
                    requests.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(pause);
                }
            }));
        }
        load
    }

    /// Waits until this generation has decided an answer on every connection.
    pub(crate) fn wait_for_generation(&self, generation: u64) {
        eventually(
            &format!("generation {generation} decides on every connection"),
            || {
                assert_eq!(*self.failures.lock().unwrap(), [""; 0]);
                self.generations
                    .iter()
                    .all(|seen| seen.load(Ordering::Relaxed) == generation)
                    .then_some(())
            },
        );
    }

    /// Waits until `more` further requests are answered.
    pub(crate) fn wait_for_requests(&self, more: u64) {
        let goal = self.requests() + more;
        eventually("the load continues", || {
            assert_eq!(*self.failures.lock().unwrap(), [""; 0]);
            (self.requests.load(Ordering::Relaxed) >= goal).then_some(())
        });
    }

    /// The number of requests answered so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Ends the load and returns the number of requests. None of them may have failed.
    pub(crate) fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(*self.failures.lock().unwrap(), [""; 0]);
        self.requests.load(Ordering::Relaxed)
    }
}

/// The generation that decided an answer.
pub(crate) fn generation(response: &Response) -> Option<u64> {
    let decision = response.header("x-canary-decision")?;
    decision
        .strip_prefix("route=g")?
        .split(';')
        .next()?
        .parse()
        .ok()
}

fn request(connection: &mut Connection, newest: &AtomicU64) -> Result<(), String> {
    let response = connection
        .get("/color", &[])
        .map_err(|error| format!("no answer: {error}"))?;
    if response.status != 200 {
        return Err(format!("{response:?}"));
    }
    let decided = generation(&response).ok_or_else(|| format!("no rule decided: {response:?}"))?;
    let before = newest.swap(decided, Ordering::Relaxed);
    let ahead = (decided + RING - before) % RING;
    if ahead > RING / 2 {
        Err(format!("generation {decided} after {before}"))
    } else {
        Ok(())
    }
}
