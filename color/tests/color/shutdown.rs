//! How the binary ends.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::support::{Answer, Running};
use rustix::process::Signal;

/// Far shorter than the time for answers in progress.
const AT_ONCE: Duration = Duration::from_secs(3);

#[test]
fn both_signals_end_it_at_once_in_spite_of_idle_connections() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut color = Running::start("blue");
        let _unused = color.connect();
        let mut kept = color.connect();
        kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: color\r\n\r\n")
            .unwrap();
        assert_ne!(kept.read(&mut [0; 1024]).unwrap(), 0);

        let start = Instant::now();
        color.signal(signal);
        assert_eq!(color.ended().code(), Some(0), "{signal:?}");
        assert!(
            start.elapsed() < AT_ONCE,
            "{signal:?}: {:?}",
            start.elapsed()
        );
    }
}

#[test]
fn a_request_in_progress_gets_its_whole_answer() {
    let request = b"POST /color HTTP/1.1\r\nhost: color\r\ncontent-length: 10\r\n\r\n0123456789";
    // In the middle of the head, and of the body.
    for sent in [20, request.len() - 5] {
        let mut color = Running::start("blue");
        let (before, after) = request.split_at(sent);
        let mut stream = color.connect();
        stream.write_all(before).unwrap();
        // The answer to a later connection shows that the server has accepted this one.
        color.ask("GET /healthz", &[]);

        color.signal(Signal::TERM);
        color.refuses();
        stream.write_all(after).unwrap();
        Answer::read_to_end(stream).assert_page();
        assert_eq!(color.ended().code(), Some(0));
    }
}

#[test]
fn a_request_that_never_ends_does_not_keep_it_running() {
    let mut color = Running::start("blue");
    let mut stream = color.connect();
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: color\r\ncontent-length: 10\r\n\r\n")
        .unwrap();
    color.ask("GET /healthz", &[]);
    let start = Instant::now();
    color.signal(Signal::TERM);
    assert_eq!(color.ended().code(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}
