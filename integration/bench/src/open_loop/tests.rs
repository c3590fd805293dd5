use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};

use super::*;

#[test]
fn requests_are_due_at_even_intervals_over_all_connections() {
    let schedule = Schedule::new(500, Duration::from_millis(250));
    let mut due: Vec<_> = (0..CONNECTIONS).flat_map(|at| schedule.of(at)).collect();
    due.sort_unstable();
    let even: Vec<_> = (0..125)
        .map(|number| (number, Duration::from_millis(2) * number))
        .collect();
    assert_eq!(due, even);
}

#[test]
fn a_latency_counts_from_when_the_request_was_due() {
    let answer = Answer {
        due: Duration::from_millis(40),
        received: Duration::from_millis(340),
        blue: true,
    };
    assert_eq!(answer.latency(), Duration::from_millis(300));
}

/// A busy machine only makes latencies longer, so the test has lower bounds.
#[test]
fn a_pause_is_seen_by_every_request_that_was_due_during_it() {
    const PAUSE: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let server = thread::spawn(move || {
        let streams: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let mut stream = listener.accept().unwrap().0;
                answer(&mut stream);
                stream
            })
            .collect();
        let start: Instant = told.recv().unwrap();
        let serve = |mut stream: TcpStream| {
            while read(&mut stream) {
                let now = start.elapsed();
                if (PAUSE[0]..PAUSE[1]).contains(&now) {
                    thread::sleep(PAUSE[1] - now);
                }
                write(&mut stream);
            }
        };
        thread::scope(|scope| {
            for stream in streams {
                scope.spawn(move || serve(stream));
            }
        });
    });
    let schedule = Schedule::new(500, Duration::from_millis(600));
    let answers = run(address, schedule, |start| {
        tell.send(start).map_err(Error::other)
    })
    .unwrap();
    server.join().unwrap();

    assert_eq!(answers.len(), 300);
    assert!(answers.is_sorted_by_key(|answer| answer.due));
    // Each waits for what is left of the pause when it is due, so half of them wait for half of the pause or longer. A
    // client that waits for answers would have 32 such requests, one on each connection.
    for answer in &answers {
        if (PAUSE[0]..PAUSE[1]).contains(&answer.due) {
            assert!(answer.latency() >= PAUSE[1] - answer.due, "{answer:?}");
        }
    }
    let half = (PAUSE[1] - PAUSE[0]) / 2;
    let long = answers.iter().filter(|answer| answer.latency() >= half);
    assert!(long.count() >= 75);
}

fn answer(stream: &mut TcpStream) {
    assert!(read(stream));
    write(stream);
}

/// Reads one request; `false` at the end.
fn read(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    let mut filled = 0;
    while !buffer[..filled].ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer[filled..]).unwrap() {
            0 => return false,
            read => filled += read,
        }
    }
    true
}

fn write(stream: &mut TcpStream) {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nblue")
        .unwrap();
}
