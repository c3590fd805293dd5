//! Requests at a steady rate, each of a user of its own, whose answers may be anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use harness::http1::Connection;
use harness::{Envoy, eventually};

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    /// 0 if there was none.
    pub(crate) status: u16,
    /// The value of the response header.
    pub(crate) decision: String,
}

impl Seen {
    pub(crate) fn is_green(&self) -> bool {
        self.decision.contains("subset=green-sub")
    }

    pub(crate) fn is_good(&self) -> bool {
        self.status == 200
    }
}

/// Connections that together ask for `/color` at a rate.
pub(crate) struct Steady {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<Seen>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Steady {
    /// This many requests in a second, over this many connections. Users are `user-0`, `user-1` and so on in `x-user`.
    pub(crate) fn start(envoy: &Envoy, rate: u32, connections: u32) -> Self {
        let (stop, seen) = (
            Arc::<AtomicBool>::default(),
            Arc::<Mutex<Vec<Seen>>>::default(),
        );
        let start = Instant::now();
        let threads = (0..connections).map(|number| {
            let (stop, seen) = (Arc::clone(&stop), Arc::clone(&seen));
            let address = envoy.address();
            thread::spawn(move || {
                let mut connection = None;
                for request in (number..).step_by(connections as usize) {
                    let due = start + Duration::from_secs(1) * request / rate;
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let user = format!("user-{request}");
                    let open = connection
                        .take()
                        .map_or_else(|| Connection::open(address), Ok);
                    let answer = open.and_then(|mut open| {
                        let answer = open.get("/color", &[("x-user", user.as_bytes())])?;
                        connection = Some(open);
                        Ok(answer)
                    });
                    let (status, decision) = match &answer {
                        Ok(answer) => (answer.status, answer.header("x-canary-decision")),
                        Err(_) => (0, None),
                    };
                    let decision = decision.unwrap_or_default().to_owned();
                    let at = Instant::now();
                    seen.lock().unwrap().push(Seen {
                        at,
                        status,
                        decision,
                    });
                }
            })
        });
        let threads = threads.collect();
        Self {
            stop,
            seen,
            threads,
        }
    }

    /// The answers since then.
    pub(crate) fn since(&self, then: Instant) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.at >= then)
            .cloned()
            .collect()
    }

    /// Whether every answer so far satisfies this.
    pub(crate) fn all(&self, holds: impl Fn(&Seen) -> bool) -> bool {
        self.seen.lock().unwrap().iter().all(holds)
    }

    /// Waits until this many answers in a row have come that satisfy this.
    pub(crate) fn wait_for_row(&self, what: &str, length: usize, holds: impl Fn(&Seen) -> bool) {
        let start = Instant::now();
        eventually(what, || {
            let seen = self.since(start);
            let row = seen.iter().rev().take_while(|seen| holds(seen)).count();
            (row >= length).then_some(())
        });
    }

    /// Waits until some answer satisfies this.
    pub(crate) fn wait_for(&self, what: &str, holds: impl Fn(&Seen) -> bool) {
        self.wait_for_row(what, 1, holds);
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| {
            let _ = thread.join();
        });
    }
}
