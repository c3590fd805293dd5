//! The client that measures latencies: an open loop. A request is due at its time, whether earlier ones have been answered
//! or not, and its latency counts from then. So a pause of Envoy is seen by every request that was due during it, and not
//! only by the few that were in flight when it began (a client that waits for answers omits the others: "coordinated
//! omission").

use std::io::{self, Error, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::load::{connect, receive, request};

/// They take turns. While one still waits for an answer, its next request is sent late, but its latency counts all the same.
const CONNECTIONS: usize = 32;

/// The time until the first request is due: by then, all threads wait.
const LEAD: Duration = Duration::from_millis(50);

/// When requests are due, from the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    requests: u32,
}

/// One answer. Times count from the start of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) due: Duration,
    pub(crate) received: Duration,
    /// Whether blue answered.
    pub(crate) blue: bool,
}

impl Schedule {
    /// This many requests a second, evenly spread over this time.
    pub(crate) fn new(rate: u32, length: Duration) -> Self {
        let interval = Duration::from_secs(1) / rate;
        let requests = length.as_nanos() / interval.as_nanos();
        Self {
            interval,
            requests: u32::try_from(requests).unwrap_or(u32::MAX),
        }
    }

    /// The numbers of a connection's requests, and when they are due.
    fn of(self, connection: usize) -> impl Iterator<Item = (u32, Duration)> {
        (0..self.requests)
            .skip(connection)
            .step_by(CONNECTIONS)
            .map(move |number| (number, self.interval * number))
    }
}

impl Answer {
    pub(crate) fn latency(self) -> Duration {
        self.received.saturating_sub(self.due)
    }
}

/// Sends all requests, while the caller does something else with the time of the start. Returns the answers in the order in
/// which they were due.
pub(crate) fn run(
    listener: SocketAddr,
    schedule: Schedule,
    meanwhile: impl FnOnce(Instant) -> io::Result<()>,
) -> io::Result<Vec<Answer>> {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = connect(listener)?;
        // Not measured: it also opens a connection to the upstream.
        exchange(&mut stream, 0)?;
        streams.push(stream);
    }
    let start = Instant::now() + LEAD;
    let mut answers = thread::scope(|scope| {
        let clients: Vec<_> = streams
            .into_iter()
            .enumerate()
            .map(|(at, stream)| scope.spawn(move || send(stream, start, schedule.of(at))))
            .collect();
        let done = meanwhile(start);
        let mut answers = Vec::new();
        for client in clients {
            let of_client = client
                .join()
                .map_err(|_| Error::other("a client panicked"))?;
            answers.extend(of_client?);
        }
        done.map(|()| answers)
    })?;
    answers.sort_by_key(|answer| answer.due);
    Ok(answers)
}

/// Sleeps until this long after the start, or not at all if that has passed.
pub(crate) fn sleep_until(start: Instant, due: Duration) {
    thread::sleep((start + due).saturating_duration_since(Instant::now()));
}

fn send(
    mut stream: TcpStream,
    start: Instant,
    requests: impl Iterator<Item = (u32, Duration)>,
) -> io::Result<Vec<Answer>> {
    let mut answers = Vec::new();
    for (number, due) in requests {
        sleep_until(start, due);
        let blue = exchange(&mut stream, number)?;
        answers.push(Answer {
            due,
            received: start.elapsed(),
            blue,
        });
    }
    Ok(answers)
}

/// Whether blue answered.
fn exchange(stream: &mut TcpStream, number: u32) -> io::Result<bool> {
    stream.write_all(request(number as usize, false).as_bytes())?;
    receive(stream)
}

#[cfg(test)]
mod tests;
