//! The demo's own requests, about 200 a second.

use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use launch::http1::{Connection, Response};

use crate::window::{Outcome, Sample};

const CONNECTIONS: u32 = 4;
const PACE: Duration = Duration::from_millis(20);

/// Sends requests in the background for as long as the value lives.
#[derive(Debug)]
pub(crate) struct Load(Receiver<Sample>);

impl Load {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let (samples, received) = mpsc::channel();
        for _ in 0..CONNECTIONS {
            let samples = samples.clone();
            thread::spawn(move || {
                let mut connection = None;
                loop {
                    let at = Instant::now();
                    let outcome = request(address, &mut connection);
                    if samples.send(Sample { at, outcome }).is_err() {
                        return;
                    }
                    thread::sleep(PACE.saturating_sub(at.elapsed()));
                }
            });
        }
        Self(received)
    }

    /// The next answer, or `None` after the timeout.
    pub(crate) fn next(&self, timeout: Duration) -> Option<Sample> {
        self.0.recv_timeout(timeout).ok()
    }
}

/// Sends one request, on the previous connection if it still works.
fn request(address: SocketAddr, kept: &mut Option<Connection>) -> Outcome {
    let headers: [(&str, &[u8]); 2] = [
        ("accept", b"application/json"),
        ("user-agent", b"canary-demo"),
    ];
    let answered = kept
        .take()
        .map_or_else(|| Connection::open(address), Ok)
        .and_then(|mut connection| Ok((connection.get("/color", &headers)?, connection)));
    let Ok((response, connection)) = answered else {
        return Outcome::Error;
    };
    *kept = Some(connection);
    outcome(&response)
}

fn outcome(response: &Response) -> Outcome {
    let body: Option<serde_json::Value> = serde_json::from_str(&response.body).ok();
    match body.as_ref().and_then(|body| body["color"].as_str()) {
        Some("blue") if response.status == 200 => Outcome::Blue,
        Some("green") if response.status == 200 => Outcome::Green,
        _ => Outcome::Error,
    }
}
